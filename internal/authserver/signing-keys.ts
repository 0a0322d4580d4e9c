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
  /** Rotates when the newest key is old; true when it did, here or in another process. */
  readonly rotateIfDue: () => boolean;
}

/** A quarter of a year. */
const keyLifeMs = 90 * 86_400_000;

/** Keys are made at first need, and live in the store: every process on the same data signs with the newest. `keptMs`: how long a token lives at most. */
export function createSigningKeys({ store, clock, keptMs }: { readonly store: Pick<IdentityStore, 'signingKeys' | 'insertSigningKey'>; readonly clock: Pick<Clock, 'nowMs'>; readonly keptMs: () => number }): SigningKeys {
  let newest = '';
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
      const { kid } = isDue ? rotate() : (first ?? rotate());
      const hasChanged = newest !== '' && newest !== kid;
      newest = kid;
      return hasChanged;
    },
  };
}

function makeKey(): PublicJwk {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }) };
}
