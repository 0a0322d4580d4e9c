import { describe, expect, it } from 'vitest';
import { emptyFigures, type Figures, type Round, type TargetFigures } from '../../../bench/figures.ts';
import { median, quantile } from '../../../bench/quantile.ts';
import { judge } from '../../../bench/report/aims.ts';
import { renderMeasured } from '../../../bench/report/page.ts';
import type { TargetId } from '../../../bench/targets/target.ts';

const round = (perSecond: number): Round => ({ perSecond, failed: 0, p50Us: 100, p99Us: 200, cpuUs: 50 });

function withRounds(id: TargetId, title: string, rates: readonly number[]): TargetFigures {
  const figures = emptyFigures(id, title);
  figures.small.push(...rates.map(round));
  return figures;
}

function figuresWith(targets: readonly TargetFigures[]): Figures {
  return { startedAt: '2026-11-24T00:00:00.000Z', command: 'npm run bench', plan: 'quick', node: 'v24.0.0', machine: '2 × CPU', loadAverageAtStart: 0.1, loadAverageAtEnd: 1, targets };
}

describe('the report', () => {
  it('compares within rounds, so that a slow minute that hit both sides does not count', () => {
    const results = judge(figuresWith([withRounds('floor', 'floor', [1_000, 500, 2_000]), withRounds('keyward', 'Keyward governed', [800, 400, 1_600])]));
    expect(results.find(({ aim }) => aim.includes('floor’s requests'))).toMatchObject({ measured: '80 %', isMet: true });
  });

  it('says of a missed aim that it is missed', () => {
    const results = judge(figuresWith([withRounds('floor', 'floor', [1_000]), withRounds('keyward', 'Keyward governed', [740])]));
    expect(results.find(({ aim }) => aim.includes('floor’s requests'))).toMatchObject({ measured: '74 %', isMet: false });
  });

  it('never calls an aim met that was not measured', () => {
    const results = judge(figuresWith([withRounds('keyward', 'Keyward governed', [])]));
    expect(results.map(({ isMet }) => isMet)).toEqual(results.map(() => undefined));
    expect(results.length).toBeGreaterThan(0);
  });

  it('names on the page the date, the Node version, the command and every target that did not take part', () => {
    const skipped = emptyFigures('nginx', 'nginx');
    skipped.notes.push('skipped: not installed');
    const page = renderMeasured(figuresWith([withRounds('floor', 'floor', [1_000]), skipped]));
    expect(page).toContain('2026-11-24');
    expect(page).toContain('`npm run bench`');
    expect(page).toContain('v24.0.0');
    expect(page).toContain('nginx: skipped: not installed');
  });
});

describe('quantiles', () => {
  it('take the middle of an even count between its two middle values', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([3, 1, 2])).toBe(2);
  });

  it('of nothing are no number', () => {
    expect(quantile([], 0.5)).toBeNaN();
    expect(median([])).toBeNaN();
  });
});
