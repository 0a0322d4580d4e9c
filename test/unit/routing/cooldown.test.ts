import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entry, failed, neutral, query, setUp, success, times } from './fixture.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;
const twoModels = { models: [{ name: 'm' }, { name: 'n' }] };

describe('how long and how far', () => {
  it.each([
    [401, undefined, 'account_unavailable'],
    [402, undefined, 'account_unavailable'],
    [429, 90_000, 'model_cooldown'],
    [429, undefined, 'model_cooldown'],
  ])('after %i (hint %s ms) a single account answers %s', (status, hintMs, code) => {
    const { take, refusal } = setUp([entry('a')]);
    take(failed(status, hintMs));
    expect(refusal().code).toBe(code);
  });

  it.each([403, 404, 408, 500, 502, 503, 504, 529, 307, 0])('after one %i a single account is asked again', (status) => {
    const { take } = setUp([entry('a')]);
    take(failed(status));
    expect(take()).toBe('a');
  });

  it('an upstream that is down for minutes is never turned into refusals of our own', () => {
    const { clock, take } = setUp([entry('a')]);
    for (let i = 0; i < 50; i++) {
      expect(take(failed(503))).toBe('a');
      clock.advance(3_000);
    }
  });

  it('403 locks only when it keeps coming: one flagged prompt is no lock, an account that is closed becomes one', () => {
    const { take, refusal } = setUp([entry('a')]);
    expect(times(6, () => take(failed(403)))).toEqual(['a', 'a', 'a', 'a', 'a', 'a']);
    expect(take(failed(403))).toBe('a');
    expect(refusal()).toMatchObject({ code: 'account_unavailable', fields: { reason: 'upstream_refused_credential' } });
  });

  it('429 cools that model alone; 401 cools the account', () => {
    const { take, refusal } = setUp([entry('a', twoModels)]);
    const other = { ...query, model: 'n' };
    take(failed(429, minuteMs));
    expect(take(success, other)).toBe('a');
    take(failed(401), other);
    expect(refusal(other).code).toBe('account_unavailable');
  });

  it('404 of one endpoint does not turn other endpoints of the model away', () => {
    const { take } = setUp([entry('a'), entry('b')]);
    const embeddings = { ...query, operation: 'embeddings' } as const;
    take(failed(404), embeddings);
    expect(times(2, () => take(success, embeddings))).toEqual(['b', 'b']);
    expect(times(2, take)).toEqual(['a', 'b']);
  });

  it('an ended cooldown of the account does not hide one of the model', () => {
    const { clock, take, begin, end, refusal } = setUp([entry('a', twoModels)], { 'max-cooldown': '7d' });
    const [slow, fast] = [begin(), begin({ ...query, model: 'n' })];
    end(fast, failed(401), { ...query, model: 'n' });
    end(slow, failed(429, 120 * minuteMs));
    clock.advance(31 * minuteMs);
    expect(refusal().code).toBe('model_cooldown');
    expect(take(success, { ...query, model: 'n' })).toBe('a');
  });

  it('requests refused together count as one refusal', () => {
    const { begin, end, refusal } = setUp([entry('a')]);
    const together = Array.from({ length: 12 }, () => begin());
    for (const candidate of together) end(candidate, failed(429));
    expect(refusal().fields['reset_seconds']).toBe(1);
  });

  it('of two hints the later end counts', () => {
    const { begin, end, refusal } = setUp([entry('a')]);
    const [first, second, third] = [begin(), begin(), begin()];
    end(first, failed(429, 10_000));
    end(second, failed(429, 50_000));
    end(third, failed(429, 5_000));
    expect(refusal().fields['reset_seconds']).toBe(50);
  });

  it.each([0, -5, Number.NaN])('a hint of %s ms is none', (hintMs) => {
    const { take, refusal } = setUp([entry('a')]);
    take(failed(429, hintMs));
    expect(refusal().fields['reset_seconds']).toBe(1);
  });

  it('the back-off starts over after half an hour of quiet', () => {
    const { clock, take, refusal } = setUp([entry('a')]);
    for (let i = 0; i < 5; i++) {
      take(failed(429));
      clock.advance(minuteMs);
    }
    clock.advance(31 * minuteMs);
    take(failed(429));
    expect(refusal().fields['reset_seconds']).toBe(1);
  });

  it('a clock that is set back far does not prolong it', () => {
    const { clock, take } = setUp([entry('a')]);
    take(failed(429, 60 * minuteMs));
    clock.advance(-120 * minuteMs);
    expect(take()).toBe('a');
  });

  it('names from outside do not fill the memory', () => {
    const { router, table, take } = setUp([entry('a', { models: [] })]);
    for (let i = 0; i < 2_000; i++) take(failed(404), { ...query, model: `made-up-${i}` });
    expect(router.states(table)[0]?.models.length).toBe(256);
    expect(router.states(table)[0]?.state).toBe('ready');
  });
});

