import { generateKeyPairSync } from 'node:crypto';
import type { PublicJwk } from '../clients/issued/oauth-client.ts';
import type { IdentityStore, SigningKey } from '../clients/issued/store.ts';
import type { Clock } from '../clock/clock.ts';
import { randomToken } from '../secret/digest.ts';

/** The keys that sign tokens (ES256), the newest first. */
export interface SigningKeys {
  /** Those that sign, or whose tokens may still live: what `/oauth/jwks` publishes. */
  readonly current: () => readonly SigningKey[];
  /** A new key signs from now on; tokens of the old one stay good until they end. */
  readonly rotate: () => SigningKey;
  /** Rotates when the newest key is old; true when the keys of `current` are others than before, whoever did it. */
  readonly rotateIfDue: () => boolean;
}

/** How long a key that signs no more is published and counts: whatever it has signed ends by then. */
export function keptMsAfter(accessTokenMs: number): number {
  return 2 * accessTokenMs + 86_400_000;
}

/** A quarter of a year. */
const keyLifeMs = 90 * 86_400_000;

/** Keys are made at first need, and live in the store: every process on the same data signs with the newest. `keptMs`: how long a token lives at most. */
export function createSigningKeys({ store, clock, keptMs }: { readonly store: Pick<IdentityStore, 'signingKeys' | 'insertSigningKey'>; readonly clock: Pick<Clock, 'nowMs'>; readonly keptMs: () => number }): SigningKeys {
  let published = '';
  const rotate = (): SigningKey => {
    const key = { kid: randomToken(9), jwk: makeKey(), createdAtMs: clock.nowMs(), retiredAtMs: undefined };
    store.insertSigningKey(key, true);
    return key;
  };
  const current = (): readonly SigningKey[] => {
    if (store.signingKeys().every(({ retiredAtMs }) => retiredAtMs !== undefined)) rotate();
    return store.signingKeys().filter(({ retiredAtMs }) => retiredAtMs === undefined || clock.nowMs() - retiredAtMs < keptMs());
  };
  return {
    current,
    rotate,
    rotateIfDue: () => {
      const [first] = current();
      const isDue = first !== undefined && clock.nowMs() - first.createdAtMs > keyLifeMs;
      if (isDue) rotate();
      const kids = current().map(({ kid }) => kid).join(' ');
      const hasChanged = published !== '' && published !== kids;
      published = kids;
      return hasChanged;
    },
  };
}

function makeKey(): PublicJwk {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }) };
}
