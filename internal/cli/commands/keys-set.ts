import { reportRefusal } from '../accounts/report-refusal.ts';
import { isRecord } from '../control.ts';
import { askKeys, textOf, type KeyAnswer, type KeysFlags } from '../keys/ask-keys.ts';
import { findKey } from '../keys/find-key.ts';
import { bodyOf, membersOfOption, type ClearableOption, type KeyFlags } from '../keys/key-flags.ts';
import { printKey } from '../keys/print-key.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';

export interface KeysSetFlags extends KeysFlags, KeyFlags {
  readonly name?: string;
  readonly clear?: readonly ClearableOption[];
}

type Json = Readonly<Record<string, unknown>>;

/** Changes what is said of a key and leaves the rest; its text stays. */
export async function setKey(cli: CliProcess, named: string, flags: KeysSetFlags): Promise<number> {
  const { name, clear = [] } = flags;
  const said = { ...bodyOf(flags), ...(name === undefined ? {} : { name }) };
  if (Object.keys(said).length + clear.length === 0) return reportRefusal(cli, flags.json, { code: 'invalid_request', message: 'Nothing to change was said; `keyward keys set --help` lists what can be.' });
  const key = await findKey(cli, flags, named);
  if (!key.ok) return reportRefusal(cli, flags.json, key.error);
  const changed = await askKeys(cli, flags, `/${encodeURIComponent(textOf(key.value, 'id'))}`, { method: 'PATCH', body: withPresentBudgets(key.value, said, clear) });
  if (!changed.ok) return reportRefusal(cli, flags.json, changed.error);
  printKey(cli, flags.json, changed.value);
  return exitCodes.ok;
}

/** The daemon takes a budget as a whole; here one bound of it is said, and the others stay. */
function withPresentBudgets(key: KeyAnswer, said: Json, clear: readonly ClearableOption[]): Json {
  const limits = isRecord(key['limits']) ? key['limits'] : {};
  const body: Record<string, unknown> = { ...said };
  const budgetIn = (member: string): Json => ({ ...present(limits[member]), ...present(body[member]) });
  for (const member of ['daily_budget', 'monthly_budget']) if (body[member] !== undefined) body[member] = budgetIn(member);
  for (const option of clear) {
    const [member, bound] = membersOfOption[option];
    if (bound === undefined) {
      body[member] = emptyOf(option);
      continue;
    }
    const left = Object.entries(budgetIn(member)).filter(([name]) => name !== bound);
    body[member] = left.length === 0 ? null : Object.fromEntries(left);
  }
  return body;
}

function present(value: unknown): Json {
  return isRecord(value) ? value : {};
}

function emptyOf(option: ClearableOption): unknown {
  return option === 'tags' ? [] : option === 'owner' || option === 'purpose' ? '' : null;
}
