import { describe, expect, it } from 'vitest';
import type { AccountBlock } from '../../../internal/routing/ports.ts';
import { candidateKey, createRouter } from '../../../internal/routing/router.ts';
import { tableOf } from '../../support/config.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { entry, failed, neutral, none, query, setUp, times, type Routing } from './fixture.ts';

const block: AccountBlock = { reason: 'refresh_refused', detail: 'the vendor answered invalid_grant', sinceMs: Date.UTC(2026, 10, 24, 11, 30) };
const idOf = ({ table }: Pick<Routing, 'table'>, label: string): string => table.accounts.find((account) => account.label === label)?.id ?? '';
const stateOf = (routing: Routing, label: string) => routing.router.states(routing.table).find((state) => state.label === label);

describe('an account whose login needs a person', () => {
  it('is never picked, whatever its priority, and is again when that is over', () => {
    const routing = setUp([entry('a', { priority: 9 }), entry('b')]);
    routing.router.block(idOf(routing, 'a'), block);
    expect(times(3, routing.take)).toEqual(['b', 'b', 'b']);
    routing.router.block(idOf(routing, 'a'), undefined);
    expect(routing.take()).toBe('a');
  });

  it.each(['round-robin', 'weighted-round-robin', 'fill-first', 'least-busy'])('is passed over by %s', (strategy) => {
    const routing = setUp([entry('a'), entry('b'), entry('c')], { routing: { strategy } });
    routing.router.block(idOf(routing, 'b'), block);
    expect(new Set(times(6, routing.take)).has('b')).toBe(false);
  });

  it('is not picked either where cooling is off', () => {
    const routing = setUp([entry('a', { 'disable-cooling': true }), entry('b')], { 'disable-cooling': true });
    routing.router.block(idOf(routing, 'a'), block);
    expect(times(2, routing.take)).toEqual(['b', 'b']);
  });

  it('alone is 503 with the reason\'s class, and the message names no account', () => {
    const routing = setUp([entry('secret-account')]);
    routing.router.block(idOf(routing, 'secret-account'), block);
    const error = routing.refusal();
    expect(error).toMatchObject({ status: 503, code: 'account_unavailable', fields: { reason: 'needs_login' } });
    expect(error.message).not.toMatch(/secret-account|invalid_grant|refresh_refused/);
  });

  it('beside one that cools leaves the advice to wait', () => {
    const routing = setUp([entry('a'), entry('b')]);
    routing.router.block(idOf(routing, 'a'), block);
    routing.take(failed(429, 30_000));
    expect(routing.refusal()).toMatchObject({ code: 'model_cooldown', fields: { reset_seconds: 30 } });
  });

  it('is not what is told when others were tried and failed', () => {
    const { router, table, begin, ...routing } = setUp([entry('a'), entry('b')]);
    router.block(idOf({ table }, 'a'), block);
    const tried = begin();
    routing.end(tried, neutral);
    const refused = router.pick(table, query, new Set([candidateKey(tried)]));
    expect(refused).toMatchObject({ ok: false, error: { fields: { reason: 'needs_login' } } });
    const all = new Set(table.candidatesFor('m').map(candidateKey));
    expect(router.pick(table, query, all)).toMatchObject({ ok: false, error: { fields: { reason: 'all_failed' } } });
  });

  it('shows in its state, a disabled one stays disabled', () => {
    const routing = setUp([entry('a'), entry('off', { disabled: true })]);
    for (const label of ['a', 'off']) routing.router.block(idOf(routing, label), block);
    expect(stateOf(routing, 'a')).toMatchObject({ state: 'needs_login', block });
    expect(stateOf(routing, 'off')).toMatchObject({ state: 'disabled', block: undefined });
    routing.router.block(idOf(routing, 'a'), undefined);
    expect(stateOf(routing, 'a')).toMatchObject({ state: 'ready', block: undefined });
  });

  it('is explained with the reason and since when, behind those that cool', () => {
    const routing = setUp([entry('a'), entry('b'), entry('c')]);
    routing.router.block(idOf(routing, 'a'), block);
    routing.take(failed(429, 60_000));
    const rows = routing.router.explain(routing.table, query).candidates;
    expect(rows.map(({ label, usable }) => [label, usable])).toEqual([['c', true], ['b', false], ['a', false]]);
    expect(rows[2]?.skipped).toBe('it needs a login since 2026-11-24T11:30:00.000Z (refresh_refused): the vendor answered invalid_grant');
    expect(rows[2]).not.toHaveProperty('until');
  });

  it('begins anew once it is logged in: what the upstream said of the old credential no longer counts', () => {
    const routing = setUp([entry('a')]);
    routing.take(failed(401));
    expect(routing.take()).toBe('503 account_unavailable');
    routing.router.block(idOf(routing, 'a'), block);
    routing.router.block(idOf(routing, 'a'), undefined);
    expect(routing.take()).toBe('a');
  });

  it('keeps a rate limit over the login', () => {
    const routing = setUp([entry('a')]);
    routing.take(failed(429, 60_000));
    routing.router.block(idOf(routing, 'a'), block);
    routing.router.block(idOf(routing, 'a'), undefined);
    expect(routing.take()).toBe('429 model_cooldown');
  });

  it('stays blocked when cooldowns are reset, and when one of its attempts ends well', () => {
    const routing = setUp([entry('a')]);
    const candidate = routing.begin();
    routing.router.block(idOf(routing, 'a'), block);
    routing.end(candidate, { kind: 'success' });
    routing.router.resetCooldowns();
    expect(routing.take()).toBe('503 account_unavailable');
  });
});

describe('over reloads', () => {
  const a = entry('a');
  const rig = () => ({ router: createRouter(createManualClock()), before: tableOf({ 'openai-compatibility': [a, entry('b')] }) });

  it('a block survives as long as its account does', () => {
    const { router, before } = rig();
    const id = idOf({ table: before }, 'a');
    router.pick(before, query, none);
    router.block(id, block);
    const after = tableOf({ 'openai-compatibility': [entry('a', { priority: 3 })] });
    expect(router.pick(after, query, none)).toMatchObject({ ok: false, error: { fields: { reason: 'needs_login' } } });
    router.pick(tableOf({ 'openai-compatibility': [entry('b')] }), query, none);
    expect(router.pick(tableOf({ 'openai-compatibility': [a] }), query, none).ok).toBe(true);
  });

  it('a block that comes before its account\'s first table holds', () => {
    const { router, before } = rig();
    const next = tableOf({ 'openai-compatibility': [entry('new')] });
    router.block(idOf({ table: next }, 'new'), block);
    router.pick(before, query, none);
    expect(router.pick(next, query, none)).toMatchObject({ ok: false, error: { fields: { reason: 'needs_login' } } });
  });
});
