import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import { decodeExport } from './decode-export.ts';
import { buildSnapshot, maxDetails, type UsageSnapshot } from './snapshot.ts';
import type { StoredUsage, UsageStore } from './store.ts';

export interface UsageExport {
  readonly version: 1;
  /** RFC 3339. */
  readonly exported_at: string;
  /** Exchanges that are in the sums alone: older than the details that are exported. */
  readonly details_left_out: number;
  readonly usage: UsageSnapshot;
}

export interface ImportResult {
  readonly added: number;
  readonly skipped: number;
  /** Of everything stored, after the import. */
  readonly total_requests: number;
  readonly failed_requests: number;
}

const rowsPerSlice = 100;
const rowsPerPage = 500;

/** All sums and the newest 100,000 details, read in pages so that exchanges go on meanwhile. */
export async function exportUsage(store: UsageStore, clock: Clock): Promise<UsageExport> {
  const details = new Map<string, StoredUsage>();
  for (let offset = 0; offset < maxDetails; offset += rowsPerPage) {
    const page = store.newest({ limit: rowsPerPage, offset });
    // Rows recorded meanwhile push others to the next page, where they are met again.
    for (const row of page) details.set(`${row.atMs} ${row.requestId}`, row);
    if (page.length < rowsPerPage) break;
    await setImmediate();
  }
  const usage = buildSnapshot(store, [...details.values()]);
  return { version: 1, exported_at: new Date(clock.nowMs()).toISOString(), details_left_out: Math.max(0, usage.total_requests - details.size), usage };
}

/**
 * Adds the details of an export that are not stored yet; importing a file twice adds nothing. Sums of the file are not
 * read: they follow from the details. `invalid_request` before anything is stored; after `storage_unavailable` the import
 * can be repeated.
 */
export async function importUsage(store: UsageStore, body: unknown): Promise<ImportResult> {
  const rows = decodeExport(body);
  let added = 0;
  try {
    for (let from = 0; from < rows.length; from += rowsPerSlice) {
      added += store.appendNew(rows.slice(from, from + rowsPerSlice));
      await setImmediate();
    }
  } catch (cause) {
    throw new AppError('storage_unavailable', { cause });
  }
  const totals = store.totals();
  return {
    added,
    skipped: rows.length - added,
    total_requests: totals.reduce((sum, total) => sum + total.requests, 0),
    failed_requests: totals.reduce((sum, total) => sum + total.failures, 0),
  };
}
