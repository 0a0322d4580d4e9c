import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { overwriteFile, syncDirectory, writeNewFile } from './synced-file.ts';

/** Where a write in place notes what it is about to do; 0600, removed when it is done. */
export const journalPath = (path: string): string => `${path}.journal`;

/**
 * Overwrites a file that cannot be renamed over. Old and new content stand in a synced journal first, so that a crash
 * in the middle is mended by `recoverInPlaceWrite`.
 */
export async function overwriteInPlace(path: string, before: Uint8Array, after: Uint8Array): Promise<void> {
  const journal = journalPath(path);
  await rm(journal, { force: true });
  await writeNewFile(journal, Buffer.from(JSON.stringify({ before: toBase64(before), after: toBase64(after) })));
  await syncDirectory(dirname(path));
  await overwriteFile(path, after);
  await rm(journal, { force: true });
  await syncDirectory(dirname(path));
}

/**
 * Mends a file whose write in place was interrupted: a torn mixture of old and new becomes the new content. A file that
 * holds anything else (someone mended or edited it) is left alone. True when something was mended.
 */
export async function recoverInPlaceWrite(path: string): Promise<boolean> {
  const journal = await readJournal(path);
  if (journal === undefined) return false;
  const present = await readFile(path).catch(() => undefined);
  const torn = present !== undefined && !present.equals(journal.before) && !present.equals(journal.after) && isMixture(present, journal.before, journal.after);
  if (torn) await overwriteFile(path, journal.after);
  await rm(journalPath(path), { force: true });
  await syncDirectory(dirname(path));
  return torn;
}

/** New content up to some point, old content from there on. */
function isMixture(present: Buffer, before: Buffer, after: Buffer): boolean {
  const head = sharedLength(present, after);
  return present.subarray(head).equals(before.subarray(head)) || (head === after.length && before.subarray(head).equals(present.subarray(head)));
}

function sharedLength(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length);
  let at = 0;
  while (at < length && left[at] === right[at]) at++;
  return at;
}

async function readJournal(path: string): Promise<{ readonly before: Buffer; readonly after: Buffer } | undefined> {
  let journal: unknown;
  try {
    journal = JSON.parse(await readFile(journalPath(path), 'utf8'));
  } catch {
    // None there, or a journal that was itself cut off: the file had not been touched yet.
    return undefined;
  }
  const members = new Map<string, unknown>(typeof journal === 'object' && journal !== null ? Object.entries(journal) : []);
  const before = members.get('before');
  const after = members.get('after');
  return typeof before === 'string' && typeof after === 'string' ? { before: Buffer.from(before, 'base64'), after: Buffer.from(after, 'base64') } : undefined;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
