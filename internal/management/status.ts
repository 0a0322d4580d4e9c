import type { ManagementDeps, ManagementRoute } from './context.ts';
import { isRoot, type ManagementCall } from './context.ts';
import { answerJson } from './answer.ts';
import { authIndexOf } from './list-items.ts';

export function statusRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [{ method: 'GET', path: '/status', handle: (_c, call) => showStatus(deps, call) }];
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
  return deps.router.states(deps.routingTable()).map((state) => ({
    account_id: state.accountId,
    'auth-index': authIndexOf(state.accountId),
    label: state.label,
    provider: state.provider,
    state: state.state,
    models: state.models.map((model) => ({ model: model.model, until: isoTime(model.untilMs), reason: model.reason })),
  }));
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