describe('what ends it', () => {
  it('a success of an attempt that began before the quota ran out proves nothing', () => {
    const { begin, end, refusal } = setUp([entry('a')]);
    const [long, refused] = [begin(), begin()];
    end(refused, failed(429, minuteMs));
    end(long, success);
    expect(refusal().code).toBe('model_cooldown');
  });

  it('a stream that began before an outage and ends well proves nothing either: overloaded upstreams finish what they have', () => {
    const { clock, begin, end, take } = setUp([entry('a', { priority: 5 }), entry('b')]);
    const [long, broken] = [begin(), begin()];
    end(broken, failed(503));
    end(long, success);
    expect(take()).toBe('b');
    clock.advance(1_000);
    expect(times(2, take)).toEqual(['a', 'a']);
  });

  it('a trial that succeeds ends what an outage left', () => {
    const { router, table, clock, take } = setUp([entry('a')]);
    take(failed(503));
    clock.advance(1_000);
    take();
    expect(router.states(table)[0]).toMatchObject({ state: 'ready', models: [] });
    expect(router.explain(table, { model: 'm' }).candidates[0]?.cooldowns).toEqual([]);
  });

  it('a probe that fails with another hint is believed: the older one is out of date', () => {
    const { clock, take, refusal } = setUp([entry('a')], { 'max-cooldown': '10m' });
    take(failed(429, 7 * dayMs));
    clock.advance(10 * minuteMs);
    take(failed(429, 2 * minuteMs));
    expect(refusal().fields['reset_seconds']).toBe(120);
    clock.advance(2 * minuteMs);
    expect(take()).toBe('a');
  });

  it('a probe that fails without a hint leaves the older one as it is', () => {
    const { clock, take, refusal } = setUp([entry('a')], { 'max-cooldown': '10m' });
    take(failed(429, 7 * dayMs));
    clock.advance(10 * minuteMs);
    take(failed(429));
    expect(refusal().fields['reset_seconds']).toBe(600);
  });

  it('late failures from before do not begin the back-off anew', () => {
    const { clock, begin, end, take, refusal } = setUp([entry('a')]);
    const late = begin();
    for (let i = 0; i < 6; i++) {
      take(failed(429));
      clock.advance(minuteMs);
    }
    end(late, failed(0));
    take(failed(429));
    expect(refusal().fields['reset_seconds']).toBe(64);
  });

  it('an outage does not soften a quota that is known', () => {
    const { begin, end, refusal } = setUp([entry('a')]);
    const [first, second] = [begin(), begin()];
    end(first, failed(429, minuteMs));
    end(second, failed(502));
    expect(refusal().code).toBe('model_cooldown');
  });

  it('a probe that fails waits for the whole cap again: one real request each', () => {
    const { clock, take } = setUp([entry('a')], { 'max-cooldown': '10m' });
    take(failed(429, 7 * dayMs));
    for (let round = 0; round < 3; round++) {
      clock.advance(10 * minuteMs);
      expect(times(20, () => take(failed(429, 7 * dayMs))).filter((each) => each === 'a').length).toBe(1);
    }
  });

  it('the end of another attempt does not let a second probe in', () => {
    const { clock, begin, end, refusal } = setUp([entry('a')], { 'max-cooldown': '10m' });
    const [old, refused] = [begin(), begin()];
    end(refused, failed(429, 7 * dayMs));
    clock.advance(10 * minuteMs);
    begin();
    end(old, neutral);
    expect(refusal().code).toBe('model_cooldown');
  });

  it('a probe whose client left makes room for the next', () => {
    const { clock, begin, end, take } = setUp([entry('a')], { 'max-cooldown': '10m' });
    take(failed(429, 7 * dayMs));
    clock.advance(10 * minuteMs);
    end(begin(), neutral);
    expect(take()).toBe('a');
  });

  it('a probe that streams on for a minute does not keep the next one out', () => {
    const { clock, take, begin, refusal } = setUp([entry('a')], { 'max-cooldown': '10m' });
    take(failed(429, 7 * dayMs));
    clock.advance(10 * minuteMs);
    begin();
    expect(refusal().fields['reset_seconds']).toBe(5);
    clock.advance(minuteMs);
    expect(begin().account.label).toBe('a');
  });

  it('an account past the cap is probed though others are well, so that it comes back', () => {
    const { clock, take } = setUp([entry('a', { priority: 5 }), entry('b')], { 'max-cooldown': '10m' });
    take(failed(429, 7 * dayMs));
    expect(take()).toBe('b');
    clock.advance(10 * minuteMs);
    expect(times(3, take)).toEqual(['a', 'a', 'a']);
  });

  it('a cap longer than the cooldown changes nothing: it ends when it ends', () => {
    const { clock, take, refusal } = setUp([entry('a')], { 'max-cooldown': '1h' });
    take(failed(401));
    clock.advance(30 * minuteMs - 1);
    expect(refusal().code).toBe('account_unavailable');
    clock.advance(1);
    expect(take()).toBe('a');
  });

  it('a reset of one account leaves the others', () => {
    const { router, table, take } = setUp([entry('a'), entry('b')]);
    take(failed(429, minuteMs));
    take(failed(429, minuteMs));
    expect(router.resetCooldowns(table.accounts[0]?.id)).toBe(1);
    expect(times(2, take)).toEqual(['a', 'a']);
  });

  it('an entry with disable-cooling never cools', () => {
    const { take } = setUp([entry('a', { 'disable-cooling': true })]);
    take(failed(401));
    expect(take(failed(429, dayMs))).toBe('a');
    expect(take()).toBe('a');
  });
});

