/** Closed at both ends; milliseconds since the epoch. */
export interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What both have in common; undefined where that is nothing. */
export function overlapOf(left: Interval, right: Interval): Interval | undefined {
  const fromMs = Math.max(left.fromMs, right.fromMs);
  const toMs = Math.min(left.toMs, right.toMs);
  return fromMs <= toMs ? { fromMs, toMs } : undefined;
}

export function overlaps(left: Interval, right: Interval): boolean {
  return overlapOf(left, right) !== undefined;
}

/** What of `whole` none of `parts` covers, in order. */
export function gapsIn(whole: Interval, parts: readonly Interval[]): readonly Interval[] {
  const gaps: Interval[] = [];
  let fromMs = whole.fromMs;
  for (const part of [...parts].sort((left, right) => left.fromMs - right.fromMs)) {
    if (part.toMs <= fromMs) continue;
    if (part.fromMs > fromMs) gaps.push({ fromMs, toMs: Math.min(part.fromMs, whole.toMs) });
    fromMs = Math.max(fromMs, part.toMs);
    if (fromMs >= whole.toMs) return gaps;
  }
  return [...gaps, { fromMs, toMs: whole.toMs }];
}
