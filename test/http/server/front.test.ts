import { createServer, type Server } from 'node:http';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../internal/clock/clock.ts';
import { createDoor } from '../../../internal/http/door.ts';
import { compileRoutes } from '../../../internal/http/route-table.ts';
import { proxyLimits } from '../../../internal/proxy/limits.ts';
import { routeTable, type Route } from '../../../internal/server/app.ts';
import { createLoginRoutes } from '../../../internal/server/login-routes.ts';
import { createFront } from '../../../internal/server/front.ts';
import { createPages } from '../../../internal/server/pages.ts';
import { createStatusPages } from '../../../internal/server/status-pages.ts';
import type { Proxy, ProxyHandler } from '../../../internal/proxy/forward.ts';
import type { SocketRoutes } from '../../../internal/websocket/opening.ts';
import { configOf, tableOf } from '../../support/config.ts';
import { loadedWith, rulesOf } from '../../support/door-fixtures.ts';

const key = 'sk-client-0123456789abcdef';
const secret = 'management-secret-0123456789';
const given = { 'api-keys': [key], 'remote-management': { 'secret-key': secret }, 'openai-compatibility': [{ name: 'x', 'base-url': 'https://x.example/v1', models: [{ name: 'm' }, { name: 'a/b' }] }] };

const served: ProxyHandler = async ({ res, endpoint, principal }) => {
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify({ endpoint, principal: principal.kind }));
};
const proxy: Proxy = { forward: () => served, forwardGemini: served, forwardStoredResponse: served, serveTurn: async () => undefined, showInputItems: served, openCount: () => 0 };
const sockets: SocketRoutes = { responses: () => Promise.resolve(undefined), realtime: () => Promise.resolve(undefined) };
const statusPages = createStatusPages({
  version: '9.9.9',
  readiness: () => ({ isServing: true, codes: ['config_refused'] }),
  metrics: () => Promise.resolve({ contentType: 'text/plain', text: 'metric 1\n' }),
  listModels: (snapshot) => Promise.resolve(snapshot.routes.listModels()),
});
const returned: string[] = [];
const logins = createLoginRoutes({
  callback: (provider, query) => {
    returned.push(`${provider} ${query}`);
    return Promise.resolve({ status: 303, headers: { location: '/login/ticket', 'referrer-policy': 'no-referrer' }, body: '' });
  },
  result: (id) => ({ status: id === 'ticket' ? 200 : 404, headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }, body: `<p>${id === 'ticket' ? 'stored' : 'unknown'}</p>` }),
});
const rows: readonly Route[] = routeTable(proxy, sockets, statusPages, logins, undefined, [{ method: 'GET', path: '/status', scope: 'usage:read', handle: (_c, call) => Response.json({ by: call.principal.kind }) }]);

function serverFor(settings: object = given): Server {
  const loaded = loadedWith({ ...settings });
  const snapshot = { loaded, warnings: [], door: rulesOf({ ...settings }), routes: tableOf(settings), limits: proxyLimits(configOf(settings)) };
  const front = createFront({
    clock: systemClock,
    routes: compileRoutes(rows),
    door: createDoor({ clock: systemClock, onRefused: () => undefined }),
    snapshot: () => snapshot,
    pages: () => Promise.resolve(createPages(() => undefined)),
    hasManagementListener: false,
    isManagementOnUnixSocket: false,
    onFailure: () => undefined,
  });
  return createServer((req, res) => front.onRequest(req, res, 'main'));
}
const withKey = { authorization: `Bearer ${key}` };

