import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../fault/app-error.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { prepareDurableWrite } from '../../files/prepared-write.ts';
import { escapeForeign } from '../../log/escape.ts';
import { sha256Hex } from '../../secret/digest.ts';
import type { AuthFile } from '../auth-file/auth-file.ts';
import { describeFile, type DecodedFile } from '../auth-file/decode.ts';
import { encodeMembers } from '../auth-file/encode.ts';
import { applyChanges, membersOf, type Members } from '../auth-file/members.ts';
import { nameNewFile } from '../auth-file/name.ts';
import { tokenChanges } from '../auth-file/token-changes.ts';
import { changeFile, describeWriteFault, type ChangeDeps } from './change-file.ts';
import { decodeContext } from './decode-on-disk.ts';
import { faultError } from './fault-error.ts';
import type { FileTable } from './file-table.ts';
import type { FileFault, NewLogin } from './ports.ts';
import { writeWhole } from './put-file.ts';

export interface StoreDeps extends ChangeDeps {
  readonly table: FileTable;
  /** A sweep of the directory now. */
  readonly scan: () => Promise<void>;
}

/**
 * Keeps what a login brought: in the file of the same account where there is one, whose name, operator and unknown fields
 * stay; else in a new file. The caller holds the write lock, so that two logins of one account cannot both make one.
 */
export async function storeLogin(deps: StoreDeps, login: NewLogin): Promise<Result<AuthFile, AppError>> {
  const fresh = describeLogin(deps, login);
  if (fresh === undefined) return err(new AppError('invalid_auth_file', { message: `There is no login for files of the type "${escapeForeign(login.type, 40)}".` }));
  // Another process may have stored the same login a moment ago.
  await deps.scan();
  const known = findAccount(deps.table, fresh);
  if (known === undefined) return makeFile(deps, login.suggestedName, fresh);
  const updated = await updateFile(deps, known, login);
  return updated.ok ? ok(updated.value.file) : err(faultError(updated.error));
}

/** Whether a file of the login's account was there when the directory was last looked at. */
export function knowsLogin(deps: Pick<StoreDeps, 'ofFileType' | 'clock' | 'table'>, login: NewLogin): boolean {
  const fresh = describeLogin(deps, login);
  return fresh !== undefined && findAccount(deps.table, fresh) !== undefined;
}

function describeLogin(deps: Pick<StoreDeps, 'ofFileType' | 'clock'>, login: NewLogin): DecodedFile | undefined {
  const type = login.type.toLowerCase();
  const provider = deps.ofFileType(type)?.name;
  if (provider === undefined) return undefined;
  return describeFile(newMembers(type, login), { name: '', hash: '', sizeBytes: 0, modifiedAtMs: deps.clock.nowMs(), isWritable: true, isSealed: false, type, provider, identity: undefined });
}

/** The file of the same account, enabled ones first: known under the strongest name that the file itself has. */
function findAccount(table: FileTable, { file, candidates }: DecodedFile): AuthFile | undefined {
  const same = table.files().filter((each) => each.provider === file.provider && each.isWritable && isSameAccount(each, table.candidatesOf(each.name), candidates));
  return same.find(({ operator }) => !operator.disabled) ?? same[0];
}

/** A file with a workspace's id is only ever that workspace's, even where the e-mail is the same. */
function isSameAccount(known: AuthFile, knownAs: readonly string[], candidates: readonly string[]): boolean {
  const strongest = knownAs[0] ?? known.identity;
  return candidates.includes(strongest);
}

async function updateFile(deps: StoreDeps, { name }: AuthFile, login: NewLogin): Promise<Result<DecodedFile, FileFault>> {
  const prepared = await prepareDurableWrite(join(deps.path, name), { room: 0 });
  if (!prepared.ok) return err(describeWriteFault(name, prepared.error));
  try {
    return await changeFile<never>(deps, name, prepared.value, (current) => ok(tokenChanges(current.members, login)));
  } finally {
    await prepared.value.discard();
  }
}

async function makeFile(deps: StoreDeps, suggestedName: string, fresh: DecodedFile): Promise<Result<AuthFile, AppError>> {
  const bytes = await encodeMembers(fresh.members, fresh.file, decodeContext(deps));
  if (!bytes.ok) return err(faultError({ kind: 'not_writable', message: bytes.error }));
  const about = { ...fresh.file, hash: sha256Hex(bytes.value), sizeBytes: bytes.value.length, isSealed: deps.keyring.mode !== 'off' };
  for (;;) {
    // On a filesystem that does not tell letter case apart, such a file would be replaced.
    const taken = new Set((await readdir(deps.path).catch(() => [])).map((each) => each.toLowerCase()));
    const name = nameNewFile(suggestedName, (each) => taken.has(each.toLowerCase()));
    const written = await writeWhole(deps.path, name, bytes.value, 'absent');
    if (written.ok) return ok(describeFile(fresh.members, { ...about, name }).file);
    if (written.error.kind !== 'changed') return err(faultError(describeWriteFault(name, written.error)));
  }
}

function newMembers(type: string, login: NewLogin): Members {
  const head = membersOf(`{\n  "type": ${JSON.stringify(type)}\n}\n`);
  if (!head.ok) throw new TypeError(head.error);
  const changes = tokenChanges(head.value, login);
  return applyChanges(head.value, login.isDisabled ? [...changes, { path: ['disabled'], json: 'true' }] : changes);
}
