import type { AuthFile, AuthFileProblem } from '../accounts/auth-file/auth-file.ts';
import { escapeForeign } from '../log/escape.ts';
import type { Logger } from '../log/logger.ts';
import type { Login } from '../providers/login.ts';
import { clientOfFile } from '../upstreamauth/client-identity.ts';

/**
 * Files whose tokens nobody knows the OAuth client of: a refresh token is good for that client alone (RFC 6749 §6), so they
 * serve until their access token ends (clarification 2).
 */
export function findMissingClients(logins: readonly Login[], files: readonly AuthFile[]): readonly AuthFileProblem[] {
  const byName = new Map(files.map((file) => [file.name, file] as const));
  return logins.flatMap(({ source, disabled, profile, fileNames }) => {
    const file = byName.get(fileNames[0] ?? '');
    if (source !== 'refresh-token' || disabled || file === undefined || file.tokens.refreshToken === undefined) return [];
    if (clientOfFile(profile, file, file.tokens) !== undefined) return [];
    return [{ name: file.name, code: 'no_client', severity: 'warning', message: `Neither it nor the config names the OAuth client that its tokens belong to, so it serves only until its token ends: add \`oauth.${profile.name}.client-id\` to the config.` }];
  });
}

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
