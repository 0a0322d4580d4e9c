import type { Clock } from '../clock/clock.ts';
import type { LoginProfile } from '../providers/login-profile.ts';
import { scopeOf, type OAuthClient, type OAuthExchange } from './oauth-client.ts';
import { requestTokens, type TokenRequestEnd } from './token-request.ts';
import { departFromAuthorizeUrl, extraTokenParameters } from './vendors/departures.ts';

export interface AuthorizeRequest {
  readonly profile: LoginProfile;
  readonly redirectUri: string;
  readonly state: string;
  /** Undefined without PKCE. */
  readonly codeVerifier: string | undefined;
}

/** The address that a person opens to log in. RFC 6749 §4.1.1, RFC 7636 §4.3 */
export async function authorizeUrl({ openid, configuration, endpoints }: OAuthExchange, request: AuthorizeRequest): Promise<string> {
  const { profile, codeVerifier } = request;
  const parameters: Record<string, string> = { ...profile.authorizeParameters, redirect_uri: request.redirectUri, state: request.state };
  const scope = scopeOf(profile, endpoints);
  if (scope !== undefined) parameters['scope'] = scope;
  if (codeVerifier !== undefined) {
    parameters['code_challenge'] = await openid.calculatePKCECodeChallenge(codeVerifier);
    parameters['code_challenge_method'] = 'S256';
  }
  const url = openid.buildAuthorizationUrl(configuration, parameters);
  departFromAuthorizeUrl(profile, url);
  return url.href;
}

export interface CodeExchange {
  readonly profile: LoginProfile;
  readonly proxyUrl: string;
  readonly redirectUri: string;
  readonly code: string;
  /** `''` where the code came without one. */
  readonly state: string;
  readonly codeVerifier: string | undefined;
  readonly signal: AbortSignal;
}

const pausesMs = [300, 1_000] as const;

/** Trades a code for tokens. RFC 6749 §4.1.3. A code is good once, so it is sent again only when no byte of the request had left. */
export async function exchangeCode(oauth: OAuthClient, clock: Clock, exchange: CodeExchange): Promise<TokenRequestEnd> {
  const { profile, code, state, codeVerifier, signal } = exchange;
  const client = profile.registration;
  const returnedTo = new URL(exchange.redirectUri);
  returnedTo.searchParams.set('code', code);
  if (state !== '') returnedTo.searchParams.set('state', state);
  for (let attempt = 0; ; attempt++) {
    const end = await requestTokens(oauth, clock, {
      profile,
      client,
      proxyUrl: exchange.proxyUrl,
      signal,
      secrets: [code, state, codeVerifier, client.clientSecret],
      checksIdToken: true,
      ask: ({ openid, configuration }) =>
        openid.authorizationCodeGrant(
          configuration,
          returnedTo,
          { ...(codeVerifier === undefined ? {} : { pkceCodeVerifier: codeVerifier }), ...(state === '' ? {} : { expectedState: state }) },
          { ...profile.tokenParameters, ...extraTokenParameters(profile, state, client.clientId) },
        ),
    });
    const pauseMs = pausesMs[attempt];
    if (end.kind !== 'failed' || end.wasSent || pauseMs === undefined || signal.aborted) return end;
    await clock.sleep(pauseMs, signal).catch(() => undefined);
  }
}
