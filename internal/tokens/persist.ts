import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import type { FileFault, Reservation, TokenFields } from '../accounts/directory/ports.ts';
import { noTokens, type TokenSet } from '../accounts/token-set.ts';
import { err, type Result } from '../fault/result.ts';
import type { LedgerState } from './ledger.ts';
import { digestOf } from './newest.ts';
import type { OnDisk } from './on-disk.ts';
import type { GrantOutcome } from './ports.ts';
import { later, type RefreshDeps, type Refreshing, type RefreshNeed, type RefreshResult } from './refreshing.ts';

/** What was sent, and what stood on disk then. */
export interface Sending {
  readonly found: OnDisk;
  readonly primary: AuthFile;
  readonly tokens: TokenSet;
  readonly digest: string;
  readonly wasSentBefore: boolean;
  readonly triesLeft: number;
}

/** Retried until it is durable: nobody is woken with tokens that a crash would lose. */
const persistPausesMs = [20, 100, 500, 1_000, 2_000, 5_000] as const;
/** A disk that takes nothing for this long is left; the tokens are then served from memory, the lock still held meanwhile. */
const persistTries = 24;
const triesOnceSafe = 3;

type Issued = Extract<GrantOutcome, { readonly kind: 'issued' }>;

/** Makes issued tokens durable, then asks the vendor for what follows from them. */
export async function keep(refreshing: Refreshing, sending: Sending, reservation: Reservation | undefined, issued: Issued): Promise<RefreshResult> {
  const { deps } = refreshing;
  const fields = completeFields(deps, sending.tokens, issued);
  const obstacle = await persist(refreshing, sending, reservation, fields);
  if (obstacle !== undefined) return obstacle;
  if (issued.after === undefined) {
    await writeCopies(deps, sending, fields);
    return { kind: 'tokens', tokens: fields.tokens, how: 'refreshed' };
  }
  const final = completeFields(deps, fields.tokens, await issued.after());
  const late = await persist(refreshing, sending, reservation, final);
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
async function persist({ deps, login, need }: Refreshing, sending: Sending, reservation: Reservation | undefined, fields: TokenFields): Promise<RefreshResult | undefined> {
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
