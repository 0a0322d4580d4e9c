import { reportRefusal } from '../accounts/report-refusal.ts';
import { askManagement, askPages, type AskingFlags, type ManagementAnswer } from '../ask-management.ts';
import { isRecord } from '../control.ts';
import { textOf } from '../keys/ask-keys.ts';
import { minute } from '../keys/print-key.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { formatColumns, printable } from '../table.ts';

export interface SessionsListFlags extends AskingFlags {
  readonly person?: string;
  readonly client?: string;
}

const heads = ['id', 'person', 'client', 'scopes', 'status', 'since', 'from', 'last used', 'from', 'until'];

/** Prints the logins of people that Keyward has issued tokens for. */
export async function listSessions(cli: CliProcess, flags: SessionsListFlags): Promise<number> {
  const listed = await askPages(cli, flags, '/sessions', 'sessions', { person: flags.person, client: flags.client });
  if (!listed.ok) return reportRefusal(cli, flags.json, listed.error);
  if (flags.json) cli.stdout.write(`${JSON.stringify({ sessions: listed.value })}\n`);
  else if (listed.value.length === 0) cli.stdout.write(flags.person === undefined && flags.client === undefined ? 'Nobody is logged in.\n' : 'No session is like that.\n');
  else cli.stdout.write(formatColumns([heads, ...listed.value.map(rowOf)]));
  return exitCodes.ok;
}

function rowOf(session: ManagementAnswer): readonly string[] {
  const person = isRecord(session['person']) ? session['person'] : {};
  const scopes = Array.isArray(session['scopes']) ? session['scopes'].map(String).join(' ') : textOf(session, 'scopes');
  const time = (name: string): string => {
    const text = textOf(session, name);
    return text === '' ? '' : minute(text);
  };
  const label = textOf(person, 'label') || textOf(person, 'id');
  return [textOf(session, 'id'), label, textOf(session, 'client_id'), scopes, textOf(session, 'status'), time('created_at'), textOf(session, 'created_from'), time('last_used_at'), textOf(session, 'last_used_from'), time('expires_at')].map((cell) => (cell === '' ? '–' : cell));
}

/** Ends logins: their tokens are refused from now on, and what ran by them is cut. Each id for itself; the first refusal ends it. */
export async function revokeSessions(cli: CliProcess, ids: readonly string[], flags: AskingFlags): Promise<number> {
  const ended: string[] = [];
  for (const id of ids) {
    const revoked = await askManagement(cli, flags, `/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' });
    if (!revoked.ok) {
      if (!flags.json) for (const each of ended) cli.stdout.write(`${printable(each)} is ended.\n`);
      return reportRefusal(cli, flags.json, revoked.error.code === 'item_not_found' ? { ...revoked.error, message: `There is no session ${id}; \`keyward sessions list\` shows what there is.` } : revoked.error);
    }
    ended.push(id);
  }
  if (flags.json) cli.stdout.write(`${JSON.stringify({ status: 'ok', ended })}\n`);
  else for (const id of ended) cli.stdout.write(`${printable(id)} is ended: its tokens are refused from now on, and what ran by it was cut.\n`);
  return exitCodes.ok;
}
