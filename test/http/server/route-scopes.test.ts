import { describe, expect, it } from 'vitest';
import type { Proxy, ProxyHandler } from '../../../internal/proxy/forward.ts';
import { routeTable } from '../../../internal/server/app.ts';
import { createLoginRoutes } from '../../../internal/server/login-routes.ts';
import type { OAuthHandler } from '../../../internal/authserver/auth-server.ts';
import type { OAuthRoutes } from '../../../internal/server/oauth-routes.ts';
import { createStatusPages } from '../../../internal/server/status-pages.ts';
import { openManagement } from '../management/fixture.ts';

const served: ProxyHandler = () => Promise.resolve();
const proxy: Proxy = { forward: () => served, forwardGemini: served, forwardStoredResponse: served, serveTurn: () => Promise.resolve(), showInputItems: served, openCount: () => 0 };
const statusPages = createStatusPages({ version: '1', readiness: () => ({ isServing: true, codes: [] }), metrics: () => Promise.resolve({ contentType: '', text: '' }), listModels: () => Promise.resolve([]) });
const logins = createLoginRoutes({ callback: () => Promise.resolve({ status: 303, headers: {}, body: '' }), result: () => ({ status: 404, headers: {}, body: '' }) });
const oauth: OAuthHandler = () => Promise.resolve();
const page = () => new Response();
const shown = () => Promise.resolve({ status: 200, headers: {}, body: '' });
const identity: OAuthRoutes = { serve: oauth, token: oauth, deviceAuthorization: oauth, authorize: oauth, metadata: oauth, bearerToken: page, makeRunKey: page, endRunKey: page, pages: { device: shown, devicePost: shown, signinCallback: shown, interaction: shown, interactionPost: shown } };
const routes = async () => routeTable(proxy, { responses: () => Promise.resolve(undefined), realtime: () => Promise.resolve(undefined) }, statusPages, logins, identity, await openManagement('port: 8317\n').routes());

/** What a token can do with itself needs no scope. */
const forAnyCredential: ReadonlySet<string> = new Set(['/oauth/bearer-token', '/oauth/run-keys']);

describe('the scope of every route', () => {
  it('is named in the table, and is the one that this list says', async () => {
    const rows = (await routes()).map(({ method, path, access }) => `${method} ${path} ${access.kind === 'open' ? '-' : (access.scope ?? (forAnyCredential.has(path) ? 'any' : 'NONE'))}`);
    expect(rows.filter((row) => row.endsWith('NONE'))).toEqual([]);
    await expect(`${rows.toSorted().join('\n')}\n`).toMatchFileSnapshot('route-scopes.txt');
  });

  it('asks for writing wherever something is changed', async () => {
    const changing = (await routes()).filter(({ method, access }) => method !== 'GET' && access.kind === 'management').map(({ access }) => (access.kind === 'management' ? access.scope : undefined));
    expect(new Set(changing)).toEqual(new Set(['config:write', 'keys:write', 'accounts:write', 'accounts:login', 'clients:write', 'root']));
  });
});
