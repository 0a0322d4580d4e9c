import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { createDispatchers, type Dispatchers } from '../../../internal/egress/dispatchers.ts';
import { silentLogger } from '../../../internal/log/logger.ts';
import { createFetchedModels, type FetchedModels } from '../../../internal/proxy/fetched-models.ts';
import { proxyLimits, type ProxySnapshot } from '../../../internal/proxy/limits.ts';
import { createUpstreams } from '../../../internal/proxy/upstreams.ts';
import { buildRoutingTable } from '../../../internal/routing/table.ts';
import { configOf } from '../../support/config.ts';
import { createFakeKeeper } from '../../support/fake-keeper.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';
import { answerJson, startScriptedUpstream, type Script, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { until } from '../../support/until.ts';

const minuteMs = 60_000;
let upstream: ScriptedUpstream;
let dispatchers: Dispatchers;
let clock: ManualClock;
let fetched: FetchedModels;
let warnings: object[];

const listing = (...names: readonly string[]): Script => (_seen, res) => answerJson(res, 200, { data: names.map((id) => ({ id })) });

beforeEach(async () => {
  upstream = await startScriptedUpstream(listing('llama', 'mistral'));
  dispatchers = createDispatchers({ environment: { httpProxy: undefined, httpsProxy: undefined, noProxy: undefined }, connectTimeoutMs: () => 5_000 });
  clock = createManualClock();
  warnings = [];
  fetched = createFetchedModels({
    clock,
    log: { ...silentLogger, warn: (fields) => void warnings.push(typeof fields === 'string' ? {} : fields) },
    upstreams: createUpstreams({ userAgent: 'keyward/test', dispatchers }),
    tokens: createFakeKeeper(),
  });
});
afterEach(async () => {
  await fetched.close();
  await dispatchers.close();
  await upstream.close();
});

function snapshotOf(given: object): ProxySnapshot {
  const config = configOf(given);
  return { routes: buildRoutingTable(accountsFromConfig(config).accounts, config), limits: proxyLimits(config) };
}

const compat = (more: object = {}): object => ({ name: 'local', 'base-url': `${upstream.url}/v1`, ...more });
const one = (more: object = {}, settings: object = {}): ProxySnapshot => snapshotOf({ 'openai-compatibility': [compat(more)], ...settings });
const list = async (snapshot: ProxySnapshot): Promise<readonly string[]> => (await fetched.listModels(snapshot)).map(({ id }) => id);
/** Lists once more when what is under way has come. */
const listAfter = async (snapshot: ProxySnapshot, asked: number): Promise<readonly string[]> => {
  await list(snapshot);
  await until('the upstream is asked', () => upstream.seen.length >= asked);
  await until('its answer is read', async () => (await list(snapshot)).length > 0);
  return list(snapshot);
};

describe('a fetched list', () => {
  it('is in the first answer where the upstream is quick', async () => {
    expect(await fetched.listModels(one())).toEqual([
      { id: 'llama', ownedBy: 'local', dialects: ['openai-chat'] },
      { id: 'mistral', ownedBy: 'local', dialects: ['openai-chat'] },
    ]);
  });

  it('is asked for once, however many ask at the same time, and kept for its time', async () => {
    const snapshot = one();
    await Promise.all([list(snapshot), list(snapshot), list(snapshot)]);
    clock.advance(59 * minuteMs);
    expect(await list(snapshot)).toEqual(['llama', 'mistral']);
    expect(upstream.seen).toHaveLength(1);
  });

  it('of old age is shown once more while a new one is fetched', async () => {
    const snapshot = one();
    await list(snapshot);
    upstream.setScript(listing('newer'));
    clock.advance(60 * minuteMs);
    expect(await list(snapshot)).toEqual(['llama', 'mistral']);
    await until('the new list is shown', async () => (await list(snapshot)).includes('newer'));
    expect([await list(snapshot), upstream.seen.length]).toEqual([['newer'], 2]);
  });

  it('outlives a reload, and a shorter time counts at once', async () => {
    await list(one());
    upstream.setScript(() => undefined);
    expect(await list(one({ prefix: 'p' }))).toEqual(['p/llama', 'p/mistral']);
    clock.advance(minuteMs);
    expect(await list(one({}, { 'model-list-refresh': '30s' }))).toEqual(['llama', 'mistral']);
    await until('it is asked for anew', () => upstream.seen.length === 2);
  });

  it('is neither fetched nor shown while the setting is 0', async () => {
    await list(one());
    expect(await list(one({}, { 'model-list-refresh': 0 }))).toEqual([]);
    expect(upstream.seen).toHaveLength(1);
  });

  it('is not asked of accounts that name their models, or are switched off', async () => {
    expect(await list(snapshotOf({ 'openai-compatibility': [compat({ models: [{ name: 'm' }] }), compat({ name: 'off', disabled: true })] }))).toEqual(['m']);
    expect(upstream.seen).toEqual([]);
  });
});

describe('an upstream that is slow or fails', () => {
  it('delays a list by two seconds in all, not each time anew', async () => {
    upstream.setScript(() => undefined);
    const snapshot = one();
    const asked = list(snapshot);
    let isAnswered = false;
    void asked.then(() => (isAnswered = true));
    await until('the upstream is asked', () => upstream.seen.length === 1);
    clock.advance(1_999);
    await new Promise((next) => setImmediate(next));
    expect(isAnswered).toBe(false);
    clock.advance(1);
    expect(await asked).toEqual([]);
    expect(await list(snapshot)).toEqual([]);
  });

  it('is given up after fifteen seconds, so that the next try can be made', async () => {
    upstream.setScript(() => undefined);
    void list(one());
    await until('the upstream is asked', () => upstream.seen.length === 1);
    clock.advance(15_000);
    await until('the connection is closed', () => upstream.abortCount() === 1);
    await until('the failure is told', () => warnings.length === 1);
    expect(warnings).toMatchObject([{ code: 'timeout', keepsLast: false }]);
  });

  it('is asked again later and later, told of once, and makes nobody wait meanwhile', async () => {
    upstream.setScript((_seen, res) => answerJson(res, 503, {}));
    const snapshot = one();
    const triesAfter = async (ms: number): Promise<number> => {
      clock.advance(ms);
      await list(snapshot);
      return upstream.seen.length;
    };
    expect(await triesAfter(0)).toBe(1);
    expect(await triesAfter(29_999)).toBe(1);
    expect(await triesAfter(1)).toBe(2);
    expect(await triesAfter(59_999)).toBe(2);
    expect(await triesAfter(1)).toBe(3);
    for (let tries = 3; tries < 12; tries++) await triesAfter(15 * minuteMs);
    expect(upstream.seen).toHaveLength(12);
    expect(warnings).toMatchObject([{ accountId: snapshot.routes.accounts[0]?.id, code: 'http_503' }]);
    upstream.setScript(listing('back'));
    clock.advance(15 * minuteMs);
    expect(await list(snapshot)).toEqual(['back']);
  });

  it('leaves the last list in place', async () => {
    const snapshot = one();
    await list(snapshot);
    upstream.setScript((_seen, res) => answerJson(res, 500, {}));
    clock.advance(60 * minuteMs);
    expect(await listAfter(snapshot, 2)).toEqual(['llama', 'mistral']);
    await until('the failure is told', () => warnings.length === 1);
    expect(await list(snapshot)).toEqual(['llama', 'mistral']);
  });

  it('does not keep the others’ lists away', async () => {
    const other = await startScriptedUpstream(() => undefined);
    try {
      const snapshot = snapshotOf({ 'openai-compatibility': [compat({ name: 'hung', 'base-url': `${other.url}/v1` }), compat()] });
      const asked = list(snapshot);
      await until('both are asked', () => other.seen.length === 1 && upstream.seen.length === 1);
      clock.advance(2_000);
      await asked;
      await until('the quick one’s is shown', async () => (await list(snapshot)).length > 0);
      expect(await list(snapshot)).toEqual(['llama', 'mistral']);
    } finally {
      await fetched.close();
      await other.close();
    }
  });

  it('is asked at most eight times at one time', async () => {
    const held: (() => void)[] = [];
    let answered = 0;
    let mostAtOnce = 0;
    upstream.setScript((_seen, res) => {
      held.push(() => {
        answered++;
        answerJson(res, 200, { data: [{ id: `m${answered}` }] });
      });
      mostAtOnce = Math.max(mostAtOnce, held.length - answered);
    });
    const keys = Array.from({ length: 20 }, (_, index) => ({ 'api-key': `sk-many-0123456789-${index}` }));
    const asked = list(one({ 'api-key-entries': keys }));
    await until('eight are asked', () => held.length === 8);
    for (let done = 0; done < 20; done++) {
      await until('one is there to be answered', () => held.length > done);
      held[done]?.();
    }
    expect([(await asked).length, mostAtOnce]).toEqual([20, 8]);
  });

  it('ends with the daemon', async () => {
    upstream.setScript(() => undefined);
    void list(one());
    await until('the upstream is asked', () => upstream.seen.length === 1);
    await fetched.close();
    await until('the connection is closed', () => upstream.abortCount() === 1);
    expect(warnings).toEqual([]);
  });
});

describe('what is listed', () => {
  it('is found below its prefix, and there alone where it must', async () => {
    expect(await list(one({ prefix: 'or' }))).toEqual(['or/llama', 'or/mistral']);
  });

  it('leaves out what is excluded', async () => {
    upstream.setScript(listing('a-mini', 'a', 'b'));
    expect(await list(one({ 'excluded-models': ['*-mini', 'b'] }))).toEqual(['a']);
  });

  it('is called by a request, every one of it', async () => {
    upstream.setScript(listing('llama', 'gpt-4o', 'claude-3', 'team/x', 'x'.repeat(512)));
    const snapshot = snapshotOf({
      'openai-compatibility': [compat(), { name: 'team', prefix: 'team', 'base-url': 'http://127.0.0.1:1/v1', models: [{ name: 'x' }] }],
      'codex-api-key': [{ 'api-key': 'sk-0123456789-abcdef', 'base-url': 'http://127.0.0.1:1/v1' }],
    });
    const names = await list(snapshot);
    for (const name of names) expect(snapshot.routes.candidatesFor(name)).not.toEqual([]);
    // `gpt-4o` and `team/x` go to others; that the first is listed all the same is the catalogue's doing.
    expect(names).toEqual(expect.arrayContaining(['llama', 'claude-3', 'gpt-4o', 'team/x']));
    expect((await fetched.listModels(snapshot)).find(({ id }) => id === 'team/x')?.ownedBy).toBe('team');
  });

  it('is not a name that another account would be asked for', async () => {
    upstream.setScript(listing('gpt-5-of-my-own', 'llama'));
    const names = await list(snapshotOf({ 'openai-compatibility': [compat()], 'codex-api-key': [{ 'api-key': 'sk-0123456789-abcdef', 'base-url': 'http://127.0.0.1:1/v1' }] }));
    expect(names).toContain('llama');
    expect(names).not.toContain('gpt-5-of-my-own');
  });

  it.each([
    ['gemini-api-key', 'AIza-0123456789', { models: [{ name: 'models/gemini-of-tomorrow' }] }, 'gemini-of-tomorrow', 'gemini-2.5-pro'],
    ['claude-api-key', 'sk-ant-0123456789', { data: [{ id: 'claude-of-tomorrow' }], has_more: false }, 'claude-of-tomorrow', 'claude-opus-5'],
    ['codex-api-key', 'sk-0123456789', { data: [{ id: 'gpt-of-tomorrow' }, { id: 'unlike-any-other' }] }, 'gpt-of-tomorrow', 'gpt-5.5'],
  ])('of a key of %s is what it tells, in the place of the shipped names', async (section, key, body, told, shipped) => {
    const snapshot = snapshotOf({ [section]: [{ 'api-key': key, 'base-url': upstream.url }] });
    upstream.setScript((_seen, res) => answerJson(res, 503, {}));
    expect(await list(snapshot)).toContain(shipped);
    upstream.setScript((_seen, res) => answerJson(res, 200, body));
    clock.advance(30_000);
    await until('its own list is shown', async () => (await list(snapshot)).includes(told));
    expect(await list(snapshot)).toEqual([told]);
  });

  it('stays the shipped names where a vendor tells of none', async () => {
    upstream.setScript(listing());
    expect(await list(snapshotOf({ 'claude-api-key': [{ 'api-key': 'sk-ant-0123456789', 'base-url': upstream.url }] }))).toContain('claude-opus-5');
  });

  it('of no other vendor’s keys is asked for', async () => {
    await list(snapshotOf({ 'vertex-api-key': [{ 'api-key': 'vk-0123456789', 'base-url': upstream.url }] }));
    expect(upstream.seen).toEqual([]);
  });
});
