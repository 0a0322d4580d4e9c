import { createHmac, timingSafeEqual } from 'node:crypto';
import { rowText, type AuditRow } from './row.ts';

/** Signs what the chain is made of. The bytes of the key stay inside. */
export interface ChainKey {
  /** Tells keys apart and nothing more; 12 hex digits. */
  readonly id: string;
  readonly sign: (text: string) => string;
}

/** A row with its links. */
export interface ChainedRow {
  readonly id: number;
  readonly row: AuditRow;
  /** The HMAC of the row before it. */
  readonly previous: string;
  readonly mac: string;
}

/** A place in the chain: a row's id and HMAC. */
export interface ChainPlace {
  readonly id: number;
  readonly mac: string;
}

/**
 * `checkpoint`: where the chain ended when it was written. `cut`: the newest row that retention removed; the chain goes on behind it.
 * `restart`: the newest row that was signed with a key which is lost; what is behind it is signed with this one.
 */
export type SealKind = 'checkpoint' | 'cut' | 'restart';

/** A signed place. */
export interface Seal extends ChainPlace {
  readonly atMs: number;
  readonly keyId: string;
  readonly signature: string;
}

/** Where every chain begins: before row 1. */
export const chainStart: ChainPlace = { id: 0, mac: '' };

export const keyBytes = 32;

export function createChainKey(bytes: Uint8Array): ChainKey {
  const sign = (text: string): string => createHmac('sha256', bytes).update(text).digest('base64url');
  return { id: createHmac('sha256', bytes).update('keyward audit key').digest('hex').slice(0, 12), sign };
}

export function signRow(key: ChainKey, previous: string, id: number, row: AuditRow): string {
  return key.sign(`row\n${previous}\n${rowText(id, row)}`);
}

/** The row is what was signed, wherever it stands. */
export function isSigned(key: ChainKey, { id, row, previous, mac }: ChainedRow): boolean {
  return isSame(signRow(key, previous, id, row), mac);
}

export function seal(key: ChainKey, kind: SealKind, place: ChainPlace, atMs: number): Seal {
  return { id: place.id, mac: place.mac, atMs, keyId: key.id, signature: key.sign(sealText(kind, place, atMs)) };
}

/** `foreign`: made with another key. `forged`: not what the key signed. */
export type SealFault = 'foreign' | 'forged';

/** What is wrong with a seal; undefined when nothing is. */
export function checkSeal(key: ChainKey, kind: SealKind, given: Seal): SealFault | undefined {
  if (given.keyId !== key.id) return 'foreign';
  return isSame(key.sign(sealText(kind, given, given.atMs)), given.signature) ? undefined : 'forged';
}

export function isSame(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

function sealText(kind: SealKind, place: ChainPlace, atMs: number): string {
  return `${kind}\n${JSON.stringify([place.id, place.mac, atMs])}`;
}

/** The text of `audit.checkpoint`. */
export function writeSealText({ id, mac, atMs, keyId, signature }: Seal): string {
  return `${JSON.stringify({ version: 1, last_id: id, last_mac: mac, at: new Date(atMs).toISOString(), key_id: keyId, signature })}\n`;
}

/** Undefined for anything but such a text. */
export function readSealText(text: string): Seal | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const members = new Map<string, unknown>(Object.entries(value));
  const [id, mac, at, keyId, signature] = ['last_id', 'last_mac', 'at', 'key_id', 'signature'].map((name) => members.get(name));
  const atMs = typeof at === 'string' ? Date.parse(at) : Number.NaN;
  if (members.get('version') !== 1 || typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0 || Number.isNaN(atMs)) return undefined;
  return typeof mac === 'string' && typeof keyId === 'string' && typeof signature === 'string' ? { id, mac, atMs, keyId, signature } : undefined;
}