describe('health', () => {
  it('a cooling account is never picked while a healthy one exists, whatever happened before', () => {
    const strategy = fc.constantFrom('round-robin', 'weighted-round-robin', 'fill-first', 'least-busy');
    const step = fc.record({ status: fc.constantFrom(401, 403, 404, 429, 500, 0, 200), waitMs: fc.nat(3_000) });
    fc.assert(
      fc.property(strategy, fc.array(fc.nat(2), { minLength: 2, maxLength: 5 }), fc.array(step, { maxLength: 40 }), (name, priorities, steps) => {
        const { clock, router, table, begin, end } = setUp(priorities.map((priority, index) => entry(`e${index}`, { priority })), { routing: { strategy: name }, 'max-cooldown': '1d' });
        for (const { status, waitMs } of steps) {
          const cooling = new Set(router.states(table).filter(({ models }) => models.length > 0).map(({ accountId }) => accountId));
          const healthy = table.accounts.filter(({ id }) => !cooling.has(id));
          if (healthy.length === 0) return;
          const candidate = begin();
          const best = Math.max(...healthy.map(({ priority }) => priority));
          expect([cooling.has(candidate.account.id), candidate.account.priority]).toEqual([false, best]);
          end(candidate, status === 200 ? success : failed(status));
          clock.advance(waitMs);
        }
      }),
    );
  });

  it('every account in an outage: the one whose turn to recover comes first is used', () => {
    const { clock, take } = setUp([entry('a'), entry('b')]);
    take(failed(503));
    clock.advance(100);
    take(failed(503));
    expect(take(neutral)).toBe('a');
  });

  it('an outage is better than a quota that is used up', () => {
    const { take } = setUp([entry('a', { priority: 3 }), entry('b')]);
    take(failed(429, minuteMs));
    take(failed(503));
    expect(times(3, () => take(neutral))).toEqual(['b', 'b', 'b']);
  });
});
