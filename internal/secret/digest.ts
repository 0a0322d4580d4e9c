import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** SHA-256 of the UTF-8 bytes, lower-case hex (64 characters). */
export function sha256Hex(value: string | Uint8Array): string {
  return hash('sha256', value, 'hex');
}

/** Compares two strings in time that depends on their lengths alone. */
export function equalInConstantTime(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** `bytes` random bytes as base64url without padding. */
export function randomToken(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}
