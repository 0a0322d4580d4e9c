import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dialect, Operation } from '../../../internal/dialect/dialect.ts';
import { createRouter } from '../../../internal/routing/router.ts';
import { tableOf } from '../../support/config.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { entry, failed, none, query, setUp } from './fixture.ts';

const reasons = (given: object, model: string) => {
  const router = createRouter(createManualClock());
  return Object.fromEntries(router.explain(tableOf(given), { model }).candidates.map(({ label, skipped }) => [label.split(' ')[0], skipped]));
};
const key = (at: number) => ({ 'api-key': `sk-test-0123456789-${at}` });

describe('explain', () => {
  it.each([
    ['m', { 'openai-compatibility': [entry('a', { disabled: true })] }, 'it is disabled in the config'],
    ['m', { 'openai-compatibility': [entry('a', { weight: 0 })], routing: { strategy: 'wrr' } }, 'its weight is 0'],
    ['m', { 'openai-compatibility': [entry('a', { 'excluded-models': ['M*'] })] }, 'one of its excluded-models patterns matches'],
    ['m', { 'openai-compatibility': [entry('a', { models: [{ name: 'm', alias: 'z' }] })] }, 'it serves this upstream model by the alias "z" only'],
    ['m', { 'openai-compatibility': [entry('a', { prefix: 'p' })], 'force-model-prefix': true }, 'it is reached as "p/m" only'],
    ['x', { 'openai-compatibility': [entry('a')] }, 'its models do not name it'],
    ['x', { 'openai-compatibility': [entry('a', { prefix: 'p', models: [] })] }, 'it takes names below "p/" only'],
    ['gpt-4o', { 'openai-compatibility': [entry('a', { models: [] })], 'codex-api-key': [key(1)] }, 'another account claims the name, and this one takes only what none claims'],
    ['p/x', { 'openai-compatibility': [entry('a', { models: [] }), entry('b', { prefix: 'p', models: [] })] }, 'names below "p/" belong to the accounts with that prefix'],
    ['x'.repeat(600), { 'openai-compatibility': [entry('a', { models: [] })] }, 'no model has a name of this length'],
  ])('%s: %j', (model, given, reason) => {
    expect(reasons(given, model)['a']).toBe(reason);
  });

  it('a vendor key does not take names of other vendors', () => {
    expect(reasons({ 'claude-api-key': [key(1)] }, 'gpt-4o')['claude']).toBe('the name does not look like one of its vendor');
  });

  it('tells until when one cools, and that a soft one is still used', () => {
    const { router, table, take, clock } = setUp([entry('a'), entry('b')], { 'max-cooldown': '10m' });
    take(failed(429, 3_600_000));
    take(failed(503));
    expect(router.explain(table, { model: 'm' }).candidates).toMatchObject([
      { label: 'b', usable: false, skipped: 'the upstream failed (503); used only while nothing healthier serves the model', until: new Date(clock.nowMs() + 1_000).toISOString() },
      { label: 'a', usable: false, skipped: 'rate limited (429), as the upstream said', until: new Date(clock.nowMs() + 600_000).toISOString() },
    ]);
  });

  it('names every account once or more, and puts first what a pick then takes, in every dialect', () => {
    const name = fc.constantFrom('m', 'n', 'gpt-4o', 'claude-x', 'p/m', 'q/gpt-4o', 'p/claude-x');
    const account = fc.record({
      prefix: fc.constantFrom('', 'p', 'q'),
      models: fc.array(fc.record({ name: fc.constantFrom('m', 'gpt-4o', 'p/m'), alias: fc.constantFrom('', 'm', 'n') }), { maxLength: 2 }),
      'excluded-models': fc.array(fc.constantFrom('m', 'gpt-*', '*'), { maxLength: 1 }),
      disabled: fc.boolean(),
      weight: fc.nat(1),
      priority: fc.nat(1),
    });
    const operations: readonly (readonly [Dialect, Operation])[] = [['openai-chat', 'chat'], ['openai-responses', 'responses'], ['anthropic-messages', 'messages'], ['gemini', 'gemini-generate']];
    fc.assert(
      fc.property(name, fc.array(account, { maxLength: 3 }), fc.array(account, { maxLength: 2 }), fc.array(account, { maxLength: 2 }), fc.boolean(), fc.constantFrom('rr', 'wrr'), (model, compats, codexes, claudes, isForced, strategy) => {
        const table = tableOf({
          'openai-compatibility': compats.map((each, index) => ({ name: `c${index}`, 'base-url': 'https://c.example/v1', ...each })),
          'codex-api-key': codexes.map((each, index) => ({ ...key(index), ...each })),
          'claude-api-key': claudes.map((each, index) => ({ ...key(index), ...each })),
          'force-model-prefix': isForced,
          routing: { strategy },
        });
        const router = createRouter(createManualClock());
        const rows = router.explain(table, { model }).candidates;
        expect(new Set(rows.map(({ accountId }) => accountId))).toEqual(new Set(table.accounts.map(({ id }) => id)));
        for (const [dialect, operation] of operations) {
          const explained = router.explain(table, { model, dialect }).candidates;
          const first = explained.find(({ place }) => place === 1);
          const picked = router.pick(table, { model, dialect, operation }, none);
          expect(picked.ok ? picked.value.account.id : undefined, JSON.stringify([dialect, explained])).toBe(first?.accountId);
          expect(explained.filter(({ usable }) => usable).length, JSON.stringify([dialect, explained])).toBe(explained.filter(({ place }) => place !== undefined).length);
        }
      }),
    );
  });
});

