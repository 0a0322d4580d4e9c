import { utcDay, utcHour, type StoredUsage, type UsageDay } from '../usage/store.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface UsageHour {
  readonly day: string;
  readonly hour: string;
  readonly requests: number;
  readonly tokens: number;
}

/** The rows summed a (UTC day, client, account, model); the labels are those of the last row of each. */
export function sumByDay(rows: readonly StoredUsage[]): readonly UsageDay[] {
  const sums = new Map<string, Mutable<UsageDay>>();
  const dayOf = rememberLast(dayMs, utcDay);
  for (const row of rows) {
    const day = dayOf(row.atMs);
    // The model is the one text a client chooses; at the end it cannot imitate another part.
    const key = `${day}\n${row.clientId}\n${row.accountId}\n${row.model}`;
    const sum = sums.get(key) ?? emptyDay(day, row);
    sums.set(key, sum);
    sum.clientLabel = row.clientLabel;
    sum.accountLabel = row.accountLabel;
    sum.provider = row.provider;
    sum.requests += 1;
    sum.failures += row.failed ? 1 : 0;
    sum.inputTokens += row.tokens.input;
    sum.outputTokens += row.tokens.output;
    sum.reasoningTokens += row.tokens.reasoning;
    sum.cachedTokens += row.tokens.cached;
    sum.totalTokens += row.totalTokens;
    sum.latencyMsSum += row.latencyMs;
    sum.firstByteMsSum += row.firstByteMs;
  }
  return [...sums.values()];
}

function emptyDay(day: string, row: StoredUsage): Mutable<UsageDay> {
  return {
    day,
    clientId: row.clientId,
    clientLabel: row.clientLabel,
    accountId: row.accountId,
    accountLabel: row.accountLabel,
    provider: row.provider,
    model: row.model,
    requests: 0,
    failures: 0,
    inputTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    cachedTokens: 0,
    totalTokens: 0,
    latencyMsSum: 0,
    firstByteMsSum: 0,
  };
}

/** The rows summed an hour, UTC. */
export function sumByHour(rows: readonly StoredUsage[]): readonly UsageHour[] {
  const sums = new Map<number, Mutable<UsageHour>>();
  for (const row of rows) {
    const key = Math.floor(row.atMs / hourMs);
    const sum = sums.get(key) ?? { day: utcDay(row.atMs), hour: utcHour(row.atMs), requests: 0, tokens: 0 };
    sums.set(key, sum);
    sum.requests += 1;
    sum.tokens += row.totalTokens;
  }
  return [...sums.values()];
}

/** Formatting a date costs more than all else here, and rows come in order: the last span's text serves the next row. */
function rememberLast(spanMs: number, format: (atMs: number) => string): (atMs: number) => string {
  let lastSpan: number | undefined;
  let lastText = '';
  return (atMs) => {
    const span = Math.floor(atMs / spanMs);
    if (span !== lastSpan) {
      lastSpan = span;
      lastText = format(atMs);
    }
    return lastText;
  };
}