describe('the route table', () => {
  it.each(rows.filter((row) => row.access.kind === 'client').map((row) => [row.method, row.path, row.serve.kind] as const))('%s %s asks for a client key', async (method, path, kind) => {
    const target = path.replace(':spec+', 'm:generateContent').replace(':id+', 'm').replace(':id', 'resp_1');
    const refused = await request(serverFor())[method === 'POST' ? 'post' : method === 'DELETE' ? 'delete' : 'get'](target);
    expect(refused.status).toBe(401);
    const admitted = await request(serverFor())[method === 'POST' ? 'post' : method === 'DELETE' ? 'delete' : 'get'](target).set(withKey);
    // What is no upgrade is told that one is wanted.
    expect(admitted.status).toBe(kind === 'socket' ? 426 : 200);
    if (kind === 'socket') expect([admitted.headers['upgrade'], admitted.body.error.code]).toEqual(['websocket', 'upgrade_required']);
  });

  it('names an access for every route, and opens only what anyone may see and what ends a login', () => {
    const opened = rows.filter(({ access }) => access.kind === 'open');
    const returning = opened.filter(({ access }) => access.kind === 'open' && access.fromOtherSites === 'navigation').map((row) => `${row.method} ${row.path}`);
    expect(opened.map((row) => `${row.method} ${row.path}`).filter((row) => !returning.includes(row))).toEqual(['GET /', 'GET /healthz', 'GET /readyz']);
    expect(returning).toEqual(['GET /anthropic/callback', 'GET /codex/callback', 'GET /google/callback', 'GET /iflow/callback', 'GET /antigravity/callback', 'GET /oauth/callback/:name', 'GET /login/:id']);
    expect(rows.filter((row) => row.path.startsWith('/v0/management')).every((row) => row.access.kind === 'management')).toBe(true);
    expect(rows.filter((row) => /^\/v1(beta)?\//.test(row.path)).every((row) => row.access.kind === 'client')).toBe(true);
  });
});

/** What a browser sends when a vendor's page redirects its window here. */
const fromVendor = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-user': '?1', accept: 'text/html' };

describe('the end of a login', () => {
  it('a vendor’s redirect is handed on as it came, and answered with what the login pages say', async () => {
    returned.length = 0;
    const answer = await request(serverFor()).get('/anthropic/callback?code=c%20d&state=s').set(fromVendor);
    expect([answer.status, answer.headers['location'], answer.headers['referrer-policy']]).toEqual([303, '/login/ticket', 'no-referrer']);
    expect((await request(serverFor()).get('/oauth/callback/corp?code=1&state=2').set(fromVendor)).status).toBe(303);
    expect(returned).toEqual(['anthropic code=c%20d&state=s', 'corp code=1&state=2']);
    const result = await request(serverFor()).get('/login/ticket').set(fromVendor);
    expect([result.status, result.text, result.headers['cache-control']]).toEqual([200, '<p>stored</p>', 'no-store']);
    expect((await request(serverFor()).get('/login/other')).status).toBe(404);
  });

  it('looking without GET does not use the state up', async () => {
    returned.length = 0;
    for (const method of ['head', 'post', 'options'] as const) await request(serverFor())[method]('/anthropic/callback?code=1&state=2');
    expect((await request(serverFor()).head('/anthropic/callback?code=1&state=2')).status).toBe(405);
    expect(returned).toEqual([]);
  });

  it.each([
    ['a script', { ...fromVendor, 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }],
    ['a script with an Origin', { ...fromVendor, origin: 'https://evil.test' }],
    ['an image', { ...fromVendor, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }],
    ['a frame', { ...fromVendor, 'sec-fetch-dest': 'iframe' }],
  ])('%s of another site brings no state here', async (_what, headers) => {
    returned.length = 0;
    expect((await request(serverFor()).get('/anthropic/callback?code=1&state=2').set(headers)).body).toMatchObject({ error: { code: 'origin_not_allowed' } });
    expect(returned).toEqual([]);
  });

  it('a window from another site reaches nothing else, and no foreign Host', async () => {
    for (const path of ['/', '/readyz', '/v1/models', '/v0/management/status']) expect((await request(serverFor()).get(path).set(fromVendor)).status, path).toBe(403);
    expect((await request(serverFor()).get('/anthropic/callback?code=1').set({ ...fromVendor, host: 'evil.test' })).status).toBe(421);
  });
});

describe('every answer', () => {
  it('carries x-request-id: the client’s when it is plain, else a new one', async () => {
    const kept = await request(serverFor()).get('/healthz').set('x-request-id', 'my-id_1');
    expect(kept.headers['x-request-id']).toBe('my-id_1');
    const made = await request(serverFor()).get('/nowhere').set('x-request-id', 'no good!');
    expect(made.headers['x-request-id']).toMatch(/^req_[\w-]+$/);
  });

  it('tells who may not come in nothing about what is there', async () => {
    for (const path of ['/v1/nothing', '/v1beta/nothing']) expect((await request(serverFor()).get(path)).status).toBe(401);
    expect((await request(serverFor()).get('/v1/nothing').set(withKey)).status).toBe(404);
    expect((await request(serverFor()).get('/v0/management/nothing')).status).toBe(401);
    expect((await request(serverFor()).get('/v0/management/nothing').set('authorization', `Bearer ${secret}`)).status).toBe(404);
    expect((await request(serverFor({ 'api-keys': [key] })).get('/v0/management/status')).body).toEqual({ error: { message: 'Not Found', type: 'not_found' } });
  });

  it('has no body for HEAD', async () => {
    const answer = await request(serverFor()).head('/healthz');
    expect([answer.status, answer.text]).toEqual([200, undefined]);
  });
});

describe('status pages', () => {
  it('/readyz names codes, /metrics is for management', async () => {
    expect((await request(serverFor()).get('/readyz')).body).toEqual({ status: 'degraded', codes: ['config_refused'] });
    expect((await request(serverFor()).get('/metrics')).status).toBe(401);
    expect((await request(serverFor()).get('/metrics').set('authorization', `Bearer ${secret}`)).text).toBe('metric 1\n');
    expect((await request(serverFor({ ...given, 'metrics-open': true })).get('/metrics')).text).toBe('metric 1\n');
  });

  it('/v1/models answers in the form of the dialect that asks', async () => {
    expect((await request(serverFor()).get('/v1/models').set(withKey)).body).toMatchObject({ object: 'list', data: [{ id: 'a/b', object: 'model' }, { id: 'm' }] });
    expect((await request(serverFor()).get('/v1/models').set({ ...withKey, 'anthropic-version': '2023-06-01' })).body).toMatchObject({ has_more: false, first_id: 'a/b', last_id: 'm' });
    expect((await request(serverFor()).get('/v1beta/models').set('x-goog-api-key', key)).body).toMatchObject({ models: [{ name: 'models/a/b' }, { name: 'models/m' }] });
    expect((await request(serverFor()).get('/v1/models/a/b').set(withKey)).body).toMatchObject({ id: 'a/b' });
    expect((await request(serverFor()).get('/v1/models/none').set(withKey)).status).toBe(404);
  });

  it('an unknown model is refused in the dialect that asks, with names that are near', async () => {
    expect((await request(serverFor()).get('/v1/models/mm').set({ ...withKey, 'anthropic-version': '2023-06-01' })).body).toMatchObject({ type: 'error', error: { type: 'invalid_request_error', code: 'model_not_found', message: expect.stringContaining('"m"') } });
    expect((await request(serverFor()).get('/v1beta/models/none').set('x-goog-api-key', key)).body).toMatchObject({ error: { code: 404, status: 'NOT_FOUND' } });
  });

  it('management is served to its secret alone', async () => {
    expect((await request(serverFor()).get('/v0/management/status').set(withKey)).status).toBe(401);
    expect((await request(serverFor()).get('/v0/management/status').set('x-management-key', secret)).body).toEqual({ by: 'root' });
  });
});
