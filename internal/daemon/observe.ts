import type { LogHandle } from '../log/create-logger.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { OnSettled } from '../proxy/settled.ts';
import type { Router } from '../routing/ports.ts';
import type { UsageRecorder } from '../usage/ports.ts';

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
