import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Logger } from '../log/logger.ts';
import { AppError } from '../fault/app-error.ts';
import { makeKeyBytes, readKeyBytes } from './key-file.ts';

/** Keeps what stands in the database from whoever has the database alone, such as a backup of it. AES-256-GCM. */
export interface Sealer {
  /** `place`: which column of which row; what is moved elsewhere does not open. */
  readonly seal: (text: string, place: string) => string;
  /** Undefined where it was sealed with another key or for another place, or was changed. */
  readonly open: (sealed: string, place: string) => string | undefined;
}

const version = 'v1.';
const nonceBytes = 12;
const tagBytes = 16;

export function createSealer(key: Uint8Array): Sealer {
  return {
    seal: (text, place) => {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(place));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return `${version}${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`;
    },
    open: (sealed, place) => {
      const bytes = Buffer.from(sealed.slice(version.length), 'base64url');
      if (!sealed.startsWith(version) || bytes.length < nonceBytes + tagBytes) return undefined;
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes }).setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
        return Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]).toString('utf8');
      } catch {
        return undefined;
      }
    },
  };
}

/** The sealer of a file's key, which is made when there is none. Errors: `storage_unavailable` with a sentence that names the file. */
export async function openSealer(path: string, uid: number | undefined, log: Pick<Logger, 'info'>): Promise<Sealer> {
  const what = 'identity key';
  const read = readKeyBytes(path, what, uid);
  const found = read.ok && read.value === undefined ? await makeKeyBytes(path, what) : read;
  if (!found.ok || found.value === undefined) throw new AppError('storage_unavailable', { message: found.ok ? `the ${what} ${path} is missing` : found.error });
  if (read.ok && read.value === undefined) log.info({ path }, 'a key was made for what the authorization server keeps; back it up apart from the database');
  return createSealer(found.value);
}
