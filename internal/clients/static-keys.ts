import { sha256Hex } from '../secret/digest.ts';
import type { Secret } from '../secret/secret.ts';
import type { Principal } from './principal.ts';
import type { CredentialSource } from './verify.ts';

/** The client keys of the config file, by digest. */
export interface StaticKeys extends CredentialSource {
  /** Distinct keys. */
  readonly count: number;
  readonly find: (key: string) => Principal | undefined;
  /** By the principal's id. */
  readonly has: (id: string) => boolean;
}

/**
 * Indexes keys by their full SHA-256 digest: a lookup costs one hash whatever their number, does no I/O, and its time says
 * nothing of a key but its digest. Blank keys are left out.
 */
export function indexStaticKeys(keys: readonly Secret[]): StaticKeys {
  const byDigest = new Map<string, Principal>();
  const ids = new Set<string>();
  for (const key of keys) {
    const value = key.reveal();
    if (value === '') continue;
    const digest = sha256Hex(value);
    ids.add(`key_${digest.slice(0, 12)}`);
    byDigest.set(digest, { id: `key_${digest.slice(0, 12)}`, kind: 'static-key', label: key.masked() });
  }
  const find = (key: string): Principal | undefined => byDigest.get(sha256Hex(key));
  return {
    name: 'static-keys',
    count: byDigest.size,
    find,
    has: (id) => ids.has(id),
    verify: (key) => {
      const principal = find(key);
      return principal === undefined ? { kind: 'invalid', code: 'invalid_api_key' } : { kind: 'valid', principal };
    },
  };
}
