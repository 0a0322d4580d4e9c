import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import type { TokenFields } from '../accounts/directory/ports.ts';
import { noTokens } from '../accounts/token-set.ts';
import type { Clock } from '../clock/clock.ts';
import type { Dispatchers } from '../egress/dispatchers.ts';
import type { Logger } from '../log/logger.ts';
import type { LoginProfile } from '../providers/login-profile.ts';
import type { GrantOutcome, TokenGrants } from '../tokens/ports.ts';
import { afterRefresh } from './after-issue.ts';
import { clientNotConfigured, clientOfFile } from './client-identity.ts';
import { createOAuthClient } from './oauth-client.ts';
import { createOAuthHttp } from './oauth-http.ts';
import { signAssertion } from './service-account.ts';
import { readTokenSet } from './token-answer.ts';
import { requestTokens, type TokenRequestEnd } from './token-request.ts';
import { extraTokenParameters } from './vendors/departures.ts';

export interface GrantsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Best a set of its own: token requests share no kept-alive connection with other traffic. */
  readonly dispatchers: Dispatchers;
  /** `keyward/<version>`. */
  readonly userAgent: string;
  /** The config's `proxy-url`, for logins and files that name none. `''` unless told. */
  readonly proxyUrl?: () => string;
  /** Of one token request; 30,000 unless told. */
  readonly requestTimeoutMs?: number;
}

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Refreshes, client credentials and service accounts. Nothing is loaded or opened before the first use. */
export function createTokenGrants(deps: GrantsDeps): TokenGrants {
  const http = createOAuthHttp(deps);
  const oauth = createOAuthClient({ clock: deps.clock, http });
  const globalProxyUrl = (): string => deps.proxyUrl?.() ?? '';
  const proxyOf = (profile: LoginProfile, file?: AuthFile): string => [file?.operator.proxyUrl, profile.spend.proxyUrl, globalProxyUrl()].find((url) => url !== undefined && url !== '') ?? '';

  return {
    refresh: async (login, tokens, file, signal) => {
      const { profile } = login;
      const refreshToken = tokens.refreshToken?.reveal();
      if (refreshToken === undefined) return refused('no_refresh_token', 'the file holds no refresh token');
      const client = clientOfFile(profile, file, tokens);
      if (client === undefined) return refused('oauth_client_not_configured', clientNotConfigured(profile).message);
      const proxyUrl = proxyOf(profile, file);
      const askedAtMs = deps.clock.nowMs();
      const end = await requestTokens(oauth, deps.clock, {
        profile,
        client,
        proxyUrl,
        signal,
        secrets: [refreshToken, tokens.accessToken, tokens.idToken, client.clientSecret],
        ask: ({ openid, configuration }) => openid.refreshTokenGrant(configuration, refreshToken, { ...profile.tokenParameters, ...extraTokenParameters(profile, '', client.clientId) }),
      });
      if (end.kind !== 'issued') return end;
      const issued = readTokenSet(end.answer, askedAtMs, tokens);
      const complete = async (): Promise<TokenFields> => {
        const { facts, apiKey, problem } = await afterRefresh({ http, clock: deps.clock, profile, proxyUrl, answer: end.answer, tokens: issued, fact: file.fact });
        if (problem !== undefined) deps.log.warn({ account: login.label, file: file.name }, `the login was refreshed, but ${problem}; what was known before is kept`);
        return { tokens: apiKey === undefined ? issued : { ...issued, apiKey }, facts };
      };
      // A vendor that is asked once more is asked when the tokens are durable.
      if (profile.afterIssue === 'iflow-api-key') return { kind: 'issued', tokens: issued, after: complete };
      return { kind: 'issued', ...(await complete()) };
    },

    clientCredentials: async ({ profile }, signal) => {
      const client = profile.registration;
      if (client.clientId === '') return refused('oauth_client_not_configured', clientNotConfigured(profile).message);
      const askedAtMs = deps.clock.nowMs();
      const scope: Record<string, string> = profile.scopes.length === 0 ? {} : { scope: profile.scopes.join(' ') };
      const end = await requestTokens(oauth, deps.clock, {
        profile,
        client,
        proxyUrl: proxyOf(profile),
        signal,
        secrets: [client.clientSecret],
        ask: ({ openid, configuration }) => openid.clientCredentialsGrant(configuration, { ...scope, ...profile.tokenParameters }),
      });
      return withTokens(end, askedAtMs);
    },

    serviceAccount: async ({ profile }, file, signal) => {
      const signed = await signAssertion(profile, file.serviceAccount, deps.clock.nowMs());
      if (!signed.ok) return refused('invalid_service_account', signed.error);
      const assertion = signed.value;
      const askedAtMs = deps.clock.nowMs();
      const end = await requestTokens(oauth, deps.clock, {
        profile,
        client: undefined,
        proxyUrl: proxyOf(profile, file),
        signal,
        secrets: [assertion],
        // RFC 7523 §2.1: the assertion names its issuer, so no client id goes with it.
        ask: ({ openid, configuration }) => openid.genericGrantRequest(configuration, jwtBearer, { assertion, ...profile.tokenParameters }),
      });
      return withTokens(end, askedAtMs);
    },
  };
}

function refused(error: string, detail: string): GrantOutcome {
  return { kind: 'refused', error, detail, retryAfterMs: undefined };
}

function withTokens(end: TokenRequestEnd, askedAtMs: number): GrantOutcome {
  return end.kind === 'issued' ? { kind: 'issued', tokens: readTokenSet(end.answer, askedAtMs, noTokens) } : end;
}
