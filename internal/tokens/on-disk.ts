import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import type { TokenWriter } from '../accounts/directory/ports.ts';
import type { TokenSet } from '../accounts/token-set.ts';
import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../log/logger.ts';
import type { Login } from '../providers/login.ts';
import type { Ledgers, LedgerState } from './ledger.ts';
import { digestOf, newestOf, type Candidate } from './newest.ts';

export interface OnDiskDeps {
  readonly clock: Clock;
  readonly ledgers: Pick<Ledgers, 'read'>;
  readonly writer: TokenWriter;
}

/** What files and ledger say of a login now. */
export interface OnDisk {
  readonly ledger: LedgerState;
  /** Files that can be read, in the login's order. */
  readonly files: readonly AuthFile[];
  readonly newest: Candidate | undefined;
}

/** Whether some file holds a token that `isGood`; the ledger, which may be long, is not looked at. */
export async function holdsGoodToken({ writer }: OnDiskDeps, login: Login, isGood: (tokens: TokenSet) => boolean): Promise<boolean> {
  for (const name of login.fileNames) {
    const read = await writer.read(name);
    if (read.ok && isGood(read.value.tokens)) return true;
  }
  return false;
}

export async function findOnDisk(deps: OnDiskDeps, login: Login): Promise<OnDisk> {
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

/** Puts the newest tokens under the operator's fields of a file that holds older ones. True when it did. */
export async function writeBack(deps: OnDiskDeps & { readonly log: Logger }, primary: AuthFile, newest: Candidate, ledger: LedgerState): Promise<boolean> {
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
