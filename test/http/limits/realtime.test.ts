import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BudgetStore } from '../../../internal/clients/limits/budget-store.ts';
import { createMemoryBudgetStore } from '../../../internal/storage/memory/budget-store.ts';
import { startGovernedRig, type GovernedRig } from '../../support/governed-rig.ts';
import { openSocket, type SocketClient } from '../../support/socket-client.ts';
import { startSocketUpstream, type SocketUpstream } from '../../support/socket-upstream.ts';
import { until } from '../../support/until.ts';

const starts = { dayMs: Date.UTC(2026, 10, 24), monthMs: Date.UTC(2026, 10, 1) };
let voice: SocketUpstream;
let rig: GovernedRig;
let store: BudgetStore;
const clients: SocketClient[] = [];
beforeEach(async () => {
  voice = await startSocketUpstream();
  store = createMemoryBudgetStore();
  rig = await startGovernedRig({ 'openai-compatibility': [{ name: 'rt', 'base-url': `${voice.url}/v1`, models: [{ name: 'voice' }, { name: 'free' }] }], prices: [{ model: 'voice', input: 1, output: 1 }] }, store);
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await rig.close();
  await voice.close();
});

async function open(key = 'talker', model = 'voice'): Promise<SocketClient> {
  const client = await openSocket(`${rig.url}/v1/realtime?model=${model}`, { headers: { authorization: `Bearer ${key}` } });
  clients.push(client);
  return client;
}

async function spent(id = 'ck_talker'): Promise<{ readonly requests: number; readonly tokens: number } | undefined> {
  await rig.counted.ledger.flush();
  return store.load(id, starts).find(({ span }) => span === 'day');
}

const tell = (event: object): void => voice.sockets.at(-1)?.ws.send(JSON.stringify(event));
const done = (tokens: number): object => ({ type: 'response.done', response: { usage: { input_tokens: tokens, output_tokens: 0 } } });

describe('a realtime session', () => {
  it.each([
    ['tokens', { dailyBudget: { tokens: 100 } }, 'daily_tokens'],
    ['money', { monthlyBudget: { cost: 0.0001 } }, 'monthly_cost'],
  ] as const)('is not begun where the budget in %s is used up', async (_, grant, limit) => {
    rig.keys.mint('talker', grant);
    const first = await open();
    tell(done(100));
    await first.closed();
    await expect(open()).rejects.toThrow(new RegExp(`^429 .*budget_exhausted.*${limit}`));
    // Nor by a model that costs nothing: what is gone is gone.
    await expect(open('talker', 'free')).rejects.toThrow(/^429 .*budget_exhausted/);
    expect(voice.asked).toHaveLength(1);
  });

  it('books each response as it ends, not the session at its end', async () => {
    rig.keys.mint('talker', { dailyBudget: { tokens: 1_000 } });
    const client = await open();
    tell(done(300));
    await client.next('response.done');
    expect(await spent()).toMatchObject({ tokens: 300, requests: 0 });
    tell(done(200));
    await client.next('response.done');
    expect(await spent()).toMatchObject({ tokens: 500 });
    await client.close();
    await until('it is settled', () => rig.settled.length === 1);
    expect(await spent()).toMatchObject({ tokens: 500, requests: 1 });
    expect(rig.settled[0]).toMatchObject({ outcome: 'ok', tokens: { input: 500, output: 0 } });
  });

  it('ends when the budget is gone, with an event and a close code that say why, and the upstream is let go', async () => {
    rig.keys.mint('talker', { dailyBudget: { tokens: 500 } });
    const client = await open();
    tell(done(499));
    await client.next('response.done');
    tell(done(1));
    expect(await client.next('error')).toMatchObject({ type: 'error', status: 429, error: { type: 'rate_limit_error', code: 'budget_exhausted', limit: 'daily_tokens', limit_value: 500, limit_of: 'key' } });
    expect(client.frames.map(({ type }) => type)).toEqual(['response.done', 'response.done', 'error']);
    expect(await client.closed()).toEqual({ code: 1008, reason: 'budget_exhausted' });
    await until('the upstream is let go', () => voice.sockets[0]?.closed() !== undefined);
    expect(rig.settled[0]).toMatchObject({ status: 101, outcome: 'budget_exhausted', tokens: { input: 500 } });
    expect(await spent()).toMatchObject({ tokens: 500, requests: 1 });
  });

  it('ends when its minter’s budget is gone, by whomever', async () => {
    rig.keys.mint('minter', { dailyBudget: { tokens: 10_000 } });
    rig.keys.mint('talker', {}, 'minter');
    const [client, other] = [await open(), await open()];
    tell(done(10_000));
    expect(await other.closed()).toMatchObject({ code: 1008, reason: 'budget_exhausted' });
    // The first one learns of it though nothing is said on it.
    expect(await client.closed()).toMatchObject({ code: 1008, reason: 'budget_exhausted' });
    expect(client.frames).toMatchObject([{ type: 'error', error: { code: 'budget_exhausted', limit_of: 'minter' } }]);
  });

  it('holds the estimate of a response: of twenty at one time, a budget for one lets in one', async () => {
    rig.keys.mint('talker', { dailyBudget: { tokens: 5_000 } });
    const opened = await Promise.allSettled(Array.from({ length: 20 }, () => open()));
    expect(opened.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(voice.sockets).toHaveLength(1);
    await clients[0]?.close();
    await until('it is settled', () => rig.settled.some(({ status }) => status === 101));
    await open();
  });

  it('that is left while a response is under way costs the estimate of it', async () => {
    rig.keys.mint('talker', { dailyBudget: { tokens: 100_000 } });
    const client = await open();
    tell(done(10));
    tell({ type: 'response.created', response: { id: 'resp_2' } });
    await client.next('response.created');
    client.ws.terminate();
    await until('it is settled', () => rig.settled.length === 1);
    expect(await spent()).toMatchObject({ tokens: 10 + 4_096, requests: 1 });
    expect(rig.settled[0]).toMatchObject({ tokens: { input: 10, output: 4_096, estimated: true } });
  });

  it.each([
    ['a response without a count', { type: 'response.done', response: { output: [{ type: 'message', content: [{ type: 'audio', transcript: 'y'.repeat(4_000) }] }] } }, 1_000],
    ['a transcription', { type: 'conversation.item.input_audio_transcription.completed', transcript: 'hi', usage: { type: 'tokens', input_tokens: 40, output_tokens: 2, total_tokens: 42 } }, 42],
  ])('counts %s', async (_, event, least) => {
    rig.keys.mint('talker', { dailyBudget: { tokens: 100_000 } });
    const client = await open();
    tell(event);
    await client.next(event.type);
    const tokens = (await spent())?.tokens ?? 0;
    expect([tokens >= least, tokens < least + 100]).toEqual([true, true]);
  });

  it('owes tokens a minute as they are used', async () => {
    rig.keys.mint('talker', { tokensPerMinute: 10_000 });
    const client = await open();
    tell(done(50_000));
    await client.next('response.done');
    await expect(open()).rejects.toThrow(/^429 .*tokens_per_minute/);
  });
});
