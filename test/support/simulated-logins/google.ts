import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../scripted-upstream.ts';
import { createCodeBook, readForm, readJson, type CodeBook } from './code-book.ts';

export interface SimulatedGoogle extends Pick<ScriptedUpstream, 'url' | 'seen' | 'close'> {
  readonly book: CodeBook;
  readonly entry: (more?: object) => object;
  /** What Code Assist knows of the account: a project, or `''` for one that must be taken on first. */
  readonly setProject: (project: string) => void;
  /** Code Assist takes no account on. */
  readonly refuseOnboarding: () => void;
  readonly assertions: () => readonly string[];
  /** How long access tokens live from now on. */
  readonly setLifetime: (seconds: number) => void;
}

const clientSecret = 'google-client-secret-0123456789';

/** A confidential client without PKCE, refresh tokens that stay, user info, Code Assist's projects, and signed assertions. */
export async function startGoogle(): Promise<SimulatedGoogle> {
  const book = createCodeBook();
  const refreshTokens = new Set<string>();
  const accessTokens = new Set<string>();
  const assertions: string[] = [];
  let project = '';
  let onboardings = 0;
  let refusesOnboarding = false;
  let lifetimeSeconds = 3_599;
  const issue = (): { readonly access_token: string; readonly expires_in: number; readonly token_type: string; readonly scope: string } => {
    const accessToken = book.newSecret('ya29');
    accessTokens.add(accessToken);
    return { access_token: accessToken, expires_in: lifetimeSeconds, token_type: 'Bearer', scope: 'https://www.googleapis.com/auth/cloud-platform' };
  };
  const server = await startScriptedUpstream((seen, res) => {
    const isKnown = accessTokens.has((seen.headers.authorization ?? '').replace('Bearer ', ''));
    if (seen.url === '/oauth2/v1/userinfo?alt=json') return isKnown ? answerJson(res, 200, { id: '1234567890', email: 'ann@example.com', verified_email: true }) : answerJson(res, 401, { error: { code: 401, message: 'no', status: 'UNAUTHENTICATED' } });
    if (seen.url === '/v1internal:loadCodeAssist') {
      if (!isKnown) return answerJson(res, 401, {});
      const named = readJson(seen.body).get('cloudaicompanionProject');
      if (project === '') return answerJson(res, 200, { allowedTiers: [{ id: 'legacy-tier' }, { id: 'free-tier', isDefault: true }] });
      return answerJson(res, 200, { currentTier: { id: 'free-tier' }, cloudaicompanionProject: named ?? { id: project } });
    }
    if (seen.url === '/v1internal:onboardUser') {
      if (refusesOnboarding) return answerJson(res, 403, { error: { code: 403, message: 'not eligible', status: 'PERMISSION_DENIED' } });
      onboardings += 1;
      if (readJson(seen.body).get('tierId') !== 'free-tier') return answerJson(res, 400, { error: { code: 400, message: 'tier', status: 'INVALID_ARGUMENT' } });
      return answerJson(res, 200, onboardings < 2 ? { name: 'operations/1', done: false } : { name: 'operations/1', done: true, response: { cloudaicompanionProject: { id: 'made-project-1' } } });
    }
    if (seen.url === '/revoke') return answerJson(res, refreshTokens.delete(readForm(seen.body).get('token') ?? '') ? 200 : 400, { error: 'invalid_token' });
    const form = readForm(seen.body);
    const text = (name: string): string => form.get(name) ?? '';
    if (text('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
      assertions.push(text('assertion'));
      return form.has('client_id') ? answerJson(res, 400, { error: 'invalid_request' }) : answerJson(res, 200, issue());
    }
    if (text('client_secret') !== clientSecret) return answerJson(res, 401, { error: 'invalid_client', error_description: 'The provided client secret is invalid.' });
    if (text('grant_type') === 'refresh_token') return refreshTokens.has(text('refresh_token')) ? answerJson(res, 200, issue()) : answerJson(res, 400, { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' });
    if (book.redeem(text('code'), text('redirect_uri'), text('code_verifier')) === undefined) return answerJson(res, 400, { error: 'invalid_grant', error_description: 'Bad Request' });
    const refreshToken = book.issueRefreshToken();
    refreshTokens.add(refreshToken);
    return answerJson(res, 200, { ...issue(), refresh_token: refreshToken });
  });
  return {
    url: server.url,
    seen: server.seen,
    close: server.close,
    book,
    entry: (more = {}) => ({
      'client-id': 'google-client',
      'client-secret': clientSecret,
      'authorize-url': `${server.url}/o/oauth2/v2/auth`,
      'token-url': `${server.url}/token`,
      'revocation-url': `${server.url}/revoke`,
      'userinfo-url': `${server.url}/oauth2/v1/userinfo?alt=json`,
      'base-url': server.url,
      'redirect-port': 0,
      ...more,
    }),
    setProject: (next) => {
      project = next;
    },
    refuseOnboarding: () => {
      refusesOnboarding = true;
    },
    assertions: () => assertions,
    setLifetime: (seconds) => {
      lifetimeSeconds = seconds;
    },
  };
}
