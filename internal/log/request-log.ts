import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '../clock/clock.ts';
import { escapeForeign } from './escape.ts';
import { fileStamp, listLogFiles, openLogFile, pruneLogFiles, removeLogFiles } from './log-directory.ts';
import { isErrorLog } from './log-files.ts';
import { redactQuery, redactText, showHeader } from './redact.ts';

export type LoggedHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface RequestLogHead {
  readonly method: string;
  /** As sent, without query. */
  readonly path: string;
  readonly query: string;
  readonly headers: LoggedHeaders;
}

export interface LoggedAttempt {
  readonly accountId: string;
  /** Origin and path of the upstream, without query. */
  readonly upstream: string;
  readonly headers?: LoggedHeaders;
}

/** The record of one exchange. No method throws or waits; chunks are kept by reference until they are written. */
export interface RequestLog {
  readonly requestChunk: (bytes: Uint8Array) => void;
  readonly attempt: (attempt: LoggedAttempt) => void;
  readonly responseHead: (status: number, headers: LoggedHeaders) => void;
  readonly responseChunk: (bytes: Uint8Array) => void;
  /** Once, at the end. `status` as the client saw it; `error` for the log alone. */
  readonly end: (status: number, error?: unknown) => void;
}

export interface RequestLogsOptions {
  readonly directory: string;
  readonly clock: Clock;
  /** `request-log`; read once an exchange. */
  readonly isEnabled: () => boolean;
  /** `error-logs-max-files`; 0 keeps all. */
  readonly maxErrorFiles: () => number;
  /** Cap over all log files of the directory, bytes; 0 keeps all. */
  readonly maxTotalBytes: () => number;
  /** Bytes kept of each direction's body; absent means 1 MB. */
  readonly maxBodyBytes?: number;
  /** A file that could not be written, or an error log left out of a flood. */
  readonly onDropped: () => void;
}

