import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { createChainKey, keyBytes, readSealText, writeSealText, type ChainKey, type Seal } from '../audit/chain.ts';
import type { SealState } from '../audit/verify.ts';
import { err, ok, type Result } from '../fault/result.ts';
import { writeDurably } from '../files/durable-write.ts';
import { checkOwnedFile, type OwnershipFault } from '../files/owned.ts';
import type { Logger } from '../log/logger.ts';

/** The key of the chain; undefined where there is no file. The error is a sentence that names the file and what to do. */
export function readKeyFile(path: string, uid: number | undefined): Result<ChainKey | undefined, string> {
  const owned = checkOwnedFile(path, uid);
  if (!owned.ok) return owned.error === 'missing' ? ok(undefined) : err(`the audit key ${path} ${ownershipFaults[owned.error]}`);
  try {
    if (uid !== undefined && (owned.value.mode & 0o077) !== 0) chmodSync(path, 0o600);
    const text = readFileSync(path, 'utf8').trim();
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.length !== keyBytes || bytes.toString('base64url') !== text) return err(`the audit key ${path} is no key: put the right file back from a backup`);
    return ok(createChainKey(bytes));
  } catch {
    return err(`the audit key ${path} cannot be read: correct its mode and owner`);
  }
}

const ownershipFaults: Readonly<Record<Exclude<OwnershipFault, 'missing'>, string>> = {
  link: 'is a link: put the file itself there',
  not_regular: 'is no file: put the right one back from a backup',
  not_directory: 'is in no directory',
  foreign_owner: 'belongs to another user: take it over with chown',
  writable_by_others: 'can be written by others: run chmod 600 on it, and do not trust what was signed until then',
};

/** A new key, durable before it signs anything. Never in the place of another. */
export async function makeKeyFile(path: string): Promise<Result<ChainKey, string>> {
  const bytes = randomBytes(keyBytes);
  const written = await writeDurably(path, `${bytes.toString('base64url')}\n`, { expectedHash: 'absent', generations: 0 });
  return written.ok ? ok(createChainKey(bytes)) : err(`the audit key ${path} cannot be written: correct the folder's owner, or set another \`data-dir\``);
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
