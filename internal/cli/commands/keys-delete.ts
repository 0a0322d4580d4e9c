import { reportRefusal } from '../accounts/report-refusal.ts';
import { askKeys, textOf, type KeysFlags } from '../keys/ask-keys.ts';
import { findKey } from '../keys/find-key.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { printable } from '../table.ts';

/** Ends a key as `revoke` does and forgets it. */
export async function deleteKey(cli: CliProcess, named: string, flags: KeysFlags): Promise<number> {
  const key = await findKey(cli, flags, named);
  if (!key.ok) return reportRefusal(cli, flags.json, key.error);
  const gone = await askKeys(cli, flags, `/${encodeURIComponent(textOf(key.value, 'id'))}`, { method: 'DELETE' });
  if (!gone.ok) return reportRefusal(cli, flags.json, gone.error);
  if (flags.json) {
    cli.stdout.write(`${JSON.stringify(gone.value)}\n`);
    return exitCodes.ok;
  }
  cli.stdout.write(`${printable(textOf(key.value, 'name'))} (${printable(textOf(gone.value, 'id'))}) is deleted: its text is as unknown as any other from now on.\n`);
  const { revoked_count: count } = gone.value;
  if (typeof count === 'number' && count > 0) cli.stdout.write(`Keys minted from it, which are revoked with it: ${count}.\n`);
  return exitCodes.ok;
}