describe('refusals', () => {
  it('a model nobody serves: 404 with near names, and what the client sent is shown harmless', () => {
    const { refusal } = setUp([entry('a', { models: [{ name: 'llama-3.3-70b' }] })]);
    expect(refusal({ ...query, model: 'llama-3.3-7b' })).toMatchObject({ status: 404, message: 'No account serves the model "llama-3.3-7b". Did you mean "llama-3.3-70b"?', fields: { param: 'model' } });
    expect(refusal({ ...query, model: 'x\u001b[2J\u202e\n' }).message).toMatch(/^[ -~]+$/);
    expect(refusal({ ...query, model: 'y'.repeat(5_000) }).message.length).toBeLessThan(250);
  });

  it.each([
    ['completions', 'text completions'],
    ['embeddings', 'embeddings'],
    ['images', 'images'],
    ['audio', 'audio'],
  ] as const)('%s of a model whose accounts have none: 501 that says so, for it cannot be translated', (operation, named) => {
    const { refusal, take } = setUp([], { 'claude-api-key': [key(1)] });
    expect(take({ kind: 'success' }, { ...query, model: 'claude-sonnet-5' })).toContain('claude');
    expect(refusal({ ...query, model: 'claude-sonnet-5', operation })).toMatchObject({
      status: 501, code: 'dialect_not_served', fields: { param: 'model', operation, dialects: ['anthropic-messages'] },
      message: `No account that serves the model "claude-sonnet-5" offers ${named}, and that cannot be translated.`,
    });
  });

  it('an operation the vendor lacks though it speaks the dialect: 501', () => {
    const { refusal } = setUp([], { 'claude-api-key': [{ ...key(1), dialects: ['openai-chat'] }] });
    expect(refusal({ ...query, model: 'claude-x', operation: 'embeddings' })).toMatchObject({ status: 501, message: expect.stringContaining('embeddings') });
  });

  it('when all have failed this request and none cools, that is said', () => {
    const { router, table } = setUp([entry('a', { 'disable-cooling': true })]);
    const id = table.accounts[0]?.id ?? '';
    expect(router.pick(table, query, new Set([`${id} m`]))).toMatchObject({ ok: false, error: { code: 'account_unavailable', fields: { reason: 'all_failed' } } });
  });

  it('of quota and refused credentials the quota is told, for it ends', () => {
    const { take, refusal } = setUp([entry('a'), entry('b')]);
    take(failed(401));
    take(failed(429, 3_665_000));
    expect(refusal()).toMatchObject({ code: 'model_cooldown', fields: { model: 'm', reset_seconds: 900, reset_time: '15m0s' }, headers: { 'retry-after': '900' } });
  });
});
