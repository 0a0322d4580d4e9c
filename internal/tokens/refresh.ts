import type { FileFault } from '../accounts/directory/ports.ts';
import { noTokens, type TokenSet } from '../accounts/token-set.ts';
import type { Clock } from '../clock/clock.ts';
import type { Login } from '../providers/login.ts';
import type { LedgerState } from './ledger.ts';
import { takeLoginLocks } from './login-locks.ts';
import { digestOf } from './newest.ts';
import { findOnDisk, holdsGoodToken, writeBack } from './on-disk.ts';
import { keep, type Sending } from './persist.ts';
import type { GrantOutcome, LoginReason } from './ports.ts';
import { later, type RefreshDeps, type Refreshing, type RefreshNeed, type RefreshResult } from './refreshing.ts';

/**
 * One refresh of one login over all processes: takes the login's kernel lock, reads files and ledger again, adopts what is
 * newer there, and only then sends the refresh token; persists the answer before it returns. Never rejects but with the
 * signal's reason while waiting for the lock.
 *
 * What can go wrong on the way, and what is done (security rules 24–26):
 * | moment | remembered | next time |
 * |---|---|---|
 * | before the intent is durable | nothing | tried again |
 * | sent, no answer | intent | the token is tried once more when the access token has ended |
 * | answered, killed before the file is durable | intent | the same; `invalid_grant` then says `refresh_outcome_unknown` |
 * | file durable, ledger not | intent of the old token | the file's token is another, so the old one counts as spent |
 */
export async function refreshLogin(deps: RefreshDeps, login: Login, need: RefreshNeed, signal: AbortSignal): Promise<RefreshResult> {
  let adopted: TokenSet | undefined;
  const isDone = async (): Promise<boolean> => {
    if (!(await holdsGoodToken(deps, login, need.isGood))) return false;
    const { newest } = await findOnDisk(deps, login);
    adopted = newest !== undefined && need.isGood(newest.tokens) ? newest.tokens : undefined;
    return adopted !== undefined;
  };
  const locks = await takeLoginLocks(deps, login, { signal, isDone });
  if (locks === undefined) {
    if (adopted !== undefined) return { kind: 'tokens', tokens: adopted, how: 'adopted' };
    return later('refresh_in_progress', 'another process has been refreshing this login for too long', undefined, noTokens);
  }
  try {
    return await refreshLocked({ deps, login, need, isHeld: locks.areHeld }, 2);
  } finally {
    locks.release();
  }
}

/** `triesLeft` bounds how often another program's newer token is tried after a refusal. */
async function refreshLocked(refreshing: Refreshing, triesLeft: number): Promise<RefreshResult> {
  const { deps, login, need } = refreshing;
  const found = await findOnDisk(deps, login);
  const { newest, files } = found;
  const primary = files.find(({ isWritable }) => isWritable) ?? files[0];
  if (primary === undefined) return later('unknown_account', 'its file is gone or cannot be read', undefined, noTokens);
  if (newest === undefined) {
    const reason: LoginReason = primary.tokens.refreshToken === undefined ? 'no_refresh_token' : 'stale_token_restored';
    const detail = reason === 'no_refresh_token' ? 'its file holds no tokens' : 'its file holds a refresh token that was spent before, as from a backup or a stale save, and no newer one is known';
    return { kind: 'needs_login', reason, detail, sinceMs: deps.clock.nowMs(), tokens: primary.tokens };
  }
  const restored = await writeBack(deps, primary, newest, found.ledger);
  if (need.isGood(newest.tokens)) return { kind: 'tokens', tokens: newest.tokens, how: restored ? 'restored' : 'adopted' };

  const digest = digestOf(newest.tokens);
  if (digest === undefined) return { kind: 'needs_login', reason: 'no_refresh_token', detail: 'its file holds no refresh token', sinceMs: deps.clock.nowMs(), tokens: newest.tokens };
  const dead = found.ledger.dead.find((each) => each.digest === digest);
  if (dead !== undefined) return { kind: 'needs_login', reason: dead.reason, detail: dead.detail, sinceMs: dead.atMs, tokens: newest.tokens };
  const wasSentBefore = found.ledger.intent?.digest === digest;
  if (wasSentBefore && login.profile.rotatesRefreshTokens && need.isUsable(newest.tokens)) {
    // The answer to the last try was lost; the present access token is spent to its end before the token is risked again.
    return { ...later('refresh_failed', 'the answer to the last refresh was lost; it is tried once more when the access token ends', untilExpiryMs(newest.tokens, deps.clock), newest.tokens), waitsForExpiry: true };
  }
  return send(refreshing, { found, primary, tokens: newest.tokens, digest, wasSentBefore, triesLeft });
}

