import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import type { FileFault, Reservation, TokenFields, TokenWriter } from '../accounts/directory/ports.ts';
import { noTokens, type TokenSet } from '../accounts/token-set.ts';
import type { Clock } from '../clock/clock.ts';
import { err, type Result } from '../fault/result.ts';
import { takeKernelLock, type KernelLock } from '../files/kernel-lock.ts';
import type { Logger } from '../log/logger.ts';
import type { Login } from '../providers/login.ts';
import { sha256Hex } from '../secret/digest.ts';
import type { Ledgers, LedgerState } from './ledger.ts';
import { digestOf, newestOf, type Candidate } from './newest.ts';
import type { GrantOutcome, LoginReason, TokenFault, TokenGrants } from './ports.ts';

export interface RefreshDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly ledgers: Ledgers;
  readonly writer: TokenWriter;
  readonly grants: TokenGrants;
  /** How long another process's refresh is waited for. */
  readonly lockPatienceMs: number;
}

/** Why a refresh is wanted: `isGood` tells whether a token found on disk answers the need, so that nothing has to be sent. */
export interface RefreshNeed {
  readonly isGood: (tokens: TokenSet) => boolean;
  /** Whether an access token may still be spent; while it may, a refresh whose outcome is unknown is not repeated. */
  readonly isUsable: (tokens: TokenSet) => boolean;
}

export type RefreshResult =
  | { readonly kind: 'tokens'; readonly tokens: TokenSet; readonly how: 'adopted' | 'restored' | 'refreshed' }
  | { readonly kind: 'needs_login'; readonly reason: LoginReason; readonly detail: string; readonly sinceMs: number; readonly tokens: TokenSet }
  /** `waitsForExpiry`: put off only because the access token can still be spent. */
  | { readonly kind: 'later'; readonly reason: TokenFault['reason']; readonly detail: string; readonly retryAfterMs: number | undefined; readonly tokens: TokenSet; readonly waitsForExpiry?: true };

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
  await deps.ledgers.prepare();
  let adopted: TokenSet | undefined;
  const isDone = async (): Promise<boolean> => {
    const found = await findOnDisk(deps, login);
    adopted = found.newest !== undefined && need.isGood(found.newest.tokens) ? found.newest.tokens : undefined;
    return adopted !== undefined;
  };
  const locks: KernelLock[] = [];
  try {
    for (const path of lockPathsOf(deps, login)) {
      const lock = await takeKernelLock(path, { clock: deps.clock, signal, patienceMs: deps.lockPatienceMs, isDone });
      if (lock !== undefined) locks.push(lock);
      else if (adopted !== undefined) return { kind: 'tokens', tokens: adopted, how: 'adopted' };
      else return later('refresh_in_progress', 'another process has been refreshing this login for too long', undefined, noTokens);
    }
    return await refreshLocked(deps, login, need, signal, 2);
  } finally {
    for (const lock of locks.toReversed()) lock.release();
  }
}

/**
 * The login's lock, then its files', always in this order. A daemon with another config, and this one before a reload, may
 * know the same file under another name or token endpoint, and so by another key: over the file they meet all the same.
 */
function lockPathsOf({ ledgers }: RefreshDeps, login: Login): readonly string[] {
  return [login.key, ...[...login.fileNames].sort().map((name) => `file-${sha256Hex(name).slice(0, 32)}`)].map(ledgers.lockPath);
}

interface OnDisk {
  readonly ledger: LedgerState;
  /** Files that can be read, in the login's order. */
  readonly files: readonly AuthFile[];
  readonly newest: Candidate | undefined;
}

async function findOnDisk(deps: RefreshDeps, login: Login): Promise<OnDisk> {
  const ledger = await deps.ledgers.read(login.key);
  const files: AuthFile[] = [];
  let isWhole = true;
  for (const name of login.fileNames) {
    const read = await deps.writer.read(name);
    if (read.ok) files.push(read.value);
    else isWhole &&= read.error.kind === 'missing';
  }
  const newest = findNewest(files, ledger);
  // A file that cannot be read at the moment may hold the very token of the intent: nothing is concluded without it.
  return { ledger: isWhole ? closeOvertaken(ledger, newest, deps.clock.nowMs()) : ledger, files, newest };
}

