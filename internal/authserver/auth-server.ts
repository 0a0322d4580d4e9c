import { LRUCache } from 'lru-cache';
import { errors, Provider } from 'oidc-provider';
import type { AuditLog } from '../audit/ports.ts';
import type { OAuthClients } from '../clients/issued/client-service.ts';
import { localIssuer, type Person } from '../clients/issued/person.ts';
import type { Sessions } from '../clients/issued/session-service.ts';
import type { IdentityStore } from '../clients/issued/store.ts';
import type { IssuedTokenSource } from '../clients/issued/token-source.ts';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import type { Inbound } from '../http/inbound.ts';
import { createThrottle } from '../http/throttle.ts';
import type { Logger } from '../log/logger.ts';
import { randomToken } from '../secret/digest.ts';
import { createAdapterFactory } from './adapter.ts';
import { createAmend, routeOf } from './amend.ts';
import { createApprovals } from './approvals.ts';
import type { AskedAgain } from './people/ask-again.ts';
import type { BrowserLogins, DeviceApprovals } from './people/ports.ts';
import { createDerivedTokens, type DerivedToken } from './derived-tokens.ts';
import { cliClient, cliClientId } from './library-client.ts';
import { createMount } from './mount.ts';
import { createProvider, type OwnClaims } from './provider.ts';
import { createSigningKeys, keptMsAfter, type SigningKeys } from './signing-keys.ts';

/** Answers on the request's own response, and never rejects but with an `AppError` before anything was sent. */
export type OAuthHandler = (inbound: Inbound<unknown>) => Promise<void>;

export interface AuthServer {
  /** Everything the library serves below `/oauth`. */
  readonly serve: OAuthHandler;
  /** The token endpoint: wrong proofs of clients are counted by peer. */
  readonly token: OAuthHandler;
  /** Device codes: an address gets so many and no more. */
  readonly deviceAuthorization: OAuthHandler;
  /** Logins in a browser, likewise. */
  readonly authorize: OAuthHandler;
  /** RFC 8414 and OpenID Connect Discovery, wherever clients look for it. */
  readonly metadata: OAuthHandler;
  readonly devices: DeviceApprovals;
  readonly browsers: BrowserLogins;
  readonly derive: ReturnType<typeof createDerivedTokens>;
  readonly signingKeys: SigningKeys;
  /** These logins were used: people whom nobody has vouched for within the life of an access token are asked about. */
  readonly noteUses: (sessionIds: readonly string[]) => void;
  readonly close: () => void;
}

export type { DerivedToken };

export interface AuthServerDeps {
  readonly store: IdentityStore;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn' | 'error' | 'info'>;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly clients: OAuthClients;
  readonly sessions: Sessions;
  readonly source: IssuedTokenSource;
  /** Without trailing slash (security rule 30). */
  readonly publicUrl: string;
  readonly settings: () => { readonly accessTokenMs: number; readonly sessionMs: number; readonly deviceCodeMs: number; readonly organization: string };
  /** Asks who vouched for a person whether that still holds. `unavailable`: nobody could be asked, so no refresh (security rule 35). */
  readonly askAgain: (person: Person) => Promise<AskedAgain>;
  /** A device code was given out. */
  readonly onDeviceCode: (inbound: Inbound<unknown>) => void;
  /** Grants that are ours to add; called with every library that is set up. */
  readonly extend?: (provider: Provider, claims: OwnClaims) => void;
}

const sweepMs = 600_000;
/** How soon a provider that could not be asked is asked again about somebody. */
const askAgainMs = 60_000;
/** Device codes that an address may have within ten minutes. */
const maxDeviceCodes = 30;
/** Logins in a browser that an address may begin; offices and their robots share one. */
const maxLogins = 200;
const allowanceMs = 600_000;
/** Characters of what a stranger wrote that the audit keeps. */
const maxTarget = 128;

