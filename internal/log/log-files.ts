import type { FileLog } from './file-log.ts';
import { currentLogName, isRotatedLog, listLogFiles, readLogFile, removeLogFiles, requestIdOf } from './log-directory.ts';
import type { LogFiles } from './ports.ts';

export interface LogFilesOptions {
  readonly directory: string;
  readonly fileLog: FileLog;
}

/** How much of a file's end is read: mostly the first is enough. The file log rotates at 10 MB. */
const tailBytes = [256 * 1_024, 16 * 1_024 * 1_024] as const;
const maxRequestLogBytes = 64 * 1_024 * 1_024;

export const isErrorLog = (name: string): boolean => name.startsWith('error-') && name.endsWith('.log');

/** Read access to `data-dir/logs`. */
export function createLogFiles(options: LogFilesOptions): LogFiles {
  const { directory, fileLog } = options;
  const isApplicationLog = (name: string): boolean => name === currentLogName || isRotatedLog(name);
  return {
    isEnabled: fileLog.isEnabled,

    tail: async ({ limit, afterMs }) => {
      await fileLog.flush();
      const files = await listLogFiles(directory, isApplicationLog);
      // Names hold the time of rotation; modification times change when files are copied.
      const rotated = files.map((file) => file.name).filter(isRotatedLog).sort().toReversed();
      const newestFirst: string[] = [];
      for (const name of [currentLogName, ...rotated]) {
        const found = await readTail(directory, name, limit - newestFirst.length, afterMs);
        newestFirst.push(...found.lines);
        if (found.isDone) break;
      }
      const latestMs = newestFirst.map(timeOf).find((atMs) => atMs !== undefined);
      return { lines: newestFirst.toReversed(), latestMs: latestMs ?? afterMs };
    },

    clear: async () => {
      await fileLog.truncate();
      const rotated = await listLogFiles(directory, isRotatedLog);
      return removeLogFiles(directory, rotated.map((file) => file.name));
    },

    listErrorLogs: () => listLogFiles(directory, isErrorLog),

    readErrorLog: async (name) => (isErrorLog(name) ? readLogFile(directory, name, maxRequestLogBytes) : undefined),

    readRequestLog: async (requestId) => {
      const [file] = await listLogFiles(directory, (name) => requestIdOf(name) === requestId);
      const bytes = file === undefined ? undefined : await readLogFile(directory, file.name, maxRequestLogBytes);
      return file === undefined || bytes === undefined ? undefined : { name: file.name, bytes };
    },
  };
}

/** Up to `limit` lines from the end of one file, newest first; done when older files hold nothing that is asked for. */
async function readTail(directory: string, name: string, limit: number, afterMs: number): Promise<{ readonly lines: readonly string[]; readonly isDone: boolean }> {
  let lines: readonly string[] = [];
  for (const maxBytes of tailBytes) {
    const bytes = (await readLogFile(directory, name, maxBytes)) ?? new Uint8Array();
    const isWhole = bytes.length < maxBytes;
    const all = Buffer.from(bytes).toString('utf8').split('\n').slice(isWhole ? 0 : 1).filter((line) => line !== '').toReversed();
    const tooOld = all.findIndex((line) => (timeOf(line) ?? Infinity) <= afterMs);
    lines = all.slice(0, tooOld < 0 ? limit : Math.min(limit, tooOld));
    if (isWhole || tooOld >= 0 || lines.length === limit) return { lines, isDone: tooOld >= 0 || lines.length === limit };
  }
  return { lines, isDone: false };
}

function timeOf(line: string): number | undefined {
  const match = /^\{"level":\d+,"time":(\d+)/.exec(line);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
