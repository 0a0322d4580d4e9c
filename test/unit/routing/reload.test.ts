import { describe, expect, it } from 'vitest';
import { candidateKey, createRouter } from '../../../internal/routing/router.ts';
import type { RoutingTable } from '../../../internal/routing/ports.ts';
import { tableOf } from '../../support/config.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { entry, failed, none, query, success } from './fixture.ts';

const tableWith = (...names: readonly string[]): RoutingTable => tableOf({ 'openai-compatibility': names.map((name) => entry(name)) });

function openRouter() {
  const router = createRouter(createManualClock());
  const begin = (table: RoutingTable) => {
    const picked = router.pick(table, query, none);
    if (!picked.ok) throw picked.error;
    return picked.value;
  };
  const take = (table: RoutingTable, outcome = success): string => {
    const candidate = begin(table);
    router.settle(candidate, query, outcome);
    return candidate.account.label;
  };
  return { router, begin, take };
}

describe('a reload', () => {
  it('goes on with the turns where they were, without those who left', () => {
    const { take } = openRouter();
    const before = tableWith('a', 'b', 'c');
    expect([take(before), take(before)]).toEqual(['a', 'b']);
    const same = tableWith('a', 'b', 'c');
    expect(take(same)).toBe('c');
    expect(take(same)).toBe('a');
    const fewer = tableWith('a', 'c', 'd');
    expect([take(fewer), take(fewer), take(fewer)]).toEqual(['c', 'd', 'a']);
  });

  it('keeps cooldowns', () => {
    const { take } = openRouter();
    take(tableWith('a', 'b'), failed(429, 60_000));
    expect(take(tableWith('a', 'b'))).toBe('b');
  });

  it('drops what is known of accounts that left', () => {
    const { router, take } = openRouter();
    take(tableWith('a'), failed(429, 60_000));
    take(tableWith('b'));
    expect(router.resetCooldowns()).toBe(0);
    expect(take(tableWith('a'))).toBe('a');
  });

  it('an exchange that began under the old table may go on with it', () => {
    const { router, begin, take } = openRouter();
    const before = tableWith('a', 'b');
    const candidate = begin(before);
    const after = tableWith('b');
    take(after, failed(429, 60_000));
    router.settle(candidate, query, failed(500));
    const next = router.pick(before, query, new Set([candidateKey(candidate)]));
    expect(next).toMatchObject({ ok: false, error: { code: 'model_cooldown' } });
    expect(router.states(after)).toMatchObject([{ label: 'b', state: 'cooling' }]);
  });
});

describe('settling', () => {
  it('counts once, and what the caller chose by itself counts for nothing open', () => {
    const router = createRouter(createManualClock());
    const table = tableOf({ 'openai-compatibility': [entry('a'), entry('b')], routing: { strategy: 'least-busy' } });
    const pick = () => {
      const picked = router.pick(table, query, none);
      if (!picked.ok) throw picked.error;
      return picked.value;
    };
    const first = pick();
    const second = pick();
    expect([first.account.label, second.account.label]).toEqual(['a', 'b']);
    router.settle(second, query, success);
    router.settle(second, query, success);
    router.settle({ account: first.account, upstreamModel: '' }, query, success);
    expect([pick().account.label, pick().account.label]).toEqual(['b', 'a']);
  });
});

describe('one alias for several models of an account', () => {
  const pool = { models: [{ name: 'x', alias: 'm' }, { name: 'y', alias: 'm' }] };
  const upstreamModels = (table: RoutingTable, count: number): readonly string[] => {
    const { router, begin } = openRouter();
    return Array.from({ length: count }, () => {
      const candidate = begin(table);
      router.settle(candidate, query, success);
      return `${candidate.account.label}:${candidate.upstreamModel}`;
    });
  };

  it('takes turns request by request', () => {
    expect(upstreamModels(tableOf({ 'openai-compatibility': [entry('a', pool)] }), 4)).toEqual(['a:x', 'a:y', 'a:x', 'a:y']);
  });

  it('shares out the account’s weight', () => {
    const picks = upstreamModels(tableOf({ 'openai-compatibility': [entry('a', { ...pool, weight: 2 }), entry('b', { weight: 2 })], routing: { strategy: 'wrr' } }), 40);
    expect(['a:x', 'a:y', 'b:m'].map((each) => picks.filter((pick) => pick === each).length)).toEqual([10, 10, 20]);
  });
});
