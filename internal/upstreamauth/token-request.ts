import type { TokenEndpointResponse } from 'openid-client';
import type { Clock } from '../clock/clock.ts';
import type { ClientRegistration, LoginProfile } from '../providers/login-profile.ts';
import type { Secret } from '../secret/secret.ts';
import { DiscoveryFailed } from './discovery.ts';
import { parseRecord, textOf, type JsonRecord } from './json-record.ts';
import type { ExchangeOptions, OAuthClient, OAuthExchange } from './oauth-client.ts';
import { oauthErrorOf } from './sloppy-answers.ts';
import { vendorCode, vendorText } from './vendor-text.ts';

/** How one request to a token endpoint ended. */
export type TokenRequestEnd =
  /** `answer` is the vendor's JSON, whole; `userinfoUrl` its user-info endpoint, `''` for none. */
  | { readonly kind: 'issued'; readonly answer: JsonRecord; readonly userinfoUrl: string }
  /** A whole 4xx (or 200 with an OAuth error): nothing was issued, nothing spent. */
  | { readonly kind: 'refused'; readonly error: string; readonly detail: string; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'failed'; readonly wasSent: boolean; readonly detail: string; readonly retryAfterMs: number | undefined };

export interface TokenRequest {
  readonly profile: LoginProfile;
  readonly client: ClientRegistration | undefined;
  readonly proxyUrl: string;
  readonly signal: AbortSignal;
  /** Cut out of whatever the vendor says. */
  readonly secrets: readonly (string | Secret | undefined)[];
  readonly checksIdToken?: boolean;
  /** Makes the request by the client library. */
  readonly ask: (exchange: OAuthExchange) => Promise<TokenEndpointResponse>;
}

/**
 * Asks a token endpoint once and says exactly how that ended: by the answer itself, not by the library's exceptions, since
 * between a spent and an unspent refresh token lies the account. Never rejects.
 */
export async function requestTokens(oauth: OAuthClient, clock: Clock, request: TokenRequest): Promise<TokenRequestEnd> {
  const options: ExchangeOptions = { client: request.client, proxyUrl: request.proxyUrl, signal: request.signal, checksIdToken: request.checksIdToken ?? false };
  let exchange: OAuthExchange;
  try {
    exchange = await oauth.open(request.profile, options);
  } catch (cause) {
    const detail = cause instanceof DiscoveryFailed ? cause.detail : 'the login’s settings cannot be used';
    return { kind: 'failed', wasSent: false, detail, retryAfterMs: undefined };
  }
  if (exchange.endpoints.token === '') return { kind: 'failed', wasSent: false, detail: 'the vendor names no token endpoint; set `token-url`', retryAfterMs: undefined };
  const isConform = await request.ask(exchange).then(
    () => true,
    () => false,
  );
  return judge(exchange, isConform, request, clock);
}

function judge(exchange: OAuthExchange, isConform: boolean, request: TokenRequest, clock: Clock): TokenRequestEnd {
  const answer = exchange.lastAnswer();
  if (answer === undefined) return { kind: 'failed', wasSent: false, detail: 'the request could not be made', retryAfterMs: undefined };
  if (answer.kind === 'failed') return { kind: 'failed', wasSent: answer.wasSent, detail: `the token endpoint was not reached (${answer.code})`, retryAfterMs: undefined };
  const retryAfterMs = readRetryAfter(answer.headers['retry-after'], clock.nowMs());
  const record = parseRecord(answer.body);
  if (answer.status >= 200 && answer.status < 300 && textOf(record, 'access_token') !== undefined && record !== undefined) {
    // Where the id token decides nothing, tokens that were issued are never thrown away.
    return isConform || request.checksIdToken !== true ? { kind: 'issued', answer: record, userinfoUrl: exchange.endpoints.userinfo } : { kind: 'refused', error: 'invalid_id_token', detail: 'the id token is not one of this issuer and client', retryAfterMs };
  }
  const oauthError = record === undefined ? undefined : oauthErrorOf(record);
  const said = oauthError?.description === undefined ? '' : `: ${vendorText(oauthError.description, request.secrets)}`;
  if (oauthError !== undefined && answer.status < 500) {
    const code = vendorCode(vendorText(oauthError.code, request.secrets));
    return { kind: 'refused', error: code, detail: `the vendor answered ${code} (HTTP ${answer.status})${said}`, retryAfterMs };
  }
  // RFC 9110 §15.5.9: 408 says that the request did not arrive whole, which a proxy in between may say of anything.
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 408) return { kind: 'refused', error: `http_${answer.status}`, detail: `the vendor answered HTTP ${answer.status}`, retryAfterMs };
  return { kind: 'failed', wasSent: true, detail: `the token endpoint answered HTTP ${answer.status}${answer.status < 300 ? ' without a token' : ''}${said}`, retryAfterMs };
}

/** RFC 9110 §10.2.3: seconds or a date. At most a day; undefined for anything else. */
export function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isFinite(waitMs) ? Math.min(Math.max(waitMs, 0), 24 * 60 * 60_000) : undefined;
}
