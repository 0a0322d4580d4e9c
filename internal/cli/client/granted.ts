import type { TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client';
import { err, ok, type Result } from '../../fault/result.ts';
import { isRecord, type JsonRecord } from '../../upstreamauth/json-record.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import { cliClientId, type OAuthServer } from './oauth-server.ts';
import { parseObject } from './private-file.ts';
import type { DpopKey, Session } from './session.ts';

/** RFC 6749 §5.1 leaves the lifetime open; nothing is taken for longer-lived than this then. */
const assumedLifeSeconds = 300;

type Granted = TokenEndpointResponse & TokenEndpointResponseHelpers;

/** Makes a session of a first answer. Error: `tokens_not_bound`: anybody who copied them could use them. */
export function sessionOf(server: OAuthServer, granted: Granted, dpopKey: DpopKey, scopeAsked: string, nowMs: number): Result<Session, StoreRefusal> {
  if (granted.token_type.toLowerCase() !== 'dpop') return err({ code: 'tokens_not_bound', message: 'The server gave tokens that are not bound to a key of this machine (no DPoP), and they were thrown away; update the server.' });
  const metadata = server.configuration.serverMetadata();
  // A server without id tokens may say it in the access token; that is for display alone.
  const claims: JsonRecord = { ...claimsOf(granted.access_token), ...granted.claims() };
  const text = (name: string): string => {
    const value = claims[name];
    return typeof value === 'string' ? value : '';
  };
  const algorithms: unknown = metadata.id_token_signing_alg_values_supported;
  return ok({
    issuer: metadata.issuer,
    tokenEndpoint: metadata.token_endpoint ?? '',
    revocationEndpoint: metadata.revocation_endpoint ?? '',
    idTokenAlgorithms: Array.isArray(algorithms) ? algorithms.filter((each) => typeof each === 'string') : [],
    clientId: cliClientId,
    dpopKey,
    accessToken: granted.access_token,
    refreshToken: granted.refresh_token ?? '',
    ...lifeOf(granted, nowMs),
    scope: granted.scope ?? scopeAsked,
    subject: text('sub'),
    label: [text('email'), text('preferred_username'), text('name'), text('sub')].find((each) => each !== '') ?? '',
    organization: [text('org_name'), text('org'), text('org_id')].find((each) => each !== '') ?? '',
  });
}

/** The session after a refresh. RFC 6749 §6: without a new refresh token the old one stays good. */
export function renewed(session: Session, granted: Granted, nowMs: number): Session {
  return { ...session, accessToken: granted.access_token, refreshToken: granted.refresh_token ?? session.refreshToken, ...lifeOf(granted, nowMs), scope: granted.scope ?? session.scope };
}

function lifeOf(granted: Granted, nowMs: number): Pick<Session, 'issuedAtMs' | 'expiresAtMs'> {
  return { issuedAtMs: nowMs, expiresAtMs: nowMs + (granted.expires_in ?? assumedLifeSeconds) * 1_000 };
}

/** What a JWT says of itself, unverified; empty for any other text. */
export function claimsOf(token: string): JsonRecord {
  const [, payload = '', signature] = token.split('.');
  const claims = signature === undefined ? undefined : parseObject(Buffer.from(payload, 'base64url').toString('utf8'));
  return isRecord(claims) ? claims : {};
}
