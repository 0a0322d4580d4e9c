import type { Result } from '../fault/result.ts';
import { prepareDurableWrite, type CommitOptions, type DurableWriteFault } from './prepared-write.ts';

export type { DurableWriteFault } from './prepared-write.ts';

/**
 * Replaces a file so that after a crash it holds the old or the new content whole: random temp name opened with
 * O_EXCL|O_NOFOLLOW, 0600, written fully, synced, renamed, directory synced. A bind-mounted file, onto which no rename is
 * possible, is written in place under a journal. The old version is kept by its inode, so a save that an editor makes
 * at that very moment stands in `<name>.bak`. Callers serialise their writes to one path.
 */
export async function writeDurably(path: string, content: string | Uint8Array, options: CommitOptions = {}): Promise<Result<undefined, DurableWriteFault>> {
  const prepared = await prepareDurableWrite(path, { room: 0 });
  if (!prepared.ok) return prepared;
  try {
    const committed = await prepared.value.commit(typeof content === 'string' ? Buffer.from(content) : content, options);
    return committed.ok ? { ok: true, value: undefined } : committed;
  } finally {
    await prepared.value.discard();
  }
}
