import { reportRefusal } from '../accounts/report-refusal.ts';
import type { KeysFlags } from '../keys/ask-keys.ts';
import { findKey } from '../keys/find-key.ts';
import { printKey } from '../keys/print-key.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';

/** Prints all that is known of a managed key; its text is not. */
export async function showKey(cli: CliProcess, named: string, flags: KeysFlags): Promise<number> {
  const key = await findKey(cli, flags, named);
  if (!key.ok) return reportRefusal(cli, flags.json, key.error);
  printKey(cli, flags.json, key.value);
  return exitCodes.ok;
}
