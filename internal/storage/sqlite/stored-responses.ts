import type { Clock } from '../../clock/clock.ts';
import { parseExact } from '../../dialect/ir/exact-json.ts';
import { isRecord, listOf } from '../../dialect/ir/json.ts';
import type { ResponseStore, StoredResponse } from '../../proxy/ports.ts';
import { sha256Hex } from '../../secret/digest.ts';
import type { SqlDatabase } from './driver.ts';
import { readRow } from './read-row.ts';

export interface StoredResponsesOptions {
  readonly database: SqlDatabase;
  readonly clock: Clock;
  /** All rows together; beyond it the oldest go. Read at every write. */
  readonly maxTotalBytes: () => number;
  readonly onFailure: (thrown: unknown) => void;
}

export interface SqliteResponseStore extends ResponseStore {
  readonly removeBefore: (beforeMs: number, limit: number) => number;
}

/** Responses that no upstream keeps, in SQLite, by digest of their id: one row a turn, with the turn before it by name. */
export function createSqliteResponseStore({ database, clock, maxTotalBytes, onFailure }: StoredResponsesOptions): SqliteResponseStore {
  const insert = database.prepare('INSERT INTO stored_response (digest, principal_id, previous_id, at_ms, bytes, response_json, input_json, output_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING');
  const select = database.prepare('SELECT principal_id, previous_id, response_json, input_json, output_json FROM stored_response WHERE digest = ?');
  const size = database.prepare('SELECT principal_id, previous_id, octet_length(input_json) + octet_length(output_json) AS bytes FROM stored_response WHERE digest = ?');
  const remove = database.prepare('DELETE FROM stored_response WHERE digest = ? AND principal_id = ?');
  const removeOld = database.prepare('DELETE FROM stored_response WHERE digest IN (SELECT digest FROM stored_response WHERE at_ms < ? ORDER BY at_ms LIMIT ?)');
  const removeOldest = database.prepare('DELETE FROM stored_response WHERE digest IN (SELECT digest FROM stored_response ORDER BY at_ms LIMIT 50)');
  const sumBytes = database.prepare('SELECT COALESCE(SUM(bytes), 0) AS total FROM stored_response');
  const total = (): number => readRow(sumBytes.get()).number('total');
  let knownTotal: number | undefined;

  const makeRoom = (): void => {
    while ((knownTotal ?? 0) > maxTotalBytes()) {
      if (removeOldest.run().changes === 0) return;
      knownTotal = total();
    }
  };

  return {
    save: (stored) => {
      const [response, input, output] = [JSON.stringify(stored.response), JSON.stringify(stored.input), JSON.stringify(stored.output)];
      const bytes = response.length + input.length + output.length;
      if (bytes > maxTotalBytes()) return;
      try {
        knownTotal ??= total();
        insert.run(sha256Hex(stored.id), stored.principalId, stored.previousId ?? '', clock.nowMs(), bytes, response, input, output);
        knownTotal += bytes;
        makeRoom();
      } catch (thrown) {
        onFailure(thrown);
      }
    },
    find: (id, principalId) => {
      const found = select.get(sha256Hex(id));
      if (found === undefined) return undefined;
      const row = readRow(found);
      return row.text('principal_id') === principalId ? storedOf(id, row) : undefined;
    },
    measure: (id, principalId) => {
      const found = size.get(sha256Hex(id));
      if (found === undefined) return undefined;
      const row = readRow(found);
      return row.text('principal_id') === principalId ? { previousId: previousIdIn(row), bytes: row.number('bytes') } : undefined;
    },
    remove: (id, principalId) => {
      const { changes } = remove.run(sha256Hex(id), principalId);
      knownTotal = undefined;
      return changes > 0;
    },
    removeBefore: (beforeMs, limit) => {
      knownTotal = undefined;
      return removeOld.run(beforeMs, limit).changes;
    },
  };
}

function previousIdIn(row: ReturnType<typeof readRow>): string | undefined {
  const previousId = row.text('previous_id');
  return previousId === '' ? undefined : previousId;
}

function storedOf(id: string, row: ReturnType<typeof readRow>): StoredResponse {
  const response = parseExact(row.text('response_json'));
  return {
    id,
    principalId: row.text('principal_id'),
    previousId: previousIdIn(row),
    response: isRecord(response) ? response : {},
    input: listOf(parseExact(row.text('input_json'))).filter(isRecord),
    output: listOf(parseExact(row.text('output_json'))).filter(isRecord),
  };
}
