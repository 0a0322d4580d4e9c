import type { Result } from '../fault/result.ts';
import type { AuditPage, AuditPageQuery, AuditQuery, AuditRecord } from './ports.ts';
import type { AuditReport } from './verify.ts';

/** The audit in a data-dir, read as it lies there, whether a daemon runs on it or not. Changes nothing. */
export interface AuditArchive {
  /** Newest first. */
  readonly list: (query: AuditQuery) => readonly AuditRecord[];
  /** Oldest first, a page at a time; undefined when there is no more. */
  readonly page: (query: AuditPageQuery) => AuditPage | undefined;
  /** The error says why nothing can be verified: no key, or another chain's. */
  readonly verify: () => Result<AuditReport, string>;
  readonly close: () => void;
}

/** The error is a sentence for a person. */
export type OpenAuditArchive = (dataDir: string, uid: number | undefined) => Result<AuditArchive, string>;
