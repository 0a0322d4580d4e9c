import type { Dispatcher, Pool as PoolType } from 'undici';
import Pool from 'undici/lib/dispatcher/pool.js';
import type { Account } from '../accounts/account.ts';
import { isRefusedAddress } from '../config/refused-addresses.ts';
import { AppError } from '../fault/app-error.ts';
import { credentialHeaders } from '../providers/endpoint.ts';
import { guardedLookup } from './egress.ts';

/** An account's upstream, ready to dispatch to. */
export interface Upstream {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  /** Path of the base URL without trailing slash; `''` for none. */
  readonly basePath: string;
  /** Flat name–value list: credentials, the operator's headers, `user-agent`. */
  readonly fixedHeaders: readonly string[];
  /** Lower-case names in `fixedHeaders`; what the client sent under them stays here. */
  readonly fixedNames: ReadonlySet<string>;
  /** What is never to come back from there: the account's key and the values of the operator's headers. */
  readonly secrets: readonly string[];
}

export interface ProxyEnvironment {
  readonly httpProxy: string | undefined;
  readonly httpsProxy: string | undefined;
  readonly noProxy: string | undefined;
}

export interface Upstreams {
  /** Cached by account; a promise only when a proxy's part must be loaded first. Error: `upstream_refused_address`. */
  readonly prepare: (account: Account, globalProxyUrl: string) => Upstream | Promise<Upstream>;
  readonly close: () => Promise<void>;
}

export interface UpstreamsDeps {
  /** Sent as `user-agent`; Keyward names itself (contract §9). */
  readonly userAgent: string;
  readonly environment: ProxyEnvironment;
  readonly connectTimeoutMs: () => number;
}

/** Holds one connection pool per upstream origin and proxy. HTTP/1.1: one socket a stream, so that an abort ends just that. */
export function createUpstreams(deps: UpstreamsDeps): Upstreams {
  const dispatchers = new Map<string, Dispatcher | Promise<Dispatcher>>();
  const prepared = new WeakMap<Account, { readonly proxyUrl: string; readonly upstream: Upstream }>();

  const connectOptions = () => ({ lookup: guardedLookup, timeout: deps.connectTimeoutMs() });
  const poolOptions = () => ({ allowH2: false, connections: null, pipelining: 1, keepAliveTimeout: 30_000, headersTimeout: 0, bodyTimeout: 0, connect: connectOptions() });

  const build = (origin: string, proxyUrl: string): Dispatcher | Promise<Dispatcher> => {
    // As in other tools, the environment's proxies never apply to this machine itself.
    if (proxyUrl === '' && hasEnvironmentProxy(deps.environment) && !isLoopbackHost(new URL(origin).hostname)) return environmentDispatcher(deps.environment, poolOptions());
    if (proxyUrl === '' || proxyUrl === 'direct' || proxyUrl === 'none') return new Pool(origin, poolOptions());
    const scheme = new URL(proxyUrl).protocol;
    if (scheme === 'socks5:' || scheme === 'socks5h:' || scheme === 'socks:') return socksDispatcher(new URL(proxyUrl), deps.connectTimeoutMs());
    return proxyDispatcher(proxyUrl, poolOptions());
  };

  const dispatcherFor = (origin: string, proxyUrl: string): Dispatcher | Promise<Dispatcher> => {
    const key = `${origin} ${proxyUrl}`;
    const known = dispatchers.get(key);
    if (known !== undefined) return known;
    const built = build(origin, proxyUrl);
    dispatchers.set(key, built);
    if (built instanceof Promise) {
      built.then(
        (dispatcher) => dispatchers.set(key, dispatcher),
        () => dispatchers.delete(key),
      );
    }
    return built;
  };

  return {
    prepare: (account, globalProxyUrl) => {
      const proxyUrl = account.proxyUrl === '' ? globalProxyUrl : account.proxyUrl;
      const known = prepared.get(account);
      if (known !== undefined && known.proxyUrl === proxyUrl) return known.upstream;
      const url = new URL(account.baseUrl);
      if (isRefusedAddress(url.hostname.replace(/^\[|\]$/g, ''))) throw new AppError('upstream_refused_address');
      const fixedHeaders = headersOf(account, deps.userAgent);
      const finish = (dispatcher: Dispatcher): Upstream => {
        const upstream = {
          dispatcher,
          origin: url.origin,
          basePath: url.pathname.replace(/\/+$/, ''),
          fixedHeaders,
          secrets: secretsOf(account),
          fixedNames: new Set(fixedHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())),
        };
        prepared.set(account, { proxyUrl, upstream });
        return upstream;
      };
      const dispatcher = dispatcherFor(url.origin, proxyUrl);
      return dispatcher instanceof Promise ? dispatcher.then(finish) : finish(dispatcher);
    },
    close: async () => {
      const all = await Promise.allSettled([...dispatchers.values()].map((dispatcher) => Promise.resolve(dispatcher)));
      dispatchers.clear();
      await Promise.allSettled(all.filter((settled) => settled.status === 'fulfilled').map((settled) => settled.value.destroy()));
    },
  };
}

