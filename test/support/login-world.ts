import type { AuthFile } from '../../internal/accounts/auth-file/auth-file.ts';
import type { NewLogin } from '../../internal/accounts/directory/ports.ts';
import { systemClock, type Clock } from '../../internal/clock/clock.ts';
import { createDispatchers, type Dispatchers } from '../../internal/egress/dispatchers.ts';
import type { AppError } from '../../internal/fault/app-error.ts';
import { ok, type Result } from '../../internal/fault/result.ts';
import type { Logger, LogMethod } from '../../internal/log/logger.ts';
import { resolveLoginProfiles, type LoginProfiles } from '../../internal/providers/logins/resolve.ts';
import { createLogins, type LoginsDeps } from '../../internal/upstreamauth/logins.ts';
import { authFile } from './auth-files.ts';
import { configOf } from './config.ts';

/** Everything that logins need but the vendors. */
export interface LoginWorld {
  readonly logins: ReturnType<typeof createLogins>;
  readonly dispatchers: Dispatchers;
  readonly profiles: LoginProfiles;
  /** What was stored, oldest first. */
  readonly stored: readonly NewLogin[];
  /** Every line of the log, as JSON. */
  readonly logText: () => string;
  readonly close: () => Promise<void>;
}

export interface LoginWorldSetup {
  /** The config's `oauth` section. */
  readonly oauth: object;
  readonly clock?: Clock;
  readonly isKnown?: LoginsDeps['isKnown'];
  readonly callbackBase?: LoginsDeps['callbackBase'];
  readonly storeLogin?: LoginsDeps['storeLogin'];
  readonly requestTimeoutMs?: number;
  readonly redirectGraceMs?: number;
}

/** A log that keeps all it was told, levels and redaction left out: what must not be logged must not reach it. */
export function createKeptLog(): { readonly log: Logger; readonly text: () => string } {
  const lines: string[] = [];
  const keep: LogMethod = (...args: readonly unknown[]) => {
    lines.push(args.map((arg) => (typeof arg === 'string' ? arg : JSON.stringify(arg, showErrors))).join(' '));
  };
  const log: Logger = { trace: keep, debug: keep, info: keep, warn: keep, error: keep, isLevelEnabled: () => true, child: () => log };
  return { log, text: () => lines.join('\n') };
}

function showErrors(_name: string, value: unknown): unknown {
  return value instanceof Error ? `${value.name}: ${value.message}\n${value.cause instanceof Error ? value.cause.message : ''}` : value;
}

export function createTestDispatchers(): Dispatchers {
  return createDispatchers({ environment: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined }, connectTimeoutMs: () => 5_000 });
}

export function createLoginWorld(setup: LoginWorldSetup): LoginWorld {
  const profiles = resolveLoginProfiles(configOf({ oauth: setup.oauth }));
  const dispatchers = createTestDispatchers();
  const stored: NewLogin[] = [];
  const { log, text } = createKeptLog();
  const keepLogin = (login: NewLogin): Promise<Result<AuthFile, AppError>> => {
    stored.push(login);
    return Promise.resolve(ok(authFile(login.type, { name: login.suggestedName, operator: { disabled: login.isDisabled } })));
  };
  const logins = createLogins({
    clock: setup.clock ?? systemClock,
    log,
    dispatchers,
    userAgent: 'keyward/test',
    profiles: () => profiles,
    storeLogin: setup.storeLogin ?? keepLogin,
    isKnown: setup.isKnown ?? (() => false),
    callbackBase: setup.callbackBase ?? (() => ({ url: 'http://localhost:8317', isServed: true })),
    storedIn: () => '/home/ann/.keyward/auth',
    redirectGraceMs: setup.redirectGraceMs ?? 1_000,
    ...(setup.requestTimeoutMs === undefined ? {} : { requestTimeoutMs: setup.requestTimeoutMs }),
  });
  return {
    logins,
    dispatchers,
    profiles,
    stored,
    logText: text,
    close: async () => {
      await logins.close();
      await dispatchers.close();
    },
  };
}