export interface RequestLogs {
  /**
   * Off: remembers the head alone and writes an `error-…` file when the exchange ends with a status of 400 or above. On:
   * writes everything, bodies up to the cap.
   */
  readonly begin: (requestId: string, head: RequestLogHead) => RequestLog;
  /** Resolves when what ended so far is on disk and old files are pruned. */
  readonly flush: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const defaultMaxBodyBytes = 1_024 * 1_024;
const writeAtBytes = 64 * 1_024;
const pruneEveryMs = 10_000;
const pruneAfterBytes = 16 * 1_024 * 1_024;
/** Only the newest few error logs are kept, so a flood of refusals needs no more than this. */
const maxErrorLogsPerSecond = 10;

const nothing = (): void => undefined;

/** Request logs below the log directory: `<path-with-dashes>-<stamp>-<id>.log`, 0600, secrets redacted. */
export function createRequestLogs(options: RequestLogsOptions): RequestLogs {
  const { directory, clock } = options;
  const maxBodyBytes = options.maxBodyBytes ?? defaultMaxBodyBytes;
  const running = new Set<Promise<void>>();
  let bytesSincePrune = 0;
  let errorSecond = 0;
  let errorsThisSecond = 0;

  const prune = async (): Promise<void> => {
    bytesSincePrune = 0;
    const keep = options.maxErrorFiles();
    if (keep > 0) {
      const errors = await listLogFiles(directory, isErrorLog);
      await removeLogFiles(directory, errors.slice(keep).map((file) => file.name));
    }
    await pruneLogFiles(directory, options.maxTotalBytes());
  };

  const track = (work: Promise<void>): void => {
    const settled = work.catch(options.onDropped).finally(() => running.delete(settled));
    running.add(settled);
  };

  const write = async (handle: FileHandle, pieces: readonly Uint8Array[]): Promise<void> => {
    const bytes = Buffer.concat(pieces);
    bytesSincePrune += bytes.length;
    for (let done = 0; done < bytes.length; ) done += (await handle.write(bytes, done)).bytesWritten;
  };

  const writeErrorLog = async (name: string, text: string): Promise<void> => {
    const handle = await openLogFile(directory, name);
    try {
      await write(handle, [Buffer.from(text)]);
    } finally {
      await handle.close();
    }
    await prune();
  };

  const mayWriteError = (): boolean => {
    const second = Math.floor(clock.nowMs() / 1_000);
    if (second !== errorSecond) {
      errorSecond = second;
      errorsThisSecond = 0;
    }
    errorsThisSecond += 1;
    return errorsThisSecond <= maxErrorLogsPerSecond;
  };

  const beginQuiet = (requestId: string, head: RequestLogHead): RequestLog => {
    const startedMs = clock.nowMs();
    const attempts: LoggedAttempt[] = [];
    return {
      requestChunk: nothing,
      attempt: (attempt) => void attempts.push(attempt),
      responseHead: nothing,
      responseChunk: nothing,
      end: (status, error) => {
        if (status < 400) return;
        if (!mayWriteError()) {
          options.onDropped();
          return;
        }
        const text = `${describeHead(requestId, head, startedMs)}${attempts.map(describeAttempt).join('')}${describeEnd(status, error, clock.nowMs() - startedMs)}`;
        track(writeErrorLog(`error-${nameOf(requestId, head.path, startedMs)}`, text));
      },
    };
  };

  const beginFull = (requestId: string, head: RequestLogHead): RequestLog => {
    const startedMs = clock.nowMs();
    const left = { request: maxBodyBytes, response: maxBodyBytes };
    const cut = { request: 0, response: 0 };
    let pieces: Uint8Array[] = [];
    let heldBytes = 0;
    let section = '';
    let handle: FileHandle | undefined;
    let chain: Promise<void> = Promise.resolve();

    const drain = (): void => {
      const batch = pieces;
      pieces = [];
      heldBytes = 0;
      chain = chain.then(async () => {
        handle ??= await openLogFile(directory, nameOf(requestId, head.path, startedMs));
        await write(handle, batch);
      });
      // The end reports the failure; until then it must not count as unhandled.
      chain.catch(nothing);
    };
    const finish = async (): Promise<void> => {
      try {
        await chain;
      } finally {
        await handle?.close();
      }
      if (bytesSincePrune > pruneAfterBytes) await prune();
    };
    const add = (bytes: Uint8Array): void => {
      pieces.push(bytes);
      heldBytes += bytes.length;
      if (heldBytes >= writeAtBytes) drain();
    };
    const addText = (text: string): void => add(Buffer.from(text));
    const addBody = (side: 'request' | 'response', bytes: Uint8Array): void => {
      const kept = bytes.length <= left[side] ? bytes : bytes.subarray(0, left[side]);
      left[side] -= kept.length;
      cut[side] += bytes.length - kept.length;
      if (kept.length === 0) return;
      if (section !== side) {
        section = side;
        addText(`\n=== ${side} body ===\n`);
      }
      add(kept);
    };

    addText(describeHead(requestId, head, startedMs));
    return {
      requestChunk: (bytes) => addBody('request', bytes),
      attempt: (attempt) => {
        section = '';
        addText(describeAttempt(attempt));
      },
      responseHead: (status, headers) => {
        section = '';
        addText(`\n=== response ===\nstatus: ${status}\n${describeHeaders(headers)}`);
        drain();
      },
      responseChunk: (bytes) => addBody('response', bytes),
      end: (status, error) => {
        for (const side of ['request', 'response'] as const) {
          if (cut[side] > 0) addText(`\n=== ${cut[side]} more bytes of the ${side} body were left out ===\n`);
        }
        addText(describeEnd(status, error, clock.nowMs() - startedMs));
        drain();
        track(finish());
      },
    };
  };

  const stopTimer = clock.every(pruneEveryMs, () => {
    if (bytesSincePrune > 0) track(prune());
  });
  const flush = async (): Promise<void> => {
    while (running.size > 0) await Promise.all(running);
    if (bytesSincePrune > 0) await prune().catch(options.onDropped);
  };

  return {
    begin: (requestId, head) => (options.isEnabled() ? beginFull(requestId, head) : beginQuiet(requestId, head)),
    flush,
    close: () => {
      stopTimer();
      return flush();
    },
  };
}

function nameOf(requestId: string, path: string, atMs: number): string {
  const dashed = redactText(path).replace(/^\/+/, '').replaceAll('/', '-').replace(/[^\w.@-]/g, '_').slice(0, 80);
  return `${dashed === '' ? 'root' : dashed.replace(/^\.+/, '_')}-${fileStamp(atMs)}-${requestId.replace(/[^\w-]/g, '_').slice(0, 64)}.log`;
}

function describeHead(requestId: string, head: RequestLogHead, atMs: number): string {
  const query = head.query === '' ? '' : `?${redactQuery(head.query)}`;
  return `=== request ===\nid: ${escapeForeign(requestId)}\ntime: ${new Date(atMs).toISOString()}\n${escapeForeign(head.method)} ${escapeForeign(redactText(head.path), 2_048)}${query}\n${describeHeaders(head.headers)}`;
}

function describeHeaders(headers: LoggedHeaders): string {
  const lines = Object.entries(headers).flatMap(([name, value]) => {
    const values = value === undefined ? [] : typeof value === 'string' ? [value] : value;
    return values.map((one) => `${escapeForeign(name, 128)}: ${showHeader(name.toLowerCase(), one)}\n`);
  });
  return lines.join('');
}

function describeAttempt(attempt: LoggedAttempt): string {
  return `\n=== attempt ===\naccount: ${escapeForeign(attempt.accountId, 256)}\nupstream: ${escapeForeign(redactText(attempt.upstream.split('?')[0] ?? ''), 2_048)}\n${describeHeaders(attempt.headers ?? {})}`;
}

function describeEnd(status: number, error: unknown, tookMs: number): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return [
    `\n=== end ===\nstatus: ${status}\ntook: ${Math.round(tookMs)} ms\n`,
    typeof code === 'string' ? `code: ${escapeForeign(code, 128)}\n` : '',
    error instanceof Error ? `error: ${escapeForeign(redactText(error.message), 2_048)}\n` : '',
    cause instanceof Error ? `cause: ${escapeForeign(redactText(cause.message), 2_048)}\n` : '',
  ].join('');
}
