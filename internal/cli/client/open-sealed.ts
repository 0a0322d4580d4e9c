import { createDecipheriv } from 'node:crypto';
import type { SealKey } from '../../accounts/auth-file/keyring.ts';
import { parseObject } from './private-file.ts';

/**
 * Opens what `sealUnder` made for the same subject; undefined where it was altered, moved, or sealed by another key. Not by
 * jose, which takes 15 ms to load: half of what `keyward token` may cost. RFC 7516 §5.2 with `dir` and A256GCM alone.
 */
export function openSealed(keys: readonly SealKey[], sealed: string, subject: string): string | undefined {
  const [head = '', wrapped, iv = '', ciphertext = '', tag = '', ...rest] = sealed.split('.');
  const header = parseObject(Buffer.from(head, 'base64url').toString('utf8'));
  const key = keys.find(({ id }) => id === header?.['kid']);
  if (header === undefined || key === undefined || wrapped !== '' || rest.length > 0) return undefined;
  if (header['alg'] !== 'dir' || header['enc'] !== 'A256GCM' || header['sub'] !== subject) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, Buffer.from(iv, 'base64url'), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(head, 'ascii'));
    decipher.setAuthTag(Buffer.from(tag, 'base64url'));
    return Buffer.concat([decipher.update(Buffer.from(ciphertext, 'base64url')), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
