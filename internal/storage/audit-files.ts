import { readFileSync } from 'node:fs';
import { createChainKey, readSealText, writeSealText, type ChainKey, type Seal } from '../audit/chain.ts';
import type { SealState } from '../audit/verify.ts';
import { ok, type Result } from '../fault/result.ts';
import { writeDurably } from '../files/durable-write.ts';
import { checkOwnedFile } from '../files/owned.ts';
import type { Logger } from '../log/logger.ts';
import { makeKeyBytes, readKeyBytes } from './key-file.ts';

const what = 'audit key';

/** The key of the chain; undefined where there is no file. The error is a sentence that names the file and what to do. */
export function readKeyFile(path: string, uid: number | undefined): Result<ChainKey | undefined, string> {
  const read = readKeyBytes(path, what, uid);
  if (!read.ok) return read;
  return ok(read.value === undefined ? undefined : createChainKey(read.value));
}

/** A new key, durable before it signs anything. Never in the place of another. */
export async function makeKeyFile(path: string): Promise<Result<ChainKey, string>> {
  const made = await makeKeyBytes(path, what);
  return made.ok ? ok(createChainKey(made.value)) : made;
}

export function readCheckpointFile(path: string, uid: number | undefined): SealState {
  const owned = checkOwnedFile(path, uid);
  if (!owned.ok) return { kind: owned.error === 'missing' ? 'missing' : 'unreadable' };
  try {
    const seal = readSealText(readFileSync(path, 'utf8'));
    return seal === undefined ? { kind: 'unreadable' } : { kind: 'present', seal };
  } catch {
    return { kind: 'unreadable' };
  }
}

export interface CheckpointFile {
  /** Takes the newest checkpoint to the file, behind whoever asks; of several that wait the last one counts. */
  readonly write: (checkpoint: Seal) => void;
  /** Resolves when what was given is written, or has failed. */
  readonly settle: () => Promise<void>;
}

export function createCheckpointFile(path: string, log: Logger): CheckpointFile {
  let waiting: Seal | undefined;
  let writing: Promise<void> | undefined;
  let failing = false;

  const writeAll = async (): Promise<void> => {
    for (let next = waiting; next !== undefined; next = waiting) {
      waiting = undefined;
      const written = await writeDurably(path, writeSealText(next), { generations: 0 });
      if (!written.ok && !failing) log.error({ err: written.error.cause, kind: written.error.kind }, `${path} cannot be written; the audit goes on without it`);
      failing = !written.ok;
    }
    writing = undefined;
  };

  return {
    write: (checkpoint) => {
      waiting = checkpoint;
      writing ??= writeAll();
    },
    settle: () => writing ?? Promise.resolve(),
  };
}
