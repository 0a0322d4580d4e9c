import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BudgetStore } from '../../../internal/clients/limits/budget-store.ts';
import { createMemoryBudgetStore } from '../../../internal/storage/memory/budget-store.ts';
import { startGovernedRig, type GovernedRig } from '../../support/governed-rig.ts';
import { answerResponse } from '../../support/responses-events.ts';
import { answerEvents, answerJson, chatCompletion, chatEvents, startScriptedUpstream, type Script, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { isEnd, openSocket } from '../../support/socket-client.ts';
import { startSocketUpstream } from '../../support/socket-upstream.ts';
import { until } from '../../support/until.ts';

const well: Script = (_seen, res) => answerJson(res, 200, chatCompletion);
const dayMs = Date.UTC(2026, 10, 24);
const monthMs = Date.UTC(2026, 10, 1);
let upstream: ScriptedUpstream;
let rig: GovernedRig;
let store: BudgetStore;
beforeEach(async () => {
  upstream = await startScriptedUpstream(well);
  store = createMemoryBudgetStore();
  rig = await startGovernedRig(
    {
      'openai-compatibility': [{ name: 'chat', 'base-url': upstream.url, models: [{ name: 'm' }] }],
      'codex-api-key': [{ 'api-key': 'sk-up-0123456789', 'base-url': `${upstream.url}/v1`, models: [{ name: 'spoken' }] }],
      'claude-api-key': [{ 'api-key': 'sk-ant-0123456789', 'base-url': upstream.url, models: [{ name: 'claude' }] }],
      prices: [{ model: 'm', input: 1_000, output: 10_000 }],
    },
    store,
  );
});
afterEach(async () => {
  await rig.close();
  await upstream.close();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** `error.code`, or `ok`. */
  readonly outcome: string;
}

async function ask(key: string, body: object = {}, signal?: AbortSignal): Promise<Answer> {
  const answer = await fetch(`${rig.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }], ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, outcome: answer.ok ? 'ok' : (/"code":"(\w+)"/.exec(text)?.[1] ?? '') };
}

/** Tokens booked for the day, once the write behind has run. */
async function spentBy(id: string): Promise<{ readonly requests: number; readonly tokens: number; readonly cost: number }> {
  await rig.counted.ledger.flush();
  const { requests = 0, tokens = 0, cost = 0 } = store.load(id, { dayMs, monthMs }).find(({ span }) => span === 'day') ?? {};
  return { requests, tokens, cost };
}

describe('each limit of a key, from the client’s side', () => {
  it('requests a minute: 429 with what, how much, whose and when, and an SDK’s headers; served again after that long', async () => {
    rig.keys.mint('key', { requestsPerMinute: 2 });
    expect([(await ask('key')).status, (await ask('key')).status]).toEqual([200, 200]);
    const refused = await ask('key');
    expect(JSON.parse(refused.text)).toEqual({ error: { message: expect.stringContaining('requests_per_minute of this key is 2'), type: 'rate_limit_error', code: 'rate_limit_exceeded', limit: 'requests_per_minute', limit_value: 2, limit_of: 'key', reset_seconds: 30, reset_time: '2026-11-24T12:00:30.000Z' } });
    expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('retry-after-ms'), refused.headers.get('x-ratelimit-limit-requests')]).toEqual([429, '30', '30000', '2']);
    expect(upstream.seen).toHaveLength(2);
    rig.clock.advance(30_000);
    expect((await ask('key')).outcome).toBe('ok');
  });

  it('tokens a minute: what the upstream counted is what counts, in streams too', async () => {
    rig.keys.mint('key', { tokensPerMinute: 60 });
    upstream.setScript((_seen, res) => answerEvents(res, chatEvents));
    // 7 tokens each by the upstream's own count; the request is estimated at some 30.
    for (let round = 0; round < 4; round += 1) expect((await ask('key', { stream: true })).outcome).toBe('ok');
    expect((await ask('key', { stream: true, max_tokens: 40 })).outcome).toBe('rate_limit_exceeded');
    rig.clock.advance(60_000);
    expect((await ask('key', { stream: true, max_tokens: 40 })).outcome).toBe('ok');
  });

  it('exchanges at one time: a stream holds its place until it ends, and one that is left gives it back', async () => {
    rig.keys.mint('key', { maxConcurrent: 1 });
    upstream.setScript((_seen, res) => answerEvents(res, chatEvents.slice(0, 1), false));
    const leaving = new AbortController();
    const left = ask('key', { stream: true }, leaving.signal).catch(() => undefined);
    await until('the stream runs', () => upstream.seen.length === 1);
    const refused = await ask('key');
    expect([refused.status, refused.outcome, refused.headers.get('retry-after')]).toEqual([429, 'rate_limit_exceeded', '1']);
    leaving.abort();
    await left;
    await until('it is settled', () => rig.settled.some(({ status }) => status === 499));
    upstream.setScript(well);
    expect((await ask('key')).outcome).toBe('ok');
  });

  it('a day’s requests: as many as it says, none after, and again the next day', async () => {
    rig.keys.mint('key', { dailyBudget: { requests: 2 } });
    const answers = [await ask('key'), await ask('key'), await ask('key')];
    expect(answers.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'budget_exhausted']);
    expect([answers[2]?.headers.get('retry-after'), answers[2]?.headers.get('x-should-retry')]).toEqual([String(12 * 3_600), 'false']);
    rig.clock.advance(12 * 3_600_000);
    expect((await ask('key')).outcome).toBe('ok');
  });

  it('a month’s money, by the operator’s prices', async () => {
    rig.keys.mint('key', { monthlyBudget: { cost: 0.05 } });
    // 5 × 0.001 + 2 × 0.01 each.
    expect([(await ask('key')).outcome, (await ask('key')).outcome, (await ask('key')).outcome]).toEqual(['ok', 'ok', 'budget_exhausted']);
  });
});

describe('what a good answer says of the rates', () => {
  const ratesIn = (headers: Headers): Readonly<Record<string, string>> => Object.fromEntries([...headers].filter(([name]) => name.includes('ratelimit')));
  const spoken = { 'x-ratelimit-limit-requests': '10000', 'x-ratelimit-remaining-project': '7', 'anthropic-ratelimit-requests-limit': '50' };
  beforeEach(() => upstream.setScript((_seen, res) => answerJson(res, 200, chatCompletion, spoken)));

  it('is how high they are, what is left of them and when all is back, as OpenAI says it; nothing of the upstream’s', async () => {
    rig.keys.mint('key', { requestsPerMinute: 60, tokensPerMinute: 1_000 });
    const answer = await ask('key', { max_tokens: 80 });
    const reserved = Math.ceil((upstream.seen[0]?.body.length ?? 0) / 4) + 80;
    expect(ratesIn(answer.headers)).toEqual({
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': String(1_000 - reserved),
      'x-ratelimit-reset-tokens': `${(reserved * 60) / 1_000}s`,
    });
    expect(ratesIn((await ask('key')).headers)).toMatchObject({ 'x-ratelimit-remaining-requests': '58', 'x-ratelimit-reset-requests': '2s' });
  });

  it('is the same at the head of a stream', async () => {
    rig.keys.mint('key', { requestsPerMinute: 60 });
    upstream.setScript((_seen, res) => answerEvents(res, chatEvents));
    expect(ratesIn((await ask('key', { stream: true })).headers)).toEqual({ 'x-ratelimit-limit-requests': '60', 'x-ratelimit-remaining-requests': '59', 'x-ratelimit-reset-requests': '1s' });
  });

  it('is in Anthropic’s words for its clients', async () => {
    rig.keys.mint('key', { requestsPerMinute: 60 });
    upstream.setScript((_seen, res) => answerJson(res, 200, { id: 'msg_1', type: 'message', role: 'assistant', content: [], stop_reason: 'end_turn', usage: { input_tokens: 1, output_tokens: 1 } }, spoken));
    const answer = await fetch(`${rig.url}/v1/messages`, { method: 'POST', headers: { authorization: 'Bearer key', 'content-type': 'application/json' }, body: JSON.stringify({ model: 'claude', max_tokens: 10, messages: [] }) });
    expect(ratesIn(answer.headers)).toEqual({ 'anthropic-ratelimit-requests-limit': '60', 'anthropic-ratelimit-requests-remaining': '59', 'anthropic-ratelimit-requests-reset': '2026-11-24T12:00:01.000Z' });
  });

  it('is of the holder that has the least left', async () => {
    rig.keys.mint('minter', { requestsPerMinute: 3 });
    rig.keys.mint('key', { requestsPerMinute: 60 }, 'minter');
    expect(ratesIn((await ask('key')).headers)).toMatchObject({ 'x-ratelimit-limit-requests': '3', 'x-ratelimit-remaining-requests': '2', 'x-ratelimit-reset-requests': '20s' });
  });

  it('is what the upstream says for callers without rates', async () => {
    rig.keys.mint('key', { dailyBudget: { requests: 5 } });
    expect(ratesIn((await ask('key')).headers)).toEqual(spoken);
  });
});

describe('a realtime session', () => {
  it('holds its place until it ends, and is refused before it is one where there is none', async () => {
    const voice = await startSocketUpstream();
    const at = await startGovernedRig({ 'openai-compatibility': [{ name: 'rt', 'base-url': `${voice.url}/v1`, models: [{ name: 'voice' }] }] });
    at.keys.mint('talker', { maxConcurrent: 1 });
    const open = (): ReturnType<typeof openSocket> => openSocket(`${at.url}/v1/realtime?model=voice`, { headers: { authorization: 'Bearer talker' } });
    const first = await open();
    await expect(open()).rejects.toThrow('429');
    expect(voice.asked).toHaveLength(1);
    await first.close();
    await until('it is settled', () => at.settled.some(({ status }) => status === 101));
    await (await open()).close();
    await at.close();
    await voice.close();
  });
});

describe('what is settled', () => {
  beforeEach(() => rig.keys.mint('key', { dailyBudget: { tokens: 1_000_000, requests: 1_000 } }));

  it('an answer: what the upstream counted, once', async () => {
    await ask('key');
    expect(await spentBy('ck_key')).toMatchObject({ requests: 1, tokens: 7 });
  });

  it('an upstream that refuses: the request, and no tokens', async () => {
    upstream.setScript((_seen, res) => answerJson(res, 400, { error: { message: 'no', type: 'invalid_request_error' } }));
    expect((await ask('key')).status).toBe(400);
    expect(await spentBy('ck_key')).toEqual({ requests: 1, tokens: 0, cost: 0 });
  });

  it('what no upstream was asked for: nothing', async () => {
    expect((await ask('key', { model: 'unknown' })).status).toBe(404);
    expect(await spentBy('ck_key')).toEqual({ requests: 0, tokens: 0, cost: 0 });
  });

  it('a stream that is left: what had come until then', async () => {
    upstream.setScript((_seen, res) => answerEvents(res, chatEvents.slice(0, 2), false));
    const leaving = new AbortController();
    const answer = await fetch(`${rig.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: 'Bearer key', 'content-type': 'application/json' }, body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }), signal: leaving.signal });
    await answer.body?.getReader().read();
    leaving.abort();
    await until('it is settled', () => rig.settled.length === 1);
    const spent = await spentBy('ck_key');
    expect(spent.requests).toBe(1);
    expect([spent.tokens > 0, spent.tokens < 200]).toEqual([true, true]);
  });

  it('a stream that breaks: what had come until then, and its place is free', async () => {
    rig.keys.mint('key', { dailyBudget: { tokens: 1_000_000 }, maxConcurrent: 1 });
    upstream.setScript((_seen, res) => {
      answerEvents(res, chatEvents.slice(0, 2), false);
      setTimeout(() => res.destroy(), 20);
    });
    await ask('key', { stream: true }).catch(() => undefined);
    await until('it is settled', () => rig.settled.length === 1);
    expect((await spentBy('ck_key')).tokens).toBeGreaterThan(0);
    upstream.setScript(well);
    expect((await ask('key')).outcome).toBe('ok');
  });

  it('a turn on a socket: as a request, and a refused turn leaves the socket open', async () => {
    rig.keys.mint('talker', { dailyBudget: { requests: 1 } });
    upstream.setScript((_seen, res) => answerResponse(res, { id: 'resp_1', text: 'Hello there.' }));
    const client = await openSocket(`${rig.url}/v1/responses`, { headers: { authorization: 'Bearer talker' } });
    const create = { type: 'response.create', model: 'spoken', input: 'hi' };
    client.send(create);
    expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed' });
    expect(await spentBy('ck_talker')).toMatchObject({ requests: 1, tokens: 10 });
    client.send(create);
    expect(await client.next(isEnd)).toMatchObject({ type: 'error', status: 429, error: { code: 'budget_exhausted', limit: 'daily_requests' } });
    rig.clock.advance(86_400_000);
    client.send(create);
    expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed' });
    await client.close();
  });
});

