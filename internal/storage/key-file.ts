import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { err, ok, type Result } from '../fault/result.ts';
import { writeDurably } from '../files/durable-write.ts';
import { checkOwnedFile, type OwnershipFault } from '../files/owned.ts';

const keyBytes = 32;

/** 256 bits out of a file of ours; undefined where there is none. `what` names the key in an error, a sentence with what to do. */
export function readKeyBytes(path: string, what: string, uid: number | undefined): Result<Buffer | undefined, string> {
  const owned = checkOwnedFile(path, uid);
  if (!owned.ok) return owned.error === 'missing' ? ok(undefined) : err(`the ${what} ${path} ${ownershipFaults[owned.error]}`);
  try {
    if (uid !== undefined && (owned.value.mode & 0o077) !== 0) chmodSync(path, 0o600);
    const text = readFileSync(path, 'utf8').trim();
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.length !== keyBytes || bytes.toString('base64url') !== text) return err(`the ${what} ${path} is no key: put the right file back from a backup`);
    return ok(bytes);
  } catch {
    return err(`the ${what} ${path} cannot be read: correct its mode and owner`);
  }
}

const ownershipFaults: Readonly<Record<Exclude<OwnershipFault, 'missing'>, string>> = {
  link: 'is a link: put the file itself there',
  not_regular: 'is no file: put the right one back from a backup',
  not_directory: 'is in no directory',
  foreign_owner: 'belongs to another user: take it over with chown',
  writable_by_others: 'can be written by others: run chmod 600 on it, and do not trust what was signed until then',
};

/** A new key, durable before it is used. Never in the place of another. */
export async function makeKeyBytes(path: string, what: string): Promise<Result<Buffer, string>> {
  const bytes = randomBytes(keyBytes);
  const written = await writeDurably(path, `${bytes.toString('base64url')}\n`, { expectedHash: 'absent', generations: 0 });
  return written.ok ? ok(bytes) : err(`the ${what} ${path} cannot be written: correct the folder's owner, or set another \`data-dir\``);
}
