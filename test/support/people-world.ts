import { once } from 'node:events';
import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { createPeople, type OidcSettings, type People } from '../../internal/authserver/people/people.ts';
import type { Person } from '../../internal/clients/issued/person.ts';
import type { BrowserLogins, Decision, DeviceApprovals, PageRequest, PendingDevice, PendingLogin, PeopleEvent, PersonStore, UnusualKind } from '../../internal/authserver/people/ports.ts';
import type { Scope } from '../../internal/clients/grant.ts';
import { systemClock, type Clock } from '../../internal/clock/clock.ts';
import { createDispatchers } from '../../internal/egress/dispatchers.ts';
import { createDoor } from '../../internal/http/door.ts';
import type { Peer } from '../../internal/http/inbound.ts';
import { compileRoutes } from '../../internal/http/route-table.ts';
import { silentLogger } from '../../internal/log/logger.ts';
import { proxyLimits } from '../../internal/proxy/limits.ts';
import { createFront } from '../../internal/server/front.ts';
import { createPages } from '../../internal/server/pages.ts';
import { peopleRoutes } from '../../internal/server/people-routes.ts';
import { createOAuthHttp } from '../../internal/upstreamauth/oauth-http.ts';
import type { PageAnswer } from '../../internal/upstreamauth/ports.ts';
import { configOf, tableOf } from './config.ts';
import { loadedWith, localPeer, rulesOf } from './door-fixtures.ts';

/** The people's side of the authorization server over a core in memory. */
export interface PeopleWorld {
  readonly people: People;
  readonly devices: MemoryDevices;
  readonly logins: MemoryLogins;
  readonly persons: PersonStore & { readonly all: () => readonly Person[] };
  readonly events: readonly PeopleEvent[];
  readonly unusual: readonly UnusualKind[];
  readonly close: () => Promise<void>;
}

export interface MemoryDevices extends DeviceApprovals {
  /** A device asks for a code. */
  readonly ask: (code: string, change?: Partial<PendingDevice>) => void;
  /** What became of each code. */
  readonly ends: ReadonlyMap<string, 'denied' | { readonly person: string; readonly scopes: readonly Scope[] }>;
  /** How often a code was looked for. */
  readonly looks: () => number;
}

export interface MemoryLogins extends BrowserLogins {
  readonly ask: (uid: string, change?: Partial<PendingLogin>) => void;
  readonly ends: ReadonlyMap<string, Decision>;
}

export interface PeopleWorldOptions {
  readonly clock?: Clock;
  readonly publicUrl?: string;
  readonly oidc?: Readonly<Record<string, unknown>>;
}

export function oidcSettings(oidc: Readonly<Record<string, unknown>> = {}): OidcSettings {
  return configOf({ identity: { oidc } }).identity.oidc;
}

export function createPeopleWorld({ clock = systemClock, publicUrl = 'http://localhost:8317', oidc = {} }: PeopleWorldOptions = {}): PeopleWorld {
  const dispatchers = createDispatchers({ environment: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined }, connectTimeoutMs: () => 5_000 });
  const settings = oidcSettings(oidc);
  const devices = memoryDevices(clock);
  const logins = memoryLogins(publicUrl);
  const persons = memoryPersons();
  const events: PeopleEvent[] = [];
  const unusual: UnusualKind[] = [];
  const people = createPeople({
    clock,
    log: silentLogger,
    http: createOAuthHttp({ clock: systemClock, dispatchers, userAgent: 'keyward/test' }),
    publicUrl,
    oidc: () => settings,
    devices,
    logins,
    persons,
    hooks: { onEvent: (event) => void events.push(event), onUnusual: (kind) => void unusual.push(kind) },
  });
  return { people, devices, logins, persons, events, unusual, close: () => dispatchers.close() };
}

function memoryDevices(clock: Clock): MemoryDevices {
  const waiting = new Map<string, PendingDevice>();
  const ends = new Map<string, 'denied' | { readonly person: string; readonly scopes: readonly Scope[] }>();
  let looks = 0;
  const settle = async (code: string, end: 'denied' | { readonly person: string; readonly scopes: readonly Scope[] }): Promise<'done' | 'gone'> => {
    const pending = waiting.get(code);
    if (pending === undefined || pending.expiresAtMs <= clock.nowMs()) return 'gone';
    // One conditional update: nobody else is served between the look and the change.
    waiting.delete(code);
    ends.set(code, end);
    return 'done';
  };
  return {
    ask: (code, change = {}) => void waiting.set(code, { clientId: 'keyward-cli', clientName: 'Keyward CLI', scopes: [], requestedFrom: '127.0.0.1', requestedAtMs: clock.nowMs(), expiresAtMs: clock.nowMs() + 600_000, userAgent: 'keyward/1.0 linux', ...change }),
    ends,
    looks: () => looks,
    find: async (code) => {
      looks += 1;
      await Promise.resolve();
      return waiting.get(code);
    },
    approve: (code, person, scopes) => settle(code, { person: person.id, scopes }),
    deny: (code) => settle(code, 'denied'),
  };
}