describe('a stream that states no usage', () => {
  const piece = (content: string): string => `data: ${JSON.stringify({ id: 'chatcmpl-0123456789abcdef', object: 'chat.completion.chunk', created: 1_764_000_000, model: 'm', system_fingerprint: 'fp_0123456789', choices: [{ index: 0, delta: { content }, logprobs: null, finish_reason: null }] })}\n\n`;
  const done = 'data: [DONE]\n\n';
  beforeEach(() => rig.keys.mint('key', { dailyBudget: { tokens: 1_000_000 } }));
  const costOf = async (events: readonly string[], prompt = 'hi'): Promise<number> => {
    upstream.setScript((_seen, res) => answerEvents(res, events));
    expect((await ask('key', { stream: true, messages: [{ role: 'user', content: prompt }] })).outcome).toBe('ok');
    return (await spentBy('ck_key')).tokens;
  };

  it('costs what its content weighs, in however few events', async () => {
    const tokens = await costOf([piece('y'.repeat(40_000)), done]);
    expect([tokens >= 10_000, tokens < 10_100]).toEqual([true, true]);
  });

  it('costs a token an event where those are short, however much is around them', async () => {
    const tokens = await costOf([...Array.from({ length: 200 }, () => piece('a')), done]);
    expect([tokens >= 200, tokens < 240]).toEqual([true, true]);
  });

  it('costs its input as well', async () => {
    expect(await costOf([piece('a'), done], 'x'.repeat(8_000))).toBeGreaterThanOrEqual(2_000);
  });

  it('is not made to state it: the upstream gets the body as it came', async () => {
    await costOf([piece('a'), done]);
    expect(upstream.seen[0]?.body.toString()).not.toContain('stream_options');
  });

  it('or that states nothing but zeros, costs the same', async () => {
    const zeros = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } })}\n\n`;
    expect(await costOf([piece('y'.repeat(4_000)), zeros, done])).toBeGreaterThanOrEqual(1_000);
  });
});

describe('what a caller costs who leaves', () => {
  const prompt = 'x'.repeat(4_000);
  beforeEach(() => rig.keys.mint('key', { dailyBudget: { tokens: 1_000_000, requests: 1_000 } }));

  /** Asks, and leaves once that has come about. */
  async function leave(path: string, body: object, when: () => boolean): Promise<void> {
    const leaving = new AbortController();
    const left = fetch(`${rig.url}${path}`, { method: 'POST', headers: { authorization: 'Bearer key', 'content-type': 'application/json' }, body: JSON.stringify(body), signal: leaving.signal }).then((answer) => answer.text()).catch(() => undefined);
    await until('it is time to leave', when);
    leaving.abort();
    await left;
    await until('it is settled', () => rig.settled.length === 1);
    expect(rig.settled[0]).toMatchObject({ status: 499, outcome: 'client_closed', tokens: { estimated: true } });
  }

  const chat = (more: object): object => ({ model: 'm', max_tokens: 300, messages: [{ role: 'user', content: prompt }], ...more });

  it('before the first byte of a stream: the input, since the upstream has read it', async () => {
    upstream.setScript(() => undefined);
    await leave('/v1/chat/completions', chat({ stream: true }), () => upstream.seen.length === 1);
    const { requests, tokens } = await spentBy('ck_key');
    expect([requests, tokens >= 1_000, tokens < 1_100]).toEqual([1, true, true]);
  });

  it('before the end of an answer in one piece: the input and the bound of the answer, since the upstream goes on', async () => {
    upstream.setScript(() => undefined);
    await leave('/v1/chat/completions', chat({}), () => upstream.seen.length === 1);
    const { tokens } = await spentBy('ck_key');
    expect([tokens >= 1_300, tokens < 1_400]).toEqual([true, true]);
  });

  it('in the middle of a large answer in one piece: the same', async () => {
    let hasSent = false;
    upstream.setScript((_seen, res) => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000000' });
      res.write(`{"text":"${'y'.repeat(100_000)}`, () => (hasSent = true));
    });
    await leave('/v1/chat/completions', chat({ max_tokens: 90_000 }), () => hasSent);
    expect((await spentBy('ck_key')).tokens).toBeGreaterThanOrEqual(91_000);
  });

  it('in the middle of a stream whose beginning states a count: what had come, not what was stated then', async () => {
    const event = (type: string, more: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
    let hasSent = false;
    upstream.setScript((_seen, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(event('message_start', { message: { id: 'msg_1', type: 'message', role: 'assistant', content: [], usage: { input_tokens: 1_000, output_tokens: 1 } } }));
      res.write(event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }));
      for (let count = 0; count < 200; count += 1) res.write(event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'word ' } }), () => (hasSent = true));
    });
    await leave('/v1/messages', { ...chat({ stream: true }), model: 'claude' }, () => hasSent);
    expect((await spentBy('ck_key')).tokens).toBeGreaterThanOrEqual(1_100);
  });

  it('before any upstream was reached: nothing', async () => {
    // A request that waits for a connection was not sent.
    await rig.close();
    rig = await startGovernedRig({ 'openai-compatibility': [{ name: 'chat', 'base-url': 'http://127.0.0.1:1', models: [{ name: 'm' }] }] }, store);
    rig.keys.mint('key', { dailyBudget: { tokens: 1_000_000 } });
    expect((await ask('key')).status).toBe(502);
    expect((await spentBy('ck_key')).tokens).toBe(0);
  });

  it('whose upstream breaks off before the first byte: the input', async () => {
    upstream.setScript((_seen, res) => res.destroy());
    expect((await ask('key', { messages: [{ role: 'user', content: prompt }] })).status).toBe(502);
    expect((await spentBy('ck_key')).tokens).toBeGreaterThanOrEqual(1_000);
  });

  it('a response that is asked for again was paid for', async () => {
    const response = { id: 'resp_1', object: 'response', status: 'completed', output: [], usage: { input_tokens: 400, output_tokens: 300, total_tokens: 700 } };
    upstream.setScript((_seen, res) => answerJson(res, 200, response));
    const send = (path: string, init: RequestInit): Promise<Response> => fetch(`${rig.url}${path}`, { ...init, headers: { authorization: 'Bearer key', 'content-type': 'application/json' } });
    await send('/v1/responses', { method: 'POST', body: JSON.stringify({ model: 'spoken', input: 'hi' }) });
    expect((await spentBy('ck_key')).tokens).toBe(700);
    expect((await send('/v1/responses/resp_1', {})).status).toBe(200);
    expect(await spentBy('ck_key')).toMatchObject({ tokens: 700, requests: 2 });
  });
});

