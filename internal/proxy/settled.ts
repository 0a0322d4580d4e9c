import type { Clock } from '../clock/clock.ts';
import type { Lease } from '../clients/limits/limits.ts';
import type { Dialect, Operation } from '../dialect/dialect.ts';
import type { Inbound } from '../http/inbound.ts';
import type { Candidate } from '../routing/ports.ts';
import type { TokenCounts, UsageRow } from '../usage/ports.ts';
import type { AnswerSummary } from './answer-sink.ts';

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
  request: { readonly operation: { readonly dialect: Dialect; readonly operation: Operation }; readonly model: string; readonly isStream: boolean; readonly requestBytes: number },
  progress: { readonly attempts: number; readonly firstByteMs: number | undefined; readonly candidate: Candidate | undefined; readonly lease?: Lease | undefined },
  result: { readonly status: number; readonly outcome: string; readonly summary: AnswerSummary | undefined },
) => void;

/** Turns an exchange's end into its one usage row, and ends its lease on the caller's limits. */
export function createSettle(clock: Clock, onSettled: OnSettled): SettleExchange {
  return (inbound, request, progress, result) => {
    const latencyMs = clock.monotonicMs() - inbound.startedMs;
    const account = progress.candidate?.account;
    const { dialect, operation } = request.operation;
    const tokens = countTokens(result.summary, request.requestBytes, spendsTokens(operation));
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

const none: TokenCounts = { input: 0, output: 0, reasoning: 0, cached: 0, estimated: false };

export function spendsTokens(operation: Operation): boolean {
  return operation !== 'count-tokens' && operation !== 'gemini-count' && operation !== 'responses-count' && operation !== 'audio';
}

/**
 * The upstream's own counts; where a stream states none, an estimate: four bytes a token for the request, one token an
 * event or four bytes for the answer.
 */
function countTokens(summary: AnswerSummary | undefined, requestBytes: number, isCounted: boolean): TokenCounts {
  if (summary === undefined || !isCounted) return none;
  if (summary.usage !== undefined) return { ...summary.usage, estimated: false };
  const output = summary.eventCount > 0 ? summary.eventCount : Math.ceil(summary.answerBytes / 4);
  return { input: Math.ceil(requestBytes / 4), output, reasoning: 0, cached: 0, estimated: true };
}
