import { readFileSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { err, ok, type Result } from '../../fault/result.ts';
import type { OpenAccountStore, StoreRefusal } from '../accounts/account-store.ts';
import { openAccountStore } from '../accounts/open-account-store.ts';
import { reportRefusal } from '../accounts/report-refusal.ts';
import { isRecord } from '../control.ts';
import type { CliProcess } from '../process-env.ts';
import { exitCodes } from '../run.ts';
import { printable } from '../table.ts';

export interface AccountsImportFlags {
  readonly config?: string;
  readonly json: boolean;
  readonly location?: string;
  readonly prefix?: string;
  readonly replace: boolean;
}

/** Auth files are at most this long (contract §13). */
const maxFileBytes = 262_144;

/** Stores an auth file, or with `vertex` as `kind` a service account; checked whole before anything is written. */
export async function importAccount(cli: CliProcess, kind: 'vertex' | 'file', path: string, flags: AccountsImportFlags, open: OpenAccountStore = openAccountStore(cli)): Promise<number> {
  const text = readAccountFile(resolve(cli.cwd, path));
  if (!text.ok) return reportRefusal(cli, flags.json, text.error);
  const objection = judgeText(path, kind, text.value);
  if (objection !== undefined) return reportRefusal(cli, flags.json, { code: 'invalid_auth_file', message: objection });
  const store = await open(flags.config);
  if (!store.ok) return reportRefusal(cli, flags.json, store.error);
  try {
    const imported =
      kind === 'vertex'
        ? await store.value.importVertex(text.value, { location: flags.location ?? '', prefix: flags.prefix ?? '' })
        : await store.value.importFile(basename(path), text.value, { mayReplace: flags.replace });
    if (!imported.ok) return reportRefusal(cli, flags.json, imported.error);
    const { file, account } = imported.value;
    if (flags.json) cli.stdout.write(`${JSON.stringify({ status: 'ok', file, account })}\n`);
    else cli.stdout.write(`Imported ${account === '' ? 'an account' : printable(account)} as ${printable(file)}. The file you gave stays where it is; it holds secrets.\n`);
    return exitCodes.ok;
  } finally {
    await store.value.close();
  }
}

function readAccountFile(path: string): Result<string, StoreRefusal> {
  const refuse = (message: string): Result<never, StoreRefusal> => err({ code: 'invalid_auth_file', message: `${path} ${message}; nothing was imported.` });
  try {
    const stats = statSync(path);
    if (!stats.isFile()) return refuse('is not a file');
    if (stats.size > maxFileBytes) return refuse('is larger than 256 kB, which no account file is');
    return ok(readFileSync(path, 'utf8'));
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown error';
    return refuse(code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`);
  }
}

/** What either store would say too, in the words of this command; undefined leaves the rest to them. */
function judgeText(path: string, kind: 'vertex' | 'file', text: string): string | undefined {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return `${path} is not valid JSON; nothing was imported.`;
  }
  if (kind === 'file' && isRecord(content) && content['type'] === 'service_account') return `This is a service account’s key file; \`keyward accounts import vertex ${path}\` takes it.`;
  return undefined;
}
