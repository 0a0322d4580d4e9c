/** Read access to the log files for the management API. */
export interface LogFiles {
  /** False while `logging-to-file` is off. */
  readonly isEnabled: () => boolean;
  /** Lines of the newest files, oldest first, at most `limit`, after `afterMs`. */
  readonly tail: (query: { readonly limit: number; readonly afterMs: number }) => Promise<{ readonly lines: readonly string[]; readonly latestMs: number }>;
  /** Truncates the current file and removes rotated ones; the number of files removed. */
  readonly clear: () => Promise<number>;
  /** Request logs of failed exchanges, newest first. */
  readonly listErrorLogs: () => Promise<readonly { readonly name: string; readonly size: number; readonly modifiedMs: number }[]>;
  /** Undefined where there is none; `name` never contains a path separator. */
  readonly readErrorLog: (name: string) => Promise<Uint8Array | undefined>;
  readonly readRequestLog: (requestId: string) => Promise<{ readonly name: string; readonly bytes: Uint8Array } | undefined>;
}
