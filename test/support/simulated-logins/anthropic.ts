import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../scripted-upstream.ts';
import { createCodeBook, readJson, type CodeBook } from './code-book.ts';

export interface SimulatedAnthropic extends Pick<ScriptedUpstream, 'url' | 'seen' | 'close'> {
  readonly book: CodeBook;
  /** For the config's `oauth` section. */
  readonly entry: (more?: object) => object;
  /** The organization of the next login. */
  readonly setOrganization: (uuid: string) => void;
}

/** Token requests as JSON with the state inside; account and organization in the answer; errors that echo what they were sent. */
export async function startAnthropic(): Promise<SimulatedAnthropic> {
  const book = createCodeBook();
  let organization = '11111111-1111-4111-8111-111111111111';
  const issue = (): object => ({
    token_type: 'Bearer',
    access_token: book.newSecret('sk-ant-oat01'),
    refresh_token: book.issueRefreshToken(),
    expires_in: 28_800,
    scope: 'user:profile user:inference',
    account: { uuid: '99999999-9999-4999-8999-999999999999', email_address: 'ann@example.com' },
    organization: { uuid: organization, name: 'Ann’s <org>' },
  });
  const server = await startScriptedUpstream((seen, res) => {
    const body = readJson(seen.body);
    const text = (name: string): string => body.get(name) ?? '';
    if (seen.url !== '/v1/oauth/token' || seen.headers['content-type'] !== 'application/json') return answerJson(res, 415, { type: 'error', error: { type: 'invalid_request_error', message: 'JSON only' } });
    if (text('grant_type') === 'refresh_token') {
      if (book.spend(text('refresh_token'))) return answerJson(res, 200, { ...issue(), organization: undefined, account: undefined });
      return answerJson(res, 400, { error: 'invalid_grant', error_description: `Refresh token ${text('refresh_token')} not found or invalid` });
    }
    const authorization = book.redeem(text('code'), text('redirect_uri'), text('code_verifier'));
    if (authorization === undefined || authorization.state !== text('state')) return answerJson(res, 400, { error: 'invalid_grant', error_description: `Invalid code ${text('code')} for ${text('state')}` });
    return answerJson(res, 200, issue());
  });
  return {
    url: server.url,
    seen: server.seen,
    close: server.close,
    book,
    entry: (more = {}) => ({ 'client-id': 'anthropic-client', 'authorize-url': `${server.url}/oauth/authorize`, 'token-url': `${server.url}/v1/oauth/token`, 'redirect-port': 0, ...more }),
    setOrganization: (uuid) => {
      organization = uuid;
    },
  };
}