/**
 * Files go before the ledger's copy: a token that nobody here has seen was written by somebody who knows better, be it a new
 * login or another program. The copy counts where files hold nothing but spent and refused tokens; refused ones are the last
 * resort, so that it can be said why.
 */
function findNewest(files: readonly AuthFile[], { spent, dead, newest }: LedgerState): Candidate | undefined {
  const inFiles = files.map(({ name, tokens }): Candidate => ({ tokens, fileName: name }));
  const copy: readonly Candidate[] = newest === undefined ? [] : [{ tokens: newest.tokens, fileName: undefined }];
  const isDead = (digest: string): boolean => dead.some((each) => each.digest === digest);
  const isBad = (digest: string): boolean => spent.has(digest) || isDead(digest);
  const isSpent = (digest: string): boolean => spent.has(digest);
  return newestOf(inFiles, isBad) ?? newestOf(copy, isBad) ?? newestOf([...inFiles, ...copy], isSpent);
}

/** A refresh that was begun with another token than the newest has come through: the file was written, the ledger not. */
function closeOvertaken(ledger: LedgerState, newest: Candidate | undefined, nowMs: number): LedgerState {
  const { intent } = ledger;
  if (intent === undefined || newest === undefined || intent.digest === digestOf(newest.tokens)) return ledger;
  return { ...ledger, intent: undefined, spent: new Map([...ledger.spent, [intent.digest, nowMs]]) };
}

/** `triesLeft` bounds how often another program's newer token is tried after a refusal. */
async function refreshLocked(deps: RefreshDeps, login: Login, need: RefreshNeed, signal: AbortSignal, triesLeft: number): Promise<RefreshResult> {
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
  return send(deps, login, need, signal, { found, primary, tokens: newest.tokens, digest, wasSentBefore, triesLeft });
}

function untilExpiryMs(tokens: TokenSet, clock: Clock): number | undefined {
  return tokens.expiresAtMs === undefined ? undefined : Math.max(1, tokens.expiresAtMs - clock.nowMs());
}

/** Puts the newest tokens under the operator's fields of a file that holds older ones. True when it did. */
async function writeBack(deps: RefreshDeps, primary: AuthFile, newest: Candidate, ledger: LedgerState): Promise<boolean> {
  const digest = digestOf(newest.tokens);
  const isGivenUp = ledger.dead.some((each) => each.digest === digest);
  if (newest.fileName === primary.name || digestOf(primary.tokens) === digest || isGivenUp || !primary.isWritable) return false;
  const reserved = await deps.writer.reserve(primary.name);
  if (!reserved.ok) return false;
  try {
    const facts = newest.fileName === undefined ? ledger.newest?.facts : undefined;
    const written = await reserved.value.commit({ tokens: newest.tokens, ...(facts === undefined ? {} : { facts }) }, (present) => digestOf(present) === digestOf(primary.tokens));
    if (written.ok) deps.log.warn({ file: primary.name }, 'a file held an older refresh token, as from a backup or a stale save; the newest tokens were written back');
    return written.ok;
  } finally {
    await reserved.value.release();
  }
}

interface Sending {
  readonly found: OnDisk;
  readonly primary: AuthFile;
  readonly tokens: TokenSet;
  readonly digest: string;
  readonly wasSentBefore: boolean;
  readonly triesLeft: number;
}

async function send(deps: RefreshDeps, login: Login, need: RefreshNeed, signal: AbortSignal, sending: Sending): Promise<RefreshResult> {
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
    // Whatever else ends, an answer that may hold new tokens is waited for; the grant has its own time limit.
    const outcome = await deps.grants.refresh(login, tokens, primary, new AbortController().signal);
    if (outcome.kind === 'issued') return await keep(deps, login, need, sending, reservation, outcome);
    if (outcome.kind === 'refused') return await settleRefused(deps, login, need, signal, sending, outcome);
    return await settleFailed(deps, login, sending, outcome);
  } finally {
    await reservation?.release();
  }
}

