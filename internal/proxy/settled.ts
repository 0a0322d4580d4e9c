import type { Clock } from '../clock/clock.ts';
import type { Lease } from '../clients/limits/lease.ts';
import type { Dialect, Operation } from '../dialect/dialect.ts';
import type { Inbound } from '../http/inbound.ts';
import type { Candidate } from '../routing/ports.ts';
import type { UsageRow } from '../usage/ports.ts';
import type { AnswerSummary } from './answer-sink.ts';
import { countTokens, type Loss, type Spending } from './spending.ts';

/** What metrics want to know beside the usage row. */
export interface ExchangeFacts {
  readonly dialect: Dialect;
  readonly operation: Operation;
  readonly isStream: boolean;
}

/** Called once an exchange: usage, metrics and the access line hang on it. Must not block or throw. */
export type OnSettled = (row: UsageRow, facts: ExchangeFacts, inbound: Inbound<unknown, unknown>) => void;

export type SettleExchange = (
  inbound: Inbound<unknown, unknown>,
  request: Spending,
  progress: { readonly attempts: number; readonly firstByteMs: number | undefined; readonly candidate: Candidate | undefined; readonly loss?: Loss | undefined; readonly lease?: Lease | undefined },
  result: { readonly status: number; readonly outcome: string; readonly summary: AnswerSummary | undefined },
) => void;

/** Turns an exchange's end into its one usage row, and ends its lease on the caller's limits. */
export function createSettle(clock: Clock, onSettled: OnSettled): SettleExchange {
  return (inbound, request, progress, result) => {
    const latencyMs = clock.monotonicMs() - inbound.startedMs;
    const account = progress.candidate?.account;
    const { dialect, operation } = request.operation;
    const tokens = countTokens(request, result.summary, progress.loss);
    progress.lease?.settle({ ...tokens, wasSent: progress.attempts > 0 });
    onSettled(
      {
        requestId: inbound.id,
        atMs: clock.nowMs(),
        clientId: inbound.principal.id,
        clientLabel: inbound.principal.label,
        accountId: account?.id ?? '',
        accountLabel: account?.label ?? '',
        provider: account?.provider ?? '',
        model: request.model,
        endpoint: inbound.endpoint,
        status: result.status,
        outcome: result.outcome,
        failed: result.outcome !== 'ok',
        attempts: progress.attempts,
        latencyMs,
        firstByteMs: progress.firstByteMs ?? latencyMs,
        tokens,
      },
      { dialect, operation, isStream: request.isStream },
      inbound,
    );
  };
}
