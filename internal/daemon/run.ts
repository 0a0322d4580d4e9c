import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { systemClock } from '../clock/clock.ts';
import { formatProblem } from '../config/problem.ts';
import { createConfigStore } from '../config/store.ts';
import type { ConfigStore } from '../config/ports.ts';
import { expandPath } from '../config/secret-reference.ts';
import { watchFiles, type FileWatch } from '../files/watch.ts';
import { createFileLog } from '../log/file-log.ts';
import { createLogger, type LogHandle } from '../log/create-logger.ts';
import type { LogLevel } from '../log/logger.ts';
import type { Listener, TlsFiles } from '../server/listen.ts';
import { assemble, type Parts } from './assemble.ts';
import { openEndpoints } from './endpoints.ts';
import { prepareFolders } from './folders.ts';
import { createLive, type Live } from './live.ts';
import type { DaemonOptions, RunDaemon } from './options.ts';
import { waitForStop } from './signals.ts';
import { boundYoungGeneration } from './young-generation.ts';

/** Two halves of 4 MB: half the cost of garbage collection at 1 MB, a tenth of the memory of V8's own choice. */
const maxYoungBytes = 8 * 1_048_576;

/** Dropped log lines, counted before metrics exist and passed on after. */
type OnDropped = (sink: 'console' | 'file', lines: number) => void;

/** The daemon from config to exit code; see `RunDaemon`. */
export const runDaemon: RunDaemon = async (options) => {
  const live = createLive({ managementPassword: options.env['MANAGEMENT_PASSWORD'], localPassword: options.localPassword?.reveal(), host: options.host });
  let writeToFile: ((line: string) => void) | undefined;
  let onDropped: OnDropped = () => undefined;
  const logs = createLogger({
    clock: systemClock,
    level: options.logLevel ?? 'info',
    fd: 2,
    isTerminal: options.isTerminal,
    noColor: (options.env['NO_COLOR'] ?? '') !== '',
    sink: { write: (line) => writeToFile?.(line) },
    onDropped: () => onDropped('console', 1),
  });
  live.onCommit(({ warnings }, cause) => {
    if (cause !== 'config') return;
    // Loud on purpose, at every start and reload (security rules 7 and 8).
    for (const warning of warnings) logs.logger.warn(`config: ${formatProblem(options.configPath, warning)}`);
  });
  let onEdited: OnEdited = () => undefined;
  try {
    const opened = await createConfigStore({ path: options.configPath, env: options.env, home: homeOf(options), clock: systemClock, prepare: live.prepare, log: logs.logger, onEdited: (previous, change) => onEdited(previous, change) });
    if (!opened.ok) {
      for (const problem of opened.error) options.stderr.write(`keyward: ${formatProblem(options.configPath, problem)}\n`);
      return { exitCode: 2 };
    }
    await serve(options, live, opened.value, logs, {
      writeLinesTo: (write) => {
        writeToFile = write;
      },
      tellDropped: (listener) => {
        onDropped = listener;
      },
      tellEdited: (listener) => {
        onEdited = listener;
      },
    });
    return { exitCode: 0 };
  } catch (thrown) {
    options.stderr.write(`keyward: ${thrown instanceof Error ? thrown.message : 'could not run'}\n`);
    return { exitCode: 1 };
  } finally {
    logs.close();
  }
};

/** Edits of the config file, which is open before there is an audit. */
type OnEdited = Parameters<Parts['onConfigEdited']>[0];

interface LogTaps {
  readonly writeLinesTo: (write: ((line: string) => void) | undefined) => void;
  readonly tellDropped: (listener: OnDropped) => void;
  readonly tellEdited: (listener: OnEdited) => void;
}

