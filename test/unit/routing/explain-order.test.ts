import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExplainedCandidate } from '../../../internal/routing/explanation.ts';
import { candidateKey } from '../../../internal/routing/router.ts';
import { entry, failed, neutral, query, setUp, success, type Routing } from './fixture.ts';

const minuteMs = 60_000;
const rowsOf = ({ router, table }: Routing): readonly ExplainedCandidate[] => router.explain(table, { model: 'm' }).candidates;
const rowOf = (routing: Routing, label: string): ExplainedCandidate => rowsOf(routing).find((row) => row.label === label) ?? expect.fail(`no row of ${label}`);

/** As an exchange goes through them when each fails for a reason that is not the account's. */
function tryAll({ router, table }: Routing): readonly string[] {
  const tried = new Set<string>();
  const labels: string[] = [];
  for (;;) {
    const picked = router.pick(table, query, tried);
    if (!picked.ok) return labels;
    router.settle(picked.value, query, neutral);
    tried.add(candidateKey(picked.value));
    labels.push(picked.value.account.label);
  }
}

describe('the order that explain tells', () => {
  it.each(['round-robin', 'weighted-round-robin', 'fill-first', 'least-busy'])('is the order in which an exchange then asks, under %s', (strategy) => {
    const account = fc.record({ priority: fc.nat(1), weight: fc.integer({ min: 0, max: 4 }), disabled: fc.boolean() });
    const before = fc.array(fc.record({ outcome: fc.constantFrom(success, neutral, failed(503), failed(429, 20_000), failed(401), failed(404)), waitMs: fc.constantFrom(0, 1_000, 30_000) }), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(account, { minLength: 1, maxLength: 5 }), before, (accounts, steps) => {
        const routing = setUp(accounts.map((each, index) => entry(`a${index}`, each)), { routing: { strategy } });
        for (const { outcome, waitMs } of steps) {
          routing.take(outcome);
          routing.clock.advance(waitMs);
        }
        const told = rowsOf(routing).filter(({ place }) => place !== undefined);
        expect(told.map(({ place }) => place)).toEqual(told.map((_, index) => index + 1));
        expect(told.map(({ label }) => label)).toEqual(tryAll(routing));
      }),
    );
  });

  it('takes no turn', () => {
    const routing = setUp([entry('a'), entry('b'), entry('c')]);
    routing.take();
    expect([rowsOf(routing), rowsOf(routing), rowsOf(routing)].map((rows) => rows[0]?.label)).toEqual(['b', 'b', 'b']);
    expect(routing.take()).toBe('b');
  });
});

describe('what explain tells of an account', () => {
  it('in which dialect it is asked, and whether that is translated', () => {
    const { router, table } = setUp([entry('a', { dialects: ['openai-chat', 'anthropic-messages'] }), entry('b')]);
    const asked = (dialect?: 'anthropic-messages' | 'gemini') => router.explain(table, { model: 'm', dialect }).candidates.map(({ askedIn, isTranslated }) => [askedIn, isTranslated]);
    expect(asked()).toEqual([['openai-chat', false], ['openai-chat', false]]);
    expect(asked('anthropic-messages')).toEqual([['anthropic-messages', false], ['openai-chat', true]]);
    expect(asked('gemini')).toEqual([['openai-chat', true], ['openai-chat', true]]);
  });

  it('its cooldowns: how far, whose time, how many failures, and when it is tried next', () => {
    const routing = setUp([entry('a')], { 'max-cooldown': '10m' });
    const startMs = routing.clock.nowMs();
    const at = (ms: number): string => new Date(startMs + ms).toISOString();
    routing.take(failed(429, 7 * 86_400_000));
    expect(rowOf(routing, 'a')).toMatchObject({
      usable: false, skipClass: 'cooling', until: at(10 * minuteMs),
      cooldowns: [{ scope: 'model', model: 'm', status: 429, source: 'upstream', failures: 1, since: at(0), until: at(7 * 86_400_000), nextTry: at(10 * minuteMs), isProbing: false }],
    });
    routing.clock.advance(10 * minuteMs);
    expect(rowOf(routing, 'a')).toMatchObject({ place: 1, usable: true, cooldowns: [{ nextTry: at(10 * minuteMs) }] });
    routing.begin();
    expect(rowOf(routing, 'a')).toMatchObject({ usable: false, skipClass: 'cooling', cooldowns: [{ isProbing: true }] });
  });

  it('that the time is Keyward\'s own where the upstream named none, or none to be believed', () => {
    const routing = setUp([entry('a')]);
    routing.take(failed(429));
    expect(rowOf(routing, 'a').cooldowns).toMatchObject([{ source: 'own', failures: 1 }]);
    routing.clock.advance(minuteMs);
    routing.take(failed(429, 500));
    expect(rowOf(routing, 'a').cooldowns).toMatchObject([{ source: 'own', failures: 2 }]);
  });

  it('that it is on trial, and what it failed by', () => {
    const routing = setUp([entry('a'), entry('b')]);
    routing.take(failed(503));
    routing.clock.advance(1_000);
    routing.begin();
    routing.begin();
    const row = rowOf(routing, 'a');
    expect(row).toMatchObject({ place: 2, usable: false, skipClass: 'on_trial', cooldowns: [{ status: 503, isProbing: true }] });
    expect(row.skipped).toBe('the upstream failed (503); a request is trying it now, others use it only while nothing healthier serves the model');
  });

  it('nothing of cooldowns that a success ended, or that are off', () => {
    const routing = setUp([entry('a')]);
    routing.take(failed(503));
    routing.take();
    expect(rowOf(routing, 'a').cooldowns).toEqual([]);
    const off = setUp([entry('a')], { 'disable-cooling': true });
    off.take(failed(503));
    expect(rowOf(off, 'a')).toMatchObject({ place: 1, usable: true, cooldowns: [] });
  });

  it.each([
    ['disabled', { disabled: true }, {}],
    ['no_weight', { weight: 0 }, { routing: { strategy: 'wrr' } }],
    ['excluded', { 'excluded-models': ['m'] }, {}],
    ['other_name', { models: [{ name: 'x' }] }, {}],
  ])('the class of why it is skipped: %s', (skipClass, more, settings) => {
    expect(rowOf(setUp([entry('a', more), entry('b')], settings), 'a')).toMatchObject({ usable: false, skipClass });
  });

  it('the class of what only a person ends', () => {
    const refused = setUp([entry('a'), entry('b')]);
    refused.take(failed(401));
    expect(rowOf(refused, 'a')).toMatchObject({ skipClass: 'credential_refused' });
    const blocked = setUp([entry('a'), entry('b')]);
    blocked.router.block(blocked.table.accounts[0]?.id ?? '', { reason: 'refresh_refused', detail: 'd', sinceMs: 0 });
    expect(rowOf(blocked, 'a')).toMatchObject({ skipClass: 'needs_login' });
  });
});
