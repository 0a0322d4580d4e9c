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
  /** What is wrong with the key and the signed places, without a look at the rows. */
  readonly look: () => readonly AuditTrouble[];
  readonly close: () => void;
}

/** The error is a sentence for a person. */
export type OpenAuditArchive = (dataDir: string, uid: number | undefined) => Result<AuditArchive, string>;

export interface AuditTrouble {
  /** The daemon does not start so. */
  readonly isInTheWay: boolean;
  /** For a person, without its full stop. */
  readonly sentence: string;
}

export interface AuditRestarted {
  /** Of the row that says so, the first that the new key has signed. */
  readonly firstId: number;
  readonly keyId: string;
  /** Files of before, under the names that they have now. */
  readonly kept: readonly string[];
}

/**
 * Has a chain whose key is lost go on with a new one, behind a signed place that `verify` names. No daemon may run on the data-dir
 * meanwhile. The error is a sentence for a person; nothing was changed then, unless a file could not be written.
 */
export type RestartAudit = (dataDir: string, uid: number | undefined) => Promise<Result<AuditRestarted, string>>;
