import { noTokens } from '../../accounts/token-set.ts';
import { systemClock } from '../../clock/clock.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { errorCode } from '../../files/synced-file.ts';
import { silentLogger } from '../../log/logger.ts';
import { Secret } from '../../secret/secret.ts';
import { createLedgers, type Ledgers, type LedgerState } from '../../tokens/ledger.ts';
import { digestOf } from '../../tokens/newest.ts';
import type { OAuthHttp } from '../../upstreamauth/oauth-http.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import type { CliProcess } from '../process-env.ts';
import { isAlive } from './bearer.ts';
import type { NamedContext } from './contexts.ts';
import { renewed } from './granted.ts';
import { describeFailure, describeUnreachable, openServer, proofBy } from './oauth-server.ts';
import { clientPlaces } from './places.ts';
import type { ServerFailure } from './server-http.ts';
import { decodeSession, encodeSession, type Session } from './session.ts';
import type { ReservedEntry, Vault } from './vault.ts';

/** What works on a context's login; whoever refreshes holds the context's lock. */
export interface Renewing {
  readonly cli: CliProcess;
  readonly context: NamedContext;
  readonly vault: Vault;
  readonly http: OAuthHttp;
  /** Of the context's lock. */
  readonly isHeld: () => boolean;
}

/** What is remembered of refreshes; sealed as the tokens are. */
export function openState(cli: CliProcess, vault: Vault): Ledgers {
  return createLedgers({ folder: clientPlaces(cli).state, clock: systemClock, log: silentLogger, ...(vault.seal === undefined ? {} : { seal: vault.seal }) });
}

/** The stored login. Errors: `not_logged_in`, `storage_unreadable`. */
export async function readSession(vault: Vault, context: NamedContext): Promise<Result<Session, StoreRefusal>> {
  const text = await vault.read(context.name, 'session');
  if (!text.ok) return text;
  const session = text.value === undefined ? undefined : decodeSession(text.value);
  return session === undefined ? err(loginAgain(context, text.value === undefined ? 'its tokens are gone' : 'its file is damaged')) : ok(session);
}

/**
 * A session that `isGood`, refreshed once where need be. Before the refresh token is sent there is room for its successor
 * and a durable note of it; a token that was spent is never sent (security rules 25, 26). Without an answer the present
 * access token serves to its end. Errors: `not_logged_in`, `server_unreachable`, `refresh_failed`, `storage_…`.
 */
export async function refreshSession(renewing: Renewing, isGood: (session: Session) => boolean): Promise<Result<Session, StoreRefusal>> {
  const { cli, vault, context } = renewing;
  const stored = await readSession(vault, context);
  if (!stored.ok || isGood(stored.value)) return stored;
  const ledgers = openState(cli, vault);
  const state = await ledgers.read(context.name).catch((thrown: unknown) => errorCode(thrown) || 'unknown');
  if (typeof state === 'string') return err({ code: 'storage_unreadable', message: `${clientPlaces(cli).state} cannot be read (${state}); nothing was sent.` });
  const session = await newestOf(renewing, stored.value, state);
  if (session === undefined) return err(loginAgain(context, 'the stored token was spent before, as in a restored backup'));
  if (isGood(session)) return ok(session);
  const digest = session.refreshToken === '' ? undefined : digestOf({ refreshToken: new Secret(session.refreshToken) });
  const isUsable = isAlive(session, systemClock.nowMs());
  if (digest === undefined) return isUsable ? ok(session) : err(loginAgain(context, 'the server gave no refresh token'));
  const dead = state.dead.find((each) => each.digest === digest);
  if (dead !== undefined) return err(loginAgain(context, dead.detail));
  // The answer to the last try was lost: what is left of the access token is spent before the token is risked once more.
  if (state.intent?.digest === digest && isUsable) return ok(session);
  return send(renewing, { ledgers, state, session, digest });
}

interface Sending {
  readonly ledgers: Ledgers;
  readonly state: LedgerState;
  readonly session: Session;
  readonly digest: string;
}

async function send(renewing: Renewing, sending: Sending): Promise<Result<Session, StoreRefusal>> {
  const { context, vault, http, isHeld } = renewing;
  const { ledgers, state, session, digest } = sending;
  const reserved = await vault.reserve(context.name, 'session');
  if (!reserved.ok) return reserved;
  try {
    const intent = { digest, atMs: systemClock.nowMs(), pid: process.pid };
    if (!(await ledgers.write(context.name, { ...state, intent }))) return err({ code: 'storage_unwritable', message: `${ledgers.lockPath(context.name)} and its neighbours cannot be written; nothing was sent. Make room, or set the rights of the folder.` });
    if (!isHeld()) return err({ code: 'busy', message: 'The lock of this login was removed while it was held; run the command again.' });
    const server = await openServer(session, { http });
    try {
      const granted = await server.openid.refreshTokenGrant(server.configuration, session.refreshToken, {}, { DPoP: await proofBy(server, session.dpopKey) });
      return await keep(renewing, sending, reserved.value, renewed(session, granted, systemClock.nowMs()));
    } catch (thrown) {
      return await settle(renewing, sending, server.failure(thrown));
    }
  } finally {
    await reserved.value.release();
  }
}

