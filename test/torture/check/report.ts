import { quantile } from '../../../bench/quantile.ts';
import type { RunRecord } from '../record.ts';
import { faultKinds } from '../identity-provider/wire.ts';
import type { Scenario } from '../scenarios.ts';
import { judgeRun, type Judgement } from './judgement.ts';
import { checkPromises, type Verdict } from './promises.ts';

/** What a run came to: figures in the order they are shown, and the promises. */
export interface Report {
  readonly scenario: string;
  readonly title: string;
  readonly figures: readonly (readonly [name: string, value: string])[];
  readonly verdicts: readonly Verdict[];
  readonly isKept: boolean;
}

export function reportOn(scenario: Scenario, record: RunRecord): Report {
  const judgement = judgeRun(record);
  const verdicts = checkPromises(scenario, record, judgement);
  return { scenario: record.scenario, title: record.title, figures: figuresOf(record, judgement), verdicts, isKept: verdicts.every(({ isKept }) => isKept) };
}

function figuresOf(record: RunRecord, { failures, losses, killsInsideIntents, resetsInsideIntents }: Judgement): Report['figures'] {
  const outcomeCount = (outcome: string): number => record.tokenRequests.filter((each) => each.outcome === outcome).length;
  const faults = faultKinds.map((kind) => [kind, record.tokenRequests.filter(({ fault }) => fault === kind).length] as const).filter(([, count]) => count > 0);
  const stoppedMs = record.stops.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const expired = record.upstream.upstream.reduce((sum, each) => sum + each.expired, 0);
  const failedWaits = record.failures.map(({ fromMs, toMs }) => toMs - fromMs);
  return [
    ['ran', `${((record.endedAtMs - record.startedAtMs) / 1_000).toFixed(0)} s, ${record.daemons.length} daemons, ${record.clientsPerDaemon} clients each, ${record.identities.length} accounts, tokens that live ${record.accessLifeMs / 1_000} s`],
    ['requests', String(record.okCount + record.failures.length)],
    ['answered', String(record.okCount)],
    ['failed, by code', tally(record.failures.map(({ status, code }) => `${status === 0 ? 'no answer' : status} ${code}`.trim()))],
    ['failed, by excuse', tally(failures.map(({ excuse }) => excuse ?? 'NONE'))],
    ['latency p50 / p99', `${ms(quantile(record.latenciesMs, 0.5))} / ${ms(quantile(record.latenciesMs, 0.99))}`],
    ['longest wait', ms([...record.latenciesMs, ...failedWaits].reduce((most, each) => Math.max(most, each), 0))],
    ['refreshes', String(outcomeCount('issued'))],
    ['tokens adopted from disk', String(record.upstream.adoptedCount)],
    ['tokens that ended on their way', `${expired} (each renewed once and sent again)`],
    ['reuse', tally(record.tokenRequests.filter(({ outcome }) => outcome === 'reuse').map(({ daemon }) => daemon)) || '0'],
    ['lost families', tally(losses.map(({ cause }) => cause?.kind ?? 'unexplained')) || '0'],
    ['stops', `${record.stops.length} (${(stoppedMs / 1_000).toFixed(1)} s in all)`],
    ['kills', `${record.kills.length}, with ${killsInsideIntents} refreshes under way`],
    ['faults at the token endpoint', faults.map(([kind, count]) => `${count} ${kind.replaceAll('_', ' ')}`).join(', ') || '0'],
    ['resets inside intents', String(resetsInsideIntents)],
    ['told of a loss after', ms(Math.max(0, ...record.losses.flatMap(({ tellings }) => tellings.map(({ afterMs }) => afterMs ?? Number.NaN))))],
    ['back after a new login', ms(Math.max(0, ...record.losses.map(({ cameBackAfterMs }) => cameBackAfterMs ?? Number.NaN)))],
  ];
}

export function renderReport({ scenario, title, figures, verdicts }: Report): string {
  const width = Math.max(...figures.map(([name]) => name.length));
  return [
    `${scenario}: ${title}`,
    ...figures.map(([name, value]) => `  ${name.padEnd(width)}  ${value || '0'}`),
    '',
    ...verdicts.flatMap(({ promise, isKept, broken }) => [`  ${isKept ? 'kept  ' : 'BROKEN'}  ${promise}`, ...broken.map((line) => `            ${line}`)]),
  ].join('\n');
}

function tally(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([, left], [, right]) => right - left).map(([word, count]) => `${count} ${word}`).join(', ');
}

function ms(value: number): string {
  return Number.isNaN(value) ? 'never' : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
