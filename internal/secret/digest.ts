import { hash, randomBytes } from 'node:crypto';

/** SHA-256 of the UTF-8 bytes, lower-case hex (64 characters). */
export function sha256Hex(value: string | Uint8Array): string {
  return hash('sha256', value, 'hex');
}

/** `bytes` random bytes as base64url without padding. */
export function randomToken(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

/** `bytes` random bytes as lower-case hex, for ids whose form allows no signs. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
