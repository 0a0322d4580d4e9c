import type { Figures, TargetFigures } from '../figures.ts';
import { median } from '../quantile.ts';
import { arrivedShare, framesAmiss, ratio, showNumber, showPercent, showTimes, slowestAbortMs } from './numbers.ts';

export interface AimResult {
  readonly aim: string;
  readonly target: string;
  readonly measured: string;
  /** Undefined where nothing was measured. */
  readonly isMet: boolean | undefined;
}

interface Aim {
  readonly text: string;
  readonly measure: (target: TargetFigures, figures: Figures) => number;
  readonly isMet: (value: number) => boolean;
  readonly show: (value: number) => string;
}

const aims: readonly Aim[] = [
  { text: '≥ 12 × Portkey’s requests/s', measure: (target, all) => ratio(target.small, find(all, 'portkey')?.small), isMet: (value) => value >= 12, show: showTimes },
  { text: '≥ 75 % of the floor’s requests/s', measure: (target, all) => ratio(target.small, find(all, 'floor')?.small), isMet: (value) => value >= 0.75, show: showPercent },
  { text: 'p50 added ≤ 300 µs', measure: (target) => target.added?.p50Us ?? Number.NaN, isMet: (value) => value <= 300, show: (value) => `${showNumber(value)} µs` },
  { text: 'p99 added ≤ 3 ms', measure: (target) => (target.added?.p99Us ?? Number.NaN) / 1_000, isMet: (value) => value <= 3, show: (value) => `${showNumber(value, 2)} ms` },
  { text: 'first byte added ≤ 0.5 ms', measure: (target) => (target.firstByteAdded?.p50Us ?? Number.NaN) / 1_000, isMet: (value) => value <= 0.5, show: (value) => `${showNumber(value, 2)} ms` },
  { text: '0 lost frames', measure: framesAmiss, isMet: (value) => value === 0, show: (value) => showNumber(value) },
  { text: 'clients that leave reach the upstream: 100 %', measure: arrivedShare, isMet: (value) => value === 1, show: showPercent },
  { text: 'each within 50 ms', measure: slowestAbortMs, isMet: (value) => value <= 50, show: (value) => `${showNumber(value, 1)} ms` },
  {
    text: 'memory an open stream ≤ 1.3 × the floor’s',
    measure: (target, all) => (target.crowd?.perStreamKb ?? Number.NaN) / (find(all, 'floor')?.crowd?.perStreamKb ?? Number.NaN),
    isMet: (value) => value <= 1.3,
    show: showTimes,
  },
  { text: 'memory an open stream ≤ 30 kB', measure: (target) => target.crowd?.perStreamKb ?? Number.NaN, isMet: (value) => value <= 30, show: (value) => `${showNumber(value, 1)} kB` },
  { text: 'start to first answer ≤ 300 ms', measure: (target) => median(target.fresh?.startMs ?? []), isMet: (value) => value <= 300, show: (value) => `${showNumber(value)} ms` },
  { text: 'idle ≤ 80 MB', measure: (target) => (target.fresh?.idleKb ?? Number.NaN) / 1_024, isMet: (value) => value <= 80, show: (value) => `${showNumber(value, 1)} MB` },
];

/** Differences below this are noise of the machine, not a cost of the keys. */
const keysNoiseShare = 0.05;

/** Every aim against both ways of running Keyward that took part. */
export function judge(figures: Figures): readonly AimResult[] {
  const results: AimResult[] = [];
  for (const target of figures.targets.filter(({ id }) => id === 'keyward' || id === 'keyward-open')) {
    for (const aim of aims) {
      const value = aim.measure(target, figures);
      const isKnown = Number.isFinite(value);
      results.push({ aim: aim.text, target: target.title, measured: isKnown ? aim.show(value) : '–', isMet: isKnown ? aim.isMet(value) : undefined });
    }
  }
  const whole = find(figures, 'keyward-managed');
  if (whole !== undefined && whole.small.length > 0) {
    const times = ratio(whole.small, find(figures, 'portkey')?.small);
    results.push({ aim: '≥ 11 × Portkey’s requests/s with everything on', target: whole.title, measured: showTimes(times), isMet: Number.isFinite(times) ? times >= 11 : undefined });
    const share = (whole.added?.p50Us ?? Number.NaN) / (find(figures, 'keyward-open')?.added?.p50Us ?? Number.NaN) - 1;
    results.push({ aim: 'p50 added within 10 % of ungoverned', target: whole.title, measured: `${share < 0 ? '' : '+'}${showPercent(share, 1)}`, isMet: Number.isFinite(share) ? share <= 0.1 : undefined });
  }
  const [same, translated] = [find(figures, 'keyward'), find(figures, 'keyward-translated')];
  if (translated !== undefined && translated.small.length > 0) {
    const times = median(translated.small.map(({ cpuUs }) => cpuUs)) / median((same?.small ?? []).map(({ cpuUs }) => cpuUs));
    results.push({ aim: 'a translated exchange of 1 kB ≤ 2 × the CPU of one that is not', target: translated.title, measured: showTimes(times), isMet: Number.isFinite(times) ? times <= 2 : undefined });
    const addedMs = ((translated.paced?.gapP99Us ?? Number.NaN) - (same?.paced?.gapP99Us ?? Number.NaN)) / 1_000;
    results.push({ aim: 'a translated stream adds < 1 ms to a chunk (p99 of gaps against one that is not)', target: translated.title, measured: `${showNumber(addedMs, 2)} ms`, isMet: Number.isFinite(addedMs) ? addedMs < 1 : undefined });
  }
  if (figures.keys !== undefined && Number.isFinite(figures.keys.p50Us)) {
    const share = figures.keys.p50Us / figures.keys.directP50Us;
    results.push({
      aim: `100,000 keys cost what one costs (p50 within ${showPercent(keysNoiseShare)})`,
      target: 'Keyward governed',
      measured: `${share < 0 ? '' : '+'}${showPercent(share, 1)}`,
      isMet: share <= keysNoiseShare,
    });
  }
  return results;
}

function find(figures: Figures, id: string): TargetFigures | undefined {
  return figures.targets.find((target) => target.id === id);
}
