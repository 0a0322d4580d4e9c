import { join } from 'node:path';
import { AppError } from '../../fault/app-error.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { writeDurably } from '../../files/durable-write.ts';
import type { DurableWriteFault } from '../../files/prepared-write.ts';
import { escapeForeign } from '../../log/escape.ts';
import { sha256Hex } from '../../secret/digest.ts';
import type { AuthFile } from '../auth-file/auth-file.ts';
import { decodeAuthFile, describeFile } from '../auth-file/decode.ts';
import { encodeMembers } from '../auth-file/encode.ts';
import { readMembers } from '../auth-file/members.ts';
import { sealedTextOf } from '../auth-file/sealed-members.ts';
import { describeWriteFault, keptVersions, makeBackupPath } from './change-file.ts';
import { decodeContext, readOnDisk, type OnDisk } from './decode-on-disk.ts';
import { faultError } from './fault-error.ts';
import { maxFileBytes } from './read-file.ts';
import { describeUnusable, type SteadyDeps } from './steady-read.ts';

/** A file that keeps changing while it is replaced as a whole is somebody else's. */
const maxTries = 5;

interface PutOptions {
  readonly mayReplace: boolean;
  /** What the present file must hold. */
  readonly expectedHash?: string;
}

/** Checks a whole file and stores it; nothing is written unless it is usable. The caller holds the write lock. */
export async function putFile(deps: SteadyDeps, name: string, text: string, options: PutOptions): Promise<Result<AuthFile, AppError>> {
  const checked = await checkText(deps, name, text);
  if (!checked.ok) return checked;
  const { bytes, file } = checked.value;
  for (let tries = 1; ; tries++) {
    const replaced = judgeReplaced(name, await readOnDisk(deps, name), options);
    if (!replaced.ok) return replaced;
    const written = await writeWhole(deps.path, name, bytes, replaced.value);
    if (written.ok) return ok(file);
    if (written.error.kind !== 'changed' || tries >= maxTries) return err(faultError(describeWriteFault(name, written.error)));
  }
}

/** Puts a file in place that holds `expectedHash` (`absent`: does not exist; undefined: whatever it holds), the old version kept. */
export async function writeWhole(authDir: string, name: string, bytes: Uint8Array, expectedHash: string | undefined): Promise<Result<undefined, DurableWriteFault>> {
  return writeDurably(join(authDir, name), bytes, { expectedHash, backup: await makeBackupPath(authDir, name), generations: keptVersions });
}

/** What the present file holds, if it may be replaced. */
function judgeReplaced(name: string, onDisk: OnDisk, { mayReplace, expectedHash }: PutOptions): Result<string | undefined, AppError> {
  const isOther = expectedHash !== undefined && (onDisk.kind !== 'usable' || onDisk.decoded.file.hash !== expectedHash);
  if (isOther) return err(new AppError('precondition_failed', { message: `${escapeForeign(name)} changed since it was read; read it again.` }));
  if (onDisk.kind === 'missing') return ok('absent');
  const fault = onDisk.kind === 'unusable' ? describeUnusable(name, onDisk) : undefined;
  if (fault?.kind === 'read_only') return err(faultError(fault));
  if (onDisk.kind === 'usable' && !onDisk.decoded.file.isWritable) return err(faultError(describeWriteFault(name, { kind: 'link' })));
  if (!mayReplace) return err(new AppError('precondition_failed', { message: `${escapeForeign(name)} is there already.` }));
  return ok(onDisk.kind === 'usable' ? onDisk.decoded.file.hash : onDisk.hash);
}

interface CheckedText {
  /** As they will stand on disk. */
  readonly bytes: Buffer;
  readonly file: AuthFile;
}

/** A text from outside may be sealed already, by a key of ours; else it is sealed here where encryption is on. */
async function checkText(deps: SteadyDeps, name: string, text: string): Promise<Result<CheckedText, AppError>> {
  const invalid = (message: string): Result<never, AppError> => err(new AppError('invalid_auth_file', { message }));
  const given = Buffer.from(text);
  if (given.length > maxFileBytes) return invalid(`The file is larger than ${maxFileBytes / 1_024} kB.`);
  const context = decodeContext(deps);
  const members = readMembers(given);
  const isSealed = members.ok && sealedTextOf(members.value) !== undefined;
  const input = { name, bytes: given, hash: sha256Hex(given), modifiedAtMs: deps.clock.nowMs(), isWritable: true };
  const decoded = await decodeAuthFile(input, isSealed ? context : { ...context, mode: 'off' });
  if (!decoded.ok) return invalid(decoded.error.message);
  const { file } = decoded.value;
  if (isSealed || context.mode === 'off') return ok({ bytes: given, file });
  const bytes = await encodeMembers(decoded.value.members, file, context);
  if (!bytes.ok) return err(faultError({ kind: 'not_writable', message: bytes.error }));
  const about = { ...file, hash: sha256Hex(bytes.value), sizeBytes: bytes.value.length, isSealed: true };
  return ok({ bytes: bytes.value, file: describeFile(decoded.value.members, about).file });
}
