import { reportRefusal } from '../accounts/report-refusal.ts';
import { askManagement, type AskingFlags, type ManagementAnswer } from '../ask-management.ts';
import { textOf } from '../keys/ask-keys.ts';
import { minute } from '../keys/print-key.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { formatColumns, printable } from '../table.ts';

export interface ApproveFlags extends AskingFlags {
  readonly name?: string;
  readonly yes: boolean;
  readonly deny: boolean;
}

/** Prints a one-time code for the approval page; with a user code, shows whose login it is and approves or denies it. */
export async function approve(cli: CliProcess, userCode: string | undefined, flags: ApproveFlags): Promise<number> {
  return userCode === undefined ? makeCode(cli, flags) : decide(cli, userCode, flags);
}

async function makeCode(cli: CliProcess, flags: ApproveFlags): Promise<number> {
  if (flags.deny || flags.yes) return reportRefusal(cli, flags.json, { code: 'invalid_request', message: '--yes and --deny go with a user code: `keyward approve ABCD-EFGH --yes`.' });
  const made = await askManagement(cli, flags, '/approval-codes', { method: 'POST', body: vouchFor(cli, flags) });
  if (!made.ok) return reportRefusal(cli, flags.json, made.error);
  if (flags.json) {
    cli.stdout.write(`${JSON.stringify(made.value)}\n`);
    return exitCodes.ok;
  }
  cli.stderr.write(`Type this code on the approval page. It signs you in there once, until ${minute(textOf(made.value, 'expires_at'))}:\n`);
  cli.stdout.write(`${textOf(made.value, 'code')}\n`);
  return exitCodes.ok;
}

async function decide(cli: CliProcess, userCode: string, flags: ApproveFlags): Promise<number> {
  const path = `/device-codes/${encodeURIComponent(userCode.trim().toUpperCase())}`;
  const pending = await askManagement(cli, flags, path, { method: 'GET' });
  if (!pending.ok) return reportRefusal(cli, flags.json, pending.error.code === 'item_not_found' ? { code: 'item_not_found', message: `No login waits with the code ${userCode}: it was mistyped, was decided before, or has ended.` } : pending.error);
  if (!flags.json) cli.stderr.write(describe(pending.value));
  const decision = flags.deny ? 'deny' : flags.yes ? 'approve' : await ask(cli, flags);
  if (decision === undefined) return exitCodes.usage;
  const decided = await askManagement(cli, flags, `${path}/${decision}`, { method: 'POST', body: vouchFor(cli, flags) });
  if (!decided.ok) return reportRefusal(cli, flags.json, decided.error);
  if (flags.json) cli.stdout.write(`${JSON.stringify({ status: decision === 'approve' ? 'approved' : 'denied', ...pending.value })}\n`);
  else cli.stdout.write(decision === 'approve' ? 'Approved: the login goes on where it was started.\n' : 'Denied: the login is over.\n');
  return exitCodes.ok;
}

function describe(pending: ManagementAnswer): string {
  const scopes = Array.isArray(pending['scopes']) ? pending['scopes'].map(String).join(' ') : textOf(pending, 'scopes');
  const rows = [
    ['client', [textOf(pending, 'client_name'), textOf(pending, 'client_id')].filter((each) => each !== '').join(', ')],
    ['asks for', scopes],
    ['from', textOf(pending, 'requested_from')],
    ['since', minute(textOf(pending, 'requested_at'))],
    ['until', minute(textOf(pending, 'expires_at'))],
  ];
  return `A login waits for approval:\n\n${formatColumns(rows.map(([name = '', value = '']) => [name, printable(value) || '–']), '  ')}\nApprove only what you, or somebody you talk to now, has started.\n`;
}

async function ask(cli: CliProcess, flags: ApproveFlags): Promise<'approve' | undefined> {
  if (!cli.stdinIsTerminal || flags.json) {
    cli.stderr.write('keyward: approving needs a yes; add --yes (or --deny) where nobody can be asked\n');
    return undefined;
  }
  cli.stderr.write('Approve it? [y/N] ');
  const lines = cli.openLines({ isHidden: false });
  const answer = (await lines.next()) ?? '';
  lines.close();
  if (/^y(?:es)?$/i.test(answer.trim())) return 'approve';
  cli.stderr.write('Nothing was decided; `keyward approve <code> --deny` ends the login.\n');
  return undefined;
}

/** Whom the login is of: as said, else the user at the terminal. The daemon says `operator` where neither tells. */
function vouchFor({ env }: CliProcess, { name = env['SUDO_USER'] ?? env['USER'] ?? env['LOGNAME'] ?? env['USERNAME'] }: ApproveFlags): object {
  return name === undefined || name === '' ? {} : { name };
}
