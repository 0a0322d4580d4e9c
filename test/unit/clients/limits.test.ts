import { describe, expect, it } from 'vitest';
import type { BudgetStore } from '../../../internal/clients/limits/budget-store.ts';
import type { Lease, Use } from '../../../internal/clients/limits/lease.ts';
import { isMetered, type Demand } from '../../../internal/clients/limits/limits.ts';
import type { Grant } from '../../../internal/clients/grant.ts';
import type { Principal } from '../../../internal/clients/principal.ts';
import type { AppError } from '../../../internal/fault/app-error.ts';
import { createMemoryBudgetStore } from '../../../internal/storage/memory/budget-store.ts';
import { callerLimits, type CallerLimits } from '../../support/caller-limits.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

const noon = Date.UTC(2026, 10, 24, 12);
const price = { input: 1, output: 10, cached: 0.1 };

/** A caller with its own grant first, then its minters'. */
function holding(...grants: readonly Grant[]): Principal {
  return { id: 'ck_0', kind: 'managed-key', label: 'key', holders: grants.map((grant, index) => ({ id: `ck_${index}`, grant })) };
}

interface Bench extends CallerLimits {
  readonly clock: ManualClock;
  readonly lease: (principal: Principal, demand?: Partial<Demand>) => Lease;
  readonly refusal: (principal: Principal, demand?: Partial<Demand>) => AppError;
  /** `ok`, or the code and the limit. */
  readonly ask: (principal: Principal, demand?: Partial<Demand>) => string;
}

function setUp(store: BudgetStore = createMemoryBudgetStore(), maxHolders?: number, clock = createManualClock(noon)): Bench {
  const counted = callerLimits(clock, store, maxHolders);
  const admit = (principal: Principal, demand: Partial<Demand> = {}) => counted.limits.admit(principal, { input: 0, output: 0, price: undefined, draws: 'tokens', ...demand });
  return {
    ...counted,
    clock,
    lease: (principal, demand) => {
      const admitted = admit(principal, demand);
      if (!admitted.ok) throw admitted.error;
      return admitted.value;
    },
    refusal: (principal, demand) => {
      const admitted = admit(principal, demand);
      if (admitted.ok) throw new Error('it was let in');
      return admitted.error;
    },
    ask: (principal, demand) => {
      const admitted = admit(principal, demand);
      return admitted.ok ? 'ok' : `${admitted.error.code} ${String(admitted.error.fields['limit'])}`;
    },
  };
}

const used = (tokens: number, more: Partial<Use> = {}): Use => ({ input: tokens, output: 0, cached: 0, wasSent: true, ...more });

describe('callers without limits', () => {
  it('are not counted at all', () => {
    expect(isMetered({})).toBe(false);
    expect(isMetered(holding({}, { models: ['*'], scopes: ['models:use'] }))).toBe(false);
    expect(isMetered(holding({}, { maxConcurrent: 3 }))).toBe(true);
  });
});

describe('requests a minute', () => {
  const key = holding({ requestsPerMinute: 3 });

  it('lets in as many as it says, then one as often as it says, to the millisecond of Retry-After', () => {
    const { ask, refusal, clock } = setUp();
    expect([ask(key), ask(key), ask(key)]).toEqual(['ok', 'ok', 'ok']);
    const refused = refusal(key);
    expect([refused.status, refused.code, refused.headers['retry-after'], refused.headers['retry-after-ms']]).toEqual([429, 'rate_limit_exceeded', '20', '20000']);
    clock.advance(19_999);
    expect(ask(key)).toBe('rate_limit_exceeded requests_per_minute');
    clock.advance(1);
    expect([ask(key), ask(key)]).toEqual(['ok', 'rate_limit_exceeded requests_per_minute']);
  });

  it('says which limit it is, how high, whose, and when it lets the next one in', () => {
    const { ask, refusal } = setUp();
    for (let count = 0; count < 3; count += 1) ask(key);
    expect(refusal(key).fields).toEqual({ limit: 'requests_per_minute', limit_value: 3, limit_of: 'key', reset_seconds: 20, reset_time: '2026-11-24T12:00:20.000Z' });
    expect(refusal(key).headers).toMatchObject({ 'x-ratelimit-limit-requests': '3', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '20s' });
  });

  it('counts a refused request for nothing', () => {
    const { ask, clock } = setUp();
    for (let count = 0; count < 50; count += 1) ask(key);
    clock.advance(60_000);
    expect([ask(key), ask(key), ask(key), ask(key)]).toEqual(['ok', 'ok', 'ok', 'rate_limit_exceeded requests_per_minute']);
  });

  it('a changed limit counts from the next request on', () => {
    const { ask } = setUp();
    for (let count = 0; count < 3; count += 1) ask(key);
    expect(ask(holding({ requestsPerMinute: 4 }))).toBe('ok');
    expect(ask(holding({ requestsPerMinute: 2 }))).toBe('rate_limit_exceeded requests_per_minute');
    expect(ask(holding({}))).toBe('ok');
  });
});

