import { pino } from 'pino';
import type { Clock } from '../clock/clock.ts';
import { encodeAccessLine, type AccessLine } from './access-line.ts';
import { openConsoleSink } from './console-sink.ts';
import { escapeJsonLine } from './escape.ts';
import { formatHuman } from './format-human.ts';
import type { Logger, LogLevel, LogMethod } from './logger.ts';
import { createFieldRedactor } from './redact.ts';

/** Takes finished JSON lines, each with its line break. Never throws, never waits. */
export interface LineSink {
  readonly write: (line: string) => void;
}

export interface LoggerOptions {
  readonly clock: Clock;
  readonly level: LogLevel;
  /** Where the console log goes; absent means standard output. */
  readonly fd?: number;
  /** True shows the human form, else JSON lines. */
  readonly isTerminal: boolean;
  /** `NO_COLOR` is set to anything but the empty string. @see https://no-color.org */
  readonly noColor: boolean;
  /** Gets every line as JSON, whatever the console shows; the file log. */
  readonly sink?: LineSink;
  /** Called for lines given up because the reader of the console did not keep up. */
  readonly onDropped?: () => void;
}

export interface LogHandle {
  readonly logger: Logger;
  /** One line for a settled exchange: at `info`, or `warn` for a status of 500 and above. */
  readonly access: (line: AccessLine) => void;
  /** Takes effect with the next line, in child loggers made through this handle as well. */
  readonly setLevel: (level: LogLevel) => void;
  /** Writes out what is buffered, synchronously. */
  readonly flush: () => void;
  /** Flushes and lets go of timers; later lines wait for a `flush`. */
  readonly close: () => void;
}

const severities = { trace: 10, debug: 20, info: 30, warn: 40, error: 50 } as const satisfies Record<LogLevel, number>;

/**
 * The daemon's logger. Lines reach the descriptor within 100 ms, and on exit. Secrets are redacted by type and by field
 * name, errors reduced to message, code, stack and cause, foreign text escaped.
 */
export function createLogger(options: LoggerOptions): LogHandle {
  const out = openConsoleSink({ fd: options.fd ?? 1, clock: options.clock, onDropped: () => options.onDropped?.() });
  const human = { colors: options.isTerminal && !options.noColor };
  const { sink } = options;
  const redactFields = createFieldRedactor();
  const write = (raw: string): void => {
    const line = escapeJsonLine(raw);
    out.write(options.isTerminal ? formatHuman(line, human) : line);
    sink?.write(line);
  };
  const root = pino(
    {
      level: 'trace',
      base: null,
      timestamp: () => `,"time":${options.clock.nowMs()}`,
      // Errors are described by the redactor already; pino's own serializer would describe the description.
      serializers: { err: (err: unknown) => err },
      formatters: { log: redactFields },
    },
    { write },
  );
  // The level is ours, because a child of pino's keeps the level it was made with.
  let threshold = severities[options.level];
  const wrap = (line: pino.Logger): Logger => {
    const method = (level: LogLevel): LogMethod => {
      const severity = severities[level];
      return (fields: object | string, message?: string): void => {
        if (severity < threshold) return;
        if (typeof fields === 'string') line[level](fields);
        else line[level](fields, message);
      };
    };
    return {
      trace: method('trace'),
      debug: method('debug'),
      info: method('info'),
      warn: method('warn'),
      error: method('error'),
      isLevelEnabled: (level) => severities[level] >= threshold,
      // pino shows a child's fields as they are, so they are redacted here.
      child: (fields) => wrap(line.child(redactFields(fields))),
    };
  };
  return {
    logger: wrap(root),
    access: (line) => {
      const severity = line.status >= 500 ? severities.warn : severities.info;
      if (severity >= threshold) write(encodeAccessLine(line, severity, options.clock.nowMs()));
    },
    setLevel: (level) => {
      threshold = severities[level];
    },
    flush: out.flush,
    close: out.close,
  };
}