/** The authorization server of the daemon. */
export function createAuthServer(deps: AuthServerDeps): AuthServer {
  const { store, clock, log, audit, clients, sessions, source, publicUrl, settings } = deps;
  const publicAddress = new URL(publicUrl);
  const issuer = `${publicUrl}/oauth`;
  const cookieKeys = [randomToken(32)];
  const throttle = createThrottle({ clock });
  const signingKeys = createSigningKeys({ store, clock, keptMs: () => keptMsAfter(settings().accessTokenMs) });
  const askedAtMs = new LRUCache<string, number>({ max: 10_000 });

  /** Name of a person or client; empty for others, and where it cannot be read: what happened is on record all the same. */
  const labelOf = (id: string): string => {
    try {
      return (id.startsWith('person_') ? sessions.findPerson(id)?.label : clients.find(id)?.name) ?? '';
    } catch {
      return '';
    }
  };
  const note = (action: string, actor: string, target: string, from: string, requestId: string, code = '', actorLabel = labelOf(actor)): void =>
    audit.append({ atMs: clock.nowMs(), action, actor, actorLabel, from, requestId, target, code });

  /** One question goes to the provider however many ask (`AskedAgain`); what follows from the answer follows once. */
  const askAbout = async (person: Person): Promise<Person | undefined> => {
    const answer = await deps.askAgain(person);
    if (answer.kind === 'still') return answer.person;
    if (answer.kind === 'unavailable') throw new errors.TemporarilyUnavailable('the identity provider cannot be asked right now');
    for (const { id, endedAtMs } of sessions.list({ personId: person.id, limit: 1_000 })) if (endedAtMs === undefined && sessions.end(id, 'provider')) note('session.ended', person.id, id, '', '', 'provider');
    // Nor have the clients that the person made anything left. Whoever has signed in again meanwhile is as good as new.
    const now = sessions.findPerson(person.id);
    if (now !== undefined && now.seenAtMs === person.seenAtMs) sessions.savePerson({ ...now, scopes: [], providerRefreshToken: undefined });
    return undefined;
  };
  const vouchFor = async (personId: string, isRefresh: boolean): Promise<Person | undefined> => {
    const person = sessions.findPerson(personId);
    return person === undefined || !isRefresh ? person : askAbout(person);
  };

  /** Who uses what a refresh does not renew, such as a run key, is asked about as often as who refreshes. Where nobody can be asked it goes on until its own end. */
  const noteUses = (sessionIds: readonly string[]): void => {
    const nowMs = clock.nowMs();
    const personIds = new Set(sessionIds.map((id) => sessions.find(id)?.personId));
    for (const id of personIds) {
      const person = id === undefined ? undefined : sessions.findPerson(id);
      if (person === undefined || person.issuer === localIssuer || nowMs - person.seenAtMs < settings().accessTokenMs || nowMs - (askedAtMs.get(person.id) ?? 0) < askAgainMs) continue;
      askedAtMs.set(person.id, nowMs);
      vouchFor(person.id, true).catch((err: unknown) => log.info({ err, person: person.id }, 'the identity provider could not be asked about somebody; it is asked again'));
    }
  };

  const amend = createAmend({
    publicUrl,
    source,
    endToken: ({ jti, expiresAtMs, subject }) => {
      sessions.endToken(jti, expiresAtMs);
      note('token.revoked', subject, jti, '', '');
    },
  });
  // At the token endpoint nobody asks for an end: a code or refresh token was used a second time (RFC 9700 §4.14.2).
  const endingBy = (): 'reuse' | 'revoked' => (routeOf(Provider.ctx) === 'token' ? 'reuse' : 'revoked');
  const adapter = createAdapterFactory({ store, clients, clock, endingBy, onReused: (grantId) => note('session.ended', sessions.find(grantId)?.personId ?? 'anonymous', grantId, '', '', 'reuse') });

  const build = (): { readonly provider: Provider; readonly hand: ReturnType<typeof createMount> } => {
    const seconds = (ms: number): number => Math.max(1, Math.floor(ms / 1_000));
    const { provider, claims } = createProvider({
      issuer,
      audience: publicUrl,
      clock,
      adapter,
      signingKeys: signingKeys.current(),
      cookieKeys,
      seconds: { accessToken: () => seconds(settings().accessTokenMs), session: () => seconds(settings().sessionMs), deviceCode: () => seconds(settings().deviceCodeMs) },
      findClient: clients.find,
      isSecretOf: clients.isSecretOf,
      vouchFor,
      organization: () => settings().organization,
      isFirstUse: (id, expiresAtMs) => store.isFirstUse('protocol', id, expiresAtMs),
    });
    deps.extend?.(provider, claims);
    provider.on('server_error', (_ctx, err) => log.error({ err }, 'the authorization server could not answer'));
    provider.on('grant.success', (ctx) => {
      const { entities, client } = ctx.oidc;
      const workload = entities.AccessToken === undefined ? undefined : claims.actorOf(entities.AccessToken);
      const subject = workload?.id ?? entities.Account?.accountId ?? client?.clientId ?? 'anonymous';
      note('token.issued', subject, client?.clientId ?? '', fromOf(ctx.req), idOf(ctx.res), '', workload?.label);
    });
    provider.on('grant.error', (ctx, err) => {
      if (err.message === 'authorization_pending' || err.message === 'slow_down') return;
      // Who could not show that he is the client is not the one to be named.
      const isProven = err.message !== 'invalid_client';
      const clientId = ctx.oidc.client?.clientId;
      note('token.refused', isProven ? (clientId ?? 'anonymous') : 'anonymous', `${isProven || clientId === undefined ? '' : `${clientId} `}${textOf(ctx.oidc.params?.['grant_type'])}`.slice(0, maxTarget), fromOf(ctx.req), idOf(ctx.res), err.message);
    });
    provider.on('grant.revoked', (ctx, grantId) => {
      source.forget();
      sessions.end(grantId, endingBy());
      note('session.ended', sessions.find(grantId)?.personId ?? 'anonymous', grantId, fromOf(ctx.req), idOf(ctx.res), endingBy() === 'reuse' ? 'reuse' : '');
    });
    // Which keys count has changed with it.
    source.forget();
    return { provider, hand: createMount({ provider, publicUrl: publicAddress, amend, onFailure: (err) => log.error({ err }, 'the authorization server could not answer') }) };
  };

  let current = build();
  const look = (): void => {
    try {
      store.sweep();
      if (signingKeys.rotateIfDue()) current = build();
    } catch (err) {
      log.warn({ err }, 'what the authorization server keeps cannot be tidied up; it is tried again');
    }
  };
  signingKeys.rotateIfDue();
  const stopLooking = clock.every(sweepMs, look);
  const serve: OAuthHandler = (inbound) => current.hand(inbound);

  const token: OAuthHandler = async (inbound) => {
    const { throttleKey, isLocal } = inbound.peer;
    // Whoever shares this machine shares the address: his mistakes must not keep others out.
    if (isLocal) return serve(inbound);
    const turn = throttle.tryEnter(throttleKey);
    if (turn.kind === 'refused') throw new AppError('too_many_failures', { headers: { 'retry-after': String(turn.retryAfterSeconds) } });
    try {
      await serve(inbound);
    } finally {
      throttle.leave(throttleKey, inbound.res.statusCode === 401 ? 'wrong' : 'void');
    }
  };

  const takeDeviceCode = createAllowance(clock, maxDeviceCodes);
  const takeLogin = createAllowance(clock, maxLogins);
  const deviceAuthorization: OAuthHandler = async (inbound) => {
    takeDeviceCode(inbound, 'This address has asked for many device codes.');
    deps.onDeviceCode(inbound);
    await serve(inbound);
  };
  // Each is kept until it is answered or grows old.
  const authorize: OAuthHandler = async (inbound) => {
    takeLogin(inbound, 'This address has begun many logins.');
    await serve(inbound);
  };

  const names = (id: string): string | undefined => (id === cliClientId ? cliClient.client_name : clients.find(id)?.name);
  const approvals = createApprovals({ provider: () => current.provider, objects: store.objects, sessions, clock, audience: publicUrl, clientName: names });
  return {
    serve,
    token,
    deviceAuthorization,
    authorize,
    metadata: (inbound) => current.hand(inbound, '/.well-known/openid-configuration'),
    devices: approvals.devices,
    browsers: approvals.browsers,
    derive: createDerivedTokens({ provider: () => current.provider, audience: publicUrl }),
    signingKeys: {
      ...signingKeys,
      rotate: () => {
        const key = signingKeys.rotate();
        current = build();
        return key;
      },
    },
    noteUses,
    close: stopLooking,
  };
}

/** So many of something for an address within ten minutes; throws beyond. */
function createAllowance(clock: Pick<Clock, 'nowMs'>, most: number): (inbound: Inbound<unknown>, message: string) => void {
  const windows = new LRUCache<string, { count: number; readonly untilMs: number }>({ max: 10_000 });
  return ({ peer }, message) => {
    const nowMs = clock.nowMs();
    const seen = windows.get(peer.throttleKey);
    const window = seen === undefined || seen.untilMs <= nowMs ? { count: 0, untilMs: nowMs + allowanceMs } : seen;
    windows.set(peer.throttleKey, window);
    window.count++;
    if (window.count > most) throw new AppError('too_many_failures', { message, headers: { 'retry-after': String(Math.ceil((window.untilMs - nowMs) / 1_000)) } });
  };
}

function fromOf(req: object): string {
  return textOf(Reflect.get(req, 'keywardFrom'));
}

function idOf(res: { readonly getHeader: (name: string) => unknown }): string {
  return textOf(res.getHeader('x-request-id'));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
