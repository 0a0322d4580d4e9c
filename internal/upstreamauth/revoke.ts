import type { LoginProfiles } from '../providers/logins/resolve.ts';
import type { Secret } from '../secret/secret.ts';
import { clientOfFile } from './client-identity.ts';
import type { GrantsDeps } from './grants.ts';
import { parseRecord } from './json-record.ts';
import { createOAuthClient } from './oauth-client.ts';
import { createOAuthHttp } from './oauth-http.ts';
import type { RevokeAtVendor } from './ports.ts';
import { oauthErrorOf } from './sloppy-answers.ts';
import { vendorCode, vendorText } from './vendor-text.ts';

export interface RevokeDeps extends GrantsDeps {
  readonly profiles: () => LoginProfiles;
}

/**
 * Ends logins at their vendors (RFC 7009). The refresh token is revoked, with which servers end the access tokens too
 * (§2.1); without one, the access token. Unknown tokens count as revoked (§2.2).
 */
export function createRevoke(deps: RevokeDeps): RevokeAtVendor {
  const http = createOAuthHttp(deps);
  const oauth = createOAuthClient({ clock: deps.clock, http });
  return async (provider, refreshToken, accessToken, file) => {
    const profile = deps.profiles().find(provider);
    if (profile === undefined) return notOffered('there is no login of this name');
    const [token, hint] = refreshToken === undefined ? ([accessToken, 'access_token'] as const) : ([refreshToken, 'refresh_token'] as const);
    if (token === undefined) return notOffered('the account has no token to revoke');
    const proxyUrl = [file?.operator.proxyUrl, profile.spend.proxyUrl, deps.proxyUrl?.()].find((url) => url !== undefined && url !== '') ?? '';
    // RFC 7009 §2.1: only the client that a token was issued to may revoke it; servers may answer others as if they had.
    const configured = profile.registration.clientId === '' ? undefined : profile.registration;
    const client = file === undefined ? configured : clientOfFile(profile, file, file.tokens);
    try {
      const exchange = await oauth.open(profile, { client, proxyUrl });
      if (exchange.endpoints.revocation === '') return notOffered('the provider offers no revocation');
      const { openid, configuration } = exchange;
      const isDone = await openid.tokenRevocation(configuration, token.reveal(), { token_type_hint: hint }).then(
        () => true,
        () => false,
      );
      if (isDone) return { offered: true, ok: true, detail: 'the provider ended the login' };
      const answer = exchange.lastAnswer();
      if (answer?.kind !== 'answered') return { offered: true, ok: false, detail: `the provider was not reached (${answer?.code ?? 'no request was made'})` };
      const record = parseRecord(answer.body);
      const error = record === undefined ? undefined : oauthErrorOf(record);
      const secrets: readonly (Secret | undefined)[] = [refreshToken, accessToken, client?.clientSecret];
      return { offered: true, ok: false, detail: `the provider answered ${error === undefined ? `HTTP ${answer.status}` : vendorCode(vendorText(error.code, secrets))}` };
    } catch {
      return { offered: true, ok: false, detail: 'the provider’s metadata cannot be read' };
    }
  };
}

function notOffered(detail: string): { readonly offered: false; readonly ok: false; readonly detail: string } {
  return { offered: false, ok: false, detail };
}
