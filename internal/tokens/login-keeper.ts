import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import { noTokens, type TokenSet } from '../accounts/token-set.ts';
import { err, ok, type Result } from '../fault/result.ts';
import type { Login } from '../providers/login.ts';
import { askSource } from './ask-source.ts';
import { forgetDead } from './forget.ts';
import { digestOf, isNewer, newestOf } from './newest.ts';
import type { AccessToken, LoginState, TokenFault } from './ports.ts';
import type { RefreshDeps, RefreshNeed, RefreshResult } from './refreshing.ts';
import { planLife, type TokenLife } from './token-life.ts';

export interface LoginKeeperDeps extends RefreshDeps {
  /** The file as the directory last saw it. */
  readonly fileNamed: (name: string) => AuthFile | undefined;
  /** Longest wait of a request for a token. */
  readonly patienceMs: number;
  /** In [0, 1). */
  readonly random: () => number;
  /** Ends waits; what was sent is seen through all the same. */
  readonly closing: AbortSignal;
  /** Work to be waited for at the end. */
  readonly track: (work: Promise<unknown>) => void;
  readonly onState: (login: Login, state: LoginState, before: LoginState) => void;
  readonly onRefreshed: (login: Login, result: RefreshResult) => void;
}

type Outcome = Result<AccessToken, TokenFault>;
type IsWanted = (access: AccessToken) => boolean;

/** Failures that pass within this time are seen through by the requests that wait. */
const seeThroughMs = 3_000;
const firstBackoffMs = 200;
const longestBackoffMs = 5 * 60_000;
/** While nothing is left to spend, every try counts. */
const longestBackoffInNeedMs = 10_000;
/** A token that came of a refusal and is refused as well is not helped by another: for this long, unless its end may have come by then. */
const renewedTokenMs = 30_000;

/** What is held of one login in memory, and its one refresh under way in this process. */
export class LoginKeeper {
  readonly #deps: LoginKeeperDeps;
  #login: Login;
  /** Names and hashes of its files as they were last looked at. */
  #seen: string | undefined;
  #tokens: TokenSet = noTokens;
  #life: TokenLife = { expiresAtMs: 0, youngUntilMs: 0, freshUntilMs: 0, dueAtMs: 0 };
  #access: AccessToken | undefined;
  #state: LoginState = { kind: 'ready', expiresAtMs: undefined, lastRefreshMs: undefined };
  /** What it was before the refresh under way. */
  #stateBefore: LoginState = this.#state;
  #refreshing: Promise<Outcome> | undefined;
  /** The last access token that was got because the upstream refused the one before. */
  #renewed: { readonly value: string; readonly atMs: number } | undefined;
  /** No refresh before, by the monotonic clock; Infinity while it needs a person. */
  #notBeforeMs = 0;
  /** `#notBeforeMs` is when the access token ends, and nothing else is in the way. */
  #waitsForExpiry = false;
  #failures = 0;
  #lastFault: TokenFault = { kind: 'unavailable', reason: 'refresh_failed', detail: 'no refresh was tried yet' };
  /** Digest of the refresh token that was given up with `needs_login`. */
  #givenUp: string | undefined;
  #isGone = false;

  constructor(deps: LoginKeeperDeps, login: Login) {
    this.#deps = deps;
    this.#login = login;
  }

  get login(): Login {
    return this.#login;
  }

  get state(): LoginState {
    return this.#state;
  }

