import { constants, verify, type KeyObject } from 'node:crypto';
import { maxJwtBytes } from '../verify.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { isRecord } from '../../dialect/ir/json.ts';

/** Signatures of RFC 7518 and RFC 8037 that can count anywhere; `none` and HMAC never do. */
export const jwtAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const;
export type JwtAlgorithm = (typeof jwtAlgorithms)[number];

/** Why a token is not taken. */
export type JwtFault =
  | 'too_long'
  | 'not_compact'
  | 'not_base64url'
  | 'not_json'
  | 'repeated_member'
  | 'critical_header'
  | 'algorithm_not_allowed'
  | 'type_not_allowed'
  | 'invalid_key_id'
  | 'unknown_key'
  | 'keys_unavailable'
  | 'wrong_signature';

/** What each fault is called; plain ASCII without quotes, as `error_description` wants it (RFC 6749 §5.2), nothing of the token. */
export const jwtFaultTexts: Readonly<Record<JwtFault, string>> = {
  too_long: 'the token is longer than 12288 bytes',
  not_compact: 'the token is not a signed JWT of three parts',
  not_base64url: 'a part of the token is not base64url without padding',
  not_json: 'header or claims of the token are not a JSON object in UTF-8',
  repeated_member: 'a member stands twice in header or claims of the token',
  critical_header: 'the token has critical header parameters (crit or b64)',
  algorithm_not_allowed: 'the algorithm of the token (alg) is not one that counts here',
  type_not_allowed: 'the type of the token (typ) is not one that counts here',
  invalid_key_id: 'the key id of the token (kid) is not text of 1 to 256 characters',
  unknown_key: 'the issuer has no key that the token names (kid) for its algorithm',
  keys_unavailable: 'the keys of the issuer cannot be had at the moment',
  wrong_signature: 'the signature of the token is wrong',
};

/** A token whose form is right; nothing in it is proven before `verifyJwt`. */
export interface Jwt {
  readonly algorithm: JwtAlgorithm;
  readonly keyId: string | undefined;
  /** Lower-case, without `application/`; `''` when absent. */
  readonly type: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** What is signed. */
  readonly signingInput: string;
  readonly signature: Uint8Array;
}

/** The key for an algorithm; undefined `keyId`: the token names none. `unavailable` is no word against the token. */
export type FindKey = (keyId: string | undefined, algorithm: JwtAlgorithm) => KeyObject | 'unknown' | 'unavailable';

const maxDepth = 32;

/**
 * Reads a JWT in JWS compact form, strictly: canonical base64url, JSON objects in which no member stands twice at any depth,
 * no critical headers. Keys or their places in the header (`jwk`, `jku`, `x5c`, `x5u`) are never looked at. Checks no signature.
 * @see RFC 7515 §7.1, RFC 8725 §3
 */
export function readJwt(token: string): Result<Jwt, JwtFault> {
  if (token.length > maxJwtBytes) return err('too_long');
  const [headerPart = '', claimsPart = '', signaturePart = '', ...more] = token.split('.');
  if (more.length > 0 || headerPart === '' || claimsPart === '' || signaturePart === '') return err('not_compact');
  const signature = decodePart(signaturePart);
  const header = readObject(headerPart);
  if (!header.ok) return header;
  const claims = readObject(claimsPart);
  if (!claims.ok) return claims;
  if (signature === undefined) return err('not_base64url');
  // RFC 7515 §4.1.11: none of them is understood here. RFC 7797 §6 wants `b64` among them.
  if (Object.hasOwn(header.value, 'crit') || Object.hasOwn(header.value, 'b64')) return err('critical_header');
  const { alg, kid, typ } = header.value;
  const algorithm = jwtAlgorithms.find((name) => name === alg);
  if (algorithm === undefined) return err('algorithm_not_allowed');
  if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > 256)) return err('invalid_key_id');
  if (typ !== undefined && (typeof typ !== 'string' || typ === '')) return err('type_not_allowed');
  return ok({
    algorithm,
    keyId: kid,
    // RFC 7515 §4.1.9: a media type, compared whatever its case.
    type: (typ ?? '').toLowerCase().replace(/^application\//, ''),
    claims: claims.value,
    signingInput: token.slice(0, headerPart.length + 1 + claimsPart.length),
    signature,
  });
}

