import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { err, ok, type Result } from '../../fault/result.ts';
import { isRecord, parseRecord, type JsonRecord } from '../../upstreamauth/json-record.ts';
import { fitsAlgorithm, type JwtAlgorithm } from '../../clients/jwt/read-jwt.ts';

/** One public key of an issuer. */
export interface IssuerKey {
  readonly keyId: string | undefined;
  /** Undefined: any that its kind fits. */
  readonly algorithm: string | undefined;
  readonly key: KeyObject;
}

/** More than any issuer publishes. */
const maxKeys = 100;
const maxDocumentBytes = 256 * 1024;

/**
 * The keys of a JWK Set that signatures may be checked with. Those for other uses, of kinds that are not known, too small, or
 * with their private half beside them are left out; a set without any usable key is refused. Error: what is wrong with it.
 * @see RFC 7517 §4, §5
 */
export function readKeySet(text: string): Result<readonly IssuerKey[], string> {
  if (text.length > maxDocumentBytes) return err('the key set is larger than 256 kB');
  const listed = parseRecord(text)?.['keys'];
  if (!Array.isArray(listed)) return err('the key set is not a JSON object with a list of keys');
  if (listed.length > maxKeys) return err(`the key set lists more than ${maxKeys} keys`);
  const keys = listed.flatMap((jwk: unknown) => (isRecord(jwk) ? readKey(jwk) : []));
  return keys.length === 0 ? err('the key set has no key that signatures could be checked with') : ok(keys);
}

/** The one key that a token names. Without a key id there must be a single one for the algorithm (RFC 7515 §4.5). */
export function findInKeySet(keys: readonly IssuerKey[], keyId: string | undefined, algorithm: JwtAlgorithm): KeyObject | undefined {
  const fitting = keys.filter((key) => (keyId === undefined || key.keyId === keyId) && (key.algorithm ?? algorithm) === algorithm && fitsAlgorithm(key.key, algorithm));
  return keyId === undefined && fitting.length > 1 ? undefined : fitting[0]?.key;
}

function readKey(jwk: JsonRecord): readonly IssuerKey[] {
  const { kty, kid, use, alg, key_ops: operations, d } = jwk;
  if (d !== undefined || (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP')) return [];
  if ((use ?? 'sig') !== 'sig' || (Array.isArray(operations) && !operations.includes('verify'))) return [];
  if ((kid !== undefined && typeof kid !== 'string') || (alg !== undefined && typeof alg !== 'string')) return [];
  const key = importKey(jwk);
  return key === undefined ? [] : [{ keyId: kid, algorithm: alg, key }];
}

/** Only the numbers of the key itself are handed on, never a certificate or an address beside them. */
function importKey(jwk: JsonRecord): KeyObject | undefined {
  const numbers: JsonWebKey = {};
  for (const name of ['kty', 'crv', 'x', 'y', 'n', 'e'] as const) {
    const value = jwk[name];
    if (typeof value === 'string') numbers[name] = value;
  }
  try {
    return createPublicKey({ key: numbers, format: 'jwk' });
  } catch {
    return undefined;
  }
}
