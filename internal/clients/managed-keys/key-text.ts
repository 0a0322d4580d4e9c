import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** What a key is for; it stands in the key itself, so that a reader of a leak knows at once. */
export type KeyEnvironment = 'live' | 'test';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 62^43 is just above 2^256. */
const secretLength = 43;
const checksumLength = 6;
const form = /^kw_(live|test)_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/;

/** A key as its holder has it: `kw_live_`, 256 random bits, and a checksum over all before it (ADR 0015). */
export function makeKeyText(environment: KeyEnvironment, random: (bytes: number) => Uint8Array = randomBytes): string {
  const body = `kw_${environment}_${toBase62(BigInt(`0x${Buffer.from(random(32)).toString('hex')}`), secretLength)}`;
  return `${body}${checksumOf(body)}`;
}

/** What a text says of itself, without asking anybody. `foreign`: no key of this form; `damaged`: meant to be one, and mistyped or cut. */
export type KeyReading = { readonly kind: 'key'; readonly environment: KeyEnvironment } | { readonly kind: 'damaged' } | { readonly kind: 'foreign' };

export function readKeyText(text: string): KeyReading {
  if (!text.startsWith('kw_live_') && !text.startsWith('kw_test_')) return { kind: 'foreign' };
  const [, environment, secret = '', checksum] = form.exec(text) ?? [];
  if (environment !== 'live' && environment !== 'test') return { kind: 'damaged' };
  return checksum === checksumOf(`kw_${environment}_${secret}`) ? { kind: 'key', environment } : { kind: 'damaged' };
}

/** What may be shown of a key for good: enough to tell keys apart, 24 of its 256 bits. */
export function hintOf(text: string): string {
  return `${text.slice(0, 'kw_live_'.length + 4)}…`;
}

function checksumOf(body: string): string {
  return toBase62(BigInt(crc32(body)), checksumLength);
}

function toBase62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n) text = `${alphabet[Number(rest % 62n)] ?? ''}${text}`;
  return text;
}
