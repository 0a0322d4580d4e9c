import { readFile } from 'node:fs/promises';
import type { Clock } from '../../clock/clock.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { escapeForeign } from '../../log/escape.ts';
import { sha256Hex } from '../../secret/digest.ts';
import { decodeAuthFile, type DecodedFile } from '../auth-file/decode.ts';
import { decodeContext, readOnDisk, type DecodeDeps, type OnDisk } from './decode-on-disk.ts';
import type { FileFault } from './ports.ts';

export interface SteadyDeps extends DecodeDeps {
  readonly clock: Clock;
}

/** A file that can be changed. */
export interface Base {
  readonly decoded: DecodedFile;
  /** Of what stands on disk at present, which is not `decoded` where an overwritten save is taken up. */
  readonly diskHash: string;
}

/** An editor that deletes and creates, or writes in place, is through by then. */
const unsteadyMs = 1_200;
const pauseMs = 15;

/** The file once it is whole: one that is missing or half written is looked at again for a while. */
export async function readSteadily(deps: SteadyDeps, name: string, patienceMs = unsteadyMs): Promise<Result<Base, FileFault>> {
  const untilMs = deps.clock.monotonicMs() + patienceMs;
  for (;;) {
    const onDisk = await readOnDisk(deps, name);
    if (onDisk.kind === 'usable') return ok({ decoded: onDisk.decoded, diskHash: onDisk.decoded.file.hash });
    const mayPass = onDisk.kind === 'missing' || onDisk.problem.code === 'not_json';
    if (!mayPass || deps.clock.monotonicMs() >= untilMs) return err(describeUnusable(name, onDisk));
    await deps.clock.sleep(pauseMs);
  }
}

/** As `readSteadily`, for callers that write. */
export async function readWritable(deps: SteadyDeps, name: string): Promise<Result<Base, FileFault>> {
  const read = await readSteadily(deps, name);
  if (!read.ok || read.value.decoded.file.isWritable) return read;
  return err({ kind: 'read_only', message: `${escapeForeign(name)} is a link, which Keyward reads but never writes.` });
}

/** What somebody saved in the instant of a rename, once it is whole; undefined when it never comes to be. */
export async function readOverwritten(deps: SteadyDeps, name: string, backup: string): Promise<DecodedFile | undefined> {
  const untilMs = deps.clock.monotonicMs() + unsteadyMs;
  for (;;) {
    const bytes = await readFile(backup).catch(() => undefined);
    if (bytes === undefined) return undefined;
    const decoded = await decodeAuthFile({ name, bytes, hash: sha256Hex(bytes), modifiedAtMs: deps.clock.nowMs(), isWritable: true }, decodeContext(deps));
    if (decoded.ok) return decoded.value;
    if (decoded.error.code !== 'not_json' || deps.clock.monotonicMs() >= untilMs) return undefined;
    await deps.clock.sleep(pauseMs);
  }
}

export function describeUnusable(name: string, onDisk: Exclude<OnDisk, { readonly kind: 'usable' }>): FileFault {
  if (onDisk.kind === 'missing') return { kind: 'missing', message: `${escapeForeign(name)} is not there.` };
  const isReadOnly = onDisk.isLink || onDisk.problem.code === 'foreign_link' || onDisk.problem.code === 'foreign_owner';
  return { kind: isReadOnly ? 'read_only' : 'unusable', message: onDisk.problem.message };
}