describe('what a request or an upstream states beyond all measure', () => {
  it.each([1e308, 10_000_001, -5, '9', null])('max_tokens %j leaves every counter sound: it goes by itself, and the next is counted as ever', async (bound) => {
    rig.keys.mint('key', { tokensPerMinute: 1_000, dailyBudget: { tokens: 50_000, cost: 1_000 } });
    expect([(await ask('key', { max_tokens: bound, n: 1e308 })).outcome, (await ask('key')).outcome]).toEqual(['ok', 'ok']);
    expect(await spentBy('ck_key')).toEqual({ requests: 2, tokens: 14, cost: 0.05 });
    expect((await ask('key', { max_tokens: 40 })).outcome).toBe('ok');
  });

  it.each([{ prompt_tokens: -1e6, completion_tokens: -1e6 }, { prompt_tokens: 1e308, completion_tokens: 1e308 }, { prompt_tokens: 'many', completion_tokens: null }])('usage %j gives nothing back and spoils nothing', async (usage) => {
    rig.keys.mint('key', { dailyBudget: { tokens: 1e12, cost: 1e12 }, tokensPerMinute: 1e12 });
    await ask('key');
    const before = await spentBy('ck_key');
    upstream.setScript((_seen, res) => answerJson(res, 200, { ...chatCompletion, usage }));
    await ask('key');
    const after = await spentBy('ck_key');
    expect([after.requests, after.tokens >= before.tokens, after.tokens <= before.tokens + 200_000_000, Number.isFinite(after.cost)]).toEqual([2, true, true, true]);
  });
});

