import type { AuditPage, AuditPageQuery, AuditQuery, AuditRecord } from './ports.ts';
import type { AuditRow } from './row.ts';

/** Where audit rows are kept; rows are added and never changed. Synchronous and short; throws what the backend throws, then nothing of that call is stored. */
export interface AuditStore {
  /** Adds the rows in order, all or none, durable on return; their ids, rising without gaps. */
  readonly append: (rows: readonly AuditRow[]) => readonly number[];
  /** Newest first. */
  readonly list: (query: AuditQuery) => readonly AuditRecord[];
  /** Oldest first; looks at no more than some hundred rows a call. Undefined when none is left. */
  readonly page: (query: AuditPageQuery) => AuditPage | undefined;
  /** Removes from the front at most `limit` rows, as far as one of them is older than `beforeMs`; the number removed. */
  readonly removeBefore: (beforeMs: number, limit: number) => number;
  /** Resolves when what is kept beside the rows is written. Never rejects. */
  readonly close: () => Promise<void>;
}
