import { createHash } from 'node:crypto';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../scripted-upstream.ts';
import { createCodeBook, readForm, readJson, unsignedJwt, type CodeBook } from './code-book.ts';

export interface SimulatedCodex extends Pick<ScriptedUpstream, 'url' | 'seen' | 'close'> {
  readonly book: CodeBook;
  readonly entry: (more?: object) => object;
  readonly setAccount: (accountId: string, email: string, plan: string) => void;
  /** The person agrees to the device login. */
  readonly agree: (userCode: string) => void;
}

/** An id token with OpenAI's claims, errors below `error`, and the device login that ends in a code. */
export async function startCodex(): Promise<SimulatedCodex> {
  const book = createCodeBook();
  let account = { id: 'acc-00000001', email: 'ann@example.com', plan: 'plus' };
  const agreed = new Map<string, boolean>();
  const devices = new Map<string, string>();
  const issue = (): object => ({
    access_token: book.note(unsignedJwt({ exp: Math.floor(Date.now() / 1_000) + 864_000, client_id: 'codex-client', aud: ['https://api.example.com/v1'], jti: book.newSecret('jti') })),
    refresh_token: book.issueRefreshToken(),
    id_token: book.note(unsignedJwt({ iss: 'https://somewhere.else.example', aud: ['codex-client'], email: account.email, sub: 'auth0|ann', 'https://api.openai.com/auth': { chatgpt_account_id: account.id, chatgpt_user_id: 'user-1', chatgpt_plan_type: account.plan } })),
    expires_in: 864_000,
  });
  const refuse = (code: string): object => ({ error: { message: 'Your refresh token has already been used.', type: 'invalid_request_error', param: null, code } });
  const server = await startScriptedUpstream((seen, res) => {
    if (seen.url === '/api/accounts/deviceauth/usercode') {
      if (readJson(seen.body).get('client_id') !== 'codex-client') return answerJson(res, 404, {});
      const deviceAuthId = book.newSecret('deviceauth');
      const userCode = `CODE-${devices.size}`;
      devices.set(deviceAuthId, userCode);
      return answerJson(res, 200, { device_auth_id: deviceAuthId, usercode: userCode, interval: '1' });
    }
    if (seen.url === '/api/accounts/deviceauth/token') {
      const body = readJson(seen.body);
      const userCode = devices.get(body.get('device_auth_id') ?? '');
      if (userCode === undefined || userCode !== body.get('user_code')) return answerJson(res, 400, {});
      if (agreed.get(userCode) !== true) return answerJson(res, 403, { error: 'authorization_pending' });
      const verifier = book.newSecret('verifier-0123456789012345678901234567');
      const challenge = createHash('sha256').update(verifier).digest('base64url');
      const { code } = book.grant(`${server.url}/?client_id=codex-client&redirect_uri=${encodeURIComponent(`${server.url}/deviceauth/callback`)}&code_challenge=${challenge}&code_challenge_method=S256`);
      return answerJson(res, 200, { authorization_code: code, code_verifier: verifier, code_challenge: challenge });
    }
    if (seen.url === '/oauth/revoke') return answerJson(res, 200, {});
    const form = readForm(seen.body);
    const text = (name: string): string => form.get(name) ?? '';
    if (seen.url !== '/oauth/token' || !(seen.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')) return answerJson(res, 404, {});
    if (text('client_id') !== 'codex-client') return answerJson(res, 401, refuse('invalid_client'));
    if (text('grant_type') === 'refresh_token') return book.spend(text('refresh_token')) ? answerJson(res, 200, issue()) : answerJson(res, 401, refuse('refresh_token_reused'));
    return book.redeem(text('code'), text('redirect_uri'), text('code_verifier')) === undefined ? answerJson(res, 401, refuse('invalid_grant')) : answerJson(res, 200, issue());
  });
  return {
    url: server.url,
    seen: server.seen,
    close: server.close,
    book,
    entry: (more = {}) => ({
      'client-id': 'codex-client',
      'authorize-url': `${server.url}/oauth/authorize`,
      'token-url': `${server.url}/oauth/token`,
      'device-authorization-url': `${server.url}/api/accounts/deviceauth/usercode`,
      'revocation-url': `${server.url}/oauth/revoke`,
      'redirect-port': 0,
      ...more,
    }),
    setAccount: (id, email, plan) => {
      account = { id, email, plan };
    },
    agree: (userCode) => void agreed.set(userCode, true),
  };
}
