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
  /** Whether `add` would take one more; asked before a vendor is. Errors: `too_many_logins`. */
  readonly checkRoom: (profile: LoginProfile) => Result<undefined, AppError>;
  /** Errors: `too_many_logins`. */
  readonly add: (draft: DraftLogin) => Result<PendingLogin, AppError>;
  /**
   * The login of `state`, which from now on is used: a second call is refused. Errors: `login_state_unknown`,
   * `login_state_used`, `login_state_expired`, `login_provider_mismatch` (the state stays good).
   */
  readonly claim: (state: string, provider: string) => Result<PendingLogin, AppError>;
  /** Pending and not claimed: its provider by the state it was given. */
  readonly providerOf: (state: string) => string | undefined;
  /** From now on only `settle` ends the login, so that its end says what became of the file. False: it has ended already. */
  readonly beginStoring: (state: string) => boolean;
  /** Ends a login; later ends of the same one count for nothing. */
  readonly settle: (state: string, status: Exclude<LoginStatus, { readonly kind: 'waiting' }>) => void;
  readonly statusOf: (state: string) => LoginStatus | undefined;
  readonly pageOf: (pageId: string) => { readonly login: PendingLogin; readonly status: LoginStatus } | undefined;
  /** The result page of a login, also after its end. */
  readonly pageIdOf: (state: string) => string | undefined;
  readonly sessions: () => readonly LoginSession[];
  /** False for one that has ended, or is being stored. */
  readonly cancel: (state: string) => boolean;
  readonly wait: (state: string, signal?: AbortSignal) => Promise<LoginStatus>;
  /** Ends all; resolves when those that are being stored have ended too. */
  readonly close: () => Promise<void>;
}

interface Entry {
  readonly login: PendingLogin;
  readonly stop: AbortController;
  isClaimed: boolean;
  isStoring: boolean;
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
    if (entry.status.kind !== 'waiting' || entry.isClaimed || entry.isStoring) return;
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

  const checkRoom = ({ name }: LoginProfile): Result<undefined, AppError> => {
    sweep();
    const waiting = [...entries.values()].filter(({ login, status }) => status.kind === 'waiting' && login.profile.name === name);
    if (waiting.length < maxPendingEach) return ok(undefined);
    const firstEndMs = Math.min(...waiting.map(({ login }) => login.expiresAtMs)) - clock.nowMs();
    return err(new AppError('too_many_logins', { headers: { 'retry-after': String(Math.max(1, Math.ceil(firstEndMs / 1_000))) } }));
  };

  return {
    checkRoom,
    add: ({ lifeMs, ...draft }) => {
      const room = checkRoom(draft.profile);
      if (!room.ok) return room;
      const stop = new AbortController();
      const startedAtMs = clock.nowMs();
      const login: PendingLogin = { ...draft, state: randomBytes(16).toString('hex'), pageId: randomBytes(16).toString('hex'), startedAtMs, expiresAtMs: startedAtMs + lifeMs, signal: stop.signal };
      const { promise, resolve } = Promise.withResolvers<LoginStatus>();
      const entry: Entry = { login, stop, isClaimed: false, isStoring: false, isExpired: false, status: { kind: 'waiting' }, endedAtMs: 0, ended: promise, resolve };
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
    beginStoring: (state) => {
      const entry = entries.get(state);
      if (entry?.status.kind !== 'waiting') return false;
      entry.isStoring = true;
      return true;
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
      if (entry === undefined || entry.status.kind !== 'waiting' || entry.isStoring) return false;
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
    close: async () => {
      const storing = [...entries.values()].filter(({ isStoring }) => isStoring);
      for (const entry of entries.values()) if (!entry.isStoring) end(entry, { kind: 'failed', code: 'login_cancelled', message: 'Keyward is shutting down.' });
      await Promise.all(storing.map(({ ended }) => ended));
    },
  };
}

/** How a refusal reads in a login's status. */
export function failure(error: AppError): Extract<LoginStatus, { readonly kind: 'failed' }> {
  return { kind: 'failed', code: error.code, message: error.message };
}
