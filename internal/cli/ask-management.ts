import { err, ok, type Result } from '../fault/result.ts';
import type { StoreRefusal } from './accounts/account-store.ts';
import { toDaemonRefusal, unexpectedAnswer } from './accounts/daemon-refusal.ts';
import { callDaemon, isRecord, type ControlCall } from './control.ts';
import { findControlSocket } from './data-dir.ts';
import type { CliProcess } from './process-env.ts';

export type ManagementAnswer = Readonly<Record<string, unknown>>;

/** What every command that asks the running daemon takes. */
export interface AskingFlags {
  readonly config?: string;
  readonly json: boolean;
}

/** One call below `/v0/management` of the running daemon. Errors: `config_missing`, and those of the daemon and its socket. */
export async function askManagement(cli: CliProcess, flags: AskingFlags, path: string, call: ControlCall): Promise<Result<ManagementAnswer, StoreRefusal>> {
  const socket = findControlSocket(cli, flags.config);
  if (!socket.ok) return err({ code: 'config_missing', message: socket.error });
  const answer = await callDaemon(socket.value, `/v0/management${path}`, call);
  if (!answer.ok) return err(toDaemonRefusal(answer.error, socket.value));
  return isRecord(answer.value) ? ok(answer.value) : err(unexpectedAnswer(socket.value));
}

const pageSize = 1_000;

/** Every item of a list that comes in pages by `next_after`. */
export async function askPages(cli: CliProcess, flags: AskingFlags, path: string, member: string, filters: Readonly<Record<string, string | undefined>>): Promise<Result<readonly ManagementAnswer[], StoreRefusal>> {
  const found: ManagementAnswer[] = [];
  const said = Object.fromEntries(Object.entries(filters).filter((pair): pair is [string, string] => pair[1] !== undefined));
  for (let after = ''; ; ) {
    const query = new URLSearchParams({ ...said, limit: String(pageSize), ...(after === '' ? {} : { after }) });
    const page = await askManagement(cli, flags, `${path}?${query.toString()}`, { method: 'GET' });
    if (!page.ok) return page;
    const { [member]: items, next_after: next } = page.value;
    found.push(...(Array.isArray(items) ? items.filter(isRecord) : []));
    if (typeof next !== 'string' || next === '') return ok(found);
    after = next;
  }
}
