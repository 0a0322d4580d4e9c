import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock/clock.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import type { PreparedWrite } from '../../files/prepared-write.ts';
import { errorCode } from '../../files/synced-file.ts';
import { escapeForeign } from '../../log/escape.ts';
import type { Logger } from '../../log/logger.ts';
import { sha256Hex } from '../../secret/digest.ts';
import type { AuthFile } from '../auth-file/auth-file.ts';
import { decodeAuthFile, type DecodedFile } from '../auth-file/decode.ts';
import type { Members } from '../auth-file/members.ts';
import { changeMembers, type MemberChange } from '../auth-file/patch.ts';
import { membersOf } from '../auth-file/members.ts';
import { identityName } from '../auth-file/field-names.ts';
import { isOpaqueIdentity, pinnedIdentity } from '../auth-file/identity.ts';
import { sealMembers } from '../auth-file/sealed-members.ts';
import { decodeContext, readOnDisk, type DecodeDeps, type OnDisk } from './decode-on-disk.ts';
import { ownPathsOf } from './paths.ts';
import type { FileFault } from './ports.ts';

export interface ChangeDeps extends DecodeDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is to become of a file that is read; decided anew whenever the file turns out to have changed. */
export type Change<F> = (current: DecodedFile) => Result<readonly MemberChange[], F>;

/** Old versions kept of each file. */
export const keptVersions = 3;
/** An editor's dance of delete and create, or its half-written file, is waited for this long. */
const unsteadyMs = 1_200;
const pauseMs = 20;
/** An editor that saves at each of our tries is not to be believed; the last fault is returned then. */
const maxTries = 50;

/**
 * Reads a file, changes members of it and puts it back durably, again and again until nobody interfered: what an editor
 * saves meanwhile is the base of the next try, and what it saves in the instant of the rename is found in the backup and
 * united with the change. The caller holds the write lock.
 */
export async function changeFile<F>(deps: ChangeDeps, name: string, prepared: PreparedWrite, change: Change<F>): Promise<Result<AuthFile, FileFault | F>> {
  const backup = join(await backupFolder(deps), name);
  let current = await readSteadily(deps, name);
  for (let tries = 0; ; tries++) {
    if (!current.ok) return current;
    const next = await nextBytes(deps, current.value.decoded, change);
    if (!next.ok) return next;
    const { bytes } = next.value;
    if (bytes.equals(current.value.bytes)) return ok(current.value.decoded.file);
    const committed = await prepared.commit(bytes, { expectedHash: current.value.expectedHash, backup, generations: keptVersions });
    if (!committed.ok) {
      if (committed.error.kind !== 'changed' || tries >= maxTries) return err(writeFault(name, committed.error.kind, committed.error.cause));
      current = await readSteadily(deps, name);
      continue;
    }
    const written = await decodeWritten(deps, name, bytes, current.value.decoded);
    if (committed.value.overwritten === undefined || tries >= maxTries) return ok(written);
    const base = await readOverwritten(deps, name, backup);
    if (base === undefined) return ok(written);
    current = ok({ ...base, expectedHash: written.hash });
  }
}

interface Base {
  readonly decoded: DecodedFile;
  readonly bytes: Buffer;
  /** Of what stands on disk. */
  readonly expectedHash: string;
}

/** The file once it is whole. */
export async function readSteadily(deps: ChangeDeps, name: string): Promise<Result<Base, FileFault>> {
  const untilMs = deps.clock.monotonicMs() + unsteadyMs;
  for (;;) {
    const onDisk = await readOnDisk(deps, name);
    if (onDisk.kind === 'usable') {
      const { decoded, bytes } = onDisk;
      return decoded.file.isWritable ? ok({ decoded, bytes, expectedHash: decoded.file.hash }) : err({ kind: 'read_only', message: `${escapeForeign(name)} is a link, which Keyward does not write through.` });
    }
    const isPassing = onDisk.kind === 'missing' || onDisk.problem.code === 'not_json';
    if (!isPassing || deps.clock.monotonicMs() >= untilMs) return err(readFault(name, onDisk));
    await deps.clock.sleep(pauseMs);
  }
}

export function readFault(name: string, onDisk: Exclude<OnDisk, { readonly kind: 'usable' }>): FileFault {
  if (onDisk.kind === 'missing') return { kind: 'missing', message: `${escapeForeign(name)} is not there.` };
  return { kind: onDisk.isLink || onDisk.problem.code === 'foreign_link' ? 'read_only' : 'unusable', message: onDisk.problem.message };
}

/** The file with the change made, its identity kept, and sealed where files are. */
async function nextBytes<F>(deps: ChangeDeps, current: DecodedFile, change: Change<F>): Promise<Result<{ readonly bytes: Buffer }, FileFault | F>> {
  const changes = change(current);
  if (!changes.ok) return changes;
  const { file } = current;
  const bytes = await encodeFile(deps, pinIdentity(apply(current.members, changes.value), file), { identity: file.identity, type: file.type, provider: file.provider });
  return bytes.ok ? ok({ bytes: bytes.value }) : bytes;
}

function apply(members: Members, changes: readonly MemberChange[]): Members {
  const next = membersOf(changeMembers(members.text, changes), members.mark);
  if (!next.ok) throw new TypeError(`a change broke the file: ${next.error}`);
  return next.value;
}
