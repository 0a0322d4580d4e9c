export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** Writes one line. `fields` are JSON-able; `err` takes the thrown value. */
export interface LogMethod {
  (fields: object, message: string): void;
  (message: string): void;
}

/** What every part is handed for its log. Never throws, never waits. */
export interface Logger {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  readonly isLevelEnabled: (level: LogLevel) => boolean;
  /** A logger whose lines all carry `fields`. */
  readonly child: (fields: Record<string, unknown>) => Logger;
}

const nothing = (): void => undefined;

/** A logger that writes nothing, for tests and for commands that have no log. */
export const silentLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  isLevelEnabled: () => false,
  child: () => silentLogger,
};
