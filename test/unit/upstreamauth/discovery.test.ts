import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../../internal/secret/secret.ts';
import { createGrantsWorld } from '../../support/grants-world.ts';
import { createLoginWorld, type LoginWorld } from '../../support/login-world.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

let issuer: ScriptedUpstream;
let world: LoginWorld | undefined;

beforeEach(async () => {
  issuer = await startScriptedUpstream((seen, res) => (seen.url === '/.well-known/openid-configuration' ? answerJson(res, 200, metadata()) : res.writeHead(404).end()));
});

afterEach(async () => {
  await world?.close();
  world = undefined;
  await issuer.close();
});

const metadata = (more: object = {}): object => ({ issuer: issuer.url, authorization_endpoint: `${issuer.url}/authorize`, token_endpoint: `${issuer.url}/token`, ...more });

async function startUrl(entry: object, clock = createManualClock()): Promise<URL> {
  world ??= createLoginWorld({ oauth: { corp: { issuer: issuer.url, 'client-id': 'c', ...entry } }, clock });
  return new URL((await world.logins.start('corp', {})).url);
}

describe('discovery', () => {
  it('is asked once, and again after an hour; the last good answer serves while there is no newer', async () => {
    const clock = createManualClock();
    await startUrl({}, clock);
    await startUrl({}, clock);
    expect(issuer.seen.length).toBe(1);
    clock.advance(61 * 60_000);
    issuer.setScript((_seen, res) => res.writeHead(503).end());
    expect((await startUrl({}, clock)).pathname).toBe('/authorize');
    expect(issuer.seen.length).toBeGreaterThan(1);
  });

  it('finds metadata where RFC 8414 has it', async () => {
    issuer.setScript((seen, res) => (seen.url === '/.well-known/oauth-authorization-server' ? answerJson(res, 200, metadata()) : res.writeHead(404).end()));
    expect((await startUrl({})).pathname).toBe('/authorize');
  });

  it('endpoints that are set win over the issuer’s', async () => {
    const url = await startUrl({ 'authorize-url': `${issuer.url}/ours?tenant=1`, 'authorize-parameters': { audience: 'api' } });
    expect(url.pathname).toBe('/ours');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ tenant: '1', audience: 'api', client_id: 'c', response_type: 'code' });
  });

  it.each([
    ['another issuer', { issuer: 'https://evil.example' }],
    ['a metadata service', { token_endpoint: 'http://169.254.169.254/token' }],
    ['plain http in public', { token_endpoint: 'http://token.example.com/' }],
  ])('metadata of %s are refused', async (_what, more) => {
    issuer.setScript((_seen, res) => answerJson(res, 200, metadata(more)));
    await expect(startUrl({})).rejects.toMatchObject({ code: 'login_failed' });
  });

  it('an endpoint on public http is taken, and asked, where `insecure-http` allows it', async () => {
    issuer.setScript((_seen, res) => answerJson(res, 200, metadata({ token_endpoint: 'http://token.example.com/' })));
    expect((await startUrl({ 'insecure-http': true })).pathname).toBe('/authorize');
    const endpoints = { 'client-id': 'c', 'token-url': 'http://token.example.com/', 'revocation-url': 'http://token.example.com/revoke', 'proxy-url': 'http://127.0.0.1:9', 'base-url': issuer.url };
    const grants = createGrantsWorld({ open: { ...endpoints, 'insecure-http': true }, closed: endpoints });
    const token = new Secret('rt-1');
    // Nobody listens at the proxy: what counts is whether it was tried.
    expect(await grants.revoke('closed', token, undefined)).toMatchObject({ ok: false, detail: expect.stringContaining('KEYWARD_ADDRESS_REFUSED') });
    expect(await grants.revoke('open', token, undefined)).toMatchObject({ ok: false, detail: expect.stringContaining('ECONNREFUSED') });
    await grants.close();
  });

  it('an issuer without a page to log in at is told as such', async () => {
    issuer.setScript((_seen, res) => answerJson(res, 200, metadata({ authorization_endpoint: undefined })));
    await expect(startUrl({})).rejects.toMatchObject({ code: 'login_not_offered', message: expect.stringContaining('authorize-url') });
  });

  it('an issuer with a device grant alone is logged in at by device', async () => {
    issuer.setScript((seen, res) => (seen.method === 'POST' ? answerJson(res, 200, { device_code: 'd', user_code: 'U', verification_uri: `${issuer.url}/device`, expires_in: 60, interval: 60 }) : answerJson(res, 200, metadata({ authorization_endpoint: undefined, device_authorization_endpoint: `${issuer.url}/device/code` }))));
    world = createLoginWorld({ oauth: { corp: { issuer: issuer.url, 'client-id': 'c' } } });
    await expect(world.logins.start('corp', {})).resolves.toMatchObject({ grant: 'device', userCode: 'U' });
  });
});
