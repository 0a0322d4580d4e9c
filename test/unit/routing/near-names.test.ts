import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findNearNames } from '../../../internal/routing/near-names.ts';

const names = ['claude-sonnet-5', 'gpt-4o', 'gpt-4o-mini', 'gpt-5', 'team/gpt-4o'];

describe('near names', () => {
  it.each([
    ['gpt4o', 'gpt-4o'],
    ['GPT-4O', 'gpt-4o'],
    ['sonnet', 'claude-sonnet-5'],
    ['gpt-4o-mini-2024-07-18', 'gpt-4o-mini'],
  ])('for %s %s is offered', (wanted, near) => {
    expect(findNearNames(wanted, names)).toContain(near);
  });

  it('are none for a name like no other, an empty one and an endless one', () => {
    expect(['zzzzzzzz', '', 'g'.repeat(300)].map((wanted) => findNearNames(wanted, names))).toEqual([[], [], []]);
  });

  it('are at most five, each of them served, whatever is asked', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), fc.array(fc.string({ maxLength: 40 }), { maxLength: 60 }), (wanted, served) => {
        const near = findNearNames(wanted, served);
        expect(near.length).toBeLessThanOrEqual(5);
        expect(near.every((name) => served.includes(name))).toBe(true);
      }),
    );
  });

  it('one character off is near for any name of three or more', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '-', '4'), minLength: 3, maxLength: 40 }), fc.nat(39), (name, place) => {
        const at = place % name.length;
        expect(findNearNames(`${name.slice(0, at)}x${name.slice(at + 1)}`, [name])).toEqual([name]);
      }),
    );
  });
});