describe('tokens a minute', () => {
  const key = holding({ tokensPerMinute: 1_000 });

  it('reserves the estimate, and puts what was used in its place', () => {
    const { ask, lease } = setUp();
    const first = lease(key, { input: 100, output: 900 });
    expect(ask(key, { input: 1 })).toBe('rate_limit_exceeded tokens_per_minute');
    first.settle(used(50));
    expect(ask(key, { input: 950 })).toBe('ok');
    expect(ask(key, { input: 1 })).toBe('rate_limit_exceeded tokens_per_minute');
  });

  it('what was estimated too low is owed', () => {
    const { lease, refusal } = setUp();
    lease(key, { input: 10 }).settle(used(3_000));
    expect(refusal(key, { input: 10 }).headers['retry-after']).toBe('121');
  });

  it('an estimate above the whole limit waits for all of it, not for ever', () => {
    const { lease, refusal, ask, clock } = setUp();
    lease(key, { input: 1_000_000 }).settle(used(500));
    expect(refusal(key, { input: 1_000_000 }).headers['retry-after']).toBe('30');
    clock.advance(30_000);
    expect(ask(key, { input: 1_000_000 })).toBe('ok');
  });

  it('what has come back meanwhile is not given back once more', () => {
    const { lease, ask, clock } = setUp();
    const slow = lease(key, { input: 1_000 });
    clock.advance(60_000);
    expect(ask(key, { input: 1_000 })).toBe('ok');
    slow.settle(used(0));
    expect(ask(key, { input: 1 })).toBe('rate_limit_exceeded tokens_per_minute');
  });
});

describe('exchanges at one time', () => {
  it('are no more than the limit, and one that ends makes room at once', () => {
    const { lease, ask, refusal } = setUp();
    const key = holding({ maxConcurrent: 2 });
    const first = lease(key);
    lease(key);
    expect(refusal(key)).toMatchObject({ code: 'rate_limit_exceeded', fields: { limit: 'max_concurrent', limit_value: 2, held: true }, headers: { 'retry-after': '1' } });
    first.settle(used(0));
    first.settle(used(0));
    expect([ask(key), ask(key)]).toEqual(['ok', 'rate_limit_exceeded max_concurrent']);
  });
});

