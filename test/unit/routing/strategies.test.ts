import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { choose, type Turns } from '../../../internal/routing/strategies.ts';

const turnsOf = (weights: readonly number[]): Turns => ({ next: 0, weights: Float64Array.from(weights), sums: new Float64Array(weights.length) });
const count = (picks: readonly number[], place: number): number => picks.filter((each) => each === place).length;
const idle = (): number => 0;

describe('strategies', () => {
  it('round-robin: over any run of turns no two eligible ones differ by more than one', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }), fc.nat(60), (eligible, rounds) => {
        fc.pre(eligible.includes(true));
        const turns = turnsOf(eligible.map(() => 1));
        const picks = Array.from({ length: rounds }, () => choose('round-robin', turns, { count: eligible.length, isEligible: (place) => eligible[place] === true, openCount: idle }));
        const counts = eligible.flatMap((isEligible, place) => (isEligible ? [count(picks, place)] : []));
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        expect(picks.every((place) => eligible[place] === true)).toBe(true);
      }),
    );
  });

  it('weighted: a full cycle gives each exactly its weight, in any mix of eligible ones', () => {
    const member = fc.record({ weight: fc.integer({ min: 0, max: 9 }), isEligible: fc.boolean() });
    fc.assert(
      fc.property(fc.array(member, { minLength: 1, maxLength: 8 }), (members) => {
        const total = members.reduce((sum, { weight, isEligible }) => sum + (isEligible ? weight : 0), 0);
        fc.pre(total > 0);
        const turns = turnsOf(members.map(({ weight }) => weight));
        const picks = Array.from({ length: total * 2 }, () => choose('weighted-round-robin', turns, { count: members.length, isEligible: (place) => members[place]?.isEligible === true, openCount: idle }));
        members.forEach(({ weight, isEligible }, place) => expect(count(picks, place)).toBe(isEligible ? weight * 2 : 0));
      }),
    );
  });

  it('weighted turns are spread out, not in blocks', () => {
    const turns = turnsOf([5, 1, 1]);
    const picks = Array.from({ length: 7 }, () => choose('weighted-round-robin', turns, { count: 3, isEligible: () => true, openCount: idle }));
    expect(picks).toEqual([0, 0, 1, 0, 2, 0, 0]);
  });

  it('least-busy never takes one while an eligible one has fewer open', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ open: fc.nat(5), isEligible: fc.boolean() }), { maxLength: 10 }), fc.nat(9), (members, next) => {
        const turns = { ...turnsOf(members.map(() => 1)), next: members.length === 0 ? 0 : next % members.length };
        const chosen = choose('least-busy', turns, { count: members.length, isEligible: (place) => members[place]?.isEligible === true, openCount: (place) => members[place]?.open ?? 0 });
        const open = members.filter(({ isEligible }) => isEligible).map((member) => member.open);
        expect(chosen < 0 ? undefined : members[chosen]?.open).toBe(open.length === 0 ? undefined : Math.min(...open));
      }),
    );
  });

  it('fill-first takes the first eligible one', () => {
    expect(choose('fill-first', turnsOf([1, 1, 1]), { count: 3, isEligible: (place) => place > 0, openCount: idle })).toBe(1);
  });

  it.each(['round-robin', 'weighted-round-robin', 'least-busy', 'fill-first'] as const)('%s says so when none is eligible', (strategy) => {
    expect(choose(strategy, turnsOf([1, 1]), { count: 2, isEligible: () => false, openCount: idle })).toBe(-1);
    expect(choose(strategy, turnsOf([]), { count: 0, isEligible: () => true, openCount: idle })).toBe(-1);
  });
});
