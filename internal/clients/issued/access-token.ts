import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { isRecord, parseJson } from '../../dialect/ir/json.ts';
import { jwtAlgorithms, type JwtAlgorithm } from '../jwt/read-jwt.ts';
import type { PublicJwk } from './oauth-client.ts';

/** The claims of a token that was taken in exchange, verified then. */
export interface WorkloadEvidence {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly algorithm: JwtAlgorithm;
}

/** What an access token of ours says (RFC 9068 §2.2), checked member by member. */
export interface AccessTokenClaims {
  readonly jti: string;
  readonly subject: string;
  readonly clientId: string;
  readonly audience: readonly string[];
  readonly scope: readonly string[];
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** The login behind it; undefined for machines. */
  readonly sessionId: string | undefined;
  /** Of a workload: what its own token said. */
  readonly workload: WorkloadEvidence | undefined;
  /** Made by the right of another token: it makes no further ones. */
  readonly isDerived: boolean;
  /** `cnf.jkt` (RFC 9449 §6.1). */
  readonly thumbprint: string | undefined;
}

/** Base64url in three parts; what only looks like a JWT costs no hash. */
const compactForm = /^eyJ[\w-]+\.[\w-]+\.[\w-]{86}$/;

export function looksIssued(text: string): boolean {
  return text.startsWith('eyJ') && compactForm.test(text);
}

/** Which key a token names; undefined when it is none of the form that is issued here. */
export function keyIdOf(text: string): string | undefined {
  const header = readPart(text.slice(0, text.indexOf('.')));
  if (header === undefined || header['alg'] !== 'ES256' || header['typ'] !== 'at+jwt' || 'crit' in header) return undefined;
  return typeof header['kid'] === 'string' ? header['kid'] : undefined;
}

export function publicKeyOf(jwk: PublicJwk): KeyObject {
  const { kty, crv, x, y } = jwk;
  if (kty !== 'EC' || typeof crv !== 'string' || typeof x !== 'string' || typeof y !== 'string') throw new TypeError('a signing key is no EC key');
  return createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' });
}

/** One signature check, about 0.1 ms. Undefined when the signature is wrong, or what is signed is no access token of this issuer. Times are not judged. */
export function readAccessToken(text: string, key: KeyObject, issuer: string): AccessTokenClaims | undefined {
  const dot = text.lastIndexOf('.');
  const signature = Buffer.from(text.slice(dot + 1), 'base64url');
  if (!verify('sha256', Buffer.from(text.slice(0, dot), 'latin1'), { key, dsaEncoding: 'ieee-p1363' }, signature)) return undefined;
  const claims = readPart(text.slice(text.indexOf('.') + 1, dot));
  if (claims === undefined || claims['iss'] !== issuer) return undefined;
  const { jti, sub, client_id: clientId, iat, exp, scope = '', sid, cnf } = claims;
  const audience = typeof claims['aud'] === 'string' ? [claims['aud']] : isTexts(claims['aud']) ? claims['aud'] : [];
  if (typeof jti !== 'string' || typeof sub !== 'string' || typeof clientId !== 'string' || typeof iat !== 'number' || typeof exp !== 'number' || typeof scope !== 'string') return undefined;
  if (sid !== undefined && typeof sid !== 'string') return undefined;
  const thumbprint = isRecord(cnf) ? cnf['jkt'] : undefined;
  if (cnf !== undefined && typeof thumbprint !== 'string') return undefined;
  return {
    jti,
    subject: sub,
    clientId,
    audience,
    scope: scope.split(' ').filter((each) => each !== ''),
    issuedAtMs: iat * 1_000,
    expiresAtMs: exp * 1_000,
    sessionId: sid,
    workload: readEvidence(claims['workload']),
    isDerived: claims['derived'] === true,
    thumbprint: typeof thumbprint === 'string' ? thumbprint : undefined,
  };
}

function readEvidence(value: unknown): WorkloadEvidence | undefined {
  if (!isRecord(value) || !isRecord(value['claims'])) return undefined;
  const algorithm = jwtAlgorithms.find((each) => each === value['algorithm']);
  return algorithm === undefined ? undefined : { claims: value['claims'], algorithm };
}

function readPart(part: string): Readonly<Record<string, unknown>> | undefined {
  const value = parseJson(Buffer.from(part, 'base64url').toString('utf8'));
  return isRecord(value) ? value : undefined;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
