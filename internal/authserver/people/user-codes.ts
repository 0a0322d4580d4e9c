import type { Clock } from '../../clock/clock.ts';
import type { Peer } from '../../http/inbound.ts';
import type { Person } from '../../clients/issued/person.ts';
import type { DeviceApprovals, PendingDevice, PeopleHooks } from './ports.ts';
import { createTries } from './tries.ts';
import { groupLetters, readTypedCode } from './typed-code.ts';

/** The form of user codes; the core makes them so (RFC 8628 §6.1, base-20: no vowels, nothing to mistake). */
export const userCodeForm = { charset: 'base-20', alphabet: 'BCDFGHJKLMNPQRSTVWXZ', mask: '****-****', length: 8 } as const;

export type Looked =
  | { readonly kind: 'found'; readonly code: string; readonly pending: PendingDevice }
  /** No code at all; not looked up, and no guess. */
  | { readonly kind: 'malformed' }
  | { readonly kind: 'wrong' }
  /** It was one, but nobody approved it in time; no guess. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number };

export interface UserCodes {
  /** The letters alone, upper case; undefined for what is no user code. */
  readonly read: (typed: string) => string | undefined;
  /** Looks a code up for somebody who has signed in. Wrong ones count by address, by person, and over all (security rule 35). */
  readonly look: (typed: string, peer: Peer, person: Person) => Promise<Looked>;
}

export interface UserCodesDeps {
  readonly clock: Clock;
  readonly devices: Pick<DeviceApprovals, 'find'>;
  readonly hooks: Pick<PeopleHooks, 'onUnusual'>;
}

export function createUserCodes({ clock, devices, hooks }: UserCodesDeps): UserCodes {
  const tries = createTries({ clock, windowMs: 15 * 60_000, each: 6, overall: 60 });
  const read = (typed: string): string | undefined => readTypedCode(typed, userCodeForm.alphabet, userCodeForm.length);

  return {
    read,
    look: async (typed, peer, person) => {
      const code = read(typed);
      if (code === undefined) return { kind: 'malformed' };
      const attempt = tries.begin([`address ${peer.throttleKey}`, `person ${person.id}`]);
      if (attempt.kind === 'refused') {
        if (attempt.isFirst) hooks.onUnusual('wrong_codes');
        return { kind: 'limited', retryAfterSeconds: attempt.retryAfterSeconds };
      }
      let pending: PendingDevice | undefined;
      try {
        pending = await devices.find(code);
      } catch (thrown) {
        attempt.takeBack();
        throw thrown;
      }
      if (pending === undefined) return { kind: 'wrong' };
      attempt.takeBack();
      if (pending.expiresAtMs <= clock.nowMs()) return { kind: 'expired' };
      return { kind: 'found', code, pending };
    },
  };
}

/** `BCDF-GHJK`, as the device shows it. */
export function spellUserCode(code: string): string {
  return groupLetters(code, 4);
}
