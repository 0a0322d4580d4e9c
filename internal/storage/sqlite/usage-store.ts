import { utcDay, type StoredUsage, type UsageCount, type UsageDay, type UsageStore, type UsageTotal } from '../../usage/store.ts';
import { sumByDay, sumByHour } from '../usage-sums.ts';
import type { SqlDatabase, SqlStatement } from './driver.ts';
import { readRow } from './read-row.ts';

const exchangeColumns = [
  'at_ms', 'series_id', 'request_id', 'attempts', 'latency_ms', 'first_byte_ms', 'input_tokens', 'output_tokens', 'reasoning_tokens', 'cached_tokens', 'total_tokens',
] as const;

const seriesColumns = [
  'client_id', 'client_label', 'account_id', 'account_label', 'provider', 'model', 'endpoint', 'status', 'outcome', 'failed', 'estimated',
] as const;

const dayColumns = [
  'day', 'client_id', 'account_id', 'model', 'client_label', 'account_label', 'provider', 'requests', 'failures', 'input_tokens', 'output_tokens',
  'reasoning_tokens', 'cached_tokens', 'total_tokens', 'latency_ms_sum', 'first_byte_ms_sum',
] as const;
const summedColumns = dayColumns.slice(7);

const maxKnownSeries = 5_000;

/** Sorts before every day. */
const beginning = '';

/** Usage in SQLite: a row an exchange, and sums a day and an hour that are kept up to date in the same transaction. */
export function createSqliteUsageStore(database: SqlDatabase): UsageStore {
  const insert = database.prepare(`INSERT INTO usage_exchange (${exchangeColumns.join(', ')}) VALUES (${exchangeColumns.map(() => '?').join(', ')})`);
  const findSeries = database.prepare(`SELECT id FROM usage_series WHERE ${seriesColumns.map((column) => `${column} = ?`).join(' AND ')}`);
  const insertSeries = database.prepare(`INSERT INTO usage_series (${seriesColumns.join(', ')}) VALUES (${seriesColumns.map(() => '?').join(', ')})`);
  const find = database.prepare('SELECT 1 FROM usage_exchange WHERE at_ms = ? AND request_id = ?');
  const addDay = database.prepare(`
    INSERT INTO usage_day (${dayColumns.join(', ')}) VALUES (${dayColumns.map(() => '?').join(', ')})
    ON CONFLICT DO UPDATE SET client_label = excluded.client_label, account_label = excluded.account_label, provider = excluded.provider,
      ${summedColumns.map((column) => `${column} = ${column} + excluded.${column}`).join(', ')}`);
  const addHour = database.prepare(`
    INSERT INTO usage_hour (day, hour, requests, tokens) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, tokens = tokens + excluded.tokens`);
  // With one max() in the query, SQLite takes bare columns from the row that has the maximum: the newest label.
  const totals = database.prepare(`
    SELECT client_id, client_label, max(day) AS newest, model, sum(requests) AS requests, sum(failures) AS failures, sum(total_tokens) AS total_tokens
    FROM usage_day WHERE day >= ? GROUP BY client_id, model ORDER BY client_id, model`);
  const days = database.prepare(`SELECT ${dayColumns.join(', ')} FROM usage_day WHERE day >= ? ORDER BY day, client_id, account_id, model`);
  const byDay = database.prepare('SELECT day AS key, sum(requests) AS requests, sum(tokens) AS tokens FROM usage_hour WHERE day >= ? GROUP BY day ORDER BY day');
  const byHour = database.prepare('SELECT hour AS key, sum(requests) AS requests, sum(tokens) AS tokens FROM usage_hour WHERE day >= ? GROUP BY hour ORDER BY hour');
  const newestWhere = (more: string): SqlStatement =>
    database.prepare(`
    SELECT ${[...exchangeColumns, ...seriesColumns].join(', ')} FROM usage_exchange JOIN usage_series ON usage_series.id = series_id
    WHERE at_ms >= ? AND at_ms < ?${more} ORDER BY at_ms DESC, usage_exchange.id DESC LIMIT ? OFFSET ?`);
  const newest = newestWhere('');
  const newestOfClient = newestWhere(' AND client_id = ?');
  const remove = database.prepare('DELETE FROM usage_exchange WHERE id IN (SELECT id FROM usage_exchange WHERE at_ms < ? ORDER BY at_ms LIMIT ?)');
  const removeDays = database.prepare('DELETE FROM usage_day WHERE day < ?');
  const removeHours = database.prepare('DELETE FROM usage_hour WHERE day < ?');

  let seriesIds = new Map<string, number>();

  const seriesOf = (row: StoredUsage): number => {
    // The model is the one text a client chooses; at the end it cannot imitate another part.
    const key = `${row.clientId}\n${row.clientLabel}\n${row.accountId}\n${row.accountLabel}\n${row.provider}\n${row.endpoint}\n${row.status}\n${row.outcome}\n${row.failed}\n${row.tokens.estimated}\n${row.model}`;
    const known = seriesIds.get(key);
    if (known !== undefined) return known;
    const values = [
      row.clientId, row.clientLabel, row.accountId, row.accountLabel, row.provider, row.model, row.endpoint, row.status, row.outcome,
      row.failed ? 1 : 0, row.tokens.estimated ? 1 : 0,
    ] as const;
    const found = findSeries.get(...values);
    const id = found === undefined ? insertSeries.run(...values).lastId : readRow(found).number('id');
    if (seriesIds.size >= maxKnownSeries) seriesIds.clear();
    seriesIds.set(key, id);
    return id;
  };

  /** A rollback takes new series with it, so what is known of them goes too. */
  const inTransaction = <T>(work: () => T): T => {
    try {
      return database.inTransaction(work);
    } catch (thrown) {
      seriesIds = new Map();
      throw thrown;
    }
  };

  const store = (rows: readonly StoredUsage[]): void => {
    for (const row of rows) {
      insert.run(
        row.atMs, seriesOf(row), row.requestId, row.attempts, row.latencyMs, row.firstByteMs, row.tokens.input, row.tokens.output,
        row.tokens.reasoning, row.tokens.cached, row.totalTokens,
      );
    }
    for (const sum of sumByDay(rows)) {
      addDay.run(
        sum.day, sum.clientId, sum.accountId, sum.model, sum.clientLabel, sum.accountLabel, sum.provider, sum.requests, sum.failures, sum.inputTokens,
        sum.outputTokens, sum.reasoningTokens, sum.cachedTokens, sum.totalTokens, sum.latencyMsSum, sum.firstByteMsSum,
      );
    }
    for (const sum of sumByHour(rows)) addHour.run(sum.day, sum.hour, sum.requests, sum.tokens);
  };

  return {
    append: (rows) => inTransaction(() => store(rows)),
    appendNew: (rows) =>
      inTransaction(() => {
        const seen = new Set<string>();
        const fresh = rows.filter((row) => {
          const key = `${row.atMs} ${row.requestId}`;
          if (seen.has(key) || find.get(row.atMs, row.requestId) !== undefined) return false;
          seen.add(key);
          return true;
        });
        store(fresh);
        return fresh.length;
      }),
    totals: (fromDay = beginning) => totals.all(fromDay).map(readTotal),
    days: (fromDay = beginning) => days.all(fromDay).map(readDay),
    countsByDay: (fromDay = beginning) => byDay.all(fromDay).map(readCount),
    countsByHour: (fromDay = beginning) => byHour.all(fromDay).map(readCount),
    newest: ({ limit, sinceMs = 0, untilMs = Number.MAX_SAFE_INTEGER, clientId, offset = 0 }) =>
      (clientId === undefined ? newest.all(sinceMs, untilMs, limit, offset) : newestOfClient.all(sinceMs, untilMs, clientId, limit, offset)).map(readExchange),
    removeBefore: (beforeMs, limit) =>
      database.inTransaction(() => {
        const { changes } = remove.run(beforeMs, limit);
        if (changes < limit) {
          removeDays.run(utcDay(beforeMs));
          removeHours.run(utcDay(beforeMs));
        }
        return changes;
      }),
  };
}

