import { describe, expect, it } from 'vitest';
import { createThrottle, type Throttle } from '../../../internal/http/throttle.ts';
import { settle } from '../../support/door-fixtures.ts';
import { createManualClock } from '../../support/manual-clock.ts';

function failTimes(throttle: Throttle, peer: string, times: number): void {
  for (let round = 0; round < times; round += 1) {
    throttle.tryEnter(peer);
    throttle.leave(peer, 'wrong');
  }
}

describe('the throttle', () => {
  it('lets four wrong keys pass without effect and slows the peer from the fifth on', () => {
    const clock = createManualClock();
    const throttle = createThrottle({ clock });
    failTimes(throttle, 'a', 4);
    expect(throttle.tryEnter('a').kind).toBe('free');
    throttle.leave('a', 'wrong');
    expect(throttle.tryEnter('a').kind).toBe('checked');
    throttle.leave('a', 'wrong');
    expect(throttle.tryEnter('a')).toEqual({ kind: 'refused', retryAfterSeconds: 1 });
    clock.advance(1_000);
    expect(throttle.tryEnter('a').kind).toBe('checked');
  });

  it('touches no other peer', () => {
    const throttle = createThrottle({ clock: createManualClock() });
    failTimes(throttle, 'a', 6);
    expect(throttle.tryEnter('b').kind).toBe('free');
  });

  it('forgets failures after 15 minutes', () => {
    const clock = createManualClock();
    const throttle = createThrottle({ clock });
    failTimes(throttle, 'a', 5);
    clock.advance(15 * 60_000 - 1);
    expect(throttle.tryEnter('a').kind).toBe('checked');
    throttle.leave('a', 'void');
    clock.advance(1_001);
    expect(throttle.tryEnter('a').kind).toBe('free');
  });

  it('counts guesses that are still being judged', async () => {
    const throttle = createThrottle({ clock: createManualClock() });
    const kinds: string[] = [];
    for (let guess = 0; guess < 6; guess += 1) kinds.push((await throttle.enter('a')).kind);
    expect(kinds).toEqual(['free', 'free', 'free', 'free', 'free', 'checked']);
    expect(throttle.tryEnter('a').kind).toBe('refused');
  });

  it('queues five, each a second apart, and refuses the sixth at once', async () => {
    const clock = createManualClock();
    const throttle = createThrottle({ clock });
    failTimes(throttle, 'a', 6);
    const startMs = clock.nowMs();
    const waits: number[] = [];
    const queued = Array.from({ length: 5 }, async () => {
      const turn = await throttle.enter('a');
      waits.push(clock.nowMs() - startMs);
      return turn.kind;
    });
    expect(await throttle.enter('a')).toEqual({ kind: 'refused', retryAfterSeconds: 6 });
    for (let second = 0; second < 5; second += 1) {
      clock.advance(1_000);
      await settle();
    }
    expect(await Promise.all(queued)).toEqual(['checked', 'checked', 'checked', 'checked', 'checked']);
    expect(waits).toEqual([1_000, 2_000, 3_000, 4_000, 5_000]);
  });

  it('is cleared by a right key', () => {
    const throttle = createThrottle({ clock: createManualClock() });
    failTimes(throttle, 'a', 5);
    expect(throttle.tryEnter('a').kind).toBe('checked');
    throttle.leave('a', 'right');
    expect(throttle.tryEnter('a').kind).toBe('free');
  });

  it('remembers at most 10,000 peers', () => {
    const throttle = createThrottle({ clock: createManualClock() });
    for (let index = 0; index < 12_000; index += 1) failTimes(throttle, `peer-${index}`, 1);
    expect(throttle.size()).toBe(10_000);
  });

  it('keeps nothing of peers that did nothing wrong', async () => {
    const throttle = createThrottle({ clock: createManualClock() });
    throttle.tryEnter('a');
    throttle.leave('a', 'right');
    await throttle.enter('b');
    throttle.leave('b', 'right');
    expect(throttle.size()).toBe(0);
  });

  it('ends its waits with the daemon', async () => {
    const clock = createManualClock();
    const life = new AbortController();
    const throttle = createThrottle({ clock, signal: life.signal });
    failTimes(throttle, 'a', 6);
    const waiting = throttle.enter('a');
    life.abort();
    expect((await waiting).kind).toBe('refused');
  });
});
