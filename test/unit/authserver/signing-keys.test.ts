import { describe, expect, it } from 'vitest';
import { createSigningKeys, keptMsAfter } from '../../../internal/authserver/signing-keys.ts';
import type { SigningKey } from '../../../internal/clients/issued/store.ts';
import { createManualClock } from '../../support/manual-clock.ts';

describe('the keys that sign', () => {
  it('are published for as long as their tokens may live, and then no longer: whoever publishes them is told', () => {
    const clock = createManualClock();
    let kept: readonly SigningKey[] = [];
    const store = {
      signingKeys: () => kept,
      insertSigningKey: (key: SigningKey, isAlone: boolean) => {
        kept = [key, ...kept.map((each) => (isAlone ? { ...each, retiredAtMs: each.retiredAtMs ?? clock.nowMs() } : each))];
      },
    };
    const keys = createSigningKeys({ store, clock, keptMs: () => keptMsAfter(3_600_000) });
    expect(keys.rotateIfDue()).toBe(false);
    const [first] = keys.current();
    const second = keys.rotate();
    expect([keys.rotateIfDue(), keys.rotateIfDue(), keys.current().map(({ kid }) => kid)]).toEqual([true, false, [second.kid, first?.kid]]);
    clock.advance(keptMsAfter(3_600_000) + 1);
    expect([keys.rotateIfDue(), keys.current().map(({ kid }) => kid)]).toEqual([true, [second.kid]]);
    clock.advance(91 * 86_400_000);
    expect([keys.rotateIfDue(), keys.current().length]).toEqual([true, 2]);
  });
});
