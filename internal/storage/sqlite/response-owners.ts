import type { Clock } from '../../clock/clock.ts';
import type { ResponseOwner, ResponseOwners } from '../../proxy/ports.ts';
import { sha256Hex } from '../../secret/digest.ts';
import type { SqlDatabase } from './driver.ts';
import { readRow } from './read-row.ts';

export interface ResponseOwnersOptions {
  readonly database: SqlDatabase;
  readonly clock: Clock;
  readonly onFailure: (thrown: unknown) => void;
}

export interface DurableResponseOwners extends ResponseOwners {
  readonly flush: () => void;
  readonly close: () => void;
}

/** Vendors keep stored responses for 30 days; bindings live a little longer. */
const keptMs = 35 * 86_400_000;
const flushEveryMs = 250;
const maxWaiting = 50_000;

/**
 * Bindings of response ids in SQLite, by digest. New ones are readable at once and durable within a second; while the
 * disk fails they stay in memory, the oldest giving way.
 */
export function createResponseOwners(options: ResponseOwnersOptions): DurableResponseOwners {
  const { database, clock, onFailure } = options;
  const insert = database.prepare('INSERT INTO response_owner (digest, principal_id, account_id, at_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING');
  const select = database.prepare('SELECT principal_id, account_id FROM response_owner WHERE digest = ?');
  const removeOld = database.prepare('DELETE FROM response_owner WHERE digest IN (SELECT digest FROM response_owner WHERE at_ms < ? LIMIT 1000)');
  const waiting = new Map<string, ResponseOwner & { readonly atMs: number }>();

  const flush = (): void => {
    if (waiting.size === 0) return;
    try {
      database.inTransaction(() => {
        for (const [digest, owner] of waiting) insert.run(digest, owner.principalId, owner.accountId, owner.atMs);
      });
      waiting.clear();
    } catch (thrown) {
      onFailure(thrown);
      for (const digest of waiting.keys()) {
        if (waiting.size <= maxWaiting) break;
        waiting.delete(digest);
      }
    }
  };
  const stopFlushing = clock.every(flushEveryMs, flush);
  const stopRemoving = clock.every(3_600_000, () => {
    try {
      removeOld.run(clock.nowMs() - keptMs);
    } catch (thrown) {
      onFailure(thrown);
    }
  });

  const findByDigest = (digest: string): ResponseOwner | undefined => {
    const fresh = waiting.get(digest);
    if (fresh !== undefined) return fresh;
    const found = select.get(digest);
    if (found === undefined) return undefined;
    const row = readRow(found);
    return { principalId: row.text('principal_id'), accountId: row.text('account_id') };
  };

  return {
    remember: (responseId, owner) => {
      const digest = sha256Hex(responseId);
      try {
        // The first owner stays: an upstream that says an id again must not hand it to another client.
        if (findByDigest(digest) !== undefined) return;
      } catch (thrown) {
        onFailure(thrown);
      }
      waiting.set(digest, { ...owner, atMs: clock.nowMs() });
    },
    find: (responseId) => findByDigest(sha256Hex(responseId)),
    flush,
    close: () => {
      stopFlushing();
      stopRemoving();
      flush();
    },
  };
}
