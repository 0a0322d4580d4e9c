import type { AuditLog } from '../audit/ports.ts';
import { createAuthServer, type AuthServer } from '../authserver/auth-server.ts';
import { keptMsAfter } from '../authserver/signing-keys.ts';
import { addExchangeGrant } from '../authserver/exchange-grant.ts';
import { cliClientId, workloadClientId } from '../authserver/library-client.ts';
import { createPeople, type People } from '../authserver/people/people.ts';
import { defaultScopes } from '../authserver/people/person.ts';
import { exchangeSubject } from '../authserver/workloads/exchange-subject.ts';
import { workloadFrom } from '../authserver/workloads/workload-source.ts';
import { createOAuthClients, type OAuthClients } from '../clients/issued/client-service.ts';
import { createSessions, type Sessions } from '../clients/issued/session-service.ts';
import type { IdentityStore } from '../clients/issued/store.ts';
import { createIssuedTokenSource, type IssuedTokenSource, type MinterRights } from '../clients/issued/token-source.ts';
import { scopes } from '../clients/grant.ts';
import type { Principal } from '../clients/principal.ts';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import type { Dispatchers } from '../egress/dispatchers.ts';
import { createProofCheck, type CheckProof } from '../http/dpop-proof.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Logger } from '../log/logger.ts';
import { createOAuthHttp } from '../upstreamauth/oauth-http.ts';
import type { RunningExchanges } from '../proxy/running.ts';
import type { Live } from './live.ts';
import type { OpenManagedKeys } from './managed-keys.ts';
import { publicUrlOf } from './public-url.ts';
import type { OpenWorkloads } from './workloads.ts';

export interface IdentityDeps {
  readonly store: IdentityStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly live: Live;
  readonly metrics: Pick<Metrics, 'identityUnusual'>;
  readonly tokenDispatchers: Dispatchers;
  readonly userAgent: string;
  readonly workloads: Pick<OpenWorkloads, 'issuers' | 'onChanged'>;
  readonly running: Pick<RunningExchanges, 'review'>;
  readonly readmitSockets: () => void;
  /** The present rights of a managed key, undefined where it has none any more; and who is told when such rights change. */
  readonly keys: Pick<OpenManagedKeys, 'rightsOf' | 'onChanged' | 'reviewOutside'>;
}

/** Tokens that this daemon issues, and who they stand for. */
export interface OpenIdentity {
  readonly publicUrl: string;
  readonly source: IssuedTokenSource;
  /** Present rights of a person or client, by which keys were made; undefined where nothing is left. */
  readonly rightsOf: (id: string) => MinterRights | undefined;
  /** For questions about a person or client by its id, such as `explain`. */
  readonly principalOf: (id: string) => Principal | undefined;
  readonly checkProof: CheckProof;
  readonly clients: OAuthClients;
  readonly sessions: Sessions;
  readonly server: AuthServer;
  readonly people: People;
  readonly close: () => void;
}

/** Twice a second, so that a revocation by another process counts within one (security rule 37). */
const lookMs = 500;
const saveUsesMs = 5_000;

// Made once: a stack trace for each of a thousand exchanges would be most of the time that ending them takes.
const revoked = new AppError('token_revoked');

