import { parseObject } from './private-file.ts';

/** A private ES256 key as a JWK. RFC 7518 §6.2 */
export interface DpopKey {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
  readonly d: string;
}

/** A login at a Keyward: tokens bound to a key of this machine, and that key. */
export interface Session {
  /** `<server>/oauth` as its metadata spells it. */
  readonly issuer: string;
  readonly tokenEndpoint: string;
  /** `''`: the server names none. */
  readonly revocationEndpoint: string;
  readonly idTokenAlgorithms: readonly string[];
  readonly clientId: string;
  /** RFC 9449 binds both tokens to it. */
  readonly dpopKey: DpopKey;
  readonly accessToken: string;
  /** `''`: the server gave none, and the login ends with the access token. */
  readonly refreshToken: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** As granted. */
  readonly scope: string;
  readonly subject: string;
  readonly label: string;
  readonly organization: string;
}

/** Undefined for a text that is none. */
export function decodeSession(text: string): Session | undefined {
  const root = parseObject(text);
  if (root === undefined) return undefined;
  const textOf = (name: string): string => {
    const value = root[name];
    return typeof value === 'string' ? value : '';
  };
  const { issued_at_ms: issuedAtMs, expires_at_ms: expiresAtMs, dpop_key: key, id_token_algorithms: algorithms } = root;
  const dpopKey = decodeKey(key);
  if (dpopKey === undefined || typeof issuedAtMs !== 'number' || typeof expiresAtMs !== 'number' || textOf('token_endpoint') === '' || textOf('access_token') === '') return undefined;
  return {
    issuer: textOf('issuer'),
    tokenEndpoint: textOf('token_endpoint'),
    revocationEndpoint: textOf('revocation_endpoint'),
    idTokenAlgorithms: Array.isArray(algorithms) ? algorithms.filter((each) => typeof each === 'string') : [],
    clientId: textOf('client_id'),
    dpopKey,
    accessToken: textOf('access_token'),
    refreshToken: textOf('refresh_token'),
    issuedAtMs,
    expiresAtMs,
    scope: textOf('scope'),
    subject: textOf('subject'),
    label: textOf('label'),
    organization: textOf('organization'),
  };
}

export function encodeSession(session: Session): string {
  return `${JSON.stringify({
    version: 1,
    issuer: session.issuer,
    token_endpoint: session.tokenEndpoint,
    revocation_endpoint: session.revocationEndpoint,
    id_token_algorithms: session.idTokenAlgorithms,
    client_id: session.clientId,
    dpop_key: session.dpopKey,
    access_token: session.accessToken,
    refresh_token: session.refreshToken,
    issued_at_ms: session.issuedAtMs,
    expires_at_ms: session.expiresAtMs,
    scope: session.scope,
    subject: session.subject,
    label: session.label,
    organization: session.organization,
  })}\n`;
}

function decodeKey(value: unknown): DpopKey | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const member = (name: string): string => {
    const found: unknown = Reflect.get(value, name);
    return typeof found === 'string' ? found : '';
  };
  const [x, y, d] = [member('x'), member('y'), member('d')];
  return x === '' || y === '' || d === '' ? undefined : { kty: 'EC', crv: 'P-256', x, y, d };
}
