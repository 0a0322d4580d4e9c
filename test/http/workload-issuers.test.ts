import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTrustedIssuers, type TrustedIssuers } from '../../internal/authserver/workloads/trusted-issuers.ts';
import { createWorkloadSource, type WorkloadSource } from '../../internal/authserver/workloads/workload-source.ts';
import { systemClock } from '../../internal/clock/clock.ts';
import { createDispatchers } from '../../internal/egress/dispatchers.ts';
import { createOAuthHttp } from '../../internal/upstreamauth/oauth-http.ts';
import { configOf } from '../support/config.ts';
import { startIdentityProvider, type IdentityProvider } from '../support/identity-provider.ts';
import { audience, ownIssuer } from '../support/workload-world.ts';

/*
 * Against oidc-provider, which nobody here wrote, in a process of its own: its metadata, its key set, and its RFC 9068 access
 * tokens as they come over the wire.
 */

const dispatchers = createDispatchers({ environment: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined }, connectTimeoutMs: () => 5_000 });
const http = createOAuthHttp({ clock: systemClock, dispatchers, userAgent: 'keyward/test' });
const problems: string[] = [];
const opened: TrustedIssuers[] = [];
let provider: IdentityProvider;
let answering: Server;
let address: string;
const asked: string[] = [];

beforeAll(async () => {
  provider = await startIdentityProvider();
  answering = createServer((req, res) => {
    asked.push(req.url ?? '');
    if (req.url?.startsWith('/moved') === true) res.writeHead(302, { location: `${address}/jwks` }).end();
    else if (req.url?.startsWith('/endless') === true) res.writeHead(200, { 'content-type': 'application/json' }).end(`{"keys":[${'{},'.repeat(1_000_000)}{}]}`);
    else res.writeHead(200, { 'content-type': 'application/json' }).end('{"keys":[]}');
  });
  await new Promise<void>((resolve) => answering.listen(0, '127.0.0.1', resolve));
  const bound = answering.address();
  address = typeof bound === 'object' && bound !== null ? `http://127.0.0.1:${bound.port}` : '';
}, 30_000);
afterAll(async () => {
  for (const issuers of opened) issuers.close();
  answering.close();
  await provider.stop();
  await dispatchers.close();
});

async function trust(entry: object): Promise<{ readonly source: WorkloadSource; readonly issuers: TrustedIssuers }> {
  const issuers = createTrustedIssuers({ http, proxyUrl: () => '', clock: systemClock, onProblem: (_issuer, problem) => problems.push(problem ?? 'well') });
  opened.push(issuers);
  const source = createWorkloadSource({ issuers, clock: systemClock });
  const config = configOf({ identity: { 'trusted-issuers': [{ issuer: provider.issuer, audience, subjects: ['machine'], algorithms: ['ES256'], ...entry }] } });
  source.apply(config, ownIssuer);
  await Promise.all(config.identity['trusted-issuers'].map(({ issuer }) => issuers.settled(issuer)));
  return { source, issuers };
}

async function tokenFor(resource: string): Promise<string> {
  const answer = await fetch(`${provider.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('machine:machine-secret-0123456789abcdef').toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope: 'models' }),
  });
  const token = /"access_token":"([^"]+)"/.exec(await answer.text())?.[1];
  if (token === undefined) throw new Error(`no token: ${answer.status}`);
  return token;
}

describe('a certified authorization server as trusted issuer', () => {
  it('is found by its metadata, and its access tokens come in', async () => {
    const { source, issuers } = await trust({});
    expect(issuers.states()).toMatchObject([{ issuer: provider.issuer, keys: 1, problem: undefined }]);
    const token = await tokenFor(audience);
    expect(source.verify(token)).toMatchObject({ kind: 'valid', principal: { kind: 'workload', label: 'machine' } });
    expect(source.verify(`${token.slice(0, -4)}AAAA`)).toEqual({ kind: 'invalid', code: 'invalid_api_key' });
  });

  it('lets in nobody with a token for another', async () => {
    const { source } = await trust({});
    expect(source.verify(await tokenFor('https://other.example.com'))).toEqual({ kind: 'invalid', code: 'invalid_api_key' });
  });

  it('has its keys taken from jwks-url too', async () => {
    const { source } = await trust({ 'jwks-url': `${provider.issuer}/jwks` });
    expect(source.verify(await tokenFor(audience)).kind).toBe('valid');
  });
});

describe('an address that gives no keys', () => {
  it.each([
    ['where a redirect leads elsewhere, which is not followed', '/moved', 'the key set cannot be read (status 302)'],
    ['that does not end', '/endless', 'the key set cannot be read (KEYWARD_TOO_LARGE)'],
    ['without any', '/empty', 'the key set has no key that signatures could be checked with'],
  ])('%s', async (_what, path, problem) => {
    asked.length = 0;
    const { source, issuers } = await trust({ 'jwks-url': `${address}${path}` });
    expect([issuers.states()[0]?.problem, asked]).toEqual([problem, [path]]);
    expect(source.verify(await tokenFor(audience)).kind).toBe('unknown');
  });

  it('is not there', async () => {
    const { issuers } = await trust({ 'jwks-url': 'http://127.0.0.1:1/jwks' });
    expect(issuers.states()[0]?.problem).toBe('the key set cannot be read (ECONNREFUSED)');
  });
});
