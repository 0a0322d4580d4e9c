import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { printableLines } from '../table.ts';
import type { StoreRefusal } from './account-store.ts';

/** What the operator must change in the call or the config before another try makes sense. */
const usageCodes: ReadonlySet<string> = new Set(['login_not_offered', 'oauth_client_not_configured', 'invalid_config', 'invalid_request', 'ambiguous_match']);

/** The exit code that a refusal's code stands for (contract §2). */
export function exitCodeOf(code: string): number {
  return usageCodes.has(code) ? exitCodes.usage : exitCodes.failed;
}

/** Prints a refusal, with `--json` as the one document of the command; returns the exit code. */
export function reportRefusal(cli: CliProcess, isJson: boolean, { code, message }: StoreRefusal): number {
  if (isJson) cli.stdout.write(`${JSON.stringify({ status: 'error', code, message })}\n`);
  else cli.stderr.write(`keyward: ${printableLines(message)}\n`);
  return exitCodeOf(code);
}
