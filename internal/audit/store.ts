import type { AuditEvent, AuditQuery } from './ports.ts';

/** Where audit rows are kept. Synchronous and short; throws what the backend throws, then nothing of that call is stored. */
export interface AuditStore {
  /** Adds the events in order, all or none; their ids, rising. */
  readonly append: (events: readonly AuditEvent[]) => readonly number[];
  /** Sets how many times the event happened. */
  readonly setCounts: (counts: readonly { readonly id: number; readonly count: number }[]) => void;
  /** Newest first. */
  readonly list: (query: AuditQuery) => readonly (AuditEvent & { readonly id: number })[];
  /** Removes at most `limit` rows older than `beforeMs`; the number removed. */
  readonly removeBefore: (beforeMs: number, limit: number) => number;
}
