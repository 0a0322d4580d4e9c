import { join } from 'node:path';
import { AppError } from '../../fault/app-error.ts';
import type { FaultCode } from '../../fault/codes.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { prepareDurableWrite, type PreparedWrite } from '../../files/prepared-write.ts';
import { escapeForeign } from '../../log/escape.ts';
import type { AuthFile } from '../auth-file/auth-file.ts';
import { toBytes } from '../auth-file/encode.ts';
import { readMembers } from '../auth-file/members.ts';
import { checkFileName } from '../auth-file/name.ts';
import { operatorChanges } from '../auth-file/operator-changes.ts';
import { plainSecrets } from '../auth-file/sealed-members.ts';
import { changeFile, describeWriteFault, type DecideChange } from './change-file.ts';
import { faultError } from './fault-error.ts';
import type { FileTable } from './file-table.ts';
import type { AccountWriter, FileFault } from './ports.ts';
import { putFile } from './put-file.ts';
import { readAuthFile } from './read-file.ts';
import { removeFile } from './remove-file.ts';
import { describeUnusable, readSteadily } from './steady-read.ts';
import { knowsLogin, storeLogin } from './store-login.ts';
import type { WriterDeps } from './token-writer.ts';

export interface AccountWriterDeps extends WriterDeps {
  readonly table: FileTable;
  /** A sweep of the directory now. */
  readonly scan: () => Promise<void>;
}

type Outcome<T> = Promise<Result<T, AppError>>;

/** The writer of operator fields, whole files and removals; each holds the directory's write lock. */
export function createAccountWriter(deps: AccountWriterDeps): AccountWriter {
  async function locked<T>(work: () => Outcome<T>): Outcome<T> {
    const result = await deps.lock.run(work);
    return result.ok ? result.value : refuse('auth_file_not_writable', `The account file cannot be written: ${result.error}.`);
  }

  async function shown(written: Outcome<AuthFile>): Outcome<AuthFile> {
    const result = await written;
    if (result.ok) await deps.noteWritten(result.value.name);
    return result;
  }

  return {
    patch: (name, fields, expectedHash) =>
      shown(withName(name, (plain) => withPrepared(deps, plain, (prepared) => locked(async () => appResult(await changeFile(deps, plain, prepared, decidePatch(fields, expectedHash))))))),
    put: (name, text, options) => shown(withName(name, (plain) => locked(() => putFile(deps, plain, text, options)))),
    storeLogin: (login) => shown(locked(() => storeLogin(deps, login))),
    knows: (login) => knowsLogin(deps, login),
    remove: (name, expectedHash) =>
      withName(name, async (plain) => {
        const removed = await locked(() => removeFile(deps, plain, expectedHash));
        await deps.noteWritten(plain);
        return removed;
      }),
    download: (name, { isOpened }) => withName(name, (plain) => download(deps, plain, isOpened)),
  };
}

function refuse(code: FaultCode, message: string): Result<never, AppError> {
  return err(new AppError(code, { message }));
}

function withName<T>(name: string, use: (plain: string) => Outcome<T>): Outcome<T> {
  const checked = checkFileName(name);
  if (checked.ok) return use(checked.value);
  return Promise.resolve(refuse('invalid_auth_file', `The name of an account file ${checked.error}.`));
}

/** Space for a change is taken before the lock is. */
async function withPrepared<T>(deps: AccountWriterDeps, name: string, use: (prepared: PreparedWrite) => Outcome<T>): Outcome<T> {
  if (!deps.table.isKnown(name)) await deps.scan();
  if (!deps.table.isKnown(name)) return err(faultError(describeUnusable(name, { kind: 'missing' })));
  const present = await readSteadily(deps, name);
  if (!present.ok) return err(faultError(present.error));
  const prepared = await prepareDurableWrite(join(deps.path, name), { room: 0 });
  if (!prepared.ok) return err(faultError(describeWriteFault(name, prepared.error)));
  try {
    return await use(prepared.value);
  } finally {
    await prepared.value.discard();
  }
}

function decidePatch(fields: Readonly<Record<string, unknown>>, expectedHash: string | undefined): DecideChange<AppError> {
  return (current, isRepeat) => {
    // An editor's save in the instant of our own is united with it; it was not there to be read before.
    if (expectedHash !== undefined && !isRepeat && current.file.hash !== expectedHash) return refuse('precondition_failed', `${escapeForeign(current.file.name)} changed since it was read; read it again.`);
    const changes = operatorChanges(current.members, fields);
    return changes.ok ? changes : refuse('invalid_auth_file', `The change is not valid: ${changes.error}.`);
  };
}

function appResult(result: Result<{ readonly file: AuthFile }, FileFault | AppError>): Result<AuthFile, AppError> {
  if (result.ok) return ok(result.value.file);
  return err(result.error instanceof AppError ? result.error : faultError(result.error));
}

async function download(deps: WriterDeps, name: string, isOpened: boolean): Outcome<string> {
  const read = await readAuthFile(deps.path, name, deps.uid);
  if (read.kind === 'missing') return refuse('item_not_found', `${escapeForeign(name)} is not there.`);
  if (read.kind === 'refused') return refuse('invalid_auth_file', read.message);
  if (deps.keyring.mode === 'off') return ok(read.bytes.toString('utf8'));
  if (isOpened) {
    const present = await readSteadily(deps, name);
    if (!present.ok) return err(faultError(present.error));
    return ok(toBytes(present.value.decoded.members).toString('utf8'));
  }
  const members = readMembers(read.bytes);
  if (!members.ok || plainSecrets(members.value).length > 0) return refuse('invalid_auth_file', 'Encryption is on, and the file is not sealed as it should be; it is not given away as it is.');
  return ok(read.bytes.toString('utf8'));
}