/** The operator's headers win over Keyward's own of the same name. */
function headersOf(account: Account, userAgent: string): readonly string[] {
  const flat: string[] = [];
  const own = new Set([...account.headers.keys()].map((name) => name.toLowerCase()));
  const base = ['user-agent', userAgent, ...credentialHeaders(account)];
  for (let i = 0; i < base.length; i += 2) {
    const name = base[i] ?? '';
    if (!own.has(name)) flat.push(name, base[i + 1] ?? '');
  }
  for (const [name, value] of account.headers) flat.push(name, value.reveal());
  return flat;
}

/** Short header values are words such as a team's name, which may stand in any answer. */
const minSecretLength = 8;

function secretsOf(account: Account): readonly string[] {
  const values = [account.apiKey, ...account.headers.values()].flatMap((secret) => (secret === undefined ? [] : [secret.reveal()]));
  return values.filter((value) => value.length >= minSecretLength);
}

type PoolOptions = PoolType.Options;

function hasEnvironmentProxy(environment: ProxyEnvironment): boolean {
  return environment.httpProxy !== undefined || environment.httpsProxy !== undefined;
}

function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

function defined(members: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(members)) if (value !== undefined) kept[name] = value;
  return kept;
}

/** Only the package's index gives dispatchers the `connect` that tunnels are opened with. */
async function completeDispatchers(): Promise<void> {
  await import('undici');
}

async function environmentDispatcher({ httpProxy, httpsProxy, noProxy }: ProxyEnvironment, options: PoolOptions): Promise<Dispatcher> {
  await completeDispatchers();
  const { default: EnvHttpProxyAgent } = await import('undici/lib/dispatcher/env-http-proxy-agent.js');
  return new EnvHttpProxyAgent({ ...options, ...defined({ httpProxy, httpsProxy, noProxy }) });
}

async function proxyDispatcher(uri: string, options: PoolOptions): Promise<Dispatcher> {
  await completeDispatchers();
  const { default: ProxyAgent } = await import('undici/lib/dispatcher/proxy-agent.js');
  return new ProxyAgent({ ...options, uri });
}

/** SOCKS5 by `fetch-socks`, loaded on first use. The proxy resolves names for `socks5h`. */
async function socksDispatcher(url: URL, connectTimeoutMs: number): Promise<Dispatcher> {
  // CommonJS, so that only the default export survives bundling.
  const [{ default: { socksConnector } }, { default: Agent }] = await Promise.all([import('fetch-socks'), import('undici/lib/dispatcher/agent.js')]);
  const connect = socksConnector(
    {
      type: 5,
      host: url.hostname,
      port: Number(url.port || 1080),
      ...(url.username === '' ? {} : { userId: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }),
    },
    { timeout: connectTimeoutMs },
  );
  return new Agent({ allowH2: false, pipelining: 1, headersTimeout: 0, bodyTimeout: 0, connect });
}
