import type { AppError } from '../../../internal/fault/app-error.ts';
import type { AttemptOutcome, Candidate, RouteQuery, Router, RoutingTable } from '../../../internal/routing/ports.ts';
import { createRouter } from '../../../internal/routing/router.ts';
import { tableOf } from '../../support/config.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

export const query: RouteQuery = { model: 'm', dialect: 'openai-chat', operation: 'chat' };
export const none: ReadonlySet<string> = new Set<string>();
export const success: AttemptOutcome = { kind: 'success' };
export const neutral: AttemptOutcome = { kind: 'neutral' };

/** An OpenAI-compatible endpoint that serves the model `m`. */
export const entry = (name: string, more: object = {}): object => ({ name, 'base-url': `https://${name}.example/v1`, models: [{ name: 'm' }], ...more });

export const failed = (status: number, retryAfterMs?: number): AttemptOutcome => (retryAfterMs === undefined ? { kind: 'failure', status } : { kind: 'failure', status, retryAfterMs });

export interface Routing {
  readonly clock: ManualClock;
  readonly router: Router;
  readonly table: RoutingTable;
  /** Picks and settles; the label of the account, or status and code of the refusal. */
  readonly take: (outcome?: AttemptOutcome, asked?: RouteQuery) => string;
  /** Picks; a refusal fails the test. */
  readonly begin: (asked?: RouteQuery) => Candidate;
  readonly end: (candidate: Candidate, outcome: AttemptOutcome, asked?: RouteQuery) => void;
  readonly refusal: (asked?: RouteQuery) => AppError;
}

export function setUp(entries: readonly object[], more: object = {}): Routing {
  const clock = createManualClock();
  const router = createRouter(clock);
  const table = tableOf({ 'openai-compatibility': entries, ...more });
  const pick = (asked: RouteQuery) => router.pick(table, asked, none);
  return {
    clock,
    router,
    table,
    take: (outcome = success, asked = query) => {
      const picked = pick(asked);
      if (!picked.ok) return `${picked.error.status} ${picked.error.code}`;
      router.settle(picked.value, asked, outcome);
      return picked.value.account.label;
    },
    begin: (asked = query) => {
      const picked = pick(asked);
      if (!picked.ok) throw picked.error;
      return picked.value;
    },
    end: (candidate, outcome, asked = query) => router.settle(candidate, asked, outcome),
    refusal: (asked = query) => {
      const picked = pick(asked);
      if (picked.ok) throw new Error(`${picked.value.account.label} was picked`);
      return picked.error;
    },
  };
}

export const times = (count: number, take: () => string): readonly string[] => Array.from({ length: count }, () => take());
