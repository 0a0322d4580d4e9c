import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import { err, ok, type Result } from '../fault/result.ts';
import type { LoginGrant, LoginProfile } from '../providers/login-profile.ts';
import type { LoginSession, LoginStatus } from './ports.ts';

/** How long a login may take, and how long its end is remembered. */
export const loginLifeMs = 10 * 60_000;
const maxPendingEach = 32;
const maxEnded = 512;

/** A login under way, with what only this process knows of it. */
export interface PendingLogin {
  /** 128 random bits, hex. */
  readonly state: string;
  /** Names its result page; says nothing about the state. */
  readonly pageId: string;
  /** As it was at the start; a reload in between does not mix two clients. */
  readonly profile: LoginProfile;
  readonly grant: LoginGrant;
  readonly startedAtMs: number;
  readonly expiresAtMs: number;
  /** Where the vendor sends the browser; `''` for device grants. */
  readonly redirectUri: string;
  readonly codeVerifier: string | undefined;
  /** What an `iss` in the answer must be, and whether there must be one (RFC 9207 §2.4). */
  readonly issuer: string;
  readonly mustNameIssuer: boolean;
  readonly projectId: string | undefined;
  readonly label: string | undefined;
  /** Aborted when the login ends, whichever way. */
  readonly signal: AbortSignal;
}

/**
 * Without PKCE a code can be slipped in by somebody else, whose account would then be spent by us (security rule 29). A
 * device grant has no code that passes through a browser.
 */
export function isUnproven({ grant, profile }: PendingLogin): boolean {
  return grant === 'authorization-code' && !profile.usesPkce;
}

export type DraftLogin = Pick<PendingLogin, 'profile' | 'grant' | 'redirectUri' | 'codeVerifier' | 'issuer' | 'mustNameIssuer' | 'projectId' | 'label'> & { readonly lifeMs: number };

export interface PendingLogins {
  /** Errors: `too_many_logins`. */
  readonly add: (draft: DraftLogin) => Result<PendingLogin, AppError>;
  /**
   * The login of `state`, which from now on is used: a second call is refused. Errors: `login_state_unknown`,
   * `login_state_used`, `login_state_expired`, `login_provider_mismatch` (the state stays good).
   */
  readonly claim: (state: string, provider: string) => Result<PendingLogin, AppError>;
  /** Pending and not claimed: its provider by the state it was given. */
  readonly providerOf: (state: string) => string | undefined;
  /** Ends a login; later ends of the same one count for nothing. */
  readonly settle: (state: string, status: Exclude<LoginStatus, { readonly kind: 'waiting' }>) => void;
  readonly statusOf: (state: string) => LoginStatus | undefined;
  readonly pageOf: (pageId: string) => { readonly login: PendingLogin; readonly status: LoginStatus } | undefined;
  /** The result page of a login, also after its end. */
  readonly pageIdOf: (state: string) => string | undefined;
  readonly sessions: () => readonly LoginSession[];
  readonly cancel: (state: string) => boolean;
  readonly wait: (state: string, signal?: AbortSignal) => Promise<LoginStatus>;
  readonly close: () => void;
}

interface Entry {
  readonly login: PendingLogin;
  readonly stop: AbortController;
  isClaimed: boolean;
  isExpired: boolean;
  status: LoginStatus;
  endedAtMs: number;
  readonly ended: Promise<LoginStatus>;
  readonly resolve: (status: LoginStatus) => void;
}

