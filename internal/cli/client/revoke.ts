import { ok, err, type Result } from '../../fault/result.ts';
import type { OAuthHttp } from '../../upstreamauth/oauth-http.ts';
import { describeFailure, openServer } from './oauth-server.ts';
import type { Session } from './session.ts';

/** Ends a login at its server (RFC 7009). The error is the rest of a sentence. Never rejects. */
export async function revokeSession(http: OAuthHttp, session: Session): Promise<Result<undefined, string>> {
  if (session.revocationEndpoint === '') return err('the server offers no revocation');
  const server = await openServer(session, { http });
  const isRefresh = session.refreshToken !== '';
  try {
    await server.openid.tokenRevocation(server.configuration, isRefresh ? session.refreshToken : session.accessToken, { token_type_hint: isRefresh ? 'refresh_token' : 'access_token' });
    return ok(undefined);
  } catch (thrown) {
    return err(describeFailure(server.failure(thrown)));
  }
}
