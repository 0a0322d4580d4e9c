import { AppError, toAppError } from '../fault/app-error.ts';
import type { FaultCode } from '../fault/codes.ts';
import type { Logger } from '../log/logger.ts';
import type { LoginProfiles } from '../providers/logins/resolve.ts';
import { donePage, notFoundPage, redirectTo, refusalPage, waitingPage } from './pages.ts';
import { parseQuery } from './parse-return.ts';
import { failure, isUnproven, type PendingLogins } from './pending-logins.ts';
import type { LoginPages, Logins } from './ports.ts';

export interface LoginPagesDeps {
  readonly logins: Pick<Logins, 'finish'>;
  readonly pending: PendingLogins;
  readonly profiles: () => LoginProfiles;
  readonly log: Logger;
  /** The auth directory, `''` where that is not told. */
  readonly storedIn: () => string;
}

/** The query belongs to no login that waits here, so there is no result page to send the browser to. */
const withoutLogin: ReadonlySet<FaultCode> = new Set(['login_state_unknown', 'login_state_used', 'login_state_expired', 'login_provider_mismatch']);

export function createLoginPages(deps: LoginPagesDeps): LoginPages {
  return {
    callback: async (provider, query) => {
      const profile = deps.profiles().find(provider);
      if (profile === undefined) return refusalPage(failure(new AppError('login_not_offered')));
      const parsed = parseQuery(query);
      if (!parsed.ok) return refusalPage(failure(parsed.error), profile.title);
      const { state } = parsed.value;
      try {
        await deps.logins.finish(profile.name, parsed.value);
      } catch (thrown) {
        const error = toAppError(thrown);
        if (withoutLogin.has(error.code)) {
          deps.log.warn({ provider: profile.name, code: error.code }, 'a browser came back to a login that does not wait for it');
          return refusalPage(failure(error), profile.title);
        }
      }
      const pageId = deps.pending.pageIdOf(state);
      return pageId === undefined ? notFoundPage() : redirectTo(pageId);
    },
    result: (id) => {
      const found = deps.pending.pageOf(id);
      if (found === undefined) return notFoundPage();
      const { login, status } = found;
      if (status.kind === 'waiting') return waitingPage(login.profile.title);
      return status.kind === 'done' ? donePage(login.profile.title, status, { directory: deps.storedIn(), isUnproven: isUnproven(login) }) : refusalPage(status, login.profile.title);
    },
  };
}
