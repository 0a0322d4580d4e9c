import { describe, expect, it } from 'vitest';
import type { AttemptOutcome, RouteQuery } from '../../../internal/routing/ports.ts';
import { candidateKey, createRouter } from '../../../internal/routing/router.ts';
import { tableOf } from '../../support/config.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const query: RouteQuery = { model: 'm', dialect: 'openai-chat', operation: 'chat' };
const entry = (name: string, more: object = {}) => ({ name, 'base-url': `https://${name}.example/v1`, models: [{ name: 'm' }], ...more });
const none = new Set<string>();

function setUp(entries: readonly object[], more: object = {}) {
  const clock = createManualClock();
  const router = createRouter(clock);
  const table = tableOf({ 'openai-compatibility': entries, ...more });
  const take = (outcome: AttemptOutcome | 'still open' = { kind: 'success' }): string => {
    const picked = router.pick(table, query, none);
    if (!picked.ok) return `${picked.error.status} ${picked.error.code}`;
    if (outcome !== 'still open') router.settle(picked.value, query, outcome);
    return picked.value.account.label;
  };
  return { clock, router, table, take };
}
const failed = (status: number, retryAfterMs?: number): AttemptOutcome => (retryAfterMs === undefined ? { kind: 'failure', status } : { kind: 'failure', status, retryAfterMs });
const times = (count: number, take: () => string): readonly string[] => Array.from({ length: count }, () => take());