export interface JwtDemands {
  readonly algorithms: readonly JwtAlgorithm[];
  /** Of `Jwt.type`. */
  readonly types: readonly string[];
}

/** The claims of a token whose algorithm and type are among those demanded, and whose signature is right. Synchronous. */
export function verifyJwt(jwt: Jwt, { algorithms, types }: JwtDemands, findKey: FindKey): Result<Readonly<Record<string, unknown>>, JwtFault> {
  if (!algorithms.includes(jwt.algorithm)) return err('algorithm_not_allowed');
  if (!types.includes(jwt.type)) return err('type_not_allowed');
  const key = findKey(jwt.keyId, jwt.algorithm);
  if (key === 'unavailable') return err('keys_unavailable');
  if (key === 'unknown' || !fitsAlgorithm(key, jwt.algorithm)) return err('unknown_key');
  return isSignedBy(key, jwt) ? ok(jwt.claims) : err('wrong_signature');
}

const curves: Readonly<Partial<Record<JwtAlgorithm, string>>> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' };

/** Whether a public key is of the kind that the algorithm is for: curve, and at least 2,048 bits of RSA (RFC 7518 §3.3). */
export function fitsAlgorithm(key: KeyObject, algorithm: JwtAlgorithm): boolean {
  if (key.type !== 'public') return false;
  const { asymmetricKeyType: kind, asymmetricKeyDetails: details } = key;
  if (algorithm === 'EdDSA') return kind === 'ed25519';
  const curve = curves[algorithm];
  if (curve !== undefined) return kind === 'ec' && details?.namedCurve === curve;
  return kind === 'rsa' && (details?.modulusLength ?? 0) >= 2_048;
}

function isSignedBy(key: KeyObject, { algorithm, signingInput, signature }: Jwt): boolean {
  const data = Buffer.from(signingInput, 'latin1');
  if (algorithm === 'EdDSA') return verify(null, data, key, signature);
  const digest = `sha${algorithm.slice(2)}`;
  switch (algorithm.slice(0, 2)) {
    case 'ES':
      // RFC 7518 §3.4: R and S one after the other, each of the curve's size.
      return verify(digest, data, { key, dsaEncoding: 'ieee-p1363' }, signature);
    case 'PS':
      // RFC 7518 §3.5: the salt is as long as the digest.
      return verify(digest, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, signature);
    default:
      return verify(digest, data, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
  }
}

/** Node skips what is no base64url, so that only what comes out the same again was right: alphabet, no padding, no stray bits. */
function decodePart(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url');
  return bytes.toString('base64url') === part ? bytes : undefined;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readObject(part: string): Result<Readonly<Record<string, unknown>>, JwtFault> {
  const bytes = decodePart(part);
  if (bytes === undefined) return err('not_base64url');
  try {
    const text = utf8.decode(bytes);
    const written = countMembers(text);
    const value: unknown = written === undefined ? undefined : JSON.parse(text);
    if (!isRecord(value)) return err('not_json');
    return membersOf(value) === written ? ok(value) : err('repeated_member');
  } catch {
    return err('not_json');
  }
}

/** How many members the text of a JSON value writes, at all depths: its colons outside strings. Undefined where it is nested too deep. */
function countMembers(text: string): number | undefined {
  let members = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 0x22:
        at = endOfString(text, at);
        break;
      case 0x3a:
        members += 1;
        break;
      case 0x5b:
      case 0x7b:
        depth += 1;
        if (depth > maxDepth) return undefined;
        break;
      case 0x5d:
      case 0x7d:
        depth -= 1;
        break;
      default:
    }
  }
  return members;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== 0x22) at += text.charCodeAt(at) === 0x5c ? 2 : 1;
  return at;
}

/** How many members a value has at all depths. Of those that stand twice in the text only the last is there. */
function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Object.values(value).reduce<number>((sum, each) => sum + membersOf(each), 0);
  return Array.isArray(value) ? inner : inner + Object.keys(value).length;
}