describe('budgets', () => {
  it('a day’s requests are as many as it says until midnight UTC', () => {
    const { lease, refusal, ask, clock } = setUp();
    const key = holding({ dailyBudget: { requests: 2 } });
    lease(key).settle(used(0));
    lease(key).settle(used(0));
    const refused = refusal(key);
    expect([refused.status, refused.code, refused.headers['retry-after']]).toEqual([429, 'budget_exhausted', String(12 * 3_600)]);
    expect(refused.fields).toMatchObject({ limit: 'daily_requests', limit_value: 2, reset_time: '2026-11-25T00:00:00.000Z' });
    clock.advance(12 * 3_600_000 - 1);
    expect(ask(key)).toBe('budget_exhausted daily_requests');
    clock.advance(1);
    expect(ask(key)).toBe('ok');
  });

  it('a month ends with the month, a year’s last one too', () => {
    const at = setUp(undefined, undefined, createManualClock(Date.UTC(2026, 11, 31, 23, 59, 59)));
    const key = holding({ monthlyBudget: { requests: 1 } });
    at.lease(key).settle(used(0));
    expect(at.refusal(key).fields['reset_time']).toBe('2027-01-01T00:00:00.000Z');
    at.clock.advance(1_000);
    expect(at.ask(key)).toBe('ok');
  });

  it('of many at one time, a budget for one lets in one', () => {
    const budgets: readonly Grant[] = [{ dailyBudget: { requests: 1 } }, { dailyBudget: { tokens: 1_050 } }, { monthlyBudget: { cost: 0.00105 } }];
    for (const grant of budgets) {
      const { ask } = setUp();
      const answers = Array.from({ length: 100 }, () => ask(holding(grant), { input: 1_000, output: 0, price }));
      expect(answers.filter((answer) => answer === 'ok')).toHaveLength(1);
    }
  });

  it('what was reserved and not used is there again at the end', () => {
    const { lease, ask, refusal } = setUp();
    const key = holding({ dailyBudget: { tokens: 1_000 } });
    const first = lease(key, { input: 600 });
    expect(refusal(key, { input: 600 })).toMatchObject({ code: 'budget_exhausted', fields: { held: true }, headers: { 'retry-after': '1' } });
    first.settle(used(100));
    expect(ask(key, { input: 600 })).toBe('ok');
  });

  it('an exchange that no upstream was asked for costs nothing', () => {
    const { lease, ask } = setUp();
    const key = holding({ dailyBudget: { requests: 1, tokens: 100 } });
    lease(key, { input: 100 }).settle(used(0, { wasSent: false }));
    expect(ask(key, { input: 100 })).toBe('ok');
  });

  it('is exceeded by its last exchange alone: an estimate above what is left goes by itself, and none after it', () => {
    const { lease, ask } = setUp();
    const key = holding({ dailyBudget: { tokens: 1_000 } });
    const last = lease(key, { input: 5_000 });
    expect(ask(key, { input: 1 })).toBe('budget_exhausted daily_tokens');
    last.settle(used(4_000));
    expect(ask(key, { input: 1 })).toBe('budget_exhausted daily_tokens');
  });

  it('in money counts input, cached input and output by their prices', () => {
    const { lease, refusal, ask } = setUp();
    const key = holding({ monthlyBudget: { cost: 0.01 } });
    lease(key, { price }).settle({ input: 1_000, cached: 1_000, output: 980, wasSent: true });
    expect(ask(key, { input: 100, price })).toBe('ok');
    lease(holding({ monthlyBudget: { cost: 1 } }), { price }).settle({ input: 0, cached: 0, output: 2, wasSent: true });
    expect(refusal(key, { input: 100, price })).toMatchObject({ code: 'budget_exhausted', fields: { limit: 'monthly_cost', limit_value: 0.01 } });
  });

  it('an exchange over midnight counts for the day it began in', () => {
    const { lease, ask, clock } = setUp();
    const key = holding({ dailyBudget: { tokens: 100 } });
    const late = lease(key, { input: 10 });
    clock.advance(12 * 3_600_000);
    expect(ask(key, { input: 10 })).toBe('ok');
    late.settle(used(10_000));
    expect(ask(key, { input: 10 })).toBe('ok');
  });
});

describe('children and their minters', () => {
  it('a child draws on its minter’s budget, and on nobody else’s', () => {
    const { lease, ask, refusal } = setUp();
    const minter: Principal = { ...holding(), holders: [{ id: 'ck_minter', grant: { dailyBudget: { tokens: 100 } } }] };
    const child = (id: string): Principal => ({ id, kind: 'managed-key', label: id, holders: [{ id, grant: { dailyBudget: { tokens: 1_000 } } }, ...(minter.holders ?? [])] });
    lease(child('ck_a'), { input: 60 }).settle(used(60));
    lease(child('ck_b'), { input: 40 }).settle(used(40));
    expect(ask(minter, { input: 1 })).toBe('budget_exhausted daily_tokens');
    expect(refusal(child('ck_a'), { input: 1 }).fields).toMatchObject({ limit: 'daily_tokens', limit_value: 100, limit_of: 'minter' });
  });

  it('a refusal by one holder takes nothing of any other', () => {
    const { ask } = setUp();
    const own: Grant = { requestsPerMinute: 1, maxConcurrent: 1, dailyBudget: { requests: 1, tokens: 10 }, tokensPerMinute: 10 };
    expect(ask(holding(own, { tokensPerMinute: 10, maxConcurrent: 0 }), { input: 10 })).toBe('rate_limit_exceeded max_concurrent');
    expect(ask(holding(own), { input: 10 })).toBe('ok');
  });

  it('of several limits the one that takes longest is told of', () => {
    const { ask, refusal } = setUp();
    const key = holding({ requestsPerMinute: 1 }, { dailyBudget: { requests: 1 } });
    ask(key);
    expect(refusal(holding({ requestsPerMinute: 1 }, { requestsPerMinute: 1 })).fields['limit_of']).toBe('key');
    expect(refusal(holding({ maxConcurrent: 1 }, { requestsPerMinute: 1 })).fields).toMatchObject({ limit: 'max_concurrent' });
  });
});

