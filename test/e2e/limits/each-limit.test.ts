import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ask, type Asked } from '../../support/ask.ts';
import type { RunningDaemon } from '../../support/daemon.ts';
import { answerAny, askStream, askTurn, askWhole, mintKey, startLimited } from '../../support/limited-daemon.ts';
import { answerEvents, answerJson, chatCompletion, chatEvents, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { openSocket } from '../../support/socket-client.ts';
import { startSocketUpstream, type SocketUpstream } from '../../support/socket-upstream.ts';
import { until } from '../../support/until.ts';

let upstream: ScriptedUpstream;
let voice: SocketUpstream;
let daemon: RunningDaemon;
beforeAll(async () => {
  upstream = await startScriptedUpstream(answerAny);
  voice = await startSocketUpstream();
  daemon = await startLimited(upstream.url, voice.url);
});
beforeEach(() => upstream.setScript(answerAny));
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
  await voice.close();
});

const mint = async (limits: object): Promise<string> => (await mintKey(daemon, limits)).key;
const ways = [['an answer in one piece', askWhole], ['a stream', askStream], ['a turn on a socket', askTurn]] as const;

describe.each(ways)('each limit of a key at the built daemon, for %s', (_, way) => {
  it.each([
    ['models', { models: ['n*'] }, { models: ['m', 'spoken'] }, 'model_not_allowed'],
    ['accounts', { accounts: ['provider:anthropic'] }, { accounts: ['provider:openai-compatibility', 'provider:openai'] }, 'account_not_allowed'],
    ['addresses', { addresses: ['192.0.2.0/24', '::1'] }, { addresses: ['127.0.0.0/8'] }, 'address_not_allowed'],
    ['scopes', { scopes: ['models:read'] }, { scopes: ['models:use'] }, 'scope_not_allowed'],
  ] as const)('%s', async (_name, without, having, code) => {
    const before = upstream.seen.length;
    expect(await way(daemon, await mint(without))).toBe(code);
    expect(upstream.seen).toHaveLength(before);
    expect(await way(daemon, await mint(having))).toBe('ok');
  });

  it.each([
    ['requests a minute', { requests_per_minute: 1 }, 'rate_limit_exceeded requests_per_minute'],
    ['tokens a minute', { tokens_per_minute: 5 }, 'rate_limit_exceeded tokens_per_minute'],
    ['a day’s requests', { daily_budget: { requests: 1 } }, 'budget_exhausted daily_requests'],
    ['a day’s tokens', { daily_budget: { tokens: 5 } }, 'budget_exhausted daily_tokens'],
    ['a day’s money', { daily_budget: { cost: 0.005 } }, 'budget_exhausted daily_cost'],
    ['a month’s requests', { monthly_budget: { requests: 1 } }, 'budget_exhausted monthly_requests'],
    ['a month’s tokens', { monthly_budget: { tokens: 5 } }, 'budget_exhausted monthly_tokens'],
    ['a month’s money', { monthly_budget: { cost: 0.005 } }, 'budget_exhausted monthly_cost'],
  ] as const)('%s', async (_name, limits, refusal) => {
    const key = await mint(limits);
    expect(await way(daemon, key)).toBe('ok');
    const before = upstream.seen.length;
    expect([await way(daemon, key), await way(daemon, key)]).toEqual([refusal, refusal]);
    expect(upstream.seen).toHaveLength(before);
  });

  it('exchanges at one time: a stream holds the place, and whoever leaves it gives it back', async () => {
    const key = await mint({ max_concurrent: 1 });
    upstream.setScript((_seen, res) => answerEvents(res, chatEvents.slice(0, 1), false));
    const before = upstream.seen.length;
    const leaving = new AbortController();
    const held = fetch(`${daemon.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'm', stream: true, messages: [] }), signal: leaving.signal });
    await until('the stream runs', () => upstream.seen.length > before);
    expect(await way(daemon, key)).toBe('rate_limit_exceeded max_concurrent');
    await held;
    leaving.abort();
    upstream.setScript(answerAny);
    await until('the place is free', async () => (await way(daemon, key)) === 'ok');
  });

  it.each([
    ['requests', { daily_budget: { requests: 1 } }],
    ['tokens', { daily_budget: { tokens: 40 } }],
    ['money', { monthly_budget: { cost: 0.04 } }],
    ['places', { max_concurrent: 1 }],
    ['a rate of requests', { requests_per_minute: 1 }],
    ['a rate of tokens', { tokens_per_minute: 20 }],
  ] as const)('of twelve at one time, a limit of %s for one lets in one', async (_name, limits) => {
    const key = await mint(limits);
    let release = (): void => undefined;
    upstream.setScript((seen, res, req) => void (release = () => answerAny(seen, res, req)));
    const before = upstream.seen.length;
    let refused = 0;
    const asked = Array.from({ length: 12 }, async () => {
      const outcome = await way(daemon, key);
      if (outcome !== 'ok') refused++;
      return outcome;
    });
    await until('all others are refused', () => refused === 11, 15_000);
    release();
    const outcomes = await Promise.all(asked);
    expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(1);
    expect(outcomes.filter((outcome) => /^(?:rate_limit_exceeded|budget_exhausted) /.test(outcome))).toHaveLength(11);
    expect(upstream.seen.length - before).toBe(1);
  });
});

describe('whoever leaves', () => {
  const prompt = 'x'.repeat(400);
  /** What a next request is told, once what the leaver held is settled. */
  async function toldAfterLeaving(body: object, isTime: () => boolean): Promise<string> {
    const key = await mint({ daily_budget: { tokens: 100 } });
    const leaving = new AbortController();
    const left = fetch(`${daemon.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: 'm', max_tokens: 5, messages: [{ role: 'user', content: prompt }], ...body }), signal: leaving.signal }).then((answer) => answer.text()).catch(() => undefined);
    await until('it is time to leave', isTime);
    leaving.abort();
    await left;
    upstream.setScript(answerAny);
    let told: Asked | undefined;
    await until('it is settled', async () => {
      told = await ask(daemon.url, '/v1/chat/completions', { key, json: { model: 'm', max_tokens: 5, messages: [] } });
      return !told.text.includes('"held":true');
    });
    return told?.code ?? '';
  }

  it.each([
    ['a stream before its first byte', { stream: true }],
    ['an answer in one piece before its end', {}],
  ])('%s has spent what the upstream was given', async (_name, body) => {
    const before = upstream.seen.length;
    upstream.setScript(() => undefined);
    expect(await toldAfterLeaving(body, () => upstream.seen.length > before)).toBe('budget_exhausted');
  });

  it('a stream in its middle has spent what had come as well', async () => {
    let hasCome = false;
    upstream.setScript((_seen, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'y'.repeat(400) } }] })}\n\n`, () => (hasCome = true));
    });
    expect(await toldAfterLeaving({ stream: true, messages: [{ role: 'user', content: 'hi' }] }, () => hasCome)).toBe('budget_exhausted');
  });

  it('what the upstream refused has spent no tokens', async () => {
    const key = await mint({ daily_budget: { tokens: 5 } });
    upstream.setScript((_seen, res) => answerJson(res, 400, { error: { message: 'no', type: 'invalid_request_error' } }));
    await askWhole(daemon, key);
    upstream.setScript((_seen, res) => answerJson(res, 200, chatCompletion));
    expect(await askWhole(daemon, key)).toBe('ok');
  });
});

describe('a realtime session at the built daemon', () => {
  const open = (key: string): ReturnType<typeof openSocket> => openSocket(`${daemon.url}/v1/realtime?model=voice`, { headers: { authorization: `Bearer ${key}` } });

  it('of ten at one time a budget for one lets in one, which ends when the budget is gone', async () => {
    const key = await mint({ daily_budget: { tokens: 5_000 } });
    const opened = await Promise.allSettled(Array.from({ length: 10 }, () => open(key)));
    const [client, ...others] = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(others).toEqual([]);
    voice.sockets.at(-1)?.ws.send(JSON.stringify({ type: 'response.done', response: { usage: { input_tokens: 4_000, output_tokens: 1_000 } } }));
    expect(await client?.next('error')).toMatchObject({ error: { code: 'budget_exhausted', limit: 'daily_tokens' } });
    expect(await client?.closed()).toEqual({ code: 1008, reason: 'budget_exhausted' });
    await expect(open(key)).rejects.toThrow(/^429 .*budget_exhausted/);
    expect(await askWhole(daemon, key)).toBe('budget_exhausted daily_tokens');
  });

  it.each([
    ['models', { models: ['m'] }, '403 .*model_not_allowed'],
    ['addresses', { addresses: ['192.0.2.1'] }, '403 .*address_not_allowed'],
    ['scopes', { scopes: ['models:read'] }, '403 .*scope_not_allowed'],
    ['accounts', { accounts: ['provider:openai'] }, '403 .*account_not_allowed'],
  ])('asks for the right of %s', async (_name, limits, told) => {
    await expect(open(await mint(limits))).rejects.toThrow(new RegExp(told));
  });

  it.each([
    ['a rate', { requests_per_minute: 1 }, 'requests_per_minute'],
    ['places', { max_concurrent: 1 }, 'max_concurrent'],
    ['a day’s requests', { daily_budget: { requests: 1 } }, 'daily_requests'],
  ])('counts for %s', async (_name, limits, limit) => {
    const key = await mint(limits);
    const client = await open(key);
    await expect(open(key)).rejects.toThrow(new RegExp(`^429 .*${limit}`));
    await client.close();
  });
});