  /** At once while a token is good: no I/O, one result allocated. */
  acquire(signal: AbortSignal | undefined): Outcome | Promise<Outcome> {
    const nowMs = this.#deps.clock.nowMs();
    if (this.#access !== undefined && nowMs < this.#life.freshUntilMs) {
      if (nowMs >= this.#life.dueAtMs && this.#mayRefresh()) void this.#refresh(this.#needFresh);
      return ok(this.#access);
    }
    const waited = this.#bounded((limit) => this.#waitForToken(this.#needFresh, limit, anyToken), signal);
    return waited.then((outcome) => {
      // A token in its last seconds is better than none.
      const given = outcome.ok ? outcome : (this.#usableToken(anyToken) ?? outcome);
      // Whoever is told that it has ended finds the same in the status.
      if (!given.ok) this.noticeTime(this.#deps.clock.nowMs());
      return given;
    });
  }

  async renew(refused: AccessToken, signal: AbortSignal | undefined): Promise<Outcome> {
    const { clock } = this.#deps;
    const isOther: IsWanted = (access) => access.value !== refused.value;
    const present = this.#usableToken(isOther);
    if (present !== undefined) return present;
    const isYoung = clock.monotonicMs() - (this.#renewed?.atMs ?? -Infinity) < renewedTokenMs && clock.nowMs() < this.#life.youngUntilMs;
    if (this.#state.kind !== 'needs_login' && this.#renewed?.value === refused.value && isYoung) {
      return err({ kind: 'unavailable', reason: 'refresh_failed', detail: 'the upstream refuses a token that was renewed a moment ago because of a refusal' });
    }
    // Its end was waited for; the upstream says that it has come.
    if (this.#waitsForExpiry) this.#notBeforeMs = 0;
    const isUsable = (tokens: TokenSet): boolean => this.#isUsable(tokens) && this.#accessOf(tokens)?.value !== refused.value;
    const outcome = await this.#bounded((limit) => this.#waitForToken({ isUsable, isGood: isUsable }, limit, isOther), signal);
    if (outcome.ok) this.#renewed = { value: outcome.value.value, atMs: clock.monotonicMs() };
    else this.#giveTokenUp(refused);
    return outcome;
  }

  /** Whether a refresh ahead is to begin now. */
  isDue(nowMs: number): boolean {
    return !this.#login.disabled && this.#refreshing === undefined && nowMs >= this.#life.dueAtMs && this.#mayRefresh();
  }

  refreshAhead(): void {
    void this.#refresh(this.#needFresh);
  }

  /** Tells of the end of a given-up login's last token. */
  noticeTime(nowMs: number): void {
    if (this.#state.kind === 'needs_login' && this.#state.usableUntilMs !== 0 && this.#state.usableUntilMs <= nowMs) this.#setState({ ...this.#state, usableUntilMs: 0 });
  }

  /** Tries again what the vendor refused; for operators. */
  retry(): void {
    this.#notBeforeMs = 0;
    this.#deps.track(forgetDead(this.#deps, this.#login.key).then(() => this.#refresh(this.#needFresh)));
  }

  /** The login is no longer there: nothing of it is told or begun any more. */
  leave(): void {
    this.#isGone = true;
  }

  /** Takes in what config and directory say of it now: a newer token of another process, an operator's replacement, a restored backup. */
  update(login: Login): void {
    const isNew = this.#seen === undefined;
    const hasOtherClient = this.#login.profile.registration.clientId !== login.profile.registration.clientId;
    this.#login = login;
    const files = this.#files();
    const seen = files.map(({ name, hash }) => `${name} ${hash}`).join('\n');
    if (seen === this.#seen && !hasOtherClient) return;
    this.#seen = seen;
    const isGivenUp = this.#state.kind === 'needs_login';
    for (const { tokens } of files) if (!isGivenUp && (this.#access === undefined || isNewer(tokens, this.#tokens))) this.#take(tokens);
    if (isNew || (hasOtherClient && login.source !== 'refresh-token')) this.#revive();
    else if (this.#state.kind === 'ready') this.#setState(this.#readyState());
    const target = files.find(({ isWritable }) => isWritable);
    const isStale = target !== undefined && digestOf(target.tokens) !== digestOf(this.#tokens);
    if (login.source === 'refresh-token' && !login.disabled && (isNew || isStale || isGivenUp || hasOtherClient)) this.#deps.track(this.#reconcile(hasOtherClient));
  }

  /** Learns what the ledger knows: other tokens end a login's being given up, spent ones are replaced by the newest, refused ones are told of. Nothing is sent. */
  async #reconcile(hasOtherClient: boolean): Promise<void> {
    const { spent, dead } = await this.#deps.ledgers.read(this.#login.key);
    if (this.#isGone) return;
    const deadBy = (digest: string | undefined): (typeof dead)[number] | undefined => dead.find((each) => each.digest === digest);
    const files = this.#files();
    const good = newestOf(files.map(({ name, tokens }) => ({ tokens, fileName: name })), (digest) => spent.has(digest) || deadBy(digest) !== undefined);
    if (this.#state.kind === 'needs_login' && good !== undefined && (hasOtherClient || digestOf(good.tokens) !== this.#givenUp)) {
      this.#take(good.tokens);
      this.#revive();
    }
    const target = files.find(({ isWritable }) => isWritable);
    const refused = deadBy(digestOf(this.#tokens));
    const isUsable = (tokens: TokenSet): boolean => this.#isUsable(tokens);
    if (target !== undefined && spent.has(digestOf(target.tokens) ?? '')) await this.#refresh({ isUsable, isGood: isUsable });
    else if (refused !== undefined && this.#refreshing === undefined) this.#settle({ kind: 'needs_login', reason: refused.reason, detail: refused.detail, sinceMs: refused.atMs, tokens: this.#tokens });
  }

  #files(): readonly AuthFile[] {
    return this.#login.fileNames.map((name) => this.#deps.fileNamed(name)).filter((file) => file !== undefined);
  }

  /** The one refresh of this login under way in this process. */
  #refresh(need: RefreshNeed): Promise<Outcome> {
    if (this.#refreshing !== undefined) return this.#refreshing;
    const { clock, log, closing, track } = this.#deps;
    if (this.#state.kind !== 'refreshing') this.#stateBefore = this.#state;
    this.#setState({ kind: 'refreshing', sinceMs: clock.nowMs() });
    const task = askSource(this.#deps, this.#login, need, closing)
      .then(
        (result) => this.#settle(result),
        (thrown: unknown) => {
          if (!closing.aborted) log.error({ err: thrown, account: this.#login.label }, 'a refresh failed inside Keyward');
          return this.#settle({ kind: 'later', reason: 'refresh_failed', detail: 'it could not be tried', retryAfterMs: undefined, tokens: noTokens });
        },
      )
      .finally(() => {
        this.#refreshing = undefined;
      });
    this.#refreshing = task;
    track(task);
    return task;
  }

  #settle(result: RefreshResult): Outcome {
    const { clock, log, onRefreshed, random } = this.#deps;
    const nowMs = clock.nowMs();
    switch (result.kind) {
      case 'tokens':
        this.#take(result.tokens);
        // A vendor whose tokens have ended when they arrive would otherwise be asked without a pause.
        this.#failures = result.how === 'refreshed' && this.#life.dueAtMs <= nowMs ? this.#failures + 1 : 0;
        this.#notBeforeMs = this.#failures === 0 ? 0 : clock.monotonicMs() + this.#backoffMs();
        this.#waitsForExpiry = false;
        this.#setState(this.#readyState());
        break;
      case 'needs_login':
        if (result.tokens.accessToken !== undefined && !isNewer(this.#tokens, result.tokens)) this.#take(result.tokens);
        // Looked at again when other tokens appear, or when an operator asks for it.
        this.#notBeforeMs = Infinity;
        this.#waitsForExpiry = false;
        this.#givenUp = digestOf(result.tokens);
        this.#setState({ kind: 'needs_login', reason: result.reason, detail: result.detail, sinceMs: result.sinceMs, usableUntilMs: this.#hasUsable() ? this.#life.expiresAtMs : 0 });
        log.error({ account: this.#login.label, reason: result.reason, detail: result.detail }, 'a login needs a person');
        break;
      case 'later': {
        this.#failures++;
        const pauseMs = result.retryAfterMs ?? this.#backoffMs() * (0.75 + 0.5 * random());
        this.#notBeforeMs = clock.monotonicMs() + pauseMs;
        this.#waitsForExpiry = result.waitsForExpiry === true;
        this.#lastFault = { kind: 'unavailable', reason: result.reason, detail: result.detail };
        const state = this.#state.kind === 'refreshing' ? this.#stateBefore : this.#state;
        // Not another state: only said where somebody looks.
        this.#setState(state.kind === 'ready' ? { ...state, failure: result.detail } : state);
        log.warn({ account: this.#login.label, reason: result.reason, detail: result.detail, retry_in_ms: Math.round(pauseMs) }, 'a login could not be refreshed; it is tried again');
        break;
      }
    }
    onRefreshed(this.#login, result);
    return this.#usableToken(anyToken) ?? err(this.#fault());
  }

  /** Sees a waiting request through the refresh under way, and through failures that pass quickly. */
  async #waitForToken(need: RefreshNeed, signal: AbortSignal, isWanted: IsWanted): Promise<Outcome> {
    const { clock } = this.#deps;
    const giveUpMs = clock.monotonicMs() + seeThroughMs;
    for (;;) {
      const pauseMs = this.#refreshing === undefined ? Math.max(0, this.#notBeforeMs - clock.monotonicMs()) : 0;
      if (clock.monotonicMs() + pauseMs > giveUpMs) return this.#usableToken(isWanted) ?? err(this.#fault());
      if (pauseMs > 0) await clock.sleep(pauseMs, signal);
      const outcome = await this.#refresh(need);
      if (outcome.ok && isWanted(outcome.value)) return outcome;
      if (this.#state.kind === 'needs_login') return this.#usableToken(isWanted) ?? err(this.#fault());
    }
  }

  /** Ends the wait by itself: for a client that left, a login that vanished, an upstream of endless patience. */
  async #bounded(wait: (signal: AbortSignal) => Promise<Outcome>, signal: AbortSignal | undefined): Promise<Outcome> {
    const { clock, closing, patienceMs } = this.#deps;
    const over = new AbortController();
    const limit = AbortSignal.any([closing, over.signal, ...(signal === undefined ? [] : [signal])]);
    const tooLong = clock.sleep(patienceMs, limit).then(() => waitedTooLong, () => waitedTooLong);
    try {
      return await Promise.race([wait(limit).catch(() => waitedTooLong), tooLong]);
    } finally {
      over.abort(new Error('the wait is over'));
    }
  }

  /** A token that is not itself due for a refresh. */
  readonly #needFresh: RefreshNeed = {
    isUsable: (tokens) => this.#isUsable(tokens),
    isGood: (tokens) => this.#accessOf(tokens) !== undefined && this.#dueAtMs(tokens) > this.#deps.clock.nowMs(),
  };

  /** Of the token that is held, as it was planned: one without a time of issue would otherwise look new at every look. */
  #dueAtMs(tokens: TokenSet): number {
    const isHeld = tokens.expiresAtMs === this.#tokens.expiresAtMs && tokens.accessToken?.reveal() === this.#tokens.accessToken?.reveal();
    return isHeld ? this.#life.dueAtMs : planLife(tokens, this.#login.profile.refreshLeadMs, tokens.issuedAtMs ?? this.#deps.clock.nowMs(), 0).dueAtMs;
  }

  #take(tokens: TokenSet): void {
    this.#tokens = tokens;
    this.#life = planLife(tokens, this.#login.profile.refreshLeadMs, this.#deps.clock.nowMs(), this.#deps.random());
    this.#access = this.#accessOf(tokens);
  }

  /** What the login spends, as its vendor wants it; undefined when the token set holds none. */
  #accessOf(tokens: TokenSet): AccessToken | undefined {
    const secret = this.#login.profile.spend.spends === 'api-key' ? (tokens.apiKey ?? tokens.accessToken) : tokens.accessToken;
    return secret === undefined ? undefined : { value: secret.reveal(), expiresAtMs: tokens.expiresAtMs ?? Infinity };
  }

  #isUsable(tokens: TokenSet): boolean {
    const access = this.#accessOf(tokens);
    return access !== undefined && access.expiresAtMs > this.#deps.clock.nowMs();
  }

  #hasUsable(): boolean {
    return this.#usableToken(anyToken) !== undefined;
  }

  #usableToken(isWanted: IsWanted): Outcome | undefined {
    const access = this.#access;
    return access !== undefined && this.#deps.clock.nowMs() < access.expiresAtMs && isWanted(access) ? ok(access) : undefined;
  }

  #fault(): TokenFault {
    const state = this.#state;
    return state.kind === 'needs_login' ? { kind: 'needs_login', reason: state.reason, detail: state.detail } : this.#lastFault;
  }

  #mayRefresh(): boolean {
    return this.#deps.clock.monotonicMs() >= this.#notBeforeMs;
  }

  #backoffMs(): number {
    return Math.min(this.#deps.clock.nowMs() < this.#life.expiresAtMs ? longestBackoffMs : longestBackoffInNeedMs, firstBackoffMs * 2 ** Math.min(this.#failures - 1, 12));
  }

  #revive(): void {
    this.#notBeforeMs = 0;
    this.#failures = 0;
    this.#setState(this.#readyState());
  }

  /** Refused by the upstream and not to be replaced: nothing is left to serve to its end. */
  #giveTokenUp(refused: AccessToken): void {
    if (this.#state.kind !== 'needs_login' || this.#access?.value !== refused.value) return;
    this.#access = undefined;
    this.#setState({ ...this.#state, usableUntilMs: 0 });
  }

  #readyState(): LoginState {
    const { expiresAtMs } = this.#life;
    return { kind: 'ready', expiresAtMs: Number.isFinite(expiresAtMs) ? expiresAtMs : undefined, lastRefreshMs: this.#tokens.issuedAtMs };
  }

  #setState(state: LoginState): void {
    const before = this.#state;
    this.#state = state;
    if (!this.#isGone && !isSameState(before, state)) this.#deps.onState(this.#login, state, before);
  }
}

const anyToken: IsWanted = () => true;
const waitedTooLong: Outcome = err({ kind: 'unavailable', reason: 'refresh_in_progress', detail: 'a refresh under way has not ended in time' });

function isSameState(left: LoginState, right: LoginState): boolean {
  if (left.kind !== right.kind) return false;
  if (left.kind !== 'needs_login' || right.kind !== 'needs_login') return true;
  return left.reason === right.reason && (left.usableUntilMs === 0) === (right.usableUntilMs === 0);
}
