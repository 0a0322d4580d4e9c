import type { FileLog } from './file-log.ts';
import { currentLogName, isRotatedLog, listLogFiles, readLogFile, removeLogFiles, requestIdOf } from './log-directory.ts';
import type { LogFiles } from './ports.ts';

export interface LogFilesOptions {
  readonly directory: string;
  readonly fileLog: FileLog;
}

/** Read from the end of each file at most; the file log rotates at 10 MB. */
const maxTailBytes = 16 * 1_024 * 1_024;
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
      const lines: string[] = [];
      let latestMs = afterMs;
      // The current file is the newest by definition, whatever the stamps of the others say.
      const files = await listLogFiles(directory, isApplicationLog);
      const ordered = [...files.filter((file) => file.name === currentLogName), ...files.filter((file) => file.name !== currentLogName)];
      for (const file of ordered) {
        if (lines.length >= limit || file.modifiedMs <= afterMs) break;
        const bytes = await readLogFile(directory, file.name, maxTailBytes);
        const found = bytes === undefined ? [] : Buffer.from(bytes).toString('utf8').split('\n').filter((line) => line !== '');
        for (const line of found.toReversed()) {
          const atMs = timeOf(line);
          if (atMs !== undefined && atMs <= afterMs) return { lines: lines.toReversed(), latestMs };
          if (lines.length >= limit) break;
          latestMs = Math.max(latestMs, atMs ?? 0);
          lines.push(line);
        }
      }
      return { lines: lines.toReversed(), latestMs };
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

function timeOf(line: string): number | undefined {
  const match = /^\{"level":\d+,"time":(\d+)/.exec(line);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
