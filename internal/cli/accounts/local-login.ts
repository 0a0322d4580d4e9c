import { openAuthDirectory } from '../../accounts/directory/open-auth-directory.ts';
import type { Config } from '../../config/schema.ts';
import { toAppError, type AppError } from '../../fault/app-error.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { escapeForeign } from '../../log/escape.ts';
import type { LoginGrant } from '../../providers/login-profile.ts';
import { createLogins } from '../../upstreamauth/logins.ts';
import { parsePasted } from '../../upstreamauth/parse-return.ts';
import type { CliProcess } from '../process-env.ts';
import { openVendors, type LocalParts } from './local-parts.ts';
import type { LoginDriver, LoginRefusal, LoginWanted } from './login-driver.ts';

/** Logs in within this process, and writes the file under the locks that a daemon would take. */
export async function openLocalLogin(cli: CliProcess, parts: LocalParts): Promise<LoginDriver> {
  const { loaded, profiles } = parts;
  const { directory, accountWriter } = await openAuthDirectory(parts.directoryDeps);
  const vendors = openVendors(cli, parts);
  const logins = createLogins({
    ...vendors,
    profiles: () => profiles,
    storeLogin: accountWriter.storeLogin,
    isKnown: accountWriter.knows,
    callbackBase: () => ({ url: callbackUrl(loaded.config), isServed: false }),
  });

  return {
    place: `${directory.path} (no daemon is running)`,
    start: async (wanted) => {
      const grant = grantOf(parts, wanted);
      if (!grant.ok) return grant;
      return settle(() => logins.start(wanted.provider, { ...(grant.value === undefined ? {} : { grant: grant.value }), ...(wanted.projectId === '' ? {} : { projectId: wanted.projectId }) }));
    },
    finish: async (started, pasted) => {
      const parsed = parsePasted(pasted);
      if (!parsed.ok) return err(toRefusal(parsed.error));
      const finished = await settle(() => logins.finish(started.provider, parsed.value));
      return finished.ok ? ok(undefined) : finished;
    },
    // The signal ends the waiting with a rejection, which is no end of the login.
    wait: (state, signal) => logins.wait(state, signal).catch(() => ({ kind: 'waiting' })),
    cancel: (state) => Promise.resolve(logins.cancel(state)),
    close: async () => {
      await logins.close();
      await vendors.dispatchers.close();
      await directory.close();
    },
  };
}

/** As the daemon would have it, since that is what the operator registered with the provider. */
function callbackUrl(config: Config): string {
  if (config['public-url'] !== '') return config['public-url'].replace(/\/+$/, '');
  return `${config.tls.enable ? 'https' : 'http'}://localhost:${config.port}`;
}

/** The provider's device grant where one is wanted; undefined takes its first grant. */
function grantOf({ profiles }: LocalParts, wanted: LoginWanted): Result<LoginGrant | undefined, LoginRefusal> {
  if (!wanted.isDevice) return ok(undefined);
  const profile = profiles.find(wanted.provider);
  const grant = profile?.grants.find((offered) => offered === 'device' || offered === 'codex-device');
  // An unknown provider is for the logins to refuse, with the names there are.
  if (profile === undefined || grant !== undefined) return ok(grant);
  return err({ code: 'login_not_offered', message: `${profile.title} offers no login by device; leave out --device.` });
}

async function settle<T>(work: () => Promise<T>): Promise<Result<T, LoginRefusal>> {
  try {
    return ok(await work());
  } catch (thrown) {
    return err(toRefusal(toAppError(thrown)));
  }
}

function toRefusal({ code, message }: AppError): LoginRefusal {
  return { code, message: escapeForeign(message) };
}
