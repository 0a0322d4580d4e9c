import { findFreePort } from '../free-port.ts';
import { openAuthDirectory } from '../../accounts/directory/open-auth-directory.ts';
import type { Config } from '../../config/schema.ts';
import { toAppError, type AppError } from '../../fault/app-error.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import type { LoginGrant, LoginProfile } from '../../providers/login-profile.ts';
import { createLogins } from '../../upstreamauth/logins.ts';
import { parsePasted } from '../../upstreamauth/parse-return.ts';
import type { CliProcess } from '../process-env.ts';
import { openVendors, type LocalParts } from './local-parts.ts';
import type { LoginDriver, LoginRefusal, LoginWanted } from './login-driver.ts';

/** Long enough for a browser on this machine to fetch the page that says how the login went. */
const resultPageMs = 1_500;

/** Logs in within this process, and writes the file under the locks that a daemon would take. */
export async function openLocalLogin(cli: CliProcess, parts: LocalParts): Promise<LoginDriver> {
  const { loaded, profiles } = parts;
  const { directory, accountWriter } = await openAuthDirectory(parts.directoryDeps);
  const vendors = openVendors(cli, parts);
  const { clock } = vendors;
  const url = await callbackUrl(loaded.config);
  const logins = createLogins({
    ...vendors,
    profiles: () => profiles,
    storeLogin: accountWriter.storeLogin,
    isKnown: accountWriter.knows,
    callbackBase: () => ({ url, isServed: false }),
    storedIn: () => directory.path,
  });
  let mayBrowserWait = false;

  return {
    place: `${directory.path} (no daemon is running)`,
    start: async (wanted) => {
      const grant = grantOf(parts, wanted);
      if (!grant.ok) return grant;
      const started = await settle(() => logins.start(wanted.provider, { ...(grant.value === undefined ? {} : { grant: grant.value }), ...(wanted.projectId === '' ? {} : { projectId: wanted.projectId }) }));
      mayBrowserWait = started.ok && started.value.redirect?.isListening === true;
      return started;
    },
    finish: async (started, pasted) => {
      const parsed = parsePasted(pasted);
      if (!parsed.ok) return err(toRefusal(parsed.error));
      mayBrowserWait = false;
      const finished = await settle(() => logins.finish(started.provider, parsed.value));
      return finished.ok ? ok(undefined) : finished;
    },
    // The signal ends the waiting with a rejection, which is no end of the login.
    wait: (state, signal) => logins.wait(state, signal).catch(() => ({ kind: 'waiting' })),
    cancel: (state) => {
      mayBrowserWait = false;
      return Promise.resolve(logins.cancel(state));
    },
    close: async () => {
      // The redirect is answered by the listener here, and leads to one more page on it.
      if (mayBrowserWait) await clock.sleep(resultPageMs);
      await logins.close();
      await vendors.dispatchers.close();
      await directory.close();
    },
  };
}

/** As the daemon would have it, since that is what the operator registered with the provider. */
async function callbackUrl(config: Config): Promise<string> {
  if (config['public-url'] !== '') return config['public-url'].replace(/\/+$/, '');
  // RFC 8252 §7.3: where no port is named, any loopback port will do.
  const port = config.port === 0 ? await findFreePort() : config.port;
  return `${config.tls.enable ? 'https' : 'http'}://localhost:${port}`;
}

/** The provider's device grant where one is wanted; undefined takes its first grant. The error says what to do instead. */
function grantOf({ profiles }: LocalParts, wanted: LoginWanted): Result<LoginGrant | undefined, LoginRefusal> {
  const refuse = (message: string): Result<never, LoginRefusal> => err({ code: 'login_not_offered', message });
  const profile = profiles.find(wanted.provider);
  if (profile === undefined) return refuse(`There is no login of this name; there are ${profiles.all.filter(isInteractive).map(({ name }) => name).join(', ')}.`);
  if (!isInteractive(profile)) return refuse(profile.grants[0] === 'service-account' ? 'A service account needs no login: `keyward accounts import vertex <file>` takes its key file.' : `${profile.name} gets its tokens by client credentials and needs no login.`);
  if (!wanted.isDevice) return ok(undefined);
  const grant = profile.grants.find((offered) => offered === 'device' || offered === 'codex-device');
  return grant === undefined ? refuse(`${profile.title} offers no login by device; leave out --device.`) : ok(grant);
}

function isInteractive({ grants }: LoginProfile): boolean {
  return grants.some((grant) => grant !== 'service-account' && grant !== 'client-credentials');
}

async function settle<T>(work: () => Promise<T>): Promise<Result<T, LoginRefusal>> {
  try {
    return ok(await work());
  } catch (thrown) {
    return err(toRefusal(toAppError(thrown)));
  }
}

function toRefusal({ code, message }: AppError): LoginRefusal {
  return { code, message };
}
