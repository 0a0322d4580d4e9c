import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import { err } from '../fault/result.ts';
import type { Login } from '../providers/login.ts';
import { forgetNewest } from './forget.ts';
import { holdLogin } from './hold.ts';
import { LoginKeeper, type LoginKeeperDeps } from './login-keeper.ts';
import type { LoginState, TokenFault, TokenKeeper } from './ports.ts';
import type { RefreshDeps, RefreshResult } from './refreshing.ts';

export interface KeeperDeps extends RefreshDeps {
  /** The file as the directory last saw it. */
  readonly fileNamed: (name: string) => AuthFile | undefined;
  /** Longest wait of a request for a token; absent means 45 s. */
  readonly patienceMs?: number;
  /** Refreshes ahead at one time; absent means 16. */
  readonly maxRefreshesAhead?: number;
  /** Told of every refresh that ended. `later` passes by itself. */
  readonly onRefreshed?: (login: Login, result: RefreshResult['kind'] | 'adopted' | 'restored') => void;
  /** In [0, 1); absent means Math.random. */
  readonly random?: () => number;
}

const defaultPatienceMs = 45_000;
const defaultMaxAhead = 16;
const sweepMs = 250;

/** @see TokenKeeper. One `LoginKeeper` a login; this is what they have in common: the sweep, the listeners, the end. */
export function createTokenKeeper(deps: KeeperDeps): TokenKeeper {
  const { clock, log } = deps;
  const keepers = new Map<string, LoginKeeper>();
  const listeners: ((login: Login, state: LoginState, before: LoginState) => void)[] = [];
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  let stopSweep = (): void => undefined;

  const track = (work: Promise<unknown>): void => {
    const tracked = work.catch((thrown: unknown) => log.error({ err: thrown }, 'what is remembered of a login cannot be read or changed')).finally(() => running.delete(tracked));
    running.add(tracked);
  };

  /** Whoever listens, a refresh ends as it ended. */
  const tell = (listener: () => void): void => {
    try {
      listener();
    } catch (thrown) {
      log.error({ err: thrown }, 'a change of a login could not be taken over');
    }
  };

  const keeperDeps: LoginKeeperDeps = {
    ...deps,
    patienceMs: deps.patienceMs ?? defaultPatienceMs,
    random: deps.random ?? Math.random,
    closing: closing.signal,
    track,
    onState: (login, state, before) => {
      for (const listener of listeners) tell(() => listener(login, state, before));
    },
    onRefreshed: (login, result) => tell(() => deps.onRefreshed?.(login, result.kind === 'tokens' && result.how !== 'refreshed' ? result.how : result.kind)),
  };

  const sweep = (): void => {
    const nowMs = clock.nowMs();
    let free = (deps.maxRefreshesAhead ?? defaultMaxAhead) - running.size;
    for (const keeper of keepers.values()) {
      keeper.noticeTime(nowMs);
      if (free <= 0 || !keeper.isDue(nowMs)) continue;
      free--;
      keeper.refreshAhead();
    }
  };

  /** The account is gone from the disk: what is remembered of it keeps no live token. */
  const forgetGone = async (login: Login): Promise<void> => {
    if (login.source !== 'refresh-token') return;
    // A file that is not used at the moment (its folder's owner, its type, its key) is there all the same.
    for (const name of login.fileNames) {
      const read = await deps.writer.read(name);
      if (read.ok || read.error.kind !== 'missing') return;
    }
    await forgetNewest(deps, login.key);
  };

  return {
    acquire: (loginKey, signal) => keepers.get(loginKey)?.acquire(signal) ?? err(unknownAccount),
    renew: async (loginKey, refused, signal) => (await keepers.get(loginKey)?.renew(refused, signal)) ?? err(unknownAccount),
    stateOf: (loginKey) => keepers.get(loginKey)?.state ?? { kind: 'ready', expiresAtMs: undefined, lastRefreshMs: undefined },
    setLogins: (logins) => {
      const keys = new Set(logins.map(({ key }) => key));
      for (const [key, keeper] of keepers) {
        if (keys.has(key)) continue;
        keepers.delete(key);
        keeper.leave();
        track(forgetGone(keeper.login));
      }
      for (const login of logins) {
        const keeper = keepers.get(login.key) ?? new LoginKeeper(keeperDeps, login);
        keepers.set(login.key, keeper);
        keeper.update(login);
      }
    },
    retry: (loginKey) => keepers.get(loginKey)?.retry(),
    hold: async (loginKey, work) => {
      const keeper = keepers.get(loginKey);
      return keeper === undefined ? err('unknown') : holdLogin(deps, keeper.login, work);
    },
    onState: (listener) => void listeners.push(listener),
    start: () => {
      stopSweep = clock.every(sweepMs, sweep);
    },
    close: async () => {
      stopSweep();
      // What was sent is seen through; only waiting for other processes ends at once.
      closing.abort(new Error('shutting down'));
      while (running.size > 0) await Promise.allSettled(running);
    },
  };
}

const unknownAccount: TokenFault = { kind: 'unavailable', reason: 'unknown_account', detail: 'the login is gone' };
