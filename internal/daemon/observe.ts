import type { AuditLog } from '../audit/ports.ts';
import type { Clock } from '../clock/clock.ts';
import type { LogHandle } from '../log/create-logger.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { OnSettled } from '../proxy/settled.ts';
import type { Router } from '../routing/ports.ts';
import type { LoginState } from '../tokens/ports.ts';
import type { UsageRecorder } from '../usage/ports.ts';
import type { UpstreamAccountsDeps } from './upstream-accounts.ts';

export interface ObserveDeps {
  readonly usage: UsageRecorder;
  readonly metrics: Metrics;
  readonly log: Pick<LogHandle, 'access'>;
}

/** What a settled exchange leaves behind: one usage row, its metrics, one access line. */
export function observeExchanges({ usage, metrics, log }: ObserveDeps): OnSettled {
  return (row, facts, inbound) => {
    const { tokens } = row;
    usage.record(row);
    metrics.exchangeSettled({
      dialect: facts.dialect,
      operation: facts.operation,
      status: row.status,
      outcome: row.outcome,
      latencyMs: row.latencyMs,
      firstByteMs: row.firstByteMs,
      model: row.accountId === '' ? '' : row.model,
      inputTokens: tokens.input,
      outputTokens: tokens.output,
      reasoningTokens: tokens.reasoning,
      cachedTokens: tokens.cached,
    });
    log.access({
      requestId: row.requestId,
      method: inbound.method,
      path: inbound.target.path,
      status: row.status,
      outcome: row.outcome,
      peer: inbound.peer.address,
      client: row.clientId,
      account: row.accountId,
      model: row.model,
      attempts: row.attempts,
      latencyMs: row.latencyMs,
      firstByteMs: row.firstByteMs,
      inputTokens: tokens.input,
      outputTokens: tokens.output,
    });
  };
}

/** The router, with every attempt counted. */
export function observeAttempts(router: Router, metrics: Metrics): Router {
  return {
    ...router,
    settle: (candidate, query, outcome) => {
      metrics.attemptSettled(candidate.account.provider, outcome.kind);
      router.settle(candidate, query, outcome);
    },
  };
}

export interface ObserveLoginsDeps {
  readonly router: Pick<Router, 'block'>;
  readonly metrics: Pick<Metrics, 'tokenRefreshed'>;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly clock: Clock;
}

/** What becomes of a login's state: routing passes it over while it needs a person, the audit log and metrics know. */
export function observeLogins({ router, metrics, audit, clock }: ObserveLoginsDeps): Pick<UpstreamAccountsDeps, 'onState' | 'onRefreshed'> {
  return {
    onState: (login, state, before) => {
      const isGivenUp = state.kind === 'needs_login';
      // Its last access token is served to its end.
      router.block(login.accountId, isGivenUp && state.usableUntilMs === 0 ? { reason: state.reason, detail: state.detail, sinceMs: state.sinceMs } : undefined);
      const wasGivenUp = before.kind === 'needs_login';
      if (isGivenUp === wasGivenUp || state.kind === 'refreshing') return;
      audit.append({
        atMs: clock.nowMs(),
        action: isGivenUp ? 'account.needs_login' : 'account.recovered',
        actor: 'keyward',
        from: 'daemon',
        requestId: '',
        target: login.fileNames[0] ?? login.accountId,
        code: reasonOf(state),
      });
    },
    onRefreshed: (login, result) => {
      const name = login.profile.name;
      if (result === 'tokens') metrics.tokenRefreshed(name, 'ok');
      else if (result === 'needs_login') metrics.tokenRefreshed(name, 'refused');
      else if (result === 'later') metrics.tokenRefreshed(name, 'failed');
    },
  };
}

function reasonOf(state: LoginState): string {
  return state.kind === 'needs_login' ? state.reason : '';
}
