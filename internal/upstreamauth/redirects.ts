import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../log/logger.ts';
import type { LoginProfile } from '../providers/login-profile.ts';
import { notFoundPage } from './pages.ts';
import type { PendingLogin, PendingLogins } from './pending-logins.ts';
import type { CallbackBase, LoginPages, PageAnswer, StartedLogin } from './ports.ts';
import { createRedirectPorts } from './redirect-ports.ts';

/** Providers whose callback on the main port has a path of its own (contract §9). */
const ownCallbacks: ReadonlySet<string> = new Set(['anthropic', 'codex', 'google', 'iflow', 'antigravity']);

export interface RedirectsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly pages: LoginPages;
  readonly pending: PendingLogins;
  readonly callbackBase: () => CallbackBase;
  readonly graceMs?: number;
}

/** Where vendors send the browser, and the listeners that wait for it there. */
export interface Redirects {
  /** The vendor's fixed address on this machine, or the callback route of the main port. */
  readonly uriOf: (profile: LoginProfile) => string;
  /** Opens what the login's redirect needs. */
  readonly open: (login: PendingLogin) => Promise<Omit<NonNullable<StartedLogin['redirect']>, 'uri'>>;
  /** The login has ended. */
  readonly release: (login: PendingLogin) => void;
  readonly close: () => Promise<void>;
}

export function createRedirects(deps: RedirectsDeps): Redirects {
  /** Ports held, by state. */
  const held = new Map<string, number>();
  /** `<port><path>` → providers that redirect there; kept after their logins, so that a used state is told as such. */
  const providersAt = new Map<string, Set<string>>();

  const answer = async (port: number, path: string, query: string): Promise<PageAnswer> => {
    if (path.startsWith('/login/')) return deps.pages.result(path.slice('/login/'.length));
    const providers = providersAt.get(`${port}${path}`);
    if (providers === undefined) return notFoundPage();
    // Logins may share a port; the state says which it is, but never one that does not redirect here.
    const named = deps.pending.providerOf(new URLSearchParams(query).get('state') ?? '');
    const [first = ''] = providers;
    return deps.pages.callback(named !== undefined && providers.has(named) ? named : first, query);
  };

  const ports = createRedirectPorts({ clock: deps.clock, log: deps.log, answer, ...(deps.graceMs === undefined ? {} : { graceMs: deps.graceMs }) });

  return {
    uriOf: (profile) => {
      if (profile.redirect !== undefined) return `http://localhost:${profile.redirect.port}${profile.redirect.path}`;
      return `${deps.callbackBase().url}${callbackPath(profile.name)}`;
    },
    open: async (login) => {
      const base = deps.callbackBase();
      if (login.profile.redirect === undefined && base.isServed) return { isListening: true, obstacle: undefined };
      const port = loopbackPort(login.redirectUri);
      if (port === undefined) return { isListening: false, obstacle: `no Keyward is running that serves ${base.url}` };
      const key = `${port}${new URL(login.redirectUri).pathname}`;
      providersAt.set(key, (providersAt.get(key) ?? new Set()).add(login.profile.name));
      const opened = await ports.acquire(port);
      if (!opened.isListening) return opened;
      // Ended while the port was opened.
      if (login.signal.aborted) ports.release(port);
      else held.set(login.state, port);
      return opened;
    },
    release: (login) => {
      const port = held.get(login.state);
      held.delete(login.state);
      if (port !== undefined) ports.release(port);
    },
    close: ports.close,
  };
}

/** The route of the main port that a login comes back to. */
export function callbackPath(provider: string): string {
  return ownCallbacks.has(provider) ? `/${provider}/callback` : `/oauth/callback/${encodeURIComponent(provider)}`;
}

function loopbackPort(uri: string): number | undefined {
  const url = URL.parse(uri);
  const isLoopback = url !== null && url.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return isLoopback ? Number(url.port || '80') : undefined;
}
