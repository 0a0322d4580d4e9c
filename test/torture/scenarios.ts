import { noFaults, type FaultPlan } from './identity-provider/wire.ts';

/** How often something is done to a daemon, and for how long; each between the two values. */
export interface Rhythm {
  readonly everyMs: readonly [number, number];
  /** How long a daemon is held; not for kills. */
  readonly forMs: readonly [number, number];
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly accessLifeMs: number;
  readonly faults: FaultPlan;
  /** SIGSTOP and SIGCONT. */
  readonly stops: Rhythm | undefined;
  /** SIGKILL and a new start at once. */
  readonly kills: Rhythm | undefined;
  /** Lost accounts are part of it; elsewhere one is too many. */
  readonly mayLose: boolean;
}

/** What an answer takes on a good day. */
export const usualDelayMs = 40;
const shortLifeMs = 2_000;

export const scenarios: readonly Scenario[] = [
  {
    name: 'calm',
    title: 'tokens that live 2 s, a daemon stopped and continued now and then',
    accessLifeMs: shortLifeMs,
    faults: { delayMs: usualDelayMs, rates: noFaults },
    stops: { everyMs: [4_000, 9_000], forMs: [500, 5_000] },
    kills: undefined,
    mayLose: false,
  },
  {
    name: 'slow',
    title: 'a token endpoint that takes 15 s, tokens that live 60 s, a daemon stopped and continued now and then',
    // A fifth of it is less than the delay: every refresh that is begun ahead ends after the old token did.
    accessLifeMs: 60_000,
    faults: { delayMs: 15_000, rates: noFaults },
    stops: { everyMs: [10_000, 25_000], forMs: [1_000, 8_000] },
    kills: undefined,
    mayLose: false,
  },
  {
    name: 'resets',
    title: 'connection resets of each kind and 503s at the token endpoint',
    accessLifeMs: shortLifeMs,
    faults: { delayMs: usualDelayMs, rates: { reset_before_reading: 0.06, reset_after_reading: 0.03, reset_mid_answer: 0.03, unavailable: 0.06 } },
    stops: undefined,
    kills: undefined,
    mayLose: true,
  },
  {
    name: 'kills',
    title: 'SIGKILL of a random daemon every few seconds, restarted at once',
    accessLifeMs: shortLifeMs,
    faults: { delayMs: usualDelayMs, rates: noFaults },
    stops: undefined,
    kills: { everyMs: [2_000, 5_000], forMs: [0, 0] },
    mayLose: true,
  },
];
