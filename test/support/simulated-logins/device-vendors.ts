import { createHash } from 'node:crypto';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../scripted-upstream.ts';
import { createCodeBook, readForm, unsignedJwt, type CodeBook } from './code-book.ts';

export type DeviceVendor = 'qwen' | 'kimi' | 'xai' | 'github-style';

export interface SimulatedDeviceVendor extends Pick<ScriptedUpstream, 'url' | 'seen' | 'close'> {
  readonly book: CodeBook;
  readonly entry: (more?: object) => object;
  /** The person decides; until then the vendor answers that it waits. */
  readonly decide: (decision: 'agreed' | 'refused') => void;
  /** How often each of these comes before it waits in peace. */
  readonly trouble: (troubles: readonly ('slow_down' | 'reset' | 'unavailable')[]) => void;
  /** qwen: where its tokens are spent. */
  readonly setResourceUrl: (url: string) => void;
  /** xai: another host in the metadata than the vendor's. */
  readonly forge: (tokenEndpoint: string) => void;
}

/**
 * Vendors with a device grant, each with its departures: Qwen with PKCE and `resource_url`, `slow_down` as 429; Kimi with a
 * JWT access token; xAI by discovery; and one that answers 200 with `error`, 201, nulls and no `token_type`, as GitHub and others do.
 */
export async function startDeviceVendor(vendor: DeviceVendor): Promise<SimulatedDeviceVendor> {
  const book = createCodeBook();
  let decision: 'waiting' | 'agreed' | 'refused' = 'waiting';
  let troubles: readonly ('slow_down' | 'reset' | 'unavailable')[] = [];
  let forged: string | undefined;
  let resourceUrl = 'portal.qwen.example';
  const challenges = new Map<string, string>();

  const issue = (): object => {
    const common = { access_token: book.newSecret('at'), refresh_token: book.issueRefreshToken() };
    switch (vendor) {
      case 'qwen':
        return { ...common, token_type: 'Bearer', expires_in: 21_600, resource_url: resourceUrl, status: 'success' };
      case 'kimi':
        return { ...common, access_token: unsignedJwt({ sub: 'kimi-user-1', jti: book.newSecret('jti') }), token_type: 'Bearer', expires_in: 900, scope: 'kimi-code' };
      case 'xai':
        return { ...common, token_type: 'Bearer', expires_in: '3600', id_token: unsignedJwt({ iss: server.url, aud: 'xai-client', sub: 'xai-1', email: 'ann@example.com', exp: Math.floor(Date.now() / 1_000) + 3_600, iat: Math.floor(Date.now() / 1_000) }) };
      case 'github-style':
        return { ...common, refresh_token: null, scope: null };
    }
  };
  // GitHub's form: whatever went wrong is a 200.
  const statusOf = (status: number): number => (vendor === 'github-style' ? 200 : status);

  const server = await startScriptedUpstream((seen, res, req) => {
    const path = new URL(seen.url, 'http://x').pathname;
    if (path === '/.well-known/openid-configuration') return answerJson(res, 200, { issuer: server.url, authorization_endpoint: `${server.url}/authorize`, device_authorization_endpoint: `${server.url}/device/code`, token_endpoint: forged ?? `${server.url}/token`, jwks_uri: `${server.url}/jwks`, id_token_signing_alg_values_supported: ['RS256'] });
    const form = readForm(seen.body);
    if (path === '/device/code') {
      const deviceCode = book.newSecret('device');
      challenges.set(deviceCode, form.get('code_challenge') ?? '');
      if (vendor === 'qwen' && (form.get('code_challenge_method') !== 'S256' || form.get('code_challenge') === undefined)) return answerJson(res, 400, { error: 'invalid_request', error_description: 'code_challenge' });
      return answerJson(res, vendor === 'github-style' ? 201 : 200, { device_code: deviceCode, user_code: 'WDJB-MJHT', [vendor === 'github-style' ? 'verification_url' : 'verification_uri']: `${server.url}/device`, expires_in: vendor === 'kimi' ? '900' : 900, interval: 1, ...(vendor === 'qwen' ? { verification_uri_complete: `${server.url}/device?user_code=WDJB-MJHT` } : {}) });
    }
    if (form.get('grant_type') === 'refresh_token') return book.spend(form.get('refresh_token') ?? '') ? answerJson(res, 200, issue()) : answerJson(res, 400, { error: 'invalid_grant' });
    const [trouble, ...others] = troubles;
    troubles = others;
    if (trouble === 'reset') return req.socket.resetAndDestroy();
    if (trouble === 'unavailable') return answerJson(res, 503, { error: 'temporarily_unavailable' });
    if (trouble === 'slow_down') return answerJson(res, vendor === 'qwen' ? 429 : statusOf(400), { error: 'slow_down' });
    if (decision === 'waiting') return answerJson(res, statusOf(400), { error: 'authorization_pending', error_description: 'not yet' });
    if (decision === 'refused') return answerJson(res, statusOf(400), { error: 'access_denied' });
    const challenge = challenges.get(form.get('device_code') ?? '');
    if (challenge === undefined || (challenge !== '' && createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url') !== challenge)) return answerJson(res, 400, { error: 'invalid_grant' });
    return answerJson(res, vendor === 'github-style' ? 201 : 200, issue());
  });

  const endpoints = vendor === 'xai' ? { issuer: server.url } : { 'device-authorization-url': `${server.url}/device/code`, 'token-url': `${server.url}/token` };
  return {
    url: server.url,
    seen: server.seen,
    close: server.close,
    book,
    entry: (more = {}) => ({ 'client-id': `${vendor}-client`, ...endpoints, ...more }),
    decide: (next) => {
      decision = next;
    },
    trouble: (next) => {
      troubles = next;
    },
    setResourceUrl: (next) => {
      resourceUrl = next;
    },
    forge: (tokenEndpoint) => {
      forged = tokenEndpoint;
    },
  };
}
