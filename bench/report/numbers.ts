import type { Round, TargetFigures } from '../figures.ts';
import { median } from '../quantile.ts';

/*
 * Ratios are medians of the ratios of one round: both sides of each were measured within the same seconds.
 */

export function rateOf(rounds: readonly Round[]): number {
  return median(rounds.map((round) => round.perSecond));
}

export function ratio(of: readonly Round[] | undefined, to: readonly Round[] | undefined): number {
  if (of === undefined || to === undefined) return Number.NaN;
  return median(of.flatMap((round, index) => {
    const other = to[index];
    return other === undefined || other.perSecond === 0 ? [] : [round.perSecond / other.perSecond];
  }));
}

/** Frames lost, doubled or out of order over every stream of the run; NaN when none ran. */
export function framesAmiss(target: TargetFigures): number {
  const parts = [
    target.paced && { lost: target.paced.framesLost, wrong: target.paced.framesWrong },
    target.crowd && { lost: target.crowd.streams.framesLost, wrong: target.crowd.streams.framesWrong },
    target.burstFrames,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? Number.NaN : parts.reduce((sum, part) => sum + part.lost + part.wrong, 0);
}

export function framesExpected(target: TargetFigures): number {
  return (target.paced?.framesExpected ?? 0) + (target.crowd?.streams.framesExpected ?? 0) + (target.burstFrames?.expected ?? 0);
}

/** Share of the clients that left and were noticed upstream, both phases together. */
export function arrivedShare(target: TargetFigures): number {
  const both = [target.abortsBeforeHeaders, target.abortsMidStream].filter((aborts) => aborts !== undefined);
  const left = both.reduce((sum, aborts) => sum + aborts.left, 0);
  return left === 0 ? Number.NaN : both.reduce((sum, aborts) => sum + aborts.arrived, 0) / left;
}

/** The slowest notice of a client that left, in milliseconds; NaN when none arrived. */
export function slowestAbortMs(target: TargetFigures): number {
  const known = [target.abortsBeforeHeaders?.maxMs, target.abortsMidStream?.maxMs].filter((ms) => ms !== undefined && !Number.isNaN(ms));
  return known.length === 0 ? Number.NaN : Math.max(...known.map(Number));
}

export function showNumber(value: number | undefined, digits = 0): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function showPercent(share: number | undefined, digits = 0): string {
  return share === undefined || !Number.isFinite(share) ? '–' : `${showNumber(share * 100, digits)} %`;
}

export function showTimes(factor: number): string {
  return Number.isFinite(factor) ? `× ${showNumber(factor, factor < 10 ? 2 : 1)}` : '–';
}
