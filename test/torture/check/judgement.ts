import type { Failure, Loss, RunRecord } from '../record.ts';
import { createJudge, type Excuse } from './excuses.ts';
import { causeOf, isLossyReset, type LossCause } from './loss-causes.ts';

/** A run's facts, each failure and loss with what explains it. */
export interface Judgement {
  readonly failures: readonly { readonly failure: Failure; readonly excuse: Excuse | undefined }[];
  readonly losses: readonly { readonly loss: Loss; readonly cause: LossCause | undefined }[];
  /** Refreshes that were under way in a daemon when it was killed. */
  readonly killsInsideIntents: number;
  /** Connections that were reset after the token had been spent. */
  readonly resetsInsideIntents: number;
}

export function judgeRun(record: RunRecord): Judgement {
  const excuseOf = createJudge(record);
  const losses = record.losses.map((loss) => ({ loss, cause: causeOf(record, loss) }));
  return {
    failures: record.failures.map((failure) => ({ failure, excuse: excuseOf(failure) })),
    losses,
    // Where a target keeps no ledgers, only those kills are known that cost something.
    killsInsideIntents: record.ledgerCount === 0 ? losses.filter(({ cause }) => cause?.kind === 'kill').length : record.kills.reduce((sum, { intents }) => sum + intents.length, 0),
    resetsInsideIntents: record.tokenRequests.filter(isLossyReset).length,
  };
}
