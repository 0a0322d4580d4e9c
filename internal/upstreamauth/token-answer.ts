import type { TokenSet } from '../accounts/token-set.ts';
import { Secret } from '../secret/secret.ts';
import { claimsOf } from './jwt-claims.ts';
import { textOf, type JsonRecord } from './json-record.ts';
import { secondsOf } from './sloppy-answers.ts';

/**
 * The tokens of a token endpoint's answer. What it does not name stays as in `previous` (RFC 6749 §6: the refresh token
 * may be kept), but for the expiry: without `expires_in` it is the access token's own `exp`, else unknown. The life is counted
 * from `askedAtMs`, when the request was made: an answer may wait in the socket of a process that was suspended.
 */
export function readTokenSet(answer: JsonRecord, askedAtMs: number, previous: TokenSet): TokenSet {
  const accessToken = textOf(answer, 'access_token');
  const refreshToken = textOf(answer, 'refresh_token');
  const idToken = textOf(answer, 'id_token');
  const expiresInSeconds = secondsOf(answer['expires_in']);
  const expSeconds = secondsOf(claimsOf(accessToken)?.['exp']);
  const expiresAtMs = expiresInSeconds === undefined ? (expSeconds === undefined ? undefined : expSeconds * 1_000) : askedAtMs + expiresInSeconds * 1_000;
  return {
    accessToken: secretOf(accessToken) ?? previous.accessToken,
    refreshToken: secretOf(refreshToken) ?? previous.refreshToken,
    idToken: secretOf(idToken) ?? previous.idToken,
    apiKey: previous.apiKey,
    // Milliseconds for seconds, or nonsense: such an end says nothing.
    expiresAtMs: expiresAtMs !== undefined && expiresAtMs - askedAtMs > longestLifeMs ? undefined : expiresAtMs,
    issuedAtMs: askedAtMs,
  };
}

/** A century. */
const longestLifeMs = 100 * 365 * 86_400_000;

function secretOf(value: string | undefined): Secret | undefined {
  return value === undefined ? undefined : new Secret(value);
}