/** Opens everything, waits for a signal, drains, closes in reverse order. */
async function serve(options: DaemonOptions, live: Live, config: ConfigStore, logs: LogHandle, taps: LogTaps): Promise<void> {
  const clock = systemClock;
  const { loaded } = live.snapshot();
  const folders = prepareFolders(loaded.dataDir);
  const dropped: OnDropped[] = [];
  const tellAll: OnDropped = (sink, lines) => {
    for (const listener of dropped) listener(sink, lines);
  };
  taps.tellDropped(tellAll);
  const fileLog = createFileLog({ directory: folders.logs, clock, maxTotalBytes: () => live.snapshot().loaded.config['logs-max-total-size-mb'] * 1_048_576, onDropped: (lines) => tellAll('file', lines) });
  taps.writeLinesTo(fileLog.write);

  let listeners: readonly Listener[] = [];
  let isDraining = false;
  let configLoadedAtMs = clock.nowMs();
  const parts = await assemble({
    options,
    clock,
    live,
    config,
    folders,
    logs,
    fileLog,
    binds: () => listeners.map(({ url }) => (url.startsWith('/') ? `unix:${url}` : url)),
    isDraining: () => isDraining,
    configLoadedAtMs: () => configLoadedAtMs,
    onLogLinesDropped: (listener) => void dropped.push(listener),
    onConfigEdited: taps.tellEdited,
  });

  const apply = (): void => {
    const settings = live.snapshot().loaded.config;
    configLoadedAtMs = clock.nowMs();
    logs.setLevel(options.logLevel ?? levelOf(settings));
    fileLog.setEnabled(settings['logging-to-file']);
  };
  live.onCommit((_snapshot, cause) => {
    if (cause === 'config') apply();
  });
  apply();

  const unboundYoungGeneration = boundYoungGeneration(maxYoungBytes);
  let tlsWatch: FileWatch | undefined;
  try {
    const tls = tlsFiles(live, homeOf(options));
    listeners = await openEndpoints({ config: loaded.config, host: options.host ?? loaded.config.host, port: options.port ?? loaded.config.port, tls, controlSocket: folders.controlSocket }, parts.handlers);
    if (tls !== undefined) tlsWatch = await watchFiles({ paths: [tls.certPath, tls.keyPath], clock, onChange: () => reloadTls(listeners, logs) });
    await config.watch();
    await parts.start();
    // Before anyone is told that it runs: a signal without a handler would end the process.
    const stopAsked = waitForStop(options.signals, { onReload: () => void config.reload() });
    announce(options, live, listeners, logs);

    await stopAsked;
    isDraining = true;
    logs.logger.info({ open: parts.openCount() }, 'stopping: no new requests are taken, open ones may finish');
    parts.stopSockets();
    await drain(listeners, live.snapshot().loaded.config['shutdown-timeout'], options);
  } finally {
    unboundYoungGeneration();
    await tlsWatch?.close();
    await config.close();
    for (const listener of listeners) listener.destroy();
    await parts.close();
    await fileLog.close();
  }
}

function levelOf(settings: { readonly debug: boolean; readonly 'log-level': 'auto' | LogLevel }): LogLevel {
  if (settings['log-level'] !== 'auto') return settings['log-level'];
  return settings.debug ? 'debug' : 'info';
}

function homeOf(options: DaemonOptions): string {
  return options.home === '' ? homedir() : options.home;
}

function tlsFiles(live: Live, home: string): TlsFiles | undefined {
  const { loaded } = live.snapshot();
  const { enable, cert, key } = loaded.config.tls;
  const folder = dirname(loaded.path);
  return enable ? { certPath: expandPath(cert, folder, home), keyPath: expandPath(key, folder, home) } : undefined;
}

function reloadTls(listeners: readonly Listener[], logs: LogHandle): void {
  try {
    for (const listener of listeners) listener.reloadTls();
    logs.logger.info('the TLS certificate was read again');
  } catch (err) {
    logs.logger.error({ err }, 'the changed TLS files do not fit; the old certificate stays in use');
  }
}

function announce(options: DaemonOptions, live: Live, listeners: readonly Listener[], logs: LogHandle): void {
  const { loaded, routes } = live.snapshot();
  const urls = listeners.filter(({ kind }) => kind === 'main').map(({ url }) => url);
  options.stdout.write(`Keyward ${options.version} is listening on ${urls.join(' and ')}\n`);
  options.stdout.write(`  config ${loaded.path}, data ${loaded.dataDir}\n`);
  logs.logger.info({ accounts: routes.accounts.length }, 'ready');
}

/** Waits for open exchanges, no longer than `limitMs` and no further signal. */
async function drain(listeners: readonly Listener[], limitMs: number, options: DaemonOptions): Promise<void> {
  const over = new AbortController();
  const closed = Promise.all(listeners.map((listener) => listener.close()));
  const impatient = waitForStop(options.signals, { onReload: () => undefined }, over.signal);
  const late = systemClock.sleep(limitMs, over.signal).catch(() => undefined);
  await Promise.race([closed, impatient, late]);
  over.abort();
}
