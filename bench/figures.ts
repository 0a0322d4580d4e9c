import type { AbortsResult, StreamsResult } from './load/jobs.ts';
import type { TargetId } from './targets/target.ts';

/*
 * What a run found, as it stands in the JSON under bench/results/. Numbers that could not be had are absent or NaN.
 */

/** One round of one target; rates are per second of the client's clock. */
export interface Round {
  readonly perSecond: number;
  readonly failed: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU time of the target's processes per completed exchange. */
  readonly cpuUs: number;
}

/** What a target added to single requests, against direct in the same pair. */
export interface Added {
  readonly pairs: number;
  readonly failed: number;
  readonly directP50Us: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

export interface Fresh {
  /** From starting the process to the first proxied 200, one entry a start. */
  readonly startMs: readonly number[];
  readonly idleKb: number;
}

export interface Crowd {
  readonly streams: StreamsResult;
  readonly connections: number;
  /** Before the streams, after a short warm-up. */
  readonly baselineKb: number;
  readonly plateauKb: number;
  readonly perStreamKb: number;
}

export interface TargetFigures {
  readonly id: TargetId;
  readonly title: string;
  /** Why it did not take part, or what went wrong on the way. */
  notes: string[];
  fresh?: Fresh;
  crowd?: Crowd;
  readonly small: Round[];
  readonly large: Round[];
  readonly burst: Round[];
  /** Numbered frames lost, doubled or reordered over all burst streams that ran. */
  burstFrames?: { expected: number; lost: number; wrong: number };
  added?: Added;
  firstByteAdded?: Added;
  paced?: StreamsResult;
  abortsBeforeHeaders?: AbortsResult;
  abortsMidStream?: AbortsResult;
  /** After all load of the run. */
  rssAfterLoadKb?: number;
}

export interface Figures {
  readonly startedAt: string;
  readonly command: string;
  readonly plan: string;
  readonly node: string;
  readonly machine: string;
  readonly loadAverageAtStart: number;
  loadAverageAtEnd: number;
  readonly targets: readonly TargetFigures[];
  /** One key against 100,000, governed, in pairs. */
  keys?: Added;
}

export function emptyFigures(id: TargetId, title: string): TargetFigures {
  return { id, title, notes: [], small: [], large: [], burst: [] };
}
