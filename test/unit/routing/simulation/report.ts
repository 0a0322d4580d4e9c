import type { Figures, KindFigures } from './measure.ts';
import type { Scenario } from './world.ts';

export interface Run {
  readonly scenario: Scenario;
  readonly figures: Figures;
}

/** One line a run, as Markdown. */
export function renderRuns(runs: readonly Run[]): string {
  const head = ['run', 'requests', 'attempts', 'saved by another account', 'failed for the client', 'of these while an upstream was well again, unnoticed', 'of these while one had been for 17 min', 'most attempts a minute at a failing account', 'longest way back', 'longest without work'];
  const cells = runs.map(({ scenario, figures }) => [
    scenario.name,
    count(figures.requests),
    count(figures.attempts),
    count(figures.saved),
    count(figures.failures),
    count(figures.believedFailures),
    count(figures.needlessFailures),
    count(figures.mostPerMinute),
    spell(figures.slowestReturnMs),
    spell(figures.longestIdleMs),
  ]);
  return table([head, ...cells]);
}

/** One line a kind of fault, as Markdown. */
export function renderKinds(kinds: readonly KindFigures[]): string {
  const head = ['fault', 'times', 'attempts in vain', 'of these before the first had told', 'most a minute once known', 'longest way back'];
  return table([head, ...kinds.map((each) => [each.kind, count(each.phases), count(each.attempts), count(each.unaware), count(each.mostPerMinute), spell(each.slowestReturnMs)])]);
}

function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return line(head) + line(head.map((_, index) => (index === 0 ? '---' : '--:'))) + rows.map(line).join('');
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function spell(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
