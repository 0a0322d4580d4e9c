import { reportRefusal } from '../accounts/report-refusal.ts';
import { askKeys, recordsOf, textOf, type KeysFlags } from '../keys/ask-keys.ts';
import { findKey } from '../keys/find-key.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { printable } from '../table.ts';

export interface KeysRevokeFlags extends KeysFlags {
  readonly oldText: boolean;
  readonly keepChildren: boolean;
}

/** Ends a key for good, with the exchanges that run by it and the keys it has minted; or the old text of a rotated one. */
export async function revokeKey(cli: CliProcess, named: string, flags: KeysRevokeFlags): Promise<number> {
  const key = await findKey(cli, flags, named);
  if (!key.ok) return reportRefusal(cli, flags.json, key.error);
  const body = flags.oldText ? { only: 'replaced' } : flags.keepChildren ? { children: 'transfer' } : {};
  const revoked = await askKeys(cli, flags, `/${encodeURIComponent(textOf(key.value, 'id'))}/revoke`, { method: 'POST', body });
  if (!revoked.ok) return reportRefusal(cli, flags.json, revoked.error);
  if (flags.json) cli.stdout.write(`${JSON.stringify(revoked.value)}\n`);
  else {
    const who = `${printable(textOf(revoked.value, 'name'))} (${printable(textOf(revoked.value, 'id'))})`;
    cli.stdout.write(flags.oldText ? `The old text of ${who} is refused from now on.\n` : `${who} is revoked: it is refused from now on, and what ran by it was ended.\n`);
    for (const child of recordsOf(revoked.value, 'children')) cli.stdout.write(`  ${printable(textOf(child, 'id'))}, which it had minted, is ${printable(textOf(child, 'status'))}\n`);
  }
  return exitCodes.ok;
}
