import { isDigestOf } from '../harness/intents.ts';
import type { TokenRequest } from '../identity-provider/wire.ts';
import type { Kill, Loss, RunRecord } from '../record.ts';

/** What cost an account its tokens. */
export interface LossCause {
  readonly kind: 'kill' | 'reset';
  /** The request that spent the token whose successor nobody kept. */
  readonly spender: TokenRequest;
  /** The token's intent stood on disk. Where a target keeps no ledgers, the identity provider's word is taken for it. */
  readonly isRecorded: boolean;
}

/** An answer that had left may still have waited for its way to the disk when its daemon was killed. */
const persistMs = 3_000;

/** A request that left just before its daemon was killed is read just after. */
export const inFlightMs = 100;

/** Undefined: no kill and no reset explains it, so it is a bug. */
export function causeOf(record: RunRecord, loss: Loss): LossCause | undefined {
  const spender = lastSpenderOf(record, loss);
  if (spender === undefined) return undefined;
  const remembers = (digests: readonly string[]): boolean => record.ledgerCount === 0 || digests.some((digest) => isDigestOf(digest, spender.digest));
  if (isLossyReset(spender)) return { kind: 'reset', spender, isRecorded: remembers(loss.remembered) };
  const kill = record.kills.find((each) => endedInside(each, spender));
  return kill === undefined ? undefined : { kind: 'kill', spender, isRecorded: remembers(kill.intents.map(({ digest }) => digest)) };
}

/** The token was spent, and its successor never arrived. */
export function isLossyReset({ outcome, fault }: TokenRequest): boolean {
  return outcome === 'issued' && (fault === 'reset_after_reading' || fault === 'reset_mid_answer');
}

function endedInside(kill: Kill, spender: TokenRequest): boolean {
  return kill.daemon === spender.daemon && kill.atMs >= spender.readAtMs - inFlightMs && kill.atMs <= (spender.answeredAtMs ?? Infinity) + persistMs;
}

/** Who spent the token that ended the family when it was presented again; else who spent last. */
function lastSpenderOf({ tokenRequests, families }: RunRecord, loss: Loss): TokenRequest | undefined {
  const revoker = tokenRequests.find(({ seq }) => seq === families.find(({ id }) => id === loss.family)?.revokedBy);
  if (revoker !== undefined) return tokenRequests.find(({ seq }) => seq === revoker.spentBy);
  return tokenRequests.findLast(({ family, outcome }) => family === loss.family && outcome === 'issued');
}
