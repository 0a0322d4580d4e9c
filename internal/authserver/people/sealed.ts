import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { parseRecord, type JsonRecord } from '../../upstreamauth/json-record.ts';

/**
 * What only this process can have written. Sign-ins under way and forms are kept by whoever began them, sealed or signed,
 * so that strangers who begin many fill no table.
 */
export interface Seals {
  /** Encrypted and authenticated, as base64url. */
  readonly seal: (value: JsonRecord) => string;
  /** Undefined for what was not sealed here. */
  readonly open: (text: string) => JsonRecord | undefined;
  /** 256 bits as base64url; parts never run into one another. */
  readonly sign: (...parts: readonly string[]) => string;
  /** Compared in constant time. */
  readonly isSignedBy: (signature: string, ...parts: readonly string[]) => boolean;
}

const maxSealedLength = 4_096;
const ivBytes = 12;
const tagBytes = 16;

/** `secret`: 32 bytes; a new one with each process ends what was under way, which is 15 minutes at most. */
export function createSeals(secret: Buffer = randomBytes(32)): Seals {
  const subkey = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', `keyward pages ${purpose}`, 32));
  const sealKey = subkey('seal');
  const signKey = subkey('sign');
  const sign = (...parts: readonly string[]): string => createHmac('sha256', signKey).update(JSON.stringify(parts)).digest('base64url');

  return {
    sign,
    isSignedBy: (signature, ...parts) => {
      const expected = Buffer.from(sign(...parts));
      const given = Buffer.from(signature);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
    seal: (value) => {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', sealKey, iv);
      const body = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
    },
    open: (text) => {
      if (text.length > maxSealedLength || !/^[\w-]+$/.test(text)) return undefined;
      const bytes = Buffer.from(text, 'base64url');
      if (bytes.length <= ivBytes + tagBytes) return undefined;
      try {
        const decipher = createDecipheriv('aes-256-gcm', sealKey, bytes.subarray(0, ivBytes), { authTagLength: tagBytes });
        decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
        return parseRecord(Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]).toString('utf8'));
      } catch {
        return undefined;
      }
    },
  };
}