function unwritable(fault: FileFault, tokens: TokenSet): RefreshResult {
  return later('storage_unwritable', `nothing was sent, since the new tokens could not be kept: ${fault.message}`, undefined, tokens);
}

/** Retried until it is durable: nobody is woken with tokens that a crash would lose. */
const persistPausesMs = [20, 100, 500, 1_000, 2_000, 5_000] as const;
/** A disk that takes nothing for this long is left; the tokens are then served from memory, the lock still held meanwhile. */
const persistTries = 24;
const triesOnceSafe = 3;

type Issued = Extract<GrantOutcome, { readonly kind: 'issued' }>;

async function keep(deps: RefreshDeps, login: Login, need: RefreshNeed, sending: Sending, reservation: Reservation | undefined, issued: Issued): Promise<RefreshResult> {
  const fields = completeFields(deps, sending.tokens, issued);
  const obstacle = await persist(deps, login, need, sending, reservation, fields);
  if (obstacle !== undefined) return obstacle;
  if (issued.after === undefined) {
    await writeCopies(deps, sending, fields);
    return { kind: 'tokens', tokens: fields.tokens, how: 'refreshed' };
  }
  const final = completeFields(deps, fields.tokens, await issued.after());
  const late = await persist(deps, login, need, sending, reservation, final);
  if (late !== undefined) return late;
  await writeCopies(deps, sending, final);
  return { kind: 'tokens', tokens: final.tokens, how: 'refreshed' };
}

/** Other files of the identity get the new tokens as well: what they held is spent. One that takes nothing is no matter, the account does not depend on it. */
async function writeCopies(deps: RefreshDeps, sending: Sending, fields: TokenFields): Promise<void> {
  const { found, primary } = sending;
  for (const { name, isWritable } of found.files) {
    if (name === primary.name || !isWritable) continue;
    const reserved = await deps.writer.reserve(name);
    if (!reserved.ok) continue;
    await commitTo(reserved.value, fields, mayReplace(sending, fields));
    await reserved.value.release();
  }
}

/** What the answer leaves out stays as it was. RFC 6749 §6: without a new refresh token the old one stays good. */
function completeFields(deps: RefreshDeps, old: TokenSet, { tokens, facts }: TokenFields): TokenFields {
  return {
    tokens: {
      ...tokens,
      refreshToken: tokens.refreshToken ?? old.refreshToken,
      idToken: tokens.idToken ?? old.idToken,
      apiKey: tokens.apiKey ?? old.apiKey,
      issuedAtMs: tokens.issuedAtMs ?? deps.clock.nowMs(),
    },
    ...(facts === undefined ? {} : { facts }),
  };
}

/** What was there when the refresh began gives way to its tokens; what came meanwhile is a new login or another program's, and stays. */
function mayReplace({ found, digest }: Sending, fields: TokenFields): (present: TokenSet) => boolean {
  const known = new Set([digest, digestOf(fields.tokens), ...found.files.map(({ tokens }) => digestOf(tokens)), ...found.ledger.spent.keys(), ...found.ledger.dead.map((dead) => dead.digest)]);
  return (present) => {
    const held = digestOf(present);
    return held === undefined || known.has(held);
  };
}

