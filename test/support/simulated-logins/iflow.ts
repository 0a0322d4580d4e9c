import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../scripted-upstream.ts';
import { createCodeBook, readForm, type CodeBook } from './code-book.ts';

export interface SimulatedIflow extends Pick<ScriptedUpstream, 'url' | 'seen' | 'close'> {
  readonly book: CodeBook;
  readonly entry: (more?: object) => object;
  readonly setUserinfo: (state: 'fine' | 'broken') => void;
  readonly apiKeys: () => readonly string[];
}

const basic = `Basic ${Buffer.from('iflow-client:iflow-secret-0123456789').toString('base64')}`;

/** The redirect under another name, Basic authentication, no PKCE, and an API key out of user info that is asked by query. */
export async function startIflow(): Promise<SimulatedIflow> {
  const book = createCodeBook();
  const accessTokens = new Set<string>();
  const apiKeys: string[] = [];
  let userinfo: 'fine' | 'broken' = 'fine';
  const issue = (): object => {
    const accessToken = book.newSecret('at');
    accessTokens.add(accessToken);
    return { access_token: accessToken, refresh_token: book.issueRefreshToken(), token_type: 'bearer', expires_in: 172_800, scope: null };
  };
  const server = await startScriptedUpstream((seen, res) => {
    const url = new URL(seen.url, 'http://x');
    if (url.pathname === '/api/oauth/getUserInfo') {
      if (userinfo === 'broken') return answerJson(res, 500, { success: false });
      if (!accessTokens.has(url.searchParams.get('accessToken') ?? '')) return answerJson(res, 200, { success: false, message: 'no' });
      const apiKey = book.newSecret('sk-iflow');
      apiKeys.push(apiKey);
      return answerJson(res, 200, { success: true, data: { apiKey, email: '', phone: '+49-123' } });
    }
    const form = readForm(seen.body);
    const text = (name: string): string => form.get(name) ?? '';
    if (seen.headers.authorization !== basic || text('client_id') !== 'iflow-client') return answerJson(res, 401, { error: 'invalid_client' });
    if (text('grant_type') === 'refresh_token') return book.spend(text('refresh_token')) ? answerJson(res, 200, issue()) : answerJson(res, 400, { error: 'invalid_grant' });
    return book.redeem(text('code'), text('redirect_uri'), text('code_verifier')) === undefined ? answerJson(res, 400, { error: 'invalid_grant' }) : answerJson(res, 200, issue());
  });
  return {
    url: server.url,
    seen: server.seen,
    close: server.close,
    book,
    entry: (more = {}) => ({ 'client-id': 'iflow-client', 'client-secret': 'iflow-secret-0123456789', 'authorize-url': `${server.url}/oauth`, 'token-url': `${server.url}/oauth/token`, 'userinfo-url': `${server.url}/api/oauth/getUserInfo`, 'redirect-port': 0, ...more }),
    setUserinfo: (next) => {
      userinfo = next;
    },
    apiKeys: () => apiKeys,
  };
}
