import { join } from 'node:path';
import { err, ok, type Result } from '../../fault/result.ts';
import { prepareDurableWrite, type PreparedWrite } from '../../files/prepared-write.ts';
import { escapeForeign } from '../../log/escape.ts';
import type { AuthFile } from '../auth-file/auth-file.ts';
import type { TokenSet } from '../token-set.ts';
import { keepsIdentity } from '../auth-file/encode.ts';
import { checkFileName } from '../auth-file/name.ts';
import { tokenChanges } from '../auth-file/token-changes.ts';
import { changeFile, describeWriteFault, makeBackupPath, type ChangeDeps, type DecideChange } from './change-file.ts';
import type { FileFault, Reservation, TokenFields, TokenWriter } from './ports.ts';
import { maxFileBytes } from './read-file.ts';
import { readSteadily, readWritable } from './steady-read.ts';
import type { WriteLock } from './write-lock.ts';

export interface WriterDeps extends ChangeDeps {
  readonly lock: WriteLock;
  /** Shows the directory's readers what was written. */
  readonly noteWritten: (name: string) => Promise<void>;
}

/** What new tokens and what a vendor says beside them may add to a file. */
const growthBytes = 32 * 1_024;

/** Readers have others waiting behind them; what a file means to be is asked again at the commit. */
const readPatienceMs = 200;

/** The writer of token fields: operator and unknown fields stay as they stand at the moment of the write. */
export function createTokenWriter(deps: WriterDeps): TokenWriter {
  return {
    read: async (name) => {
      const read = await readSteadily(deps, name, readPatienceMs);
      return read.ok ? ok(read.value.decoded.file) : read;
    },
    reserve: async (name) => {
      const checked = checkFileName(name);
      if (!checked.ok) return err({ kind: 'missing', message: `There is no account file of this name: it ${checked.error}.` });
      const ready = await checkReady(deps, name);
      if (!ready.ok) return ready;
      const prepared = await prepareDurableWrite(join(deps.path, name), { room: ready.value + growthBytes });
      return prepared.ok ? ok(reservationOf(deps, name, prepared.value)) : err(describeWriteFault(name, prepared.error));
    },
  };
}

/** All that could keep new tokens from being written is found out before the old ones are risked. The value is the file's size. */
async function checkReady(deps: WriterDeps, name: string): Promise<Result<number, FileFault>> {
  const read = await readWritable(deps, name);
  if (!read.ok) return read;
  const { sizeBytes } = read.value.decoded.file;
  if (sizeBytes + growthBytes > maxFileBytes) return err({ kind: 'not_writable', message: `${escapeForeign(name)} has no room for new tokens below the limit of ${maxFileBytes / 1_024} kB.` });
  const keys = await deps.keyring.read();
  if (!keys.ok) return err({ kind: 'not_writable', message: keys.error.message });
  // Whoever cannot lock cannot commit either.
  const locked = await deps.lock.run(() => makeBackupPath(deps.path, name));
  return locked.ok ? ok(sizeBytes) : err({ kind: 'not_writable', message: `${escapeForeign(name)} cannot be written: ${locked.error}.` });
}

function reservationOf(deps: WriterDeps, name: string, prepared: PreparedWrite): Reservation {
  return {
    commit: async (fields, mayReplace = () => true) => {
      const locked = await deps.lock.run(() => changeFile(deps, name, prepared, decideTokens(fields, mayReplace)));
      if (!locked.ok) return err({ kind: 'not_writable', message: `${escapeForeign(name)} cannot be written: ${locked.error}.` });
      return shown(deps, name, locked.value);
    },
    release: () => prepared.discard(),
  };
}

/** A refresh never makes another account of a file: facts that would are left out. */
function decideTokens(fields: TokenFields, mayReplace: (present: TokenSet) => boolean): DecideChange<never> {
  return (current) => {
    if (!mayReplace(current.file.tokens)) return ok([]);
    const changes = tokenChanges(current.members, fields);
    return ok(keepsIdentity(current, changes) ? changes : tokenChanges(current.members, { tokens: fields.tokens }));
  };
}

async function shown<F>(deps: WriterDeps, name: string, changed: Result<{ readonly file: AuthFile }, F>): Promise<Result<AuthFile, F>> {
  if (!changed.ok) return changed;
  await deps.noteWritten(name);
  return ok(changed.value.file);
}
