import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import { noTokens, type TokenSet } from '../accounts/token-set.ts';
import { err, ok, type Result } from '../fault/result.ts';
import type { Login } from '../providers/login.ts';
import { createEntry, tokenOf, type Entry } from './entry.ts';
import type { DeadToken } from './ledger.ts';
import { forgetDead, forgetNewest } from './forget.ts';
import { digestOf, isNewer, newestOf } from './newest.ts';
import type { AccessToken, LoginState, TokenFault, TokenKeeper } from './ports.ts';
import { refreshLogin, type RefreshDeps, type RefreshNeed, type RefreshResult } from './refresh.ts';
import { planLife } from './token-life.ts';

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
/** Failures that pass within this time are seen through by the requests that wait. */
const seeThroughMs = 3_000;
const firstBackoffMs = 200;
const longestBackoffMs = 5 * 60_000;
/** While nothing is left to spend, every try counts. */
const longestBackoffInNeedMs = 10_000;
/** A token that came of a refusal and is refused as well is not helped by another, for this long. */
const renewedTokenMs = 30_000;

/** @see TokenKeeper. One entry a login; the hot path of `acquire` does no I/O and allocates one result. */
export function createTokenKeeper(deps: KeeperDeps): TokenKeeper {
  const { clock, log, random = Math.random, patienceMs = defaultPatienceMs } = deps;
  const entries = new Map<string, Entry>();
  const listeners: ((login: Login, state: LoginState, before: LoginState) => void)[] = [];
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  let stopSweep = (): void => undefined;

  /** Seen through at the end. */
  const track = (work: Promise<unknown>): void => {
    const tracked = work.catch((thrown: unknown) => log.error({ err: thrown }, 'what is remembered of a login cannot be changed')).finally(() => running.delete(tracked));
    running.add(tracked);
  };

  const setState = (entry: Entry, state: LoginState): void => {
    const before = entry.state;
    entry.state = state;
    if (isSameState(before, state)) return;
    for (const listener of listeners) tellOf(() => listener(entry.login, state, before));
  };

  /** Whoever listens, a refresh ends as it ended. */
  const tellOf = (tell: () => void): void => {
    try {
      tell();
    } catch (thrown) {
      log.error({ err: thrown }, 'a change of a login could not be taken over');
    }
  };

  const take = (entry: Entry, tokens: TokenSet): void => {
    const nowMs = clock.nowMs();
    entry.tokens = tokens;
    entry.life = planLife(tokens, entry.login.profile.refreshLeadMs, nowMs, random());
    entry.access = tokenOf(entry.login, tokens, entry.life.expiresAtMs);
  };

  const settle = (entry: Entry, result: RefreshResult): Result<AccessToken, TokenFault> => {
    const nowMs = clock.nowMs();
    switch (result.kind) {
      case 'tokens':
        take(entry, result.tokens);
        // A vendor whose tokens have ended when they arrive would otherwise be asked without a pause.
        entry.failures = result.how === 'refreshed' && entry.life.dueAtMs <= nowMs ? entry.failures + 1 : 0;
        entry.notBeforeMs = entry.failures === 0 ? 0 : clock.monotonicMs() + backoffMs(entry, nowMs);
        entry.waitsForExpiry = false;
        setState(entry, { kind: 'ready', expiresAtMs: finite(entry.life.expiresAtMs), lastRefreshMs: result.tokens.issuedAtMs });
        break;
      case 'needs_login': {
        if (result.tokens.accessToken !== undefined && isNewerOrSame(result.tokens, entry.tokens)) take(entry, result.tokens);
        // Looked at again when other tokens appear, or when an operator asks for it.
        entry.notBeforeMs = Infinity;
        entry.waitsForExpiry = false;
        entry.givenUp = digestOf(result.tokens);
        setState(entry, { kind: 'needs_login', reason: result.reason, detail: result.detail, sinceMs: result.sinceMs, usableUntilMs: usableUntil(entry, nowMs) });
        break;
      }
      case 'later': {
        entry.failures++;
        entry.notBeforeMs = clock.monotonicMs() + (result.retryAfterMs ?? backoffMs(entry, nowMs) * (0.75 + 0.5 * random()));
        entry.waitsForExpiry = result.waitsForExpiry === true;
        entry.lastFault = { kind: 'unavailable', reason: result.reason, detail: result.detail };
        const state = entry.state.kind === 'refreshing' ? entry.stateBefore : entry.state;
        // Not another state: only said where somebody looks.
        setState(entry, state.kind === 'ready' ? { ...state, failure: result.detail } : state);
        break;
      }
    }
    tellOf(() => deps.onRefreshed?.(entry.login, result.kind === 'tokens' && result.how !== 'refreshed' ? result.how : result.kind));
    if (result.kind === 'needs_login') log.error({ account: entry.login.label, reason: result.reason, detail: result.detail }, 'a login needs a person');
    else if (result.kind === 'later') log.warn({ account: entry.login.label, reason: result.reason, detail: result.detail, retry_in_ms: Math.round(entry.notBeforeMs - clock.monotonicMs()) }, 'a login could not be refreshed; it is tried again');
    const access = usableToken(entry, clock.nowMs());
    if (access !== undefined) return ok(access);
    return err(result.kind === 'needs_login' ? { kind: 'needs_login', reason: result.reason, detail: result.detail } : entry.lastFault);
  };

  /** The one refresh of this login under way in this process. */
  const refresh = (entry: Entry, need: RefreshNeed): Promise<Result<AccessToken, TokenFault>> => {
    if (entry.refreshing !== undefined) return entry.refreshing;
    entry.stateBefore = entry.state.kind === 'refreshing' ? entry.stateBefore : entry.state;
    setState(entry, { kind: 'refreshing', sinceMs: clock.nowMs() });
    const task = askFor(deps, entry.login, need, closing.signal)
      .then(
        (result) => settle(entry, result),
        (thrown: unknown) => {
          if (!closing.signal.aborted) log.error({ err: thrown, account: entry.login.label }, 'a refresh failed inside Keyward');
          return settle(entry, { kind: 'later', reason: 'refresh_failed', detail: 'it could not be tried', retryAfterMs: undefined, tokens: noTokens });
        },
      )
      .finally(() => {
        entry.refreshing = undefined;
        running.delete(task);
      });
    entry.refreshing = task;
    running.add(task);
    return task;
  };

  const usable = (entry: Entry): RefreshNeed['isUsable'] => (tokens) => tokenOf(entry.login, tokens, 0) !== undefined && (tokens.expiresAtMs ?? Infinity) > clock.nowMs();
  /** Of the token that is held, as it was planned: one without a time of issue would otherwise look new at every look. */
  const dueAtMs = (entry: Entry, tokens: TokenSet): number => {
    const isHeld = tokens.expiresAtMs === entry.tokens.expiresAtMs && tokens.accessToken?.reveal() === entry.tokens.accessToken?.reveal();
    return isHeld ? entry.life.dueAtMs : planLife(tokens, entry.login.profile.refreshLeadMs, tokens.issuedAtMs ?? clock.nowMs(), 0).dueAtMs;
  };
  /** A token that is not itself due for a refresh. */
  const needFresh = (entry: Entry): RefreshNeed => ({
    isUsable: usable(entry),
    isGood: (tokens) => tokenOf(entry.login, tokens, 0) !== undefined && dueAtMs(entry, tokens) > clock.nowMs(),
  });
  const needOther = (entry: Entry, refused: AccessToken): RefreshNeed => ({
    isUsable: (tokens) => usable(entry)(tokens) && tokenOf(entry.login, tokens, 0)?.value !== refused.value,
    isGood: (tokens) => usable(entry)(tokens) && tokenOf(entry.login, tokens, 0)?.value !== refused.value,
  });

  /** Sees a waiting request through the refresh under way, and through failures that pass quickly. */
  const waitForToken = async (entry: Entry, need: RefreshNeed, signal: AbortSignal | undefined, isWanted: (access: AccessToken) => boolean): Promise<Result<AccessToken, TokenFault>> => {
    const giveUpMs = clock.monotonicMs() + seeThroughMs;
    for (;;) {
      const pauseMs = entry.refreshing === undefined ? Math.max(0, entry.notBeforeMs - clock.monotonicMs()) : 0;
      if (clock.monotonicMs() + pauseMs > giveUpMs) return present(entry, isWanted);
      if (pauseMs > 0) await clock.sleep(pauseMs, signal);
      const outcome = await refresh(entry, need);
      if (outcome.ok && isWanted(outcome.value)) return outcome;
      if (entry.state.kind === 'needs_login') return present(entry, isWanted);
    }
  };

  const present = (entry: Entry, isWanted: (access: AccessToken) => boolean): Result<AccessToken, TokenFault> => {
    const access = usableToken(entry, clock.nowMs());
    if (access !== undefined && isWanted(access)) return ok(access);
    const { state } = entry;
    return err(state.kind === 'needs_login' ? { kind: 'needs_login', reason: state.reason, detail: state.detail } : entry.lastFault);
  };

  /** Ends the wait by itself: for a client that left, a login that vanished, an upstream of endless patience. */
  const bounded = async (wait: (signal: AbortSignal) => Promise<Result<AccessToken, TokenFault>>, signal: AbortSignal | undefined): Promise<Result<AccessToken, TokenFault>> => {
    const over = new AbortController();
    const limit = AbortSignal.any([closing.signal, over.signal, ...(signal === undefined ? [] : [signal])]);
    const tooLong = clock.sleep(patienceMs, limit).then(() => waitedTooLong, () => waitedTooLong);
    try {
      return await Promise.race([wait(limit).catch(() => waitedTooLong), tooLong]);
    } finally {
      over.abort(new Error('the wait is over'));
    }
  };

  const filesOf = ({ login }: Entry): readonly AuthFile[] => login.fileNames.map((name) => deps.fileNamed(name)).filter((file) => file !== undefined);

  const revive = (entry: Entry): void => {
    entry.notBeforeMs = 0;
    entry.failures = 0;
    setState(entry, readyState(entry));
  };

  /** Refused by the upstream and not to be replaced: nothing is left to serve to its end. */
  const giveTokenUp = (entry: Entry, refused: AccessToken): void => {
    if (entry.state.kind !== 'needs_login' || entry.access?.value !== refused.value) return;
    entry.access = undefined;
    setState(entry, { ...entry.state, usableUntilMs: 0 });
  };

  const sweep = (): void => {
    const nowMs = clock.nowMs();
    let free = (deps.maxRefreshesAhead ?? defaultMaxAhead) - running.size;
    for (const entry of entries.values()) {
      if (entry.state.kind === 'needs_login' && entry.state.usableUntilMs !== 0 && entry.state.usableUntilMs <= nowMs) setState(entry, { ...entry.state, usableUntilMs: 0 });
      if (free <= 0 || entry.login.disabled || entry.refreshing !== undefined || nowMs < entry.life.dueAtMs || clock.monotonicMs() < entry.notBeforeMs) continue;
      free--;
      void refresh(entry, needFresh(entry));
    }
  };

  return {
    acquire: (loginKey, signal) => {
      const entry = entries.get(loginKey);
      if (entry === undefined) return err(unknownAccount);
      const nowMs = clock.nowMs();
      if (entry.access !== undefined && nowMs < entry.life.freshUntilMs) {
        if (nowMs >= entry.life.dueAtMs && clock.monotonicMs() >= entry.notBeforeMs) void refresh(entry, needFresh(entry));
        return ok(entry.access);
      }
      return bounded((limit) => waitForToken(entry, needFresh(entry), limit, () => true), signal).then((waited) => (waited.ok ? waited : withLastResort(entry, waited.error, clock.nowMs())));
    },
    renew: async (loginKey, refused, signal) => {
      const entry = entries.get(loginKey);
      if (entry === undefined) return err(unknownAccount);
      const isOther = (access: AccessToken): boolean => access.value !== refused.value;
      const now = usableToken(entry, clock.nowMs());
      if (now !== undefined && isOther(now)) return ok(now);
      const { renewed } = entry;
      if (entry.state.kind !== 'needs_login' && renewed !== undefined && renewed.value === refused.value && clock.monotonicMs() - renewed.atMs < renewedTokenMs) {
        return err({ kind: 'unavailable', reason: 'refresh_failed', detail: 'the upstream refuses a token that was renewed a moment ago because of a refusal' });
      }
      // Its end was waited for; the upstream says that it has come.
      if (entry.waitsForExpiry) entry.notBeforeMs = 0;
      const outcome = await bounded((limit) => waitForToken(entry, needOther(entry, refused), limit, isOther), signal);
      if (outcome.ok) entry.renewed = { value: outcome.value.value, atMs: clock.monotonicMs() };
      else giveTokenUp(entry, refused);
      return outcome;
    },
    stateOf: (loginKey) => entries.get(loginKey)?.state ?? { kind: 'ready', expiresAtMs: undefined, lastRefreshMs: undefined },
    setLogins: (logins) => {
      const keys = new Set(logins.map(({ key }) => key));
      for (const [key, entry] of entries) {
        if (keys.has(key)) continue;
        entries.delete(key);
        track(forgetGone(entry.login));
      }
      for (const login of logins) {
        const entry = entries.get(login.key) ?? createEntry(login);
        const isNew = entries.get(login.key) !== entry;
        entries.set(login.key, entry);
        const hasOtherClient = entry.login.profile.registration.clientId !== login.profile.registration.clientId;
        entry.login = login;
        lookAtFiles(entry, isNew, hasOtherClient);
      }
    },
    retry: (loginKey) => {
      const entry = entries.get(loginKey);
      if (entry === undefined) return;
      entry.notBeforeMs = 0;
      track(forgetDead(deps, loginKey).then(() => refresh(entry, needFresh(entry))));
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

  /** Takes in what the directory saw: a newer token of another process, an operator's replacement, a restored backup. */
  function lookAtFiles(entry: Entry, isNew: boolean, hasOtherClient: boolean): void {
    const files = filesOf(entry);
    const seen = files.map(({ name, hash }) => `${name} ${hash}`).join('\n');
    if (seen === entry.seen && !isNew && !hasOtherClient) return;
    entry.seen = seen;
    const isGivenUp = entry.state.kind === 'needs_login';
    for (const { tokens } of files) if (!isGivenUp && (entry.access === undefined || isNewer(tokens, entry.tokens))) take(entry, tokens);
    if (isNew || (hasOtherClient && entry.login.source !== 'refresh-token')) revive(entry);
    else if (entry.state.kind === 'ready') setState(entry, readyState(entry));
    const target = files.find(({ isWritable }) => isWritable);
    const isStale = target !== undefined && digestOf(target.tokens) !== digestOf(entry.tokens);
    if (entry.login.source === 'refresh-token' && !entry.login.disabled && (isNew || isStale || isGivenUp || hasOtherClient)) track(reconcile(entry, hasOtherClient));
  }

  /** Learns what the ledger knows: other tokens end a login's being given up, spent ones are replaced by the newest, refused ones are told of. Nothing is sent. */
  async function reconcile(entry: Entry, hasOtherClient: boolean): Promise<void> {
    const { spent, dead } = await deps.ledgers.read(entry.login.key);
    if (entries.get(entry.login.key) !== entry) return;
    const deadBy = (digest: string | undefined): DeadToken | undefined => dead.find((each) => each.digest === digest);
    const files = filesOf(entry);
    const good = newestOf(files.map(({ name, tokens }) => ({ tokens, fileName: name })), (digest) => spent.has(digest) || deadBy(digest) !== undefined);
    if (entry.state.kind === 'needs_login' && good !== undefined && (hasOtherClient || digestOf(good.tokens) !== entry.givenUp)) {
      take(entry, good.tokens);
      revive(entry);
    }
    const target = files.find(({ isWritable }) => isWritable);
    const refused = deadBy(digestOf(entry.tokens));
    if (target !== undefined && spent.has(digestOf(target.tokens) ?? '')) await refresh(entry, { isUsable: usable(entry), isGood: usable(entry) });
    else if (refused !== undefined && entry.refreshing === undefined) settle(entry, { kind: 'needs_login', reason: refused.reason, detail: refused.detail, sinceMs: refused.atMs, tokens: entry.tokens });
  }

  /** The account is gone from the disk: what is remembered of it keeps no live token. */
  async function forgetGone(login: Login): Promise<void> {
    if (login.source !== 'refresh-token') return;
    // A file that is not used at the moment (its folder's owner, its type, its key) is there all the same.
    for (const name of login.fileNames) {
      const read = await deps.writer.read(name);
      if (read.ok || read.error.kind !== 'missing') return;
    }
    await forgetNewest(deps, login.key);
  }
}

const unknownAccount: TokenFault = { kind: 'unavailable', reason: 'unknown_account', detail: 'the login is gone' };
const waitedTooLong: Result<AccessToken, TokenFault> = err({ kind: 'unavailable', reason: 'refresh_in_progress', detail: 'a refresh under way has not ended in time' });

function backoffMs({ failures, life }: Entry, nowMs: number): number {
  return Math.min(nowMs < life.expiresAtMs ? longestBackoffMs : longestBackoffInNeedMs, firstBackoffMs * 2 ** Math.min(failures - 1, 12));
}

/** A token in its last seconds is better than none. */
function withLastResort(entry: Entry, fault: TokenFault, nowMs: number): Result<AccessToken, TokenFault> {
  const access = usableToken(entry, nowMs);
  return access === undefined ? err(fault) : ok(access);
}

function usableToken(entry: Entry, nowMs: number): AccessToken | undefined {
  return entry.access !== undefined && nowMs < entry.access.expiresAtMs ? entry.access : undefined;
}

function usableUntil(entry: Entry, nowMs: number): number {
  const access = usableToken(entry, nowMs);
  return access === undefined ? 0 : access.expiresAtMs;
}

function isNewerOrSame(left: TokenSet, right: TokenSet): boolean {
  return !isNewer(right, left);
}

function readyState({ life, tokens }: Entry): LoginState {
  return { kind: 'ready', expiresAtMs: finite(life.expiresAtMs), lastRefreshMs: tokens.issuedAtMs };
}

function finite(ms: number): number | undefined {
  return Number.isFinite(ms) ? ms : undefined;
}

function isSameState(left: LoginState, right: LoginState): boolean {
  if (left.kind !== right.kind) return false;
  if (left.kind !== 'needs_login' || right.kind !== 'needs_login') return true;
  return left.reason === right.reason && (left.usableUntilMs === 0) === (right.usableUntilMs === 0);
}

/** Asks whatever source the login has. */
async function askFor(deps: RefreshDeps & Pick<KeeperDeps, 'fileNamed'>, login: Login, need: RefreshNeed, signal: AbortSignal): Promise<RefreshResult> {
  switch (login.source) {
    case 'refresh-token':
      return refreshLogin(deps, login, need, signal);
    case 'client-credentials':
      return fromGrant(await deps.grants.clientCredentials(login, signal), deps.clock.nowMs());
    case 'service-account': {
      const file = login.fileNames.map((name) => deps.fileNamed(name)).find((found) => found !== undefined);
      if (file === undefined) return { kind: 'later', reason: 'unknown_account', detail: 'its file is gone', retryAfterMs: undefined, tokens: noTokens };
      return fromGrant(await deps.grants.serviceAccount(login, file, signal), deps.clock.nowMs());
    }
  }
}

/** Tokens without refresh token live in memory: nothing of them is worth keeping. */
function fromGrant(outcome: Awaited<ReturnType<RefreshDeps['grants']['clientCredentials']>>, nowMs: number): RefreshResult {
  switch (outcome.kind) {
    case 'issued':
      return { kind: 'tokens', tokens: { ...outcome.tokens, issuedAtMs: outcome.tokens.issuedAtMs ?? nowMs }, how: 'refreshed' };
    case 'refused':
      if (outcome.error === 'oauth_client_not_configured') return { kind: 'needs_login', reason: 'oauth_client_not_configured', detail: outcome.detail, sinceMs: nowMs, tokens: noTokens };
      return { kind: 'later', reason: 'refresh_failed', detail: `the token endpoint refused: ${outcome.error}`, retryAfterMs: outcome.retryAfterMs, tokens: noTokens };
    case 'failed':
      return { kind: 'later', reason: 'refresh_failed', detail: outcome.detail, retryAfterMs: outcome.retryAfterMs, tokens: noTokens };
  }
}
