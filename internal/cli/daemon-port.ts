import type { Secret } from '../secret/secret.ts';

/** Levels that `--log-level` takes; they win over the file's `log-level` and `debug`. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Signals that commands act on. */
export type ActedOnSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGQUIT';

/** Where signals come from: the process, or a test's emitter. */
export interface SignalSource {
  readonly on: (signal: ActedOnSignal, listener: () => void) => unknown;
  readonly off: (signal: ActedOnSignal, listener: () => void) => unknown;
}

/** Text sinks of the process, or of a test. */
export interface Output {
  readonly write: (text: string) => unknown;
}

/** All that `keyward serve` hands the daemon; the daemon reads nothing else of the process. */
export interface DaemonOptions {
  /** Absolute path of the config file; it exists. */
  readonly configPath: string;
  /** Of the binary, e.g. `0.1.0`. */
  readonly version: string;
  /** `--host`; wins over the file. `''` means every interface. */
  readonly host: string | undefined;
  /** `--port`; wins over the file. 0 lets the system choose. */
  readonly port: number | undefined;
  /** `--password`: opens management to loopback sockets, on its own (contract §5). */
  readonly localPassword: Secret | undefined;
  /** `--log-level`; wins over the file. */
  readonly logLevel: LogLevel | undefined;
  /** The process's environment with the `.env` file's names added below it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Standard error goes to a person: logs take their human form. */
  readonly isTerminal: boolean;
  /** Absolute paths of the working and the home directory. */
  readonly cwd: string;
  readonly home: string;
  readonly signals: SignalSource;
}

/**
 * Runs until a signal stops it. `exitCode` is 0 after a clean stop, 1 when it could not run, 2 for an invalid config
 * (contract §2); what was wrong stands on `stderr` by then. Never rejects for an expected failure.
 */
export type RunDaemon = (options: DaemonOptions) => Promise<{ readonly exitCode: number }>;
