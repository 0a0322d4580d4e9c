import type { Dispatcher, Pool as PoolType } from 'undici';
import Pool from 'undici/lib/dispatcher/pool.js';
import { guardedLookup } from './guarded-lookup.ts';

export interface ProxyEnvironment {
  readonly httpProxy: string | undefined;
  readonly httpsProxy: string | undefined;
  readonly noProxy: string | undefined;
}

export interface DispatchersDeps {
  readonly environment: ProxyEnvironment;
  readonly connectTimeoutMs: () => number;
}

/** The one way out: every connection of ours to another machine is made here, its address judged at connect (security rule 14). */
export interface Dispatchers {
  /** One pool an origin and proxy; a promise only when a proxy's part must be loaded first. `''` is the environment's proxy, `direct` none. */
  readonly find: (origin: string, proxyUrl: string) => Dispatcher | Promise<Dispatcher>;
  readonly close: () => Promise<void>;
}

/** HTTP/1.1: one socket a stream, so that an abort ends just that. */
export function createDispatchers(deps: DispatchersDeps): Dispatchers {
  const dispatchers = new Map<string, Dispatcher | Promise<Dispatcher>>();

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

  return {
    find: (origin, proxyUrl) => {
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
    },
    close: async () => {
      const all = await Promise.allSettled([...dispatchers.values()].map((dispatcher) => Promise.resolve(dispatcher)));
      dispatchers.clear();
      await Promise.allSettled(all.filter((settled) => settled.status === 'fulfilled').map((settled) => settled.value.destroy()));
    },
  };
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