describe('what was spent, kept over restarts', () => {
  const key = holding({ dailyBudget: { tokens: 100 }, monthlyBudget: { requests: 3 } });

  it('is written within a second and counts in the next process', () => {
    const first = setUp();
    first.lease(key, { input: 100 }).settle(used(100));
    first.clock.advance(1_000);
    const second = setUp(first.store);
    expect(second.ask(key, { input: 1 })).toBe('budget_exhausted daily_tokens');
    expect(second.ask(holding({ monthlyBudget: { requests: 1 } }))).toBe('budget_exhausted monthly_requests');
  });

  it('is read once a holder, not once an exchange', () => {
    let reads = 0;
    const store = createMemoryBudgetStore();
    const at = setUp({ ...store, load: (...asked) => (reads++, store.load(...asked)) });
    for (let count = 0; count < 5; count += 1) at.ask(holding({ dailyBudget: { requests: 3 } }));
    at.clock.advance(86_400_000);
    at.ask(holding({ dailyBudget: { requests: 3 } }));
    expect(reads).toBe(1);
  });

  it('where it cannot be read at first is 503 and no word against the key; what is known goes on from memory', async () => {
    const store = createMemoryBudgetStore();
    let isBroken = false;
    const fail = (): never => {
      throw new Error('disk');
    };
    const at = setUp({ ...store, load: (...asked) => (isBroken ? fail() : store.load(...asked)), add: (rows) => (isBroken ? fail() : store.add(rows)) });
    at.lease(key, { input: 50 }).settle(used(50));
    isBroken = true;
    const stranger: Principal = { ...key, holders: [{ id: 'ck_stranger', grant: { dailyBudget: { requests: 1 } } }] };
    expect(at.refusal(stranger)).toMatchObject({ status: 503, code: 'auth_unavailable', headers: { 'retry-after': '5' } });
    at.lease(key, { input: 50 }).settle(used(50));
    expect(at.ask(key, { input: 1 })).toBe('budget_exhausted daily_tokens');
    at.clock.advance(1_000);
    await at.ledger.flush();
    isBroken = false;
    await at.ledger.close();
    expect(store.load('ck_0', { dayMs: Date.UTC(2026, 10, 24), monthMs: Date.UTC(2026, 10, 1) })).toMatchObject([{ tokens: 100, requests: 2 }, { requests: 2 }]);
  });

  it('what is not written yet is no less spent when a holder was forgotten', () => {
    const at = setUp(undefined, 1);
    at.lease(key, { input: 100 }).settle(used(100));
    at.ask({ ...key, holders: [{ id: 'ck_other', grant: { maxConcurrent: 1 } }] });
    expect(at.ask(key, { input: 1 })).toBe('budget_exhausted daily_tokens');
  });
});

describe('amounts that cannot be', () => {
  const key = holding({ tokensPerMinute: 1_000, dailyBudget: { tokens: 1_000, cost: 1 }, monthlyBudget: { tokens: 5_000 } });

  it.each([Number.NaN, Infinity, -Infinity, -1e300])('%d used, or asked for, poisons no counter and gives nothing back', async (odd) => {
    const { ledger, store, lease, ask } = setUp();
    lease(key, { input: 600, price }).settle(used(600));
    lease(key, { input: odd, output: odd, price: { input: odd, output: odd, cached: odd } }).settle({ input: odd, output: odd, cached: odd, wasSent: true });
    expect(ask(key, { input: 600 })).toMatch(/budget_exhausted|rate_limit_exceeded/);
    lease(key, { input: 300, price }).settle(used(300));
    expect(ask(key, { input: 200 })).toMatch(/budget_exhausted|rate_limit_exceeded/);
    await ledger.flush();
    expect(store.load('ck_0', { dayMs: Date.UTC(2026, 10, 24), monthMs: Date.UTC(2026, 10, 1) })).toMatchObject([{ tokens: 900, requests: 3, cost: 0.0009 }, { tokens: 900 }]);
  });

  it('a row that was spoilt in the store counts for nothing', () => {
    const { store, ask } = setUp();
    store.add([{ holderId: 'ck_0', span: 'day', startMs: Date.UTC(2026, 10, 24), requests: 1, tokens: Number.NaN, cost: -5 }]);
    expect([ask(holding({ dailyBudget: { tokens: 10, cost: 1 } }), { input: 5, price }), ask(holding({ dailyBudget: { tokens: 10 } }), { input: 6 })]).toEqual(['ok', 'budget_exhausted daily_tokens']);
  });
});

describe('the table of holders', () => {
  it('stays bounded, and keeps those with exchanges under way', () => {
    const at = setUp(undefined, 10);
    const one = (id: string): Principal => ({ ...holding(), holders: [{ id, grant: { maxConcurrent: 1 } }] });
    const kept = at.lease(one('ck_kept'));
    for (let count = 0; count < 1_000; count += 1) at.lease(one(`ck_${count}`)).settle(used(0));
    expect(at.limits.size()).toBeLessThanOrEqual(10);
    expect(at.ask(one('ck_kept'))).toBe('rate_limit_exceeded max_concurrent');
    kept.settle(used(0));
    expect(at.ask(one('ck_kept'))).toBe('ok');
  });
});
