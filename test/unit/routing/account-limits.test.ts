import { describe, expect, it } from 'vitest';
import type { Holder } from '../../../internal/clients/grant.ts';
import { entry, failed, none, query, setUp, success, times } from './fixture.ts';

const three = [entry('a'), entry('b'), entry('c')];

/** A query by a caller whose holders name these accounts, the caller's own first. */
function by(...lists: readonly (readonly string[] | undefined)[]): typeof query & { readonly holders: readonly Holder[] } {
  return { ...query, holders: lists.map((accounts, index) => ({ id: `key_${index}`, grant: { accounts } })) };
}

describe('a caller that may use some accounts', () => {
  const ids = setUp(three).table.accounts.map(({ id }) => id);
  const [a = '', b = '', c = ''] = ids;

  it('is served by those alone, in turn, while others go on with all', () => {
    const at = setUp(three);
    expect(new Set(times(12, () => at.take(success, by([a, c]))))).toEqual(new Set(['a', 'c']));
    expect(new Set(times(12, () => at.take()))).toEqual(new Set(['a', 'b', 'c']));
  });

  it('by the kind of provider may use each account of it', () => {
    expect(new Set(times(12, () => setUp(three).take(success, by(['provider:openai-compatibility']))))).toContain('a');
    expect(setUp(three).take(success, by(['provider:anthropic']))).toBe('403 account_not_allowed');
    expect(setUp(three).take(success, by(['openai-compatibility']))).toBe('403 account_not_allowed');
  });

  it('is served by what every holder allows: a child by no account of its own', () => {
    const at = setUp(three);
    expect(new Set(times(6, () => at.take(success, by([a, b], [b, c]))))).toEqual(new Set(['b']));
    expect(at.take(success, by([a], [b]))).toBe('403 account_not_allowed');
    expect(new Set(times(6, () => at.take(success, by(undefined, [c]))))).toEqual(new Set(['c']));
  });

  it('is told of a cooldown only where one of its own accounts is left to wait for', () => {
    const at = setUp(three);
    at.router.settle(at.begin(by([a])), query, failed(429, 30_000));
    expect(at.take(success, by([a]))).toBe('429 model_cooldown');
    expect(at.take(success, by([b]))).toBe('b');
    expect(at.take(success, by([]))).toBe('403 account_not_allowed');
  });

  it('stays off a session’s account that was taken from it', () => {
    const at = setUp(three, { routing: { 'session-affinity': true } });
    const session = { digest: 'conversation', source: 'test' };
    const first = at.take(success, { ...by([a, b]), session });
    const other = first === 'a' ? b : a;
    expect(at.take(success, { ...by([other]), session })).toBe(first === 'a' ? 'b' : 'a');
  });

  it('fails over within its own accounts', () => {
    const at = setUp(three);
    const asked = by([a, b]);
    const first = at.begin(asked);
    const second = at.router.pick(at.table, asked, new Set([`${first.account.id} m`]));
    expect(second.ok && [first.account.label, second.value.account.label].toSorted()).toEqual(['a', 'b']);
    expect(at.router.pick(at.table, asked, none).ok).toBe(true);
  });

  it('sees in `explain` which accounts are skipped for that', () => {
    const at = setUp(three);
    const { candidates } = at.router.explain(at.table, { model: 'm', holders: by([b]).holders });
    expect(candidates.map(({ label, place, usable, skipClass }) => ({ label, place, usable, skipClass }))).toEqual([
      { label: 'b', place: 1, usable: true, skipClass: undefined },
      { label: 'a', place: undefined, usable: false, skipClass: 'account_not_allowed' },
      { label: 'c', place: undefined, usable: false, skipClass: 'account_not_allowed' },
    ]);
  });
});