/** Undefined when the tokens are durable, or nothing more can be done for it; else why they are not needed any more. */
async function persist(deps: RefreshDeps, login: Login, need: RefreshNeed, sending: Sending, reservation: Reservation | undefined, fields: TokenFields): Promise<RefreshResult | undefined> {
  const { found, digest, primary } = sending;
  const hasRotated = digestOf(fields.tokens) !== digest;
  const state: LedgerState = {
    intent: undefined,
    spent: hasRotated ? new Map([...found.ledger.spent, [digest, deps.clock.nowMs()]]) : found.ledger.spent,
    dead: found.ledger.dead,
    newest: fields,
  };
  for (let attempt = 0; ; attempt++) {
    const inFile = await commitTo(reservation, fields, mayReplace(sending, fields));
    const inLedger = await deps.ledgers.write(login.key, state);
    if (inFile?.ok === true) return digestOf(inFile.value.tokens) === digestOf(fields.tokens) ? undefined : overtaken(need, inFile.value.tokens);
    // Without a file to write to the ledger is all there is; a token that did not change needs neither.
    if (inFile === undefined && (inLedger || !hasRotated)) return undefined;
    if (inFile?.error.kind === 'missing' && inLedger) return later('unknown_account', 'its file was removed while it was refreshed', undefined, noTokens);
    // In the ledger they are durable; a file that takes nothing gets them from there when it is next looked at.
    if (attempt >= (inLedger ? triesOnceSafe : persistTries)) {
      deps.log.error({ account: login.label, file: primary.name, cause: inFile?.error.message ?? 'it is read-only' }, inLedger ? 'refreshed tokens are kept beside their file, which cannot be written' : 'refreshed tokens are served from memory: the disk takes nothing; a restart now loses the login');
      return undefined;
    }
    await deps.clock.sleep(persistPausesMs[Math.min(attempt, persistPausesMs.length - 1)] ?? 5_000);
  }
}

/** A new login was stored while the old one's answer was on its way. */
function overtaken(need: RefreshNeed, tokens: TokenSet): RefreshResult {
  if (need.isUsable(tokens)) return { kind: 'tokens', tokens, how: 'adopted' };
  return later('refresh_failed', 'a new login was stored while the old one was refreshed', 1, tokens);
}

/** Never rejects: whatever goes wrong here, the tokens go on to the ledger. */
async function commitTo(reservation: Reservation | undefined, fields: TokenFields, mayTakeThePlaceOf: (present: TokenSet) => boolean): Promise<Result<AuthFile, FileFault> | undefined> {
  try {
    return await reservation?.commit(fields, mayTakeThePlaceOf);
  } catch (thrown) {
    return err({ kind: 'not_writable', message: `the write failed inside Keyward (${thrown instanceof Error ? thrown.name : 'unknown error'})` });
  }
}

/** OAuth codes by which vendors say that the refresh token itself is no longer good. @see RFC 6749 §5.2 */
const deadTokenErrors: ReadonlySet<string> = new Set(['invalid_grant', 'refresh_token_reused', 'refresh_token_expired', 'refresh_token_invalidated', 'invalid_refresh_token', 'expired_token']);

async function settleRefused(deps: RefreshDeps, login: Login, need: RefreshNeed, signal: AbortSignal, sending: Sending, { error, detail, retryAfterMs }: Extract<GrantOutcome, { readonly kind: 'refused' }>): Promise<RefreshResult> {
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
    return refreshLocked(deps, login, need, signal, triesLeft - 1);
  }
  const reason: LoginReason = wasSentBefore ? 'refresh_outcome_unknown' : 'refresh_refused';
  const sentence = wasSentBefore ? `the answer to a refresh was lost, and the token is not accepted again (${error})` : `the provider does not accept the refresh token (${error})`;
  const dead = { digest, reason, detail: sentence, atMs: deps.clock.nowMs() };
  await deps.ledgers.write(login.key, { ...again.ledger, intent: undefined, dead: [...again.ledger.dead, dead] });
  return { kind: 'needs_login', reason, detail: sentence, sinceMs: dead.atMs, tokens };
}

async function settleFailed(deps: RefreshDeps, login: Login, { found, tokens, wasSentBefore }: Sending, { wasSent, detail, retryAfterMs }: Extract<GrantOutcome, { readonly kind: 'failed' }>): Promise<RefreshResult> {
  // No byte left, so nothing is unknown; an older lost answer stays remembered.
  if (!wasSent && login.profile.rotatesRefreshTokens && !wasSentBefore) await deps.ledgers.write(login.key, { ...found.ledger, intent: undefined });
  return later('refresh_failed', detail, retryAfterMs, tokens);
}

function later(reason: TokenFault['reason'], detail: string, retryAfterMs: number | undefined, tokens: TokenSet): Extract<RefreshResult, { readonly kind: 'later' }> {
  return { kind: 'later', reason, detail, retryAfterMs, tokens };
}
