import type { AuthServer, OAuthHandler } from '../authserver/auth-server.ts';
import type { PeoplePages } from '../authserver/people/people-pages.ts';
import type { IssuedTokenSource } from '../clients/issued/token-source.ts';
import type { Sessions } from '../clients/issued/session-service.ts';
import type { AuditLog } from '../audit/ports.ts';
import { scopes, type Scope } from '../clients/grant.ts';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import { answerJson } from '../management/answer.ts';
import { readJsonObject } from '../management/body.ts';
import type { PageHandler } from './pages.ts';

/** What the authorization server serves, for the route table. */
export interface OAuthRoutes {
  readonly serve: OAuthHandler;
  readonly token: OAuthHandler;
  readonly deviceAuthorization: OAuthHandler;
  readonly authorize: OAuthHandler;
  readonly metadata: OAuthHandler;
  readonly bearerToken: PageHandler;
  readonly makeRunKey: PageHandler;
  readonly endRunKey: PageHandler;
  readonly pages: PeoplePages;
}

export interface OAuthRoutesDeps {
  readonly server: AuthServer;
  readonly source: Pick<IssuedTokenSource, 'claimsOf'>;
  readonly sessions: Pick<Sessions, 'endToken'>;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly pages: PeoplePages;
}

const bearerSeconds = 900;
/** A working day: a tool that runs longer is started again. */
const runKeySeconds = 43_200;
/** What a tool that a person starts may do in his name. */
const lent: readonly Scope[] = ['models:use', 'models:read'];

export function createOAuthRoutes({ server, source, sessions, audit, clock, pages }: OAuthRoutesDeps): OAuthRoutes {
  const derive = async (inbound: Parameters<PageHandler>[1], wish: { readonly seconds: number; readonly scopes: readonly Scope[] }, target: string) => {
    const claims = source.claimsOf(inbound.principal);
    const token = claims === undefined ? undefined : await server.derive(claims, wish);
    if (token === undefined) throw new AppError('scope_not_allowed', { message: 'This is for the access token of a login; it was called with another kind of credential, or with a token that was itself made here.' });
    audit.append({ atMs: clock.nowMs(), action: 'token.issued', actor: inbound.principal.id, actorLabel: inbound.principal.label, from: inbound.peer.address, requestId: inbound.id, target, code: '' });
    return token;
  };
  return {
    pages,
    serve: server.serve,
    token: server.token,
    deviceAuthorization: server.deviceAuthorization,
    authorize: server.authorize,
    metadata: server.metadata,
    bearerToken: async (c, inbound) => {
      await readJsonObject(c.req.raw, [], { mayBeEmpty: true });
      const { text, scope, expiresInSeconds } = await derive(inbound, { seconds: bearerSeconds, scopes }, 'bearer token');
      return answerJson({ access_token: text, token_type: 'Bearer', expires_in: expiresInSeconds, scope });
    },
    makeRunKey: async (c, inbound) => {
      const { name } = await readJsonObject(c.req.raw, ['name'], { mayBeEmpty: true });
      if (name !== undefined && (typeof name !== 'string' || name.length > 128)) throw new AppError('invalid_request', { message: '`name` must be text of at most 128 characters.', fields: { param: 'name' } });
      const { text, jti, expiresInSeconds } = await derive(inbound, { seconds: runKeySeconds, scopes: lent }, `run key ${name ?? ''}`.trim());
      return answerJson({ id: jti, key: text, expires_at: new Date(clock.nowMs() + expiresInSeconds * 1_000).toISOString() }, {}, 201);
    },
    endRunKey: (_c, inbound) => {
      const claims = source.claimsOf(inbound.principal);
      if (claims?.isDerived !== true) throw new AppError('scope_not_allowed', { message: 'Call this with the run key itself, which then ends.' });
      sessions.endToken(claims.jti, claims.expiresAtMs);
      audit.append({ atMs: clock.nowMs(), action: 'token.revoked', actor: inbound.principal.id, actorLabel: inbound.principal.label, from: inbound.peer.address, requestId: inbound.id, target: claims.jti, code: '' });
      return answerJson({ status: 'ok' });
    },
  };
}
