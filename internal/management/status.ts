import { escapeForeign } from '../log/escape.ts';
import type { Login } from '../providers/login.ts';
import { answerJson } from './answer.ts';
import { allProblems, describeNeed } from './auth-file-entries.ts';
import { isRoot, type ManagementCall, type ManagementDeps, type ManagementRoute } from './context.ts';
import { authIndexOf } from './list-items.ts';

export function statusRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [{ method: 'GET', path: '/status', scope: 'usage:read', handle: (_c, call) => showStatus(deps, call) }];
}

function showStatus(deps: ManagementDeps, call: ManagementCall): Response {
  const daemon = deps.daemon();
  const loaded = deps.config.current();
  return answerJson({
    version: daemon.version,
    pid: daemon.pid,
    started_at: isoTime(daemon.startedAtMs),
    uptime_seconds: Math.floor((deps.clock.nowMs() - daemon.startedAtMs) / 1_000),
    binds: daemon.binds,
    config: {
      path: loaded.path,
      // The digest of a file of few unknowns tells them to whoever can guess: root alone sees it.
      ...(isRoot(call.principal) ? { hash: loaded.hash } : {}),
      loaded_at: isoTime(daemon.configLoadedAtMs),
      refused: showRefusal(deps),
    },
    warnings: [...loaded.warnings, ...daemon.warnings],
    ignored_keys: loaded.ignoredKeys,
    accounts: showAccounts(deps),
    auth_dir: showAuthDir(deps),
    open_exchanges: daemon.openExchanges,
    usage_queue_length: daemon.usageQueueLength,
    storage: daemon.storage,
  });
}

/** The newest reload that was refused; null once one succeeded. */
function showRefusal(deps: ManagementDeps): unknown {
  const refusal = deps.config.lastRefusal();
  return refusal === undefined ? null : { at: isoTime(refusal.atMs), problems: refusal.problems };
}

function showAccounts(deps: ManagementDeps): readonly unknown[] {
  const logins = new Map(deps.accounts.logins().map((login) => [login.accountId, login]));
  return deps.router.states(deps.routingTable()).map((state) => ({
    account_id: state.accountId,
    'auth-index': authIndexOf(state.accountId),
    label: state.label,
    provider: state.provider,
    state: state.state,
    ...showLogin(deps, logins.get(state.accountId)),
    models: state.models.map((model) => ({ model: model.model, until: isoTime(model.untilMs), reason: model.reason })),
  }));
}

/** How an account's login is: who must act and since when, or until when its token is good. */
function showLogin(deps: ManagementDeps, login: Login | undefined): object {
  if (login === undefined) return {};
  const state = deps.accounts.keeper.stateOf(login.key);
  const files = { file: login.fileNames[0] ?? null };
  switch (state.kind) {
    case 'needs_login':
      return { ...files, login: 'needs_login', reason: state.reason, detail: describeNeed(state, deps.clock.nowMs()), since: isoTime(state.sinceMs), usable_until: state.usableUntilMs === 0 ? null : isoTime(state.usableUntilMs) };
    case 'refreshing':
      return { ...files, login: 'refreshing', since: isoTime(state.sinceMs) };
    case 'ready':
      return { ...files, login: 'ready', expires_at: state.expiresAtMs === undefined ? null : isoTime(state.expiresAtMs), ...(state.failure === undefined ? {} : { failure: state.failure }) };
  }
}

/** Files that are not used, or used with a reservation. */
function showAuthDir(deps: ManagementDeps): unknown {
  const { path, files } = deps.accounts.directory();
  return {
    path,
    encryption: deps.daemon().authDirEncryption,
    files: files().length,
    problems: allProblems(deps).map(({ name, code, severity, message }) => ({ name: escapeForeign(name, 256), code, severity, message })),
  };
}

/** Null for what is no date: a file's expiry may be anything. */
function isoTime(atMs: number): string | null {
  return Math.abs(atMs) <= 8.64e15 ? new Date(atMs).toISOString() : null;
}