/** Opens the authorization server. Loaded only when `identity.enabled`. */
export function openIdentity({ store, clock, log, audit, live, metrics, tokenDispatchers, userAgent, workloads, running, readmitSockets, keys }: IdentityDeps): OpenIdentity {
  const settings = () => live.snapshot().loaded.config;
  const publicUrl = publicUrlOf(settings());
  const http = createOAuthHttp({ clock, dispatchers: tokenDispatchers, userAgent });
  const { issuers } = workloads;
  const source = createIssuedTokenSource({ store, clock, issuer: `${publicUrl}/oauth`, audience: publicUrl, builtInClients: new Set([cliClientId, workloadClientId]), workloadOf: (evidence) => workloadFrom(issuers, evidence), minterRights: (id) => rightsOf(id), keptMs: () => keptMsAfter(settings().identity['access-token-ttl']) });
  const rightsOf = (id: string): MinterRights | undefined => {
    const person = store.findPerson(id);
    // Who left has nothing, and what was made by him neither.
    if (person?.scopes.length === 0) return undefined;
    if (person !== undefined) return { holders: [{ id, grant: { ...person.limits, scopes: person.scopes } }], validUntilMs: Infinity };
    const client = store.findClient(id);
    if (client === undefined) return keys.rightsOf(id);
    if (client.revokedAtMs !== undefined) return undefined;
    const own = { id, grant: client.grant };
    if (client.minterId === '') return { holders: [own], validUntilMs: Infinity };
    const above = rightsOf(client.minterId);
    return above === undefined ? undefined : { ...above, holders: [own, ...above.holders] };
  };

  const judge = (principal: Principal): AppError | undefined => {
    const verdict = source.recheck(principal);
    return verdict?.kind === 'invalid' && verdict.code !== 'token_expired' ? revoked : undefined;
  };
  const onChanged = (): void => {
    source.forget();
    keys.reviewOutside();
    const ended = running.review(judge);
    if (ended > 0) log.info({ ended }, 'exchanges were ended: the login or client behind them has ended');
    readmitSockets();
  };

  // Clients hang on the keys that made them.
  keys.onChanged(onChanged);

  let wasBroken = false;
  const look = (): void => {
    try {
      const hasChanged = store.hasChangedElsewhere();
      wasBroken = false;
      if (hasChanged) onChanged();
    } catch (err) {
      if (!wasBroken) log.warn({ err }, 'logins and OAuth clients cannot be read: known tokens go on, others are answered 503');
      wasBroken = true;
    }
  };
  const saveUses = (): void => {
    const uses = source.takeUses();
    if (uses.length === 0) return;
    try {
      store.noteSessionUses(uses);
      server.noteUses(uses.map(({ id }) => id));
    } catch (err) {
      log.warn({ err, lost: uses.length }, 'when logins were last used could not be written down');
    }
  };
  workloads.onChanged(onChanged);
  const stopLooking = clock.every(lookMs, look);
  const stopSaving = clock.every(saveUsesMs, saveUses);

  const clients = createOAuthClients({ store, clock, closeDoor: () => live.closeDoor(), onChanged });
  const sessions = createSessions({ store, clock, lifeMs: () => settings().identity['session-ttl'], onChanged });
  const server = createAuthServer({
    store,
    clock,
    log,
    audit,
    clients,
    sessions,
    source,
    publicUrl,
    settings: () => {
      const { identity } = settings();
      return { accessTokenMs: identity['access-token-ttl'], sessionMs: identity['session-ttl'], deviceCodeMs: identity['device-code-ttl'], organization: identity.organization };
    },
    extend: (provider, claims) =>
      addExchangeGrant(provider, {
        audience: publicUrl,
        accessTokenSeconds: () => Math.floor(settings().identity['access-token-ttl'] / 1_000),
        clock,
        claims,
        scopesOf: (id) => (id === workloadClientId ? scopes : (clients.find(id)?.grant.scopes ?? defaultScopes)),
        exchange: async (request) => {
          const replays = { useOnce: (id: string, untilMs: number) => (store.isFirstUse('exchange', id, untilMs) ? ('first' as const) : ('again' as const)) };
          const first = exchangeSubject(request, { issuers, replays });
          if (first.ok || first.error.error !== 'temporarily_unavailable') return first;
          await Promise.all(issuers.states().map(({ issuer }) => issuers.settled(issuer)));
          return exchangeSubject(request, { issuers, replays });
        },
      }),
    askAgain: (person) => people.askAgain(person),
    onDeviceCode: ({ peer, id }) => people.unusual.codeAsked({ actor: 'anonymous', from: peer.address, requestId: id, target: 'device code' }),
  });
  const people: People = createPeople({
    clock,
    log,
    http,
    publicUrl,
    oidc: () => settings().identity.oidc,
    devices: server.devices,
    logins: server.browsers,
    persons: { find: (id) => Promise.resolve(sessions.findPerson(id)), save: (person) => Promise.resolve(sessions.savePerson(person)) },
    hooks: {
      onEvent: ({ code = '', actorLabel, ...event }) => audit.append({ ...event, ...(actorLabel === undefined ? {} : { actorLabel }), atMs: clock.nowMs(), code }),
      onUnusual: metrics.identityUnusual,
    },
  });
  return {
    publicUrl,
    source,
    rightsOf: (id) => (store.findPerson(id) === undefined && store.findClient(id) === undefined ? undefined : rightsOf(id)),
    principalOf: (id) => {
      const rights = rightsOf(id);
      const person = store.findPerson(id);
      if (rights === undefined || (person === undefined && store.findClient(id) === undefined)) return undefined;
      return { id, kind: person === undefined ? 'machine' : 'person', label: person?.label ?? store.findClient(id)?.name ?? id, holders: rights.holders };
    },
    checkProof: createProofCheck({ clock, publicUrl }),
    clients,
    sessions,
    server,
    people,
    close: () => {
      stopLooking();
      stopSaving();
      saveUses();
      server.close();
    },
  };
}
