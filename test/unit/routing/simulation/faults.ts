import type { AttemptEnd } from '../../../../internal/proxy/attempt.ts';
import type { Random } from '../../../conformance/fuzz/random.ts';

const secondMs = 1_000;
const minuteMs = 60 * secondMs;

/** What an upstream does for a while. */
export type FaultKind =
  /** 429 with the time at which it really ends. */
  | 'limited'
  /** 429 without any time. */
  | 'limited unsaid'
  /** 429 that claims seven days and ends within the hour. */
  | 'limited, says 7 days'
  /** 429 that claims one second, each time. */
  | 'limited, says 1 s'
  /** 500, 502, 503 and 529. */
  | 'failing'
  /** No answer until Keyward gives up. */
  | 'hanging'
  | 'resetting'
  /** A 200 stream whose first event is an error. */
  | 'error first'
  /** The credential is refused. */
  | 'refusing';

export const faultKinds = ['limited', 'limited unsaid', 'limited, says 7 days', 'limited, says 1 s', 'failing', 'hanging', 'resetting', 'error first', 'refusing'] as const satisfies readonly FaultKind[];

/** A fault that an upstream has from one moment to another. */
export interface Phase {
  readonly kind: FaultKind;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** How an attempt ends, and after how long. */
export interface Course {
  readonly afterMs: number;
  /** When an answer that is good begins; at its end where none does. */
  readonly beginsAfterMs: number;
  readonly end: 'well' | Extract<AttemptEnd, { readonly kind: 'refused' | 'broken' }>;
}

export const defaultHeadersTimeoutMs = 10 * minuteMs;

/** An upstream that is well begins within 4 s and streams for up to 40 s; a slow one lets the first byte wait for up to a minute. */
export function courseWhenWell(random: Random, isSlow: boolean): Course {
  const beginsAfterMs = 200 + random.int(isSlow ? minuteMs : 4 * secondMs);
  return { beginsAfterMs, afterMs: beginsAfterMs + random.int(40 * secondMs), end: 'well' };
}

export function courseIn({ kind, untilMs }: Phase, nowMs: number, random: Random): Course {
  switch (kind) {
    case 'limited':
      return refused(429, { 'retry-after': String(Math.ceil((untilMs - nowMs) / secondMs)) });
    case 'limited unsaid':
      return refused(429);
    case 'limited, says 7 days':
      return refused(429, { 'retry-after': String(7 * 86_400) });
    case 'limited, says 1 s':
      return refused(429, { 'retry-after': '1' });
    case 'failing':
      return refused(random.pick([500, 502, 503, 529]));
    case 'hanging':
      return broken('UND_ERR_HEADERS_TIMEOUT', defaultHeadersTimeoutMs);
    case 'resetting':
      return broken('ECONNRESET', 50);
    case 'error first':
      return refused(529, {}, secondMs);
    case 'refusing':
      return refused(403);
  }
}

function refused(status: number, headers: Readonly<Record<string, string>> = {}, afterMs = 200): Course {
  return { beginsAfterMs: afterMs, afterMs, end: { kind: 'refused', status, headers, body: Buffer.alloc(0), upstreamBody: Buffer.alloc(0) } };
}

function broken(code: string, afterMs: number): Course {
  return { beginsAfterMs: afterMs, afterMs, end: { kind: 'broken', cause: Object.assign(new Error(code), { code }), wasSent: true } };
}

export interface Weather {
  /** Longest fault and longest calm between two. */
  readonly longestFaultMs: number;
  readonly longestCalmMs: number;
}

/** Faults one after the other over the whole time, calm in between. */
export function drawPhases(random: Random, startMs: number, endMs: number, { longestFaultMs, longestCalmMs }: Weather): readonly Phase[] {
  const phases: Phase[] = [];
  let atMs = startMs + minuteMs + random.int(longestCalmMs);
  while (atMs < endMs) {
    const untilMs = atMs + minuteMs + random.int(longestFaultMs - minuteMs);
    phases.push({ kind: random.pick(faultKinds), fromMs: atMs, untilMs });
    atMs = untilMs + 2 * minuteMs + random.int(longestCalmMs);
  }
  return phases;
}