/** The logins under way in this process; a restart forgets them. `onEnd` runs once for each. */
export function createPendingLogins(clock: Clock, onEnd: (login: PendingLogin, status: LoginStatus) => void): PendingLogins {
  const entries = new Map<string, Entry>();

  const end = (entry: Entry, status: LoginStatus): void => {
    if (entry.status.kind !== 'waiting') return;
    entry.status = status;
    entry.endedAtMs = clock.nowMs();
    entry.stop.abort(new Error('the login has ended'));
    entry.resolve(status);
    onEnd(entry.login, status);
  };

  const expire = (entry: Entry): void => {
    if (entry.status.kind !== 'waiting' || entry.isClaimed) return;
    entry.isExpired = true;
    end(entry, failure(new AppError('login_state_expired')));
  };

  /** Forgets what ended ten minutes ago, and the oldest ends beyond a bound. */
  const sweep = (): void => {
    const nowMs = clock.nowMs();
    const ended: Entry[] = [];
    for (const entry of entries.values()) {
      if (entry.status.kind === 'waiting' && entry.login.expiresAtMs <= nowMs) expire(entry);
      if (entry.status.kind === 'waiting') continue;
      if (nowMs - entry.endedAtMs >= loginLifeMs) entries.delete(entry.login.state);
      else ended.push(entry);
    }
    for (const entry of ended.slice(0, Math.max(0, ended.length - maxEnded))) entries.delete(entry.login.state);
  };

  const find = (state: string): Entry | undefined => {
    sweep();
    return entries.get(state);
  };

  return {
    add: ({ lifeMs, ...draft }) => {
      sweep();
      const waiting = [...entries.values()].filter(({ login, status }) => status.kind === 'waiting' && login.profile.name === draft.profile.name);
      if (waiting.length >= maxPendingEach) {
        const firstEndMs = Math.min(...waiting.map(({ login }) => login.expiresAtMs)) - clock.nowMs();
        return err(new AppError('too_many_logins', { headers: { 'retry-after': String(Math.max(1, Math.ceil(firstEndMs / 1_000))) } }));
      }
      const stop = new AbortController();
      const startedAtMs = clock.nowMs();
      const login: PendingLogin = { ...draft, state: randomBytes(16).toString('hex'), pageId: randomBytes(16).toString('hex'), startedAtMs, expiresAtMs: startedAtMs + lifeMs, signal: stop.signal };
      const { promise, resolve } = Promise.withResolvers<LoginStatus>();
      const entry: Entry = { login, stop, isClaimed: false, isExpired: false, status: { kind: 'waiting' }, endedAtMs: 0, ended: promise, resolve };
      entries.set(login.state, entry);
      clock.sleep(lifeMs, stop.signal).then(
        () => expire(entry),
        () => undefined,
      );
      return ok(login);
    },
    claim: (state, provider) => {
      const entry = find(state);
      if (entry === undefined) return err(new AppError('login_state_unknown'));
      if (entry.isExpired) return err(new AppError('login_state_expired'));
      // A device grant has a state for asking after it, but no answer that carries one.
      if (entry.isClaimed || entry.status.kind !== 'waiting' || entry.login.redirectUri === '') return err(new AppError('login_state_used'));
      if (entry.login.profile.name !== provider) return err(new AppError('login_provider_mismatch'));
      entry.isClaimed = true;
      return ok(entry.login);
    },
    providerOf: (state) => {
      const entry = find(state);
      return entry?.status.kind === 'waiting' ? entry.login.profile.name : undefined;
    },
    settle: (state, status) => {
      const entry = entries.get(state);
      if (entry !== undefined) end(entry, status);
    },
    statusOf: (state) => find(state)?.status,
    pageOf: (pageId) => {
      sweep();
      const entry = [...entries.values()].find(({ login }) => login.pageId === pageId);
      return entry === undefined ? undefined : { login: entry.login, status: entry.status };
    },
    pageIdOf: (state) => entries.get(state)?.login.pageId,
    sessions: () => {
      sweep();
      return [...entries.values()].map(({ login, status }) => ({ state: login.state, provider: login.profile.name, grant: login.grant, startedAtMs: login.startedAtMs, expiresAtMs: login.expiresAtMs, status }));
    },
    cancel: (state) => {
      const entry = find(state);
      if (entry === undefined || entry.status.kind !== 'waiting') return false;
      end(entry, { kind: 'failed', code: 'login_cancelled', message: 'The login was cancelled.' });
      return true;
    },
    wait: async (state, signal) => {
      const entry = find(state);
      if (entry === undefined) return failure(new AppError('login_state_unknown'));
      if (signal === undefined) return entry.ended;
      signal.throwIfAborted();
      const { promise, resolve } = Promise.withResolvers<LoginStatus>();
      const onAbort = (): void => resolve({ kind: 'waiting' });
      signal.addEventListener('abort', onAbort, { once: true });
      void entry.ended.then(resolve);
      const status = await promise;
      signal.removeEventListener('abort', onAbort);
      signal.throwIfAborted();
      return status;
    },
    close: () => {
      for (const entry of entries.values()) end(entry, { kind: 'failed', code: 'login_cancelled', message: 'Keyward is shutting down.' });
    },
  };
}

/** How a refusal reads in a login's status. */
export function failure(error: AppError): Extract<LoginStatus, { readonly kind: 'failed' }> {
  return { kind: 'failed', code: error.code, message: error.message };
}
