import { randomToken } from '../../secret/digest.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';

export interface KeysGenerateFlags {
  readonly count: number;
  readonly json: boolean;
}

/** A client key: `kw_` and 256 random bits. The prefix lets secret scanners and people tell what leaked. */
export function generateClientKey(): string {
  return `kw_${randomToken(32)}`;
}

/** Prints fresh static keys, one a line, and stores nothing. */
export function generateKeys(cli: CliProcess, flags: KeysGenerateFlags): number {
  const keys = Array.from({ length: flags.count }, generateClientKey);
  cli.stdout.write(flags.json ? `${JSON.stringify({ keys })}\n` : `${keys.join('\n')}\n`);
  if (cli.stdoutIsTerminal && !flags.json) cli.stderr.write('\nNothing was stored. Add a key to `api-keys` in config.yaml; a running daemon takes it up within two seconds.\n');
  return exitCodes.ok;
}