function memoryLogins(publicUrl: string): MemoryLogins {
  const waiting = new Map<string, PendingLogin>();
  const ends = new Map<string, Decision>();
  return {
    ask: (uid, change = {}) => void waiting.set(uid, { clientId: 'keyward-cli', clientName: 'Keyward CLI', scopes: ['models:use'], redirectHost: '127.0.0.1:49152', ...change }),
    ends,
    find: (_req, _res, uid) => Promise.resolve(waiting.get(uid)),
    finish: async (_req, _res, uid, decision) => {
      if (!waiting.delete(uid)) return { kind: 'gone' };
      ends.set(uid, decision);
      return { kind: 'done', location: `${publicUrl}/oauth/authorize/${uid}` };
    },
  };
}

function memoryPersons(): PeopleWorld['persons'] {
  const kept = new Map<string, Person>();
  return {
    all: () => [...kept.values()],
    save: async (person) => void kept.set(person.id, person),
    find: async (id) => kept.get(id),
  };
}

/** One browser that calls the pages without HTTP. */
export interface PageClient {
  readonly get: (path: string, change?: Partial<PageRequest>) => Promise<PageAnswer>;
  readonly post: (path: string, form: Readonly<Record<string, string>>, change?: Partial<PageRequest>) => Promise<PageAnswer>;
  /** `name=value` */
  readonly cookie: () => string | undefined;
  readonly setCookie: (cookie: string | undefined) => void;
}

export function createPageClient({ people: { pages } }: PeopleWorld, peer: Peer = localPeer): PageClient {
  let cookie: string | undefined;
  const ask = async (method: 'GET' | 'POST', path: string, body: string, change: Partial<PageRequest>): Promise<PageAnswer> => {
    const url = new URL(path, 'http://anywhere.test');
    const uid = /^\/oauth\/interaction\/(.+)$/.exec(url.pathname)?.[1];
    const req = new IncomingMessage(new Socket());
    const request: PageRequest = { method, query: url.search.slice(1), headers: cookie === undefined ? {} : { cookie }, body, peer, requestId: 'req-1', params: uid === undefined ? {} : { uid }, node: { req, res: new ServerResponse(req) }, ...change };
    const serve = uid !== undefined ? (method === 'GET' ? pages.interaction : pages.interactionPost) : url.pathname === '/oauth/signin/callback' ? pages.signinCallback : method === 'GET' ? pages.device : pages.devicePost;
    const answer = await serve(request);
    cookie = answer.headers['set-cookie']?.split(';')[0] ?? cookie;
    return answer;
  };
  return {
    get: (path, change = {}) => ask('GET', path, '', change),
    post: (path, form, change = {}) => ask('POST', path, new URLSearchParams(form).toString(), change),
    cookie: () => cookie,
    setCookie: (value) => {
      cookie = value;
    },
  };
}

/** The hidden fields of the form of a step. */
export function fieldsOf({ body }: PageAnswer, step: string): Readonly<Record<string, string>> {
  const forms = [...body.matchAll(/<form[^>]*>([\s\S]*?)<\/form>/g)].map((match) => match[1] ?? '');
  const fields = forms.map((form) => Object.fromEntries([...form.matchAll(/<input type="hidden" name="([\w]+)" value="([^"]*)">/g)].map((match) => [match[1] ?? '', match[2] ?? ''] as const)));
  const found = fields.find((each) => each['step'] === step);
  if (found === undefined) throw new Error(`the page has no form for ${step}:\n${body}`);
  return found;
}

/** The pages on a port of their own, behind the real door and route table. To a browser `localhost` is another site than 127.0.0.1. */
export async function servePeople(start: (publicUrl: string) => Promise<PeopleWorld>, host: '127.0.0.1' | 'localhost' = '127.0.0.1'): Promise<{ readonly url: string; readonly world: PeopleWorld; readonly close: () => Promise<void> }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://${host}:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const world = await start(url);
  const settings = { 'client-auth': 'required', 'public-url': url };
  const config = configOf(settings);
  const snapshot = { loaded: loadedWith(settings), warnings: [], door: rulesOf(settings), routes: tableOf(settings), limits: proxyLimits(config) };
  const pages = createPages((_inbound, thrown) => process.stderr.write(`${String(thrown)}\n`));
  const front = createFront({
    clock: systemClock,
    routes: compileRoutes(peopleRoutes(world.people.pages)),
    door: createDoor({ clock: systemClock, onRefused: () => undefined }),
    snapshot: () => snapshot,
    pages: () => Promise.resolve(pages),
    hasManagementListener: false,
    isManagementOnUnixSocket: false,
    onFailure: () => undefined,
  });
  server.on('request', (req, res) => front.onRequest(req, res, 'main'));
  return {
    url,
    world,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await world.close();
    },
  };
}