describe('many at one time', () => {
  it.each([
    ['requests', { dailyBudget: { requests: 1 } }],
    ['tokens', { dailyBudget: { tokens: 40 } }],
    ['money', { dailyBudget: { cost: 0.15 } }],
    ['places', { maxConcurrent: 1 }],
    ['rate', { requestsPerMinute: 1 }],
  ] as const)('a limit of %s for one lets in one of fifty', async (_name, grant) => {
    rig.keys.mint('key', grant);
    // None is answered before all the others were refused.
    let release = (): void => undefined;
    let refused = 0;
    upstream.setScript((_seen, res) => void (release = () => answerJson(res, 200, chatCompletion)));
    const asked = Array.from({ length: 50 }, () => ask('key').then((answer) => {
      refused += Number(answer.status === 429);
      return answer;
    }));
    await until('all others are refused', () => refused === 49);
    release();
    const answers = await Promise.all(asked);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
    expect(upstream.seen).toHaveLength(1);
  });
});

describe('whose limits count', () => {
  it('a child draws on its minter’s budget, and is told that it is not its own', async () => {
    rig.keys.mint('minter', { dailyBudget: { requests: 2 } });
    rig.keys.mint('child', { dailyBudget: { requests: 100 } }, 'minter');
    expect([(await ask('child')).outcome, (await ask('minter')).outcome]).toEqual(['ok', 'ok']);
    const refused = await ask('child');
    expect(JSON.parse(refused.text)).toMatchObject({ error: { code: 'budget_exhausted', limit_of: 'minter', limit_value: 2 } });
    expect(refused.text).not.toContain('ck_minter');
  });

  it('a rotated key goes on with its counters', async () => {
    rig.keys.mint('key', { dailyBudget: { requests: 1 }, requestsPerMinute: 5 });
    expect((await ask('key')).outcome).toBe('ok');
    rig.keys.rotate('key', 'the-new-text');
    expect([(await ask('key')).status, (await ask('the-new-text')).outcome]).toEqual([401, 'budget_exhausted']);
  });

  it('what was spent is still spent after a restart', async () => {
    rig.keys.mint('key', { dailyBudget: { requests: 1 } });
    await ask('key');
    await rig.counted.ledger.flush();
    await rig.close();
    rig = await startGovernedRig({ 'openai-compatibility': [{ name: 'chat', 'base-url': upstream.url, models: [{ name: 'm' }] }] }, store);
    rig.keys.mint('key', { dailyBudget: { requests: 1 } });
    expect((await ask('key')).outcome).toBe('budget_exhausted');
  });
});
