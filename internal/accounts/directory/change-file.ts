import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../../fault/result.ts';
import type { DurableWriteFault, PreparedWrite } from '../../files/prepared-write.ts';
import { errorCode } from '../../files/synced-file.ts';
import { escapeForeign } from '../../log/escape.ts';
import type { Logger } from '../../log/logger.ts';
import { sha256Hex } from '../../secret/digest.ts';
import { describeFile, type DecodedFile } from '../auth-file/decode.ts';
import { encodeMembers, pinned } from '../auth-file/encode.ts';
import { applyChanges } from '../auth-file/members.ts';
import type { MemberChange } from '../auth-file/patch.ts';
import { decodeContext } from './decode-on-disk.ts';
import { ownPathsOf } from './paths.ts';
import type { FileFault } from './ports.ts';
import { maxFileBytes } from './read-file.ts';
import { readOverwritten, readWritable, type Base, type SteadyDeps } from './steady-read.ts';

export interface ChangeDeps extends SteadyDeps {
  readonly log: Logger;
}

/** What is to become of a file; asked again whenever the file turns out to have changed. `isRepeat`: after it was written once, to unite it with an editor's save. */
export type DecideChange<F> = (current: DecodedFile, isRepeat: boolean) => Result<readonly MemberChange[], F>;

/** Old versions kept of each file. */
export const keptVersions = 3;
/** Whoever saves at each of our tries is no editor. */
const maxTries = 100;

/**
 * Reads a file, changes members of it and puts it back durably, again and again until nobody interfered: what an editor
 * saves meanwhile is the base of the next try, and what it saves in the instant of the rename is found by its inode and
 * united with the change. Old versions go to `.keyward/backups`. The caller holds the write lock.
 */
export async function changeFile<F>(deps: ChangeDeps, name: string, prepared: PreparedWrite, decide: DecideChange<F>): Promise<Result<DecodedFile, FileFault | F>> {
  const backup = await makeBackupPath(deps.path, name);
  let base = await readWritable(deps, name);
  let isRepeat = false;
  let generations = keptVersions;
  for (let tries = 1; base.ok; tries++) {
    const next = await decideNext(deps, base.value, decide, isRepeat);
    if (!next.ok) return next;
    const { decoded, bytes } = next.value;
    if (decoded.file.hash === base.value.diskHash) return ok(decoded);
    const committed = await prepared.commit(bytes, { expectedHash: base.value.diskHash, backup, generations });
    if (!committed.ok && committed.error.kind === 'not_writable' && generations > 0) {
      // What is to be written weighs more than what is to be kept.
      generations = 0;
      continue;
    }
    if (!committed.ok && (committed.error.kind !== 'changed' || tries >= maxTries)) return err(describeWriteFault(name, committed.error));
    if (!committed.ok) {
      base = await readWritable(deps, name);
      continue;
    }
    if (committed.value.overwritten === undefined || tries >= maxTries) return ok(decoded);
    const overwritten = await readOverwritten(deps, name, backup);
    if (overwritten === undefined) deps.log.warn({ file: escapeForeign(name), backup }, 'a save of an account file was overwritten, and is kept as its old version since it cannot be read');
    if (overwritten === undefined) return ok(decoded);
    base = ok({ decoded: overwritten, diskHash: decoded.file.hash });
    isRepeat = true;
  }
  return base;
}

/** The file with the change made, its identity kept, sealed where files are; as it is, without bytes, where nothing is to change. */
async function decideNext<F>(deps: ChangeDeps, { decoded: current }: Base, decide: DecideChange<F>, isRepeat: boolean): Promise<Result<{ readonly decoded: DecodedFile; readonly bytes: Buffer }, FileFault | F>> {
  const changes = decide(current, isRepeat);
  if (!changes.ok) return changes;
  const { file } = current;
  if (changes.value.length === 0 && !isRepeat) return ok({ decoded: current, bytes: Buffer.alloc(0) });
  const members = pinned(applyChanges(current.members, changes.value), current);
  const context = decodeContext(deps);
  const bytes = await encodeMembers(members, file, context);
  if (!bytes.ok) return err({ kind: 'not_writable', message: bytes.error });
  // Nobody would read it again.
  if (bytes.value.length > maxFileBytes) return err({ kind: 'not_writable', message: `${escapeForeign(file.name)} would be larger than ${maxFileBytes / 1_024} kB.` });
  const about = { ...file, hash: sha256Hex(bytes.value), sizeBytes: bytes.value.length, modifiedAtMs: deps.clock.nowMs(), isSealed: context.mode !== 'off' };
  return ok({ decoded: describeFile(members, about), bytes: bytes.value });
}

/** Where the file's last version goes; the folder is made where it is missing. */
export async function makeBackupPath(authDir: string, name: string): Promise<string> {
  const { backups } = ownPathsOf(authDir);
  await mkdir(backups, { recursive: true, mode: 0o700 }).catch(() => undefined);
  return join(backups, name);
}

export function describeWriteFault(name: string, { kind, cause }: DurableWriteFault): FileFault {
  const file = escapeForeign(name);
  switch (kind) {
    case 'link':
      return { kind: 'read_only', message: `${file} is a link, which Keyward reads but never writes.` };
    case 'not_regular':
      return { kind: 'read_only', message: `${file} is no regular file.` };
    case 'changed':
      return { kind: 'not_writable', message: `${file} is being changed by another program all the time.` };
    case 'not_writable':
      return { kind: 'not_writable', message: `${file} cannot be written (${errorCode(cause) || 'unknown error'}).` };
  }
}