describe('strategies', () => {
  it('round-robin gives each its turn', () => {
    const { take } = setUp([entry('a'), entry('b'), entry('c')]);
    expect(times(6, take)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  it('fill-first stays with the first until it cools', () => {
    const { take } = setUp([entry('a'), entry('b')], { routing: { strategy: 'ff' } });
    expect([take(), take(failed(429, 5_000)), take()]).toEqual(['a', 'a', 'b']);
  });

  it('weighted turns follow the weights exactly, and weight 0 gets none', () => {
    const { take } = setUp([entry('a', { weight: 3 }), entry('b', { weight: 1 }), entry('c', { weight: 0 })], { routing: { strategy: 'wrr' } });
    const turns = times(40, take);
    expect([turns.filter((each) => each === 'a').length, turns.filter((each) => each === 'b').length]).toEqual([30, 10]);
  });

  it('least-busy goes where fewest are open', () => {
    const { router, table } = setUp([entry('a'), entry('b')], { routing: { strategy: 'least-busy' } });
    const labels = Array.from({ length: 4 }, () => router.pick(table, query, none)).map((picked) => (picked.ok ? picked.value.account.label : ''));
    expect(labels.toSorted()).toEqual(['a', 'a', 'b', 'b']);
  });

  it('priority goes before strategy', () => {
    const { take } = setUp([entry('a'), entry('b', { priority: 1 })]);
    expect(times(3, take)).toEqual(['b', 'b', 'b']);
  });

  it('a candidate that was tried is not offered again', () => {
    const { router, table } = setUp([entry('a'), entry('b')]);
    const first = router.pick(table, query, none);
    const tried = new Set(first.ok ? [candidateKey(first.value)] : []);
    const second = router.pick(table, query, tried);
    expect(second.ok && second.value.account.label).toBe('b');
  });
});

describe('cooldowns', () => {
  it('a healthy account is always preferred to a cooling one, whatever the priority', () => {
    const { take } = setUp([entry('a', { priority: 9 }), entry('b')]);
    take(failed(500));
    expect(times(3, take)).toEqual(['b', 'b', 'b']);
  });

  it('Retry-After is kept, and told to the client with what is left of it', () => {
    const { clock, router, table, take } = setUp([entry('a')]);
    take(failed(429, 90_000));
    clock.advance(1_000);
    const refused = router.pick(table, query, none);
    expect(refused).toMatchObject({ ok: false, error: { code: 'model_cooldown', fields: { reset_seconds: 89, reset_time: '1m29s' }, headers: { 'retry-after': '89' } } });
    clock.advance(89_000);
    expect(take()).toBe('a');
  });

  it('429 without a hint backs off twice as long each time, and success ends it', () => {
    const { clock, take } = setUp([entry('a')]);
    take(failed(429));
    clock.advance(1_000);
    take(failed(429));
    clock.advance(1_000);
    expect(take()).toBe('429 model_cooldown');
    clock.advance(1_000);
    take();
    take(failed(429));
    clock.advance(1_000);
    expect(take()).toBe('a');
  });

  it('a single account is never locked away for failures of its upstream', () => {
    const { take } = setUp([entry('a')]);
    for (const status of [500, 503, 0, 404]) expect(take(failed(status))).toBe('a');
  });

  it('a refused credential cools the account for all models, and says so instead of a time', () => {
    const { router, table, take } = setUp([entry('a', { models: [{ name: 'm' }, { name: 'n' }] })]);
    take(failed(401));
    expect(router.pick(table, { ...query, model: 'n' }, none)).toMatchObject({ ok: false, error: { code: 'account_unavailable', fields: { reason: 'upstream_refused_credential' } } });
  });

  it('past the cap one real request probes, and only one', () => {
    const { clock, take } = setUp([entry('a')], { 'max-cooldown': '10m' });
    take(failed(429, 7 * 86_400_000));
    clock.advance(599_000);
    expect(take()).toBe('429 model_cooldown');
    clock.advance(1_000);
    expect(take('still open')).toBe('a');
    expect(take()).toBe('429 model_cooldown');
  });

  it('a recovered account serves again after its probe', () => {
    const { clock, take } = setUp([entry('a')], { 'max-cooldown': '10m' });
    take(failed(429, 7 * 86_400_000));
    clock.advance(600_000);
    expect([take(), take(), take()]).toEqual(['a', 'a', 'a']);
  });

  it('a client at fault and a client that left say nothing of the account', () => {
    const { take } = setUp([entry('a'), entry('b')]);
    take({ kind: 'neutral' });
    expect(times(2, take)).toEqual(['b', 'a']);
  });

  it('can be switched off, and reset', () => {
    expect(setUp([entry('a')], { 'disable-cooling': true }).take(failed(429))).toBe('a');
    const { router, take } = setUp([entry('a')]);
    take(failed(429, 60_000));
    expect(router.resetCooldowns()).toBe(1);
    expect(take()).toBe('a');
  });
});

describe('refusals', () => {
  it('name the case', () => {
    const { router, table } = setUp([entry('a', { disabled: true })], { 'claude-api-key': [{ 'api-key': 'sk-ant-0123456789' }] });
    const refusal = (model: string, asked: RouteQuery = query) => {
      const picked = router.pick(table, { ...asked, model }, none);
      return picked.ok ? undefined : [picked.error.status, picked.error.code];
    };
    expect(refusal('unknown')).toEqual([404, 'model_not_found']);
    expect(refusal('claude-sonnet-4-5', { ...query, operation: 'embeddings' })).toEqual([501, 'dialect_not_served']);
    expect(refusal('m')).toEqual([503, 'account_unavailable']);
  });

  it('explain names every account with its reason', () => {
    const { router, table, take } = setUp([entry('a'), entry('b', { disabled: true }), entry('c', { prefix: 'p', models: [{ name: 'm', alias: 'z' }] }), entry('d', { 'excluded-models': ['m'] })]);
    take(failed(429, 60_000));
    const rows = router.explain(table, { model: 'm' }).candidates.map(({ label, usable, skipped }) => [label, usable, skipped]);
    expect(rows).toEqual([
      ['a', false, 'rate limited (429), as the upstream said'],
      ['b', false, 'it is disabled in the config'],
      ['c', false, 'it serves this upstream model by the alias "z" only'],
      ['d', false, 'one of its excluded-models patterns matches'],
    ]);
  });
});
