import { describe, expect, it } from 'vitest';
import { entry, failed, neutral, none, query, setUp, success, times } from './fixture.ts';

const minuteMs = 60_000;

describe('after a cooldown', () => {
  it.each([[429, 5_000], [429, undefined], [503, undefined], [0, undefined], [403, undefined]])('of %i (hint %s ms) one request tries the account, others go elsewhere until it has succeeded', (status, hintMs) => {
    const { clock, take, begin, end } = setUp([entry('a'), entry('b')]);
    take(failed(status, hintMs));
    clock.advance(5_000);
    const [first, second] = [begin(), begin()];
    const [trial, other] = first.account.label === 'a' ? [first, second] : [second, first];
    end(other, success);
    expect(times(4, take)).toEqual(['b', 'b', 'b', 'b']);
    end(trial, success);
    expect(times(4, take).toSorted()).toEqual(['a', 'a', 'b', 'b']);
  });

  it('a single account is used by all at once: nobody is refused for a trial', () => {
    const { clock, take, begin } = setUp([entry('a')]);
    take(failed(429, 5_000));
    clock.advance(5_000);
    expect(times(5, () => begin().account.label)).toEqual(['a', 'a', 'a', 'a', 'a']);
  });

  it('accounts that are all on trial share the load by the strategy', () => {
    const { clock, take, begin } = setUp([entry('a'), entry('b')]);
    take(failed(503));
    take(failed(503));
    clock.advance(1_000);
    const labels = times(10, () => begin().account.label);
    expect(labels.filter((label) => label === 'a').length).toBe(5);
  });

  it('a trial whose client left is made again by the next', () => {
    const { clock, take, begin, end } = setUp([entry('a', { priority: 5 }), entry('b')]);
    take(failed(503));
    clock.advance(1_000);
    end(begin(), neutral);
    expect(begin().account.label).toBe('a');
  });

  it('a failed trial waits twice as long, however many attempts from before fail meanwhile', () => {
    const { clock, take, begin, end } = setUp([entry('a', { priority: 5 }), entry('b')]);
    const hanging = times(20, () => '').map(() => begin());
    take(failed(0));
    clock.advance(1_000);
    const trial = begin();
    for (const candidate of hanging) end(candidate, failed(0));
    expect(begin().account.label).toBe('b');
    end(trial, failed(0));
    clock.advance(1_999);
    expect(begin().account.label).toBe('b');
    clock.advance(1);
    expect(begin().account.label).toBe('a');
  });

  it('an upstream that hangs gets one request a minute while another account is well', () => {
    const { clock, take, begin } = setUp([entry('a', { priority: 5 }), entry('b')]);
    take(failed(0));
    clock.advance(minuteMs);
    let hanging = 0;
    for (let second = 0; second < 600; second++) {
      if (begin().account.label === 'a') hanging++;
      clock.advance(1_000);
    }
    expect(hanging).toBe(10);
  });

  it('half an hour without a request is enough: it is as good as new', () => {
    const { clock, take, begin } = setUp([entry('a', { priority: 5 }), entry('b')]);
    take(failed(503));
    clock.advance(31 * minuteMs);
    expect(times(3, () => begin().account.label)).toEqual(['a', 'a', 'a']);
  });
});

describe('an answer that has begun', () => {
  it('ends the trial at its first byte, not at the end of a long stream', () => {
    const { router, clock, take, begin } = setUp([entry('a', { priority: 5 }), entry('b')]);
    take(failed(503));
    clock.advance(1_000);
    const trial = begin();
    expect(begin().account.label).toBe('b');
    router.begun(trial);
    expect(times(3, () => begin().account.label)).toEqual(['a', 'a', 'a']);
  });

  it('ends the wait of others where an account past the cap turns out to be well', () => {
    const { router, clock, take, begin } = setUp([entry('a')], { 'max-cooldown': '10m' });
    take(failed(429, 7 * 86_400_000));
    clock.advance(10 * minuteMs);
    const probe = begin();
    expect(take()).toBe('429 model_cooldown');
    router.begun(probe);
    expect(take()).toBe('a');
  });

  it('proves nothing when it was asked for before the cooldown began, nor after it was settled', () => {
    const { router, take, begin, end } = setUp([entry('a')]);
    const [before, settled] = [begin(), begin()];
    end(settled, failed(429, minuteMs));
    router.begun(before);
    router.begun(settled);
    expect(take()).toBe('429 model_cooldown');
  });

  it('that breaks off afterwards is a failure like any other', () => {
    const { router, clock, take, begin, end } = setUp([entry('a', { priority: 5 }), entry('b')]);
    take(failed(503));
    clock.advance(1_000);
    const trial = begin();
    router.begun(trial);
    end(trial, failed(0));
    expect(take()).toBe('b');
  });
});

describe('how a run of failures counts', () => {
  it('a mix of them backs off as one run does', () => {
    const { clock, take, router, table } = setUp([entry('a', { priority: 5 }), entry('b')]);
    let asked = 0;
    for (let second = 0; second < 600; second++) {
      if (take(failed(second % 2 === 0 ? 503 : 0)) === 'a') asked++;
      router.resetCooldowns(table.accounts.find(({ label }) => label === 'b')?.id);
      clock.advance(1_000);
    }
    expect(asked).toBeLessThanOrEqual(16);
  });

  it('a hint kept to in vain is no longer believed: an upstream that always says one second is asked once a minute', () => {
    const { clock, take } = setUp([entry('a')]);
    let asked = 0;
    for (let second = 0; second < 600; second++) {
      if (take(failed(429, 1_000)) === 'a') asked++;
      clock.advance(1_000);
    }
    expect(asked).toBeLessThanOrEqual(17);
    expect(asked).toBeGreaterThanOrEqual(10);
  });

  it('a hint is believed again after a success', () => {
    const { clock, take, refusal } = setUp([entry('a')]);
    for (let i = 0; i < 5; i++) {
      take(failed(429, 1_000));
      clock.advance(minuteMs);
    }
    take();
    take(failed(429, 3_000));
    expect(refusal().fields['reset_seconds']).toBe(3);
  });
});

describe('a limit that the vendor calls the account\'s', () => {
  const twoModels = { models: [{ name: 'm' }, { name: 'n' }] };
  const limited = { kind: 'failure', status: 429, retryAfterMs: 30_000, isAccountWide: true } as const;

  it('keeps all its models from use, and tells clients when it ends', () => {
    const { take, refusal } = setUp([entry('a', twoModels)]);
    take(limited);
    expect(refusal({ ...query, model: 'n' })).toMatchObject({ status: 429, code: 'model_cooldown', fields: { reset_seconds: 30 } });
  });

  it('stays over a new login', () => {
    const { router, table, take } = setUp([entry('a', twoModels)]);
    take(limited);
    const id = table.accounts[0]?.id ?? '';
    router.block(id, { reason: 'r', detail: 'd', sinceMs: 0 });
    router.block(id, undefined);
    expect(router.pick(table, query, none)).toMatchObject({ ok: false, error: { code: 'model_cooldown' } });
  });
});
