import type { AccountWriter, NewLogin } from '../accounts/directory/ports.ts';
import { noTokens } from '../accounts/token-set.ts';
import type { Clock } from '../clock/clock.ts';
import { AppError, toAppError } from '../fault/app-error.ts';
import type { Logger } from '../log/logger.ts';
import type { LoginProfile } from '../providers/login-profile.ts';
import { afterLogin } from './after-issue.ts';
import { buildNewLogin, labelOf } from './new-login.ts';
import type { OAuthHttp } from './oauth-http.ts';
import { failure, isUnproven, type PendingLogin, type PendingLogins } from './pending-logins.ts';
import type { LoginStatus } from './ports.ts';
import { readTokenSet } from './token-answer.ts';
import type { TokenRequestEnd } from './token-request.ts';

export interface CompletionDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly http: OAuthHttp;
  readonly pending: PendingLogins;
  readonly proxyOf: (profile: LoginProfile) => string;
  readonly storeLogin: AccountWriter['storeLogin'];
  readonly isKnown: (login: NewLogin) => boolean | Promise<boolean>;
}

/** The last part of every login. */
export interface Completion {
  /** From the token endpoint's answer to durable tokens. Throws `AppError`s of the login and auth file codes. */
  readonly complete: (login: PendingLogin, end: TokenRequestEnd) => Promise<Extract<LoginStatus, { readonly kind: 'done' }>>;
  /** Ends a login that cannot go on; gives back the refusal to show. */
  readonly fail: (login: PendingLogin, thrown: unknown) => AppError;
}

export function createCompletion(deps: CompletionDeps): Completion {
  const { clock, log, pending } = deps;
  return {
    complete: async (login, end) => {
      const { profile, signal } = login;
      const answer = granted(login, end);
      const issued = readTokenSet(answer.answer, clock.nowMs(), noTokens);
      const vendor = await afterLogin({ http: deps.http, clock, profile, proxyUrl: deps.proxyOf(profile), answer: answer.answer, tokens: issued, fact: () => undefined, userinfoUrl: answer.userinfoUrl, projectId: login.projectId, signal });
      checkCancelled(signal);
      if (vendor.isUseless === true) throw new AppError('login_failed', { message: `${profile.title} granted the login, but ${vendor.problem ?? 'the account is of no use'}. Nothing was stored.` });
      if (vendor.problem !== undefined) log.warn({ provider: profile.name }, `the login was granted, but ${vendor.problem}`);
      const tokens = vendor.apiKey === undefined ? issued : { ...issued, apiKey: vendor.apiKey };
      const built = buildNewLogin({ profile, tokens, facts: vendor.facts, clientId: profile.registration.clientId, label: login.label });
      const isDisabled = isUnproven(login) && !(await deps.isKnown(built));
      // A file that is being written is not taken back.
      if (!pending.beginStoring(login.state)) throw cancelled();
      const stored = await deps.storeLogin({ ...built, isDisabled });
      if (!stored.ok) throw stored.error;
      const done = { kind: 'done', fileName: stored.value.name, label: labelOf(profile, vendor.facts, login.label), isDisabled: stored.value.operator.disabled } as const;
      pending.settle(login.state, done);
      log.info({ provider: profile.name, grant: login.grant, file: done.fileName, disabled: done.isDisabled }, isDisabled ? 'a login was stored, disabled until it is confirmed' : 'a login was stored');
      return done;
    },
    fail: (login, thrown) => {
      const error = toAppError(thrown);
      if (pending.statusOf(login.state)?.kind !== 'waiting') return error;
      pending.settle(login.state, failure(error));
      log.warn({ provider: login.profile.name, grant: login.grant, code: error.code, reason: error.message, ...(error.code === 'internal_error' ? { err: thrown } : {}) }, 'a login failed');
      return error;
    },
  };
}

/** The answer with tokens; throws what any other answer means. */
function granted({ profile, signal }: PendingLogin, end: TokenRequestEnd): Extract<TokenRequestEnd, { readonly kind: 'issued' }> {
  checkCancelled(signal);
  if (end.kind === 'issued') return end;
  if (end.kind === 'refused' && end.error === 'expired_token') throw new AppError('login_state_expired');
  if (end.kind === 'refused' && end.error === 'access_denied') throw new AppError('login_denied', { message: `${profile.title} did not grant the login: ${end.detail}.` });
  throw new AppError('login_failed', { message: `${profile.title} did not complete the login: ${end.detail}.` });
}

function checkCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled();
}

function cancelled(): AppError {
  return new AppError('login_failed', { message: 'The login was cancelled.' });
}
