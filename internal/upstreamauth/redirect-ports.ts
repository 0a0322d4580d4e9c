import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../log/logger.ts';
import { failedPage } from './pages.ts';
import type { PageAnswer } from './ports.ts';
import { describePortHolder } from './port-holder.ts';

export interface RedirectPortsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Answers a GET on a port; `path` and `query` (without `?`) as sent. */
  readonly answer: (port: number, path: string, query: string) => Promise<PageAnswer>;
  /** How long a port stays open after its last login, so that the browser gets its result page. */
  readonly graceMs?: number;
}

export interface OpenedPort {
  readonly isListening: boolean;
  /** Why not: `port 54545 is in use by node (pid 4711)`. */
  readonly obstacle: string | undefined;
}

/** Listeners on the vendors' fixed redirect ports: loopback only, opened when a login needs one, shared by all logins on it. */
export interface RedirectPorts {
  readonly acquire: (port: number) => Promise<OpenedPort>;
  /** One for each `acquire`. */
  readonly release: (port: number) => void;
  readonly close: () => Promise<void>;
}

interface Holding {
  count: number;
  opened: Promise<OpenedPort>;
  servers: readonly Server[];
  /** Ends the wait for the grace period. */
  stopGrace: AbortController | undefined;
}

const graceMsByDefault = 20_000;

export function createRedirectPorts(deps: RedirectPortsDeps): RedirectPorts {
  const holdings = new Map<number, Holding>();
  const closing = new Set<Promise<void>>();

  const open = async (port: number, holding: Holding): Promise<OpenedPort> => {
    const bound = await bindBoth(port, (req, res) => void serve(deps, port, req, res));
    if (bound.servers !== undefined) {
      holding.servers = bound.servers;
      return { isListening: true, obstacle: undefined };
    }
    holdings.delete(port);
    if (bound.code !== 'EADDRINUSE') return { isListening: false, obstacle: `port ${port} cannot be opened (${bound.code})` };
    const holder = await describePortHolder(port);
    return { isListening: false, obstacle: `port ${port} is in use${holder === '' ? ' by another program' : ` ${holder}`}` };
  };

  const shut = (port: number, holding: Holding): void => {
    if (holdings.get(port) === holding) holdings.delete(port);
    const done = Promise.all(holding.servers.map(closeServer)).then(() => undefined);
    closing.add(done);
    void done.finally(() => closing.delete(done));
  };

  return {
    acquire: async (port) => {
      // One that was closed a moment ago still holds its port.
      await Promise.all(closing);
      let holding = holdings.get(port);
      if (holding === undefined) {
        holding = { count: 0, opened: Promise.resolve({ isListening: false, obstacle: undefined }), servers: [], stopGrace: undefined };
        holdings.set(port, holding);
        holding.opened = open(port, holding);
      }
      holding.count += 1;
      holding.stopGrace?.abort(new Error('the port is needed again'));
      holding.stopGrace = undefined;
      return holding.opened;
    },
    release: (port) => {
      const holding = holdings.get(port);
      if (holding === undefined) return;
      holding.count -= 1;
      if (holding.count > 0) return;
      const stop = new AbortController();
      holding.stopGrace = stop;
      deps.clock.sleep(deps.graceMs ?? graceMsByDefault, stop.signal).then(
        () => shut(port, holding),
        () => undefined,
      );
    },
    close: async () => {
      for (const [port, holding] of holdings) {
        holding.stopGrace?.abort(new Error('closing'));
        await holding.opened;
        shut(port, holding);
      }
      await Promise.all(closing);
    },
  };
}

interface Bound {
  readonly servers: readonly Server[] | undefined;
  readonly code: string;
}

/** Both loopback addresses or none: were one free, another user could take it and collect codes sent to `localhost` (security rule 9). */
async function bindBoth(port: number, handle: (req: IncomingMessage, res: ServerResponse) => void): Promise<Bound> {
  const servers: Server[] = [];
  for (const host of ['127.0.0.1', '::1']) {
    const server = createServer({ maxHeaderSize: 32 * 1024, headersTimeout: 10_000, requestTimeout: 10_000, keepAliveTimeout: 1_000, connectionsCheckingInterval: 2_000 }, handle);
    server.maxConnections = 64;
    const code = await listenOn(server, host, port);
    if (code === undefined) servers.push(server);
    // A machine without IPv6: nobody else can hold it there either.
    else if (host !== '::1' || (code !== 'EADDRNOTAVAIL' && code !== 'EAFNOSUPPORT')) {
      await Promise.all(servers.map(closeServer));
      return { servers: undefined, code };
    }
  }
  return { servers, code: '' };
}

function listenOn(server: Server, host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    // Kept for as long as it listens: an error that nobody hears would end the process.
    server.on('error', (cause) => {
      const code: unknown = Reflect.get(cause, 'code');
      resolve(typeof code === 'string' ? code : 'unknown error');
    });
    server.listen({ host, port, ipv6Only: host === '::1', exclusive: true }, () => resolve(undefined));
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Hosts under which a browser on this machine reaches the listener; any other is a page of somebody else's. */
const ownHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;

async function serve(deps: RedirectPortsDeps, port: number, req: IncomingMessage, res: ServerResponse): Promise<void> {
  req.resume();
  const target = req.url ?? '';
  const at = target.indexOf('?');
  const path = at < 0 ? target : target.slice(0, at);
  const plain: Readonly<Record<string, string>> = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'x-content-type-options': 'nosniff' };
  let answer: PageAnswer;
  if (!ownHost.test(req.headers.host ?? '')) answer = { status: 421, headers: plain, body: 'This address serves localhost only.\n' };
  else if (req.method !== 'GET') answer = { status: 405, headers: { ...plain, allow: 'GET' }, body: 'Only GET is served here.\n' };
  else {
    answer = await deps.answer(port, path, at < 0 ? '' : target.slice(at + 1)).catch((thrown: unknown) => {
      deps.log.error({ err: thrown }, 'a login page failed');
      return failedPage();
    });
  }
  if (res.destroyed) return;
  res.writeHead(answer.status, { ...answer.headers, connection: 'close' });
  res.end(answer.body);
}
