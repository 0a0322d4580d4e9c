import { createServer } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noTokens, type TokenSet } from '../../../internal/accounts/token-set.ts';
import { Secret } from '../../../internal/secret/secret.ts';
import { authFile } from '../../support/auth-files.ts';
import { createGrantsWorld, type GrantsWorld } from '../../support/grants-world.ts';
import { answerJson, startScriptedUpstream, type Script, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

const refreshToken = 'rt-0123456789-very-secret';
const tokens: TokenSet = { ...noTokens, refreshToken: new Secret(refreshToken) };
let vendor: ScriptedUpstream;
let world: GrantsWorld;

beforeEach(async () => {
  vendor = await startScriptedUpstream((_seen, res) => answerJson(res, 200, { access_token: 'at', token_type: 'Bearer' }));
  world = createGrantsWorld({ corp: { 'client-id': 'c', 'token-url': `${vendor.url}/token`, 'base-url': vendor.url } }, 1_000);
});

afterEach(async () => {
  await world.close();
  await vendor.close();
});

const refresh = (grants: GrantsWorld = world): ReturnType<GrantsWorld['refresh']> => grants.refresh('corp', undefined, tokens);

async function after(script: Script): ReturnType<GrantsWorld['refresh']> {
  vendor.setScript(script);
  return refresh();
}

describe('a refresh ends in exactly one of three ways', () => {
  it('issued: whatever else the answer gets wrong, issued tokens are kept', async () => {
    const sloppy = { access_token: 'at-2', refresh_token: 'rt-2', token_type: 'session', expires_in: 'soon', scope: 5, id_token: 'garbage' };
    const outcome = await after((_seen, res) => answerJson(res, 201, sloppy, { 'www-authenticate': 'Bearer' }));
    if (outcome.kind !== 'issued') throw new Error(JSON.stringify(outcome));
    expect(outcome.tokens.accessToken?.reveal()).toBe('at-2');
    expect(outcome.tokens.refreshToken?.reveal()).toBe('rt-2');
    expect(outcome.tokens.expiresAtMs).toBeUndefined();
  });

  it('issued: the end of the token is its own `exp` where the answer does not say', async () => {
    const exp = Math.floor(Date.now() / 1_000) + 100;
    const jwt = `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.c2ln`;
    const outcome = await after((_seen, res) => answerJson(res, 200, { access_token: jwt, token_type: 'Bearer' }));
    expect(outcome).toMatchObject({ kind: 'issued', tokens: { expiresAtMs: exp * 1_000 } });
    if (outcome.kind === 'issued') expect(outcome.tokens.refreshToken?.reveal()).toBe(refreshToken);
  });

  it.each([
    [400, { error: 'invalid_grant', error_description: `no ${refreshToken}` }, 'invalid_grant'],
    [401, { error: { code: 'refresh_token_reused', message: 'used' } }, 'refresh_token_reused'],
    [403, { type: 'error', error: { type: 'permission_error', message: 'no' } }, 'permission_error'],
    [200, { error: 'bad_refresh_token' }, 'bad_refresh_token'],
    [400, { error: 'a b\u0000<script>' }, 'unknown_error'],
    [404, { message: 'nothing here' }, 'http_404'],
    [429, {}, 'http_429'],
  ])('refused: %i with %j', async (status, body, error) => {
    const outcome = await after((_seen, res) => answerJson(res, status, body, { 'retry-after': '7' }));
    expect(outcome).toMatchObject({ kind: 'refused', error, retryAfterMs: 7_000 });
    expect(JSON.stringify(outcome)).not.toContain(refreshToken);
  });

  it.each([
    ['an error of the server', 503, '{"error":"temporarily_unavailable"}', 9_000],
    ['a page instead of tokens', 200, '<html>maintenance</html>', 9_000],
    ['a token that is no text', 200, '{"access_token":7}', 9_000],
    ['a request that did not arrive whole', 408, '', 9_000],
  ])('failed and sent: %s', async (_what, status, body, retryAfterMs) => {
    const outcome = await after((_seen, res) => res.writeHead(status, { 'content-type': 'text/html', 'retry-after': '9' }).end(body));
    expect(outcome).toMatchObject({ kind: 'failed', wasSent: true, retryAfterMs });
  });

  it('failed and sent: a redirect is not followed', async () => {
    const outcome = await after((seen, res) => (seen.url === '/token' ? res.writeHead(307, { location: `${vendor.url}/elsewhere` }).end() : answerJson(res, 200, { access_token: 'x' })));
    expect(outcome).toMatchObject({ kind: 'failed', wasSent: true });
    expect(vendor.seen.map(({ url }) => url)).toEqual(['/token']);
  });

  it('failed and sent: the connection breaks before or within the answer', async () => {
    await expect(after((_seen, _res, req) => void req.socket.resetAndDestroy())).resolves.toMatchObject({ kind: 'failed', wasSent: true });
    const cut = await after((_seen, res, req) => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': 500 });
      res.write('{"access_token":"at"', () => req.socket.resetAndDestroy());
    });
    expect(cut).toMatchObject({ kind: 'failed', wasSent: true });
  });

  it('failed and sent: no answer in time', async () => {
    await expect(after(() => undefined)).resolves.toMatchObject({ kind: 'failed', wasSent: true, detail: expect.stringContaining('KEYWARD_TIMEOUT') });
  });

  it('failed and sent: an answer without end', async () => {
    const outcome = await after((_seen, res) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      const more = (): void => {
        while (!res.destroyed && res.write(' '.repeat(65_536)));
        if (!res.destroyed) res.once('drain', more);
      };
      more();
    });
    expect(outcome).toMatchObject({ kind: 'failed', wasSent: true, detail: expect.stringContaining('KEYWARD_TOO_LARGE') });
  });

  it('failed, nothing sent: nobody listens there', async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const address = probe.address();
    const port = typeof address === 'object' ? address?.port : 0;
    probe.close();
    await once(probe, 'close');
    const other = createGrantsWorld({ corp: { 'client-id': 'c', 'token-url': `http://127.0.0.1:${port}/token` } });
    await expect(refresh(other)).resolves.toMatchObject({ kind: 'failed', wasSent: false, detail: expect.stringContaining('ECONNREFUSED') });
    await other.close();
  });

  it.each(['http://token.example.com/token', 'http://169.254.169.254/token', 'https://[fe80::1]/token', 'ftp://127.0.0.1/token', 'https://user:pass@127.0.0.1/token'])('failed, nothing sent: %s is no address for secrets', async (url) => {
    const other = createGrantsWorld({ corp: { 'client-id': 'c', 'token-url': url } });
    await expect(refresh(other)).resolves.toMatchObject({ kind: 'failed', wasSent: false });
    await other.close();
  });

  it('failed, nothing sent: the issuer’s metadata cannot be had', async () => {
    const other = createGrantsWorld({ corp: { 'client-id': 'c', issuer: vendor.url } });
    vendor.setScript((_seen, res) => res.writeHead(500).end());
    await expect(refresh(other)).resolves.toMatchObject({ kind: 'failed', wasSent: false });
    expect(vendor.seen.every(({ method }) => method === 'GET')).toBe(true);
    await other.close();
  });

  it('each token request has a connection of its own, and says that it is the last on it', async () => {
    const ports = new Set<number | undefined>();
    vendor.setScript((_seen, res, req) => {
      ports.add(req.socket.remotePort);
      answerJson(res, 200, { access_token: 'at', token_type: 'Bearer' });
    });
    for (let round = 0; round < 3; round++) await refresh();
    expect(ports.size).toBe(3);
    expect(vendor.seen.every(({ headers }) => headers.connection === 'close' && headers['user-agent'] === 'keyward/test')).toBe(true);
  });

  it('a client secret goes with its own client alone', async () => {
    const other = createGrantsWorld({ corp: { 'client-id': 'ours', 'client-secret': 'secret-of-ours-0123456789', 'token-url': `${vendor.url}/token` } });
    await other.grants.refresh(other.login('corp'), tokens, authFile('corp', { facts: { client_id: 'theirs' } }), new AbortController().signal);
    await other.grants.refresh(other.login('corp'), tokens, authFile('corp', { facts: { client_id: 'theirs', client_secret: 'secret-of-theirs-0123456789' } }), new AbortController().signal);
    await other.grants.refresh(other.login('corp'), tokens, authFile('corp'), new AbortController().signal);
    const [bare, theirs, ours] = vendor.seen.map(({ headers, body }) => `${Buffer.from((headers.authorization ?? '').replace('Basic ', ''), 'base64').toString()}&${body.toString()}`);
    expect(bare).toContain('client_id=theirs');
    expect(bare).not.toContain('secret-of');
    expect(theirs).toContain('theirs:secret-of-theirs-0123456789');
    expect(ours).toContain('ours:secret-of-ours-0123456789');
    await other.close();
  });
});
