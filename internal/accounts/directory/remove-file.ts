import { readFileSync, unlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../fault/app-error.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { errorCode, syncDirectory } from '../../files/synced-file.ts';
import { escapeForeign } from '../../log/escape.ts';
import { sha256Hex } from '../../secret/digest.ts';
import { keptVersions, makeBackupPath } from './change-file.ts';
import { readOnDisk, type DecodeDeps } from './decode-on-disk.ts';
import { faultError } from './fault-error.ts';
import { describeUnusable } from './steady-read.ts';

/** Removes a file and its old versions: whoever removes an account wants its tokens gone. The caller holds the write lock. */
export async function removeFile(deps: DecodeDeps, name: string, expectedHash: string | undefined): Promise<Result<undefined, AppError>> {
  const onDisk = await readOnDisk(deps, name);
  const refuse = (message: string): Result<never, AppError> => err(new AppError('auth_file_not_writable', { message }));
  const changed = (): Result<never, AppError> => err(new AppError('precondition_failed', { message: `${escapeForeign(name)} changed since it was read; read it again.` }));
  if (onDisk.kind === 'usable' && !onDisk.decoded.file.isWritable) return refuse(`${escapeForeign(name)} is a link; remove it by hand.`);
  if (onDisk.kind !== 'usable') {
    const fault = describeUnusable(name, onDisk);
    if (fault.kind !== 'unusable' || (onDisk.kind === 'unusable' && onDisk.problem.code === 'not_regular')) return err(faultError({ ...fault, kind: fault.kind === 'missing' ? 'missing' : 'read_only' }));
  }
  const path = join(deps.path, name);
  try {
    // One turn of the event loop, so that nothing comes between.
    if (expectedHash !== undefined && sha256Hex(readFileSync(path)) !== expectedHash) return changed();
    unlinkSync(path);
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return err(faultError({ kind: 'missing', message: `${escapeForeign(name)} is not there.` }));
    return refuse(`${escapeForeign(name)} cannot be removed (${errorCode(thrown) || 'unknown error'}).`);
  }
  await removeOldVersions(deps.path, name);
  await syncDirectory(deps.path).catch(() => undefined);
  return ok(undefined);
}

export async function removeOldVersions(authDir: string, name: string): Promise<void> {
  const backup = await makeBackupPath(authDir, name);
  const paths = Array.from({ length: keptVersions }, (_, generation) => (generation === 0 ? backup : `${backup}.${generation}`));
  await Promise.all(paths.map((path) => rm(path, { force: true }).catch(() => undefined)));
}
