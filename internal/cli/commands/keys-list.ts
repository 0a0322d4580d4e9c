import { reportRefusal } from '../accounts/report-refusal.ts';
import { askKeys, recordsOf, textOf, type KeyAnswer, type KeysFlags } from '../keys/ask-keys.ts';
import { minute } from '../keys/print-key.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { formatColumns } from '../table.ts';

export interface KeysListFlags extends KeysFlags {
  readonly owner?: string;
  readonly tag?: string;
  readonly status?: string;
}

const heads = ['id', 'name', 'owner', 'status', 'key', 'expires', 'last used', 'from'];

/** Prints every managed key, newest first. */
export async function listKeys(cli: CliProcess, flags: KeysListFlags): Promise<number> {
  const keys: KeyAnswer[] = [];
  const { owner, tag, status } = flags;
  const filters = Object.entries({ owner, tag, status }).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  for (let after = ''; ; ) {
    const query = new URLSearchParams({ ...Object.fromEntries(filters), limit: '1000', ...(after === '' ? {} : { after }) });
    const page = await askKeys(cli, flags, `?${query.toString()}`, { method: 'GET' });
    if (!page.ok) return reportRefusal(cli, flags.json, page.error);
    keys.push(...recordsOf(page.value, 'keys'));
    after = textOf(page.value, 'next_after');
    if (after === '') break;
  }
  if (flags.json) cli.stdout.write(`${JSON.stringify({ keys })}\n`);
  else if (keys.length === 0) cli.stdout.write(filters.length === 0 ? 'There are no managed keys yet; `keyward keys create <name>` makes one.\n' : 'No managed key is like that.\n');
  else cli.stdout.write(formatColumns([heads, ...keys.map(rowOf)]));
  return exitCodes.ok;
}

function rowOf(key: KeyAnswer): readonly string[] {
  const ends = key['never_expires'] === true ? 'never' : minute(textOf(key, 'expires_at'));
  return [textOf(key, 'id'), textOf(key, 'name'), textOf(key, 'owner'), textOf(key, 'status'), textOf(key, 'hint'), ends, minute(textOf(key, 'last_used_at')), textOf(key, 'last_used_from')].map((cell) => (cell === '' ? '–' : cell));
}
