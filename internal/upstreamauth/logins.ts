import type { AccountWriter, NewLogin } from '../accounts/directory/ports.ts';
import type { Clock } from '../clock/clock.ts';
import type { Dispatchers } from '../egress/dispatchers.ts';
import { AppError } from '../fault/app-error.ts';
import type { Logger } from '../log/logger.ts';
import type { LoginProfile } from '../providers/login-profile.ts';
import type { LoginProfiles } from '../providers/logins/resolve.ts';
import { exchangeCode } from './code-grant.ts';
import { createCompletion } from './completion.ts';
import { createLoginPages } from './login-pages.ts';
import { createOAuthClient } from './oauth-client.ts';
import { createOAuthHttp } from './oauth-http.ts';
import { createPendingLogins, type PendingLogin } from './pending-logins.ts';
import type { CallbackBase, LoginPages, LoginReturn, Logins } from './ports.ts';
import { createRedirects } from './redirects.ts';
import { createStarter } from './starter.ts';
import { vendorCode, vendorText } from './vendor-text.ts';

export interface LoginsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Best a set of its own, closed after `close`: token requests share no kept-alive connection with other traffic. */
  readonly dispatchers: Dispatchers;
  /** `keyward/<version>`. */
  readonly userAgent: string;
  /** The profiles as the config has them now. */
  readonly profiles: () => LoginProfiles;
  readonly storeLogin: AccountWriter['storeLogin'];
  /** Whether the auth directory has a file of this login's identity already (security rule 29). */
  readonly isKnown: (login: NewLogin) => boolean | Promise<boolean>;
  readonly callbackBase: () => CallbackBase;
  /** Absolute path of the auth directory, for the page that says what was stored. Not said unless told. */
  readonly storedIn?: () => string;
  /** The config's `proxy-url`, for logins that name none. `''` unless told. */
  readonly proxyUrl?: () => string;
  /** Of one request to a vendor; 30,000 unless told. */
  readonly requestTimeoutMs?: number;
  /** How long a redirect port stays open after its last login; 20,000 unless told. */
  readonly redirectGraceMs?: number;
}

/** Nothing is opened until a login needs it. `pages` finishes what browsers bring back; the main port's routes use it too. */
export function createLogins(deps: LoginsDeps): Logins & { readonly pages: LoginPages } {
  const { clock, log } = deps;
  const http = createOAuthHttp(deps);
  const oauth = createOAuthClient({ clock, http });
  const pending = createPendingLogins(clock, (login) => redirects.release(login));
  const proxyOf = (profile: LoginProfile): string => (profile.spend.proxyUrl === '' ? (deps.proxyUrl?.() ?? '') : profile.spend.proxyUrl);
  const completion = createCompletion({ clock, log, http, pending, proxyOf, storeLogin: deps.storeLogin, isKnown: deps.isKnown });

  const logins: Logins = {
    start: (provider, options) => starter.start(provider, options),
    finish: async (provider, returned) => {
      const claimed = pending.claim(returned.state, deps.profiles().find(provider)?.name ?? provider);
      if (!claimed.ok) throw claimed.error;
      const login = claimed.value;
      try {
        checkReturn(login, returned);
        const { profile, redirectUri, state, codeVerifier, signal } = login;
        return await completion.complete(login, await exchangeCode(oauth, clock, { profile, proxyUrl: proxyOf(profile), redirectUri, code: returned.code, state, codeVerifier, signal }));
      } catch (thrown) {
        throw completion.fail(login, thrown);
      }
    },
    statusOf: pending.statusOf,
    sessions: pending.sessions,
    cancel: pending.cancel,
    wait: pending.wait,
    close: async () => {
      await pending.close();
      await Promise.all([starter.settled(), redirects.close()]);
    },
  };

  const pages = createLoginPages({ logins, pending, profiles: deps.profiles, log, storedIn: deps.storedIn ?? (() => '') });
  const redirects = createRedirects({ clock, log, pages, pending, callbackBase: deps.callbackBase, ...(deps.redirectGraceMs === undefined ? {} : { graceMs: deps.redirectGraceMs }) });
  const starter = createStarter({ clock, log, http, oauth, pending, completion, redirects, profiles: deps.profiles, proxyOf });
  return { ...logins, pages };
}

/** What the answer says of itself. Throws `login_issuer_mismatch`, `login_denied`. */
function checkReturn(login: PendingLogin, returned: LoginReturn): void {
  if (returned.iss !== '' && returned.iss !== login.issuer) throw new AppError('login_issuer_mismatch');
  if (returned.iss === '' && login.mustNameIssuer) throw new AppError('login_issuer_mismatch', { message: 'The answer does not name its issuer, which this provider always does. Start the login again and use the whole address that the browser was sent to.' });
  if (returned.error !== '') throw denied(login, returned);
}

function denied({ profile, state, codeVerifier }: PendingLogin, { error, errorDescription }: LoginReturn): AppError {
  const said = errorDescription === '' ? '' : `: ${vendorText(errorDescription, [state, codeVerifier])}`;
  return new AppError('login_denied', { message: `${profile.title} did not grant the login (${vendorCode(vendorText(error, [state, codeVerifier]))})${said}` });
}