function readTotal(row: unknown): UsageTotal {
  const { text, number } = readRow(row);
  return { clientId: text('client_id'), clientLabel: text('client_label'), model: text('model'), requests: number('requests'), failures: number('failures'), totalTokens: number('total_tokens') };
}

function readCount(row: unknown): UsageCount {
  const { text, number } = readRow(row);
  return { key: text('key'), requests: number('requests'), tokens: number('tokens') };
}

/** Who asked whom for what: the columns that rows and rollups share. */
function readParties(row: unknown): Pick<UsageDay, 'clientId' | 'clientLabel' | 'accountId' | 'accountLabel' | 'provider' | 'model'> {
  const { text } = readRow(row);
  return {
    clientId: text('client_id'),
    clientLabel: text('client_label'),
    accountId: text('account_id'),
    accountLabel: text('account_label'),
    provider: text('provider'),
    model: text('model'),
  };
}

function readDay(row: unknown): UsageDay {
  const { text, number } = readRow(row);
  return {
    day: text('day'),
    ...readParties(row),
    requests: number('requests'),
    failures: number('failures'),
    inputTokens: number('input_tokens'),
    outputTokens: number('output_tokens'),
    reasoningTokens: number('reasoning_tokens'),
    cachedTokens: number('cached_tokens'),
    totalTokens: number('total_tokens'),
    latencyMsSum: number('latency_ms_sum'),
    firstByteMsSum: number('first_byte_ms_sum'),
  };
}

function readExchange(row: unknown): StoredUsage {
  const { text, number } = readRow(row);
  return {
    requestId: text('request_id'),
    atMs: number('at_ms'),
    ...readParties(row),
    endpoint: text('endpoint'),
    status: number('status'),
    outcome: text('outcome'),
    failed: number('failed') === 1,
    attempts: number('attempts'),
    latencyMs: number('latency_ms'),
    firstByteMs: number('first_byte_ms'),
    tokens: {
      input: number('input_tokens'),
      output: number('output_tokens'),
      reasoning: number('reasoning_tokens'),
      cached: number('cached_tokens'),
      estimated: number('estimated') === 1,
    },
    totalTokens: number('total_tokens'),
  };
}
