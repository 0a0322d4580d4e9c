import type { AuthFileProblem } from '../accounts/auth-file/auth-file.ts';
import { escapeForeign } from '../log/escape.ts';
import type { Logger } from '../log/logger.ts';

/** Logs each problem when it comes up, and again when it comes back. */
export function createProblemLog(log: Logger): (problems: readonly AuthFileProblem[]) => void {
  let said: ReadonlySet<string> = new Set();
  return (problems) => {
    const now = new Set<string>();
    for (const { name, code, severity, message } of problems) {
      const key = `${name}\n${code}\n${message}`;
      now.add(key);
      if (said.has(key)) continue;
      if (code === 'duplicate_of') log.info({ file: escapeForeign(name), code }, message);
      else log.warn({ file: escapeForeign(name), code, used: severity === 'warning' }, message);
    }
    said = now;
  };
}
