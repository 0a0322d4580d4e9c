import { randomInt, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../clock/clock.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import type { Peer } from '../../http/inbound.ts';
import { sha256Hex } from '../../secret/digest.ts';
import type { PeopleHooks } from './ports.ts';
import { createTries } from './tries.ts';
import { groupLetters, readTypedCode } from './typed-code.ts';

export interface IssuedCode {
  /** `K7Q-MX3-R9T`; shown once, to whoever holds the management secret. */
  readonly code: string;
  readonly expiresAtMs: number;
}

export type ApprovalRefusal =
  | { readonly kind: 'wrong' }
  /** Only this machine may (security rule 1). */
  | { readonly kind: 'remote' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number };

/** One-time codes of `keyward approve`, typed on the page in place of the management secret (security rule 35). */
export interface ApprovalCodes {
  /** `name`: who approves. Errors: `RangeError` for a name that is none. */
  readonly issue: (name: string) => IssuedCode;
  /** Uses the code up. The value is the name it was issued for. */
  readonly redeem: (typed: string, peer: Peer) => Result<string, ApprovalRefusal>;
}

/** Crockford's letters without 0 and 1 too: nothing here is taken for something else. 30^9 is above 2^44. */
const alphabet = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
const length = 9;
const groupSize = 3;
const lifeMs = 5 * 60_000;
const maxOutstanding = 16;

export interface ApprovalCodesDeps {
  readonly clock: Clock;
  readonly hooks: Pick<PeopleHooks, 'onUnusual'>;
}

export function createApprovalCodes({ clock, hooks }: ApprovalCodesDeps): ApprovalCodes {
  /** By digest; oldest first. */
  const outstanding = new Map<string, { readonly name: string; readonly expiresAtMs: number }>();
  const tries = createTries({ clock, windowMs: 15 * 60_000, each: 8, overall: 24 });

  const sweep = (): void => {
    for (const [digest, { expiresAtMs }] of outstanding) if (expiresAtMs <= clock.nowMs()) outstanding.delete(digest);
  };

  return {
    issue: (name) => {
      if (!isPersonName(name)) throw new RangeError('the name of who approves must be 1 to 64 printable characters');
      sweep();
      const [oldest] = outstanding.keys();
      if (outstanding.size >= maxOutstanding && oldest !== undefined) outstanding.delete(oldest);
      const code = Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
      const expiresAtMs = clock.nowMs() + lifeMs;
      outstanding.set(sha256Hex(code), { name, expiresAtMs });
      return { code: groupLetters(code, groupSize), expiresAtMs };
    },
    redeem: (typed, peer) => {
      // Before anything is looked at: the answer to a remote peer tells nothing of the code.
      if (!peer.isLocal) return err({ kind: 'remote' });
      const attempt = tries.begin([peer.throttleKey]);
      if (attempt.kind === 'refused') {
        if (attempt.isFirst) hooks.onUnusual('wrong_approval_codes');
        return err({ kind: 'limited', retryAfterSeconds: attempt.retryAfterSeconds });
      }
      sweep();
      const code = readTypedCode(typed, alphabet, length);
      const digest = code === undefined ? '' : sha256Hex(code);
      let found: string | undefined;
      for (const each of outstanding.keys()) if (isEqual(each, digest)) found = each;
      const entry = found === undefined ? undefined : outstanding.get(found);
      if (found === undefined || entry === undefined) return err({ kind: 'wrong' });
      outstanding.delete(found);
      attempt.takeBack();
      return ok(entry.name);
    },
  };
}

/** Names stand in tokens, lists and the audit: short, on one line, nothing invisible. */
export function isPersonName(name: string): boolean {
  return /^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u.test(name) && name.trim() === name;
}

function isEqual(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