function untilExpiryMs(tokens: TokenSet, clock: Clock): number | undefined {
  return tokens.expiresAtMs === undefined ? undefined : Math.max(1, tokens.expiresAtMs - clock.nowMs());
}

async function send(refreshing: Refreshing, sending: Sending): Promise<RefreshResult> {
  const { deps, login, isHeld } = refreshing;
  const { found, primary, tokens, digest } = sending;
  const { rotatesRefreshTokens } = login.profile;
  const reserved = await deps.writer.reserve(primary.name);
  if (!reserved.ok && (rotatesRefreshTokens || reserved.error.kind !== 'read_only')) return unwritable(reserved.error, tokens);
  const reservation = reserved.ok ? reserved.value : undefined;
  try {
    if (rotatesRefreshTokens) {
      const intent = { digest, atMs: deps.clock.nowMs(), pid: process.pid };
      if (!(await deps.ledgers.write(login.key, { ...found.ledger, intent }))) return unwritable({ kind: 'not_writable', message: 'the intent to refresh cannot be made durable' }, tokens);
    }
    // Somebody removed a lock file: another process may be refreshing too.
    if (!isHeld()) return later('refresh_failed', 'its lock was removed from the auth directory while it was held; it is taken again', 1_000, tokens);
    // Whatever else ends, an answer that may hold new tokens is waited for; the grant has its own time limit.
    const outcome = await deps.grants.refresh(login, tokens, primary, new AbortController().signal);
    if (outcome.kind === 'issued') return await keep(refreshing, sending, reservation, outcome);
    if (outcome.kind === 'refused') return await settleRefused(refreshing, sending, outcome);
    return await settleFailed(refreshing, sending, outcome);
  } finally {
    await reservation?.release();
  }
}

function unwritable(fault: FileFault, tokens: TokenSet): RefreshResult {
  return later('storage_unwritable', `nothing was sent, since the new tokens could not be kept: ${fault.message}`, undefined, tokens);
}

/** OAuth codes by which vendors say that the refresh token itself is no longer good. @see RFC 6749 §5.2 */
const deadTokenErrors: ReadonlySet<string> = new Set(['invalid_grant', 'refresh_token_reused', 'refresh_token_expired', 'refresh_token_invalidated', 'invalid_refresh_token', 'expired_token']);

async function settleRefused(refreshing: Refreshing, sending: Sending, { error, detail, retryAfterMs }: Extract<GrantOutcome, { readonly kind: 'refused' }>): Promise<RefreshResult> {
  const { deps, login } = refreshing;
  const { found, tokens, digest, wasSentBefore, triesLeft } = sending;
  const closed: LedgerState = { ...found.ledger, intent: undefined };
  if (error === 'oauth_client_not_configured') {
    await deps.ledgers.write(login.key, wasSentBefore ? found.ledger : closed);
    return { kind: 'needs_login', reason: 'oauth_client_not_configured', detail, sinceMs: deps.clock.nowMs(), tokens };
  }
  if (!deadTokenErrors.has(error)) {
    await deps.ledgers.write(login.key, wasSentBefore ? found.ledger : closed);
    return later('refresh_failed', `the token endpoint refused: ${error}`, retryAfterMs, tokens);
  }
  // Another program may have refreshed with the same token: what it wrote is read once before the login is given up.
  const again = await findOnDisk(deps, login);
  const newer = again.newest === undefined ? undefined : digestOf(again.newest.tokens);
  if (triesLeft > 0 && newer !== undefined && newer !== digest) {
    await deps.ledgers.write(login.key, { ...again.ledger, intent: undefined, spent: new Map([...again.ledger.spent, [digest, deps.clock.nowMs()]]) });
    return refreshLocked(refreshing, triesLeft - 1);
  }
  const reason: LoginReason = wasSentBefore ? 'refresh_outcome_unknown' : 'refresh_refused';
  const sentence = wasSentBefore ? `the answer to a refresh was lost, and the token is not accepted again (${error})` : `the provider does not accept the refresh token (${error})`;
  const dead = { digest, reason, detail: sentence, atMs: deps.clock.nowMs() };
  await deps.ledgers.write(login.key, { ...again.ledger, intent: undefined, dead: [...again.ledger.dead, dead] });
  return { kind: 'needs_login', reason, detail: sentence, sinceMs: dead.atMs, tokens };
}

async function settleFailed({ deps, login }: Refreshing, { found, tokens, wasSentBefore }: Sending, { wasSent, detail, retryAfterMs }: Extract<GrantOutcome, { readonly kind: 'failed' }>): Promise<RefreshResult> {
  // No byte left, so nothing is unknown; an older lost answer stays remembered.
  if (!wasSent && login.profile.rotatesRefreshTokens && !wasSentBefore) await deps.ledgers.write(login.key, { ...found.ledger, intent: undefined });
  return later('refresh_failed', detail, retryAfterMs, tokens);
}
