import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { readJwt, verifyJwt, type JwtAlgorithm } from '../clients/jwt/read-jwt.ts';
import type { Clock } from '../clock/clock.ts';
import { isRecord, parseJson } from '../dialect/ir/json.ts';

/** What a proof must be for. */
export interface ProvenRequest {
  readonly proof: string | readonly string[] | undefined;
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly accessToken: string;
  /** `cnf.jkt` of the token. */
  readonly thumbprint: string;
}

/** Why a request does not prove that it comes from the holder of the token's key; undefined where it does. */
export type CheckProof = (request: ProvenRequest) => string | undefined;

/** How old a proof may be, and how far ahead its maker's clock. */
const windowMs = 60_000;
const maxRemembered = 100_000;
const algorithms: readonly JwtAlgorithm[] = ['ES256', 'EdDSA'];

/** The algorithms of proofs, as a challenge names them (RFC 9449 §7.1). */
export const proofAlgorithms = algorithms.join(' ');

/**
 * Checks DPoP proofs at the door: one signature each, about 0.1 ms; each proof counts once. `publicUrl`, without trailing slash, is
 * what `htu` must begin with, whatever `Host` says (security rule 30). @see RFC 9449 §4.3, §7.1
 */
export function createProofCheck({ clock, publicUrl }: { readonly clock: Pick<Clock, 'nowMs'>; readonly publicUrl: string }): CheckProof {
  const used = new LRUCache<string, number>({ max: maxRemembered });
  return ({ proof, method, path, accessToken, thumbprint }) => {
    if (typeof proof !== 'string') return 'there is no `DPoP` header, or more than one';
    const read = readJwt(proof);
    if (!read.ok) return 'the proof is no JWT that can be read';
    const key = keyIn(proof);
    if (key === undefined) return 'the proof names no public key (`jwk`)';
    const verified = verifyJwt(read.value, { algorithms, types: ['dpop+jwt'] }, () => key.key);
    if (!verified.ok) return 'the proof is not signed by its own key with ES256 or EdDSA, or its `typ` is not dpop+jwt';
    if (key.thumbprint !== thumbprint) return 'the proof is by another key than the token is bound to';
    const { htm, htu, iat, jti, ath } = verified.value;
    if (htm !== method) return '`htm` is another method';
    if (typeof htu !== 'string' || withoutQuery(htu) !== withoutQuery(`${publicUrl}${path}`)) return `\`htu\` is not ${publicUrl}${path}`;
    if (ath !== createHash('sha256').update(accessToken).digest('base64url')) return '`ath` is not the hash of the token';
    const nowMs = clock.nowMs();
    if (typeof iat !== 'number' || Math.abs(nowMs - iat * 1_000) > windowMs) return '`iat` is not now: look at the clock of the machine';
    if (typeof jti !== 'string' || jti === '' || jti.length > 256) return '`jti` is missing';
    const id = `${thumbprint} ${jti}`;
    if ((used.get(id) ?? 0) > nowMs) return 'the proof was used before';
    used.set(id, nowMs + 2 * windowMs);
    return undefined;
  };
}

function withoutQuery(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null) return undefined;
  url.search = '';
  url.hash = '';
  return url.href;
}

function keyIn(proof: string): { readonly key: KeyObject; readonly thumbprint: string } | undefined {
  const header = parseJson(Buffer.from(proof.slice(0, proof.indexOf('.')), 'base64url').toString('utf8'));
  const jwk = isRecord(header) ? header['jwk'] : undefined;
  if (!isRecord(jwk) || 'd' in jwk) return undefined;
  const { kty, crv, x, y } = jwk;
  if (typeof kty !== 'string' || typeof crv !== 'string' || typeof x !== 'string') return undefined;
  // RFC 7638 §3.2: the required members alone, in this order.
  const members = kty === 'EC' && typeof y === 'string' ? { crv, kty, x, y } : kty === 'OKP' ? { crv, kty, x } : undefined;
  if (members === undefined) return undefined;
  try {
    return { key: createPublicKey({ key: members, format: 'jwk' }), thumbprint: createHash('sha256').update(JSON.stringify(members)).digest('base64url') };
  } catch {
    return undefined;
  }
}
