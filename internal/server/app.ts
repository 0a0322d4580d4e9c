import type { Access } from '../http/inbound.ts';
import type { ManagementRoute } from '../management/context.ts';
import type { Proxy, ProxyHandler } from '../proxy/forward.ts';
import { operations as on } from '../proxy/operation.ts';
import type { SocketHandler, SocketRoutes } from '../websocket/opening.ts';
import type { OAuthRoutes } from './oauth-routes.ts';
import type { LoginRoutes } from './login-routes.ts';
import { peopleRoutes } from './people-routes.ts';
import type { PageHandler } from './pages.ts';
import type { StatusPages } from './status-pages.ts';

/**
 * One route: who may call it, and what serves it. A `proxy` handler works on Node's own request, a `page` through Hono; a
 * `socket` serves upgrades alone, and what is none is told so.
 */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly access: Access;
  readonly serve: { readonly kind: 'proxy'; readonly handle: ProxyHandler } | { readonly kind: 'page'; readonly handle: PageHandler } | { readonly kind: 'socket'; readonly handle: SocketHandler };
}

const open: Access = { kind: 'open' };
/** Vendors send the person's browser back here; `state` is the proof (contract §9). */
const returning: Access = { kind: 'open', fromOtherSites: 'navigation' };
const uses: Access = { kind: 'client', scope: 'models:use' };
const reads: Access = { kind: 'client', scope: 'models:read' };
/** Any credential: what it must be, the handler says. */
const known: Access = { kind: 'client' };
const metrics: Access = { kind: 'metrics', scope: 'usage:read' };

const proxied = (method: Route['method'], path: string, handle: ProxyHandler): Route => ({ method, path, access: uses, serve: { kind: 'proxy', handle } });
const page = (path: string, access: Access, handle: PageHandler): Route => ({ method: 'GET', path, access, serve: { kind: 'page', handle } });
const oauth = (method: Route['method'], path: string, access: Access, handle: ProxyHandler): Route => ({ method, path, access, serve: { kind: 'proxy', handle } });
const own = (method: Route['method'], path: string, handle: PageHandler): Route => ({ method, path, access: known, serve: { kind: 'page', handle } });
const socket = (path: string, handle: SocketHandler): Route => ({ method: 'GET', path, access: uses, serve: { kind: 'socket', handle } });

/** What issues tokens; nothing of it is served while `identity.enabled` is false. */
function identityTable(identity: OAuthRoutes): readonly Route[] {
  return [
    ...['/.well-known/oauth-authorization-server', '/.well-known/oauth-authorization-server/oauth', '/.well-known/openid-configuration', '/oauth/.well-known/openid-configuration', '/oauth/.well-known/oauth-authorization-server'].map((path) => oauth('GET', path, open, identity.metadata)),
    oauth('GET', '/oauth/jwks', open, identity.serve),
    oauth('POST', '/oauth/token', open, identity.token),
    oauth('POST', '/oauth/introspect', open, identity.token),
    oauth('POST', '/oauth/revoke', open, identity.token),
    oauth('POST', '/oauth/device_authorization', open, identity.deviceAuthorization),
    oauth('GET', '/oauth/authorize', returning, identity.authorize),
    oauth('GET', '/oauth/authorize/:uid', returning, identity.serve),
    ...peopleRoutes(identity.pages),
    own('POST', '/oauth/bearer-token', identity.bearerToken),
    own('POST', '/oauth/run-keys', identity.makeRunKey),
    own('DELETE', '/oauth/run-keys', identity.endRunKey),
  ];
}

/** Every route of the daemon with its guard. Nothing else is served. */
export function routeTable(proxy: Proxy, sockets: SocketRoutes, pages: StatusPages, logins: LoginRoutes, identity: OAuthRoutes | undefined, managementRoutes: readonly ManagementRoute[]): readonly Route[] {
  return [
    // who may call      path                                what serves it
    page('/', open, pages.home),
    page('/healthz', open, pages.healthz),
    page('/readyz', open, pages.readyz),
    page('/metrics', metrics, pages.metrics),

    ...['anthropic', 'codex', 'google', 'iflow', 'antigravity'].map((name) => page(`/${name}/callback`, returning, logins.callback(name))),
    page('/oauth/callback/:name', returning, logins.callback()),
    page('/login/:id', returning, logins.result),

    proxied('POST', '/v1/chat/completions', proxy.forward(on.chat)),
    proxied('POST', '/v1/completions', proxy.forward(on.completions)),
    proxied('POST', '/v1/embeddings', proxy.forward(on.embeddings)),
    proxied('POST', '/v1/images/generations', proxy.forward(on.imagesGenerations)),
    proxied('POST', '/v1/images/edits', proxy.forward(on.imagesEdits)),
    proxied('POST', '/v1/images/variations', proxy.forward(on.imagesVariations)),
    proxied('POST', '/v1/audio/speech', proxy.forward(on.speech)),
    proxied('POST', '/v1/audio/transcriptions', proxy.forward(on.transcriptions)),
    proxied('POST', '/v1/audio/translations', proxy.forward(on.translations)),
    proxied('POST', '/v1/responses', proxy.forward(on.responses)),
    socket('/v1/responses', sockets.responses),
    proxied('POST', '/v1/responses/compact', proxy.forward(on.responsesCompact)),
    proxied('POST', '/v1/responses/input_tokens', proxy.forward(on.responsesInputTokens)),
    proxied('GET', '/v1/responses/:id', proxy.forwardStoredResponse),
    proxied('GET', '/v1/responses/:id/input_items', proxy.showInputItems),
    proxied('DELETE', '/v1/responses/:id', proxy.forwardStoredResponse),
    socket('/v1/realtime', sockets.realtime),
    proxied('POST', '/v1/messages', proxy.forward(on.messages)),
    proxied('POST', '/v1/messages/count_tokens', proxy.forward(on.countTokens)),
    proxied('POST', '/v1/models/:spec+', proxy.forwardGemini),
    proxied('POST', '/v1beta/models/:spec+', proxy.forwardGemini),
    page('/v1/models', reads, pages.listModels),
    page('/v1/models/:id+', reads, pages.showModel),
    page('/v1beta/models', reads, pages.listGeminiModels),
    page('/v1beta/models/:id+', reads, pages.showGeminiModel),

    ...(identity === undefined ? [] : identityTable(identity)),

    ...managementRoutes.map(({ method, path, scope, handle }): Route => ({
      method,
      path: `/v0/management${path}`,
      access: { kind: 'management', scope },
      serve: { kind: 'page', handle: (c, inbound) => handle(c, { principal: inbound.principal, peer: inbound.peer, requestId: inbound.id, params: inbound.params }) },
    })),
  ];
}