const commitPausesMs = [20, 100, 500, 2_000] as const;

/** Makes the new tokens durable before anybody gets them. */
async function keep({ cli, context }: Renewing, { ledgers, state, session: old, digest }: Sending, reserved: ReservedEntry, session: Session): Promise<Result<Session, StoreRefusal>> {
  const hasRotated = session.refreshToken !== old.refreshToken;
  for (const pauseMs of [...commitPausesMs, undefined]) {
    const committed = await reserved.commit(encodeSession(session));
    const noted = await ledgers.write(context.name, { ...state, intent: undefined, spent: hasRotated ? new Map([...state.spent, [digest, systemClock.nowMs()]]) : state.spent, newest: { tokens: tokensOf(session) } });
    // Either is enough to find them by the next time.
    if (committed.ok || noted) return ok(session);
    if (pauseMs !== undefined) await systemClock.sleep(pauseMs);
  }
  cli.stderr.write(`keyward: the disk takes nothing; this command goes on, but ${context.server} will need a new login.\n`);
  return ok(session);
}

/** OAuth errors by which the refresh token itself is no longer good. RFC 6749 §5.2 */
const deadTokenErrors: ReadonlySet<string> = new Set(['invalid_grant', 'expired_token']);

async function settle({ context }: Renewing, { ledgers, state, session, digest }: Sending, failure: ServerFailure): Promise<Result<Session, StoreRefusal>> {
  const wasSentBefore = state.intent?.digest === digest;
  const isUsable = isAlive(session, systemClock.nowMs());
  if (failure.kind === 'refused' && deadTokenErrors.has(failure.error)) {
    const detail = wasSentBefore ? 'the answer to its last refresh was lost' : 'the server ended it: it was revoked, or it lasted as long as it may';
    await ledgers.write(context.name, { ...state, intent: undefined, dead: [...state.dead, { digest, reason: wasSentBefore ? 'refresh_outcome_unknown' : 'refresh_refused', detail, atMs: systemClock.nowMs() }] });
    return err(loginAgain(context, detail));
  }
  const isSettled = failure.kind === 'refused' || (failure.kind === 'unreachable' && !failure.wasSent);
  if (isSettled && !wasSentBefore) await ledgers.write(context.name, { ...state, intent: undefined });
  if (isUsable) return ok(session);
  if (failure.kind === 'unreachable') return err(describeUnreachable(context.server, failure.detail));
  return err({ code: 'refresh_failed', message: `${context.server} did not renew the login: ${describeFailure(failure)}. Try again; if it stays so, run \`keyward login\`.` });
}

/** The stored session, or what is remembered as newer where that one's refresh token was spent; undefined where all were. */
async function newestOf({ vault, context }: Renewing, stored: Session, state: LedgerState): Promise<Session | undefined> {
  const isSpent = (token: string): boolean => token !== '' && state.spent.has(digestOf({ refreshToken: new Secret(token) }) ?? '');
  if (!isSpent(stored.refreshToken)) return stored;
  const tokens = state.newest?.tokens;
  const refreshToken = tokens?.refreshToken?.reveal() ?? '';
  const accessToken = tokens?.accessToken?.reveal() ?? '';
  if (tokens === undefined || accessToken === '' || isSpent(refreshToken)) return undefined;
  const session: Session = { ...stored, refreshToken, accessToken, issuedAtMs: tokens.issuedAtMs ?? 0, expiresAtMs: tokens.expiresAtMs ?? 0 };
  await vault.write(context.name, 'session', encodeSession(session));
  return session;
}

function tokensOf({ accessToken, refreshToken, issuedAtMs, expiresAtMs }: Session): typeof noTokens {
  return { ...noTokens, accessToken: new Secret(accessToken), refreshToken: refreshToken === '' ? undefined : new Secret(refreshToken), issuedAtMs, expiresAtMs };
}

export function loginAgain({ name, server }: Pick<NamedContext, 'name' | 'server'>, why: string): StoreRefusal {
  return { code: 'not_logged_in', message: `The login at ${server} is over: ${why}. Run \`keyward login --context ${name}\`.` };
}
