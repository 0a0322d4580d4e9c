import type { Grant } from '../grant.ts';
import type { KeyAddress } from './key-addresses.ts';
import type { KeyEnvironment } from './key-text.ts';

/** One text that opens a key. A key has one; two while it is being rotated. */
export interface KeySecret {
  /** SHA-256 of the whole text, hex. */
  readonly digest: string;
  /** `kw_live_Ab3d…`, to tell it from others. */
  readonly hint: string;
  readonly createdAtMs: number;
  /** End of the overlap; undefined for the newest. */
  readonly endsAtMs: number | undefined;
  /** Seconds behind at most. */
  readonly lastUsedAtMs: number | undefined;
  readonly lastUsedFrom: string;
  /** Where it was used from, by change of place, the newest first and a few alone. Absent: not known. */
  readonly addresses?: readonly KeyAddress[] | undefined;
}

/** A managed key as it is kept. What it is called, whose it is and what it may do stay the same over rotations. */
export interface ManagedKey {
  /** `ck_…`; an imported key keeps the id that it had as a static one, and with it its usage and its responses. */
  readonly id: string;
  /** Of the write that it was last changed by; 0 before the first. Uses are no changes. */
  readonly revision: number;
  readonly name: string;
  readonly owner: string;
  readonly purpose: string;
  readonly environment: KeyEnvironment;
  readonly tags: readonly string[];
  readonly grant: Grant;
  readonly createdAtMs: number;
  /** A principal's id. */
  readonly createdBy: string;
  /** The key whose rights bound this one's; `''` for keys of the operator. */
  readonly minterId: string;
  /** Undefined: never, as somebody has said in as many words. */
  readonly expiresAtMs: number | undefined;
  readonly revokedAtMs: number | undefined;
  readonly revokedBy: string;
  /** Its text was made elsewhere, so it may have any form. */
  readonly isImported: boolean;
  /** The newest first. */
  readonly secrets: readonly KeySecret[];
}

export const keyStatuses = ['active', 'rotating', 'expired', 'revoked'] as const;
export type KeyStatus = (typeof keyStatuses)[number];

export function statusOf(key: ManagedKey, nowMs: number): KeyStatus {
  if (key.revokedAtMs !== undefined) return 'revoked';
  if (key.expiresAtMs !== undefined && key.expiresAtMs <= nowMs) return 'expired';
  return replacedSecret(key, nowMs) === undefined ? 'active' : 'rotating';
}

/** The old text that still opens it. */
export function replacedSecret({ secrets }: ManagedKey, nowMs: number): KeySecret | undefined {
  return secrets.find(({ endsAtMs }) => endsAtMs !== undefined && endsAtMs > nowMs);
}
