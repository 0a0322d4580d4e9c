import { reportRefusal } from '../accounts/report-refusal.ts';
import { askKeys, type KeysFlags } from '../keys/ask-keys.ts';
import { bodyOf, type KeyFlags } from '../keys/key-flags.ts';
import { printMadeKey } from '../keys/print-key.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';

export interface KeysCreateFlags extends KeysFlags, KeyFlags {
  readonly environment?: string;
  readonly minter?: string;
}

/** Makes a managed key and prints its text, which is kept nowhere. */
export async function createKey(cli: CliProcess, name: string, flags: KeysCreateFlags): Promise<number> {
  const { environment, minter } = flags;
  const body = { name, ...bodyOf(flags), ...(environment === undefined ? {} : { environment }), ...(minter === undefined ? {} : { minter }) };
  const made = await askKeys(cli, flags, '', { method: 'POST', body });
  if (!made.ok) return reportRefusal(cli, flags.json, made.error);
  printMadeKey(cli, flags.json, made.value, []);
  return exitCodes.ok;
}
