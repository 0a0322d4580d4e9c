import type { Figures, TargetFigures } from '../figures.ts';
import type { AbortsResult } from '../load/jobs.ts';
import { median } from '../quantile.ts';
import { judge } from './aims.ts';
import { framesAmiss, framesExpected, rateOf, ratio, showNumber, showPercent, showTimes } from './numbers.ts';

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The run as tables, the same for the terminal and the page. Targets that did not take part are left out; the notes say why. */
export function buildTables(figures: Figures): readonly Table[] {
  const direct = find(figures, 'direct');
  const floor = find(figures, 'floor');
  const portkey = find(figures, 'portkey');
  const measured = figures.targets.filter((target) => target.small.length > 0 || target.fresh !== undefined || target.paced !== undefined || target.added !== undefined || target.abortsMidStream !== undefined);

  return [
    {
      title: 'Exchanges of 1 kB, 32 connections; added at one connection, in pairs with direct',
      columns: ['target', 'requests/s', '% of direct', '% of floor', '× Portkey', 'CPU µs', 'p50 added µs', 'p99 added µs', 'failed'],
      rows: measured.map((target) => [
        target.title,
        showNumber(rateOf(target.small)),
        showPercent(ratio(target.small, direct?.small)),
        showPercent(ratio(target.small, floor?.small)),
        showTimes(ratio(target.small, portkey?.small)),
        showNumber(median(target.small.map((round) => round.cpuUs))),
        showNumber(target.added?.p50Us),
        showNumber(target.added?.p99Us),
        showNumber(sum(target.small.map((round) => round.failed)) + (target.added?.failed ?? 0)),
      ]),
    },
    {
      title: '1 MB each way, 8 connections; bursts of 200 chunks, 16 connections',
      columns: ['target', '1 MB exchanges/s', '% of direct', '% of floor', 'CPU ms', 'bursts/s', '% of direct', '% of floor', 'CPU ms', 'failed'],
      rows: measured.map((target) => [
        target.title,
        showNumber(rateOf(target.large)),
        showPercent(ratio(target.large, direct?.large)),
        showPercent(ratio(target.large, floor?.large)),
        showNumber(median(target.large.map((round) => round.cpuUs)) / 1_000, 2),
        showNumber(rateOf(target.burst)),
        showPercent(ratio(target.burst, direct?.burst)),
        showPercent(ratio(target.burst, floor?.burst)),
        showNumber(median(target.burst.map((round) => round.cpuUs)) / 1_000, 2),
        showNumber(sum([...target.large, ...target.burst].map((round) => round.failed))),
      ]),
    },
    {
      title: 'Streams',
      columns: ['target', 'first byte added ms', 'gap p50 / p99 ms (20 ms pace)', 'frames lost or wrong', 'of', `kB an open stream`, '× floor', 'MB with all open'],
      rows: measured.map((target) => [
        target.title,
        showNumber((target.firstByteAdded?.p50Us ?? Number.NaN) / 1_000, 2),
        `${showNumber((target.paced?.gapP50Us ?? Number.NaN) / 1_000, 1)} / ${showNumber((target.paced?.gapP99Us ?? Number.NaN) / 1_000, 1)}`,
        showNumber(framesAmiss(target)),
        showNumber(framesExpected(target)),
        showNumber(target.crowd?.perStreamKb, 1),
        showTimes((target.crowd?.perStreamKb ?? Number.NaN) / (floor?.crowd?.perStreamKb ?? Number.NaN)),
        showNumber((target.crowd?.plateauKb ?? Number.NaN) / 1_024, 1),
      ]),
    },
    {
      title: 'Clients that leave, seen at the upstream',
      columns: ['target', 'before headers', 'p50 / max ms', 'mid-stream', 'p50 / max ms'],
      rows: measured.map((target) => [target.title, ...showAborts(target.abortsBeforeHeaders), ...showAborts(target.abortsMidStream)]),
    },
    {
      title: 'The process',
      columns: ['target', 'start to first answer ms', 'idle MB', 'MB after all load'],
      rows: measured
        .filter((target) => target.id !== 'direct')
        .map((target) => [target.title, showNumber(median(target.fresh?.startMs ?? [])), showNumber((target.fresh?.idleKb ?? Number.NaN) / 1_024, 1), showNumber((target.rssAfterLoadKb ?? Number.NaN) / 1_024, 1)]),
    },
    {
      title: 'Aims',
      columns: ['aim', 'target', 'measured', ''],
      rows: judge(figures).map(({ aim, target, measured: value, isMet }) => [aim, target, value, isMet === undefined ? 'not measured' : isMet ? 'met' : 'missed']),
    },
  ];
}

/** Direct against a proxy; below this the upstream itself is part of what is measured. */
const upstreamRule = 3;

/** What a reader must know beside the tables. */
export function buildNotes(figures: Figures): readonly string[] {
  const notes = figures.targets.flatMap((target) => target.notes.map((note) => `${target.title}: ${note}`));
  const direct = find(figures, 'direct');
  const held = figures.targets
    .filter((target) => target.id !== 'direct' && target.small.length > 0)
    .map((target) => ({ title: target.title, times: 1 / ratio(target.small, direct?.small) }))
    .filter(({ times }) => times < upstreamRule)
    .map(({ title, times }) => `${title} (${showNumber(times, 1)} ×)`);
  if (held.length > 0) notes.unshift(`The upstream should be ${upstreamRule} times as fast as what it measures, and is not for ${held.join(', ')}: there the upstream’s own cost is part of what the requests/s say.`);
  return notes;
}

function showAborts(aborts: AbortsResult | undefined): readonly string[] {
  if (aborts === undefined) return ['–', '–'];
  return [`${aborts.arrived} of ${aborts.left}`, `${showNumber(aborts.p50Ms, 1)} / ${showNumber(aborts.maxMs, 1)}`];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function find(figures: Figures, id: string): TargetFigures | undefined {
  return figures.targets.find((target) => target.id === id);
}
