import type { BudgetRow, BudgetStore } from '../../clients/limits/budget-store.ts';
import type { SqlDatabase } from './driver.ts';
import { readRow } from './read-row.ts';

/** What was spent of budgets, a row a holder and window. Found by primary key. */
export function createSqliteBudgetStore(database: SqlDatabase): BudgetStore {
  const find = database.prepare(`
    SELECT holder_id, span, start_ms, requests, tokens, cost FROM budget_spent
    WHERE holder_id = ? AND ((span = 'day' AND start_ms = ?) OR (span = 'month' AND start_ms = ?))`);
  const add = database.prepare(`
    INSERT INTO budget_spent (holder_id, span, start_ms, requests, tokens, cost) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, tokens = tokens + excluded.tokens, cost = cost + excluded.cost`);
  const remove = database.prepare('DELETE FROM budget_spent WHERE (holder_id, span, start_ms) IN (SELECT holder_id, span, start_ms FROM budget_spent WHERE start_ms < ? ORDER BY start_ms LIMIT ?)');
  return {
    load: (holderId, { dayMs, monthMs }) => find.all(holderId, dayMs, monthMs).map(readSpent),
    add: (rows) =>
      database.inTransaction(() => {
        for (const { holderId, span, startMs, requests, tokens, cost } of rows) add.run(holderId, span, startMs, requests, tokens, cost);
      }),
    removeBefore: (beforeMs, limit) => remove.run(beforeMs, limit).changes,
  };
}

function readSpent(row: unknown): BudgetRow {
  const { text, number } = readRow(row);
  return { holderId: text('holder_id'), span: text('span') === 'day' ? 'day' : 'month', startMs: number('start_ms'), requests: number('requests'), tokens: number('tokens'), cost: number('cost') };
}
