import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { anonymous, type Principal } from '../../../internal/clients/principal.ts';
import { parseExact } from '../../../internal/dialect/ir/exact-json.ts';
import { configOf } from '../../support/config.ts';
import { createFakeKeeper } from '../../support/fake-keeper.ts';
import { dialectCases, type DialectCase } from '../../support/four-dialects.ts';
import { startProxyRig, type ProxyRig } from '../../support/proxy-rig.ts';
import { send } from '../../support/raw-http.ts';
import { answerEvents, answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { until } from '../../support/until.ts';

const [chat, responses, messages, gemini] = dialectCases;
if (chat === undefined || responses === undefined || messages === undefined || gemini === undefined) throw new Error('a dialect is missing');

let upstream: ScriptedUpstream;
let other: ScriptedUpstream;
let rig: ProxyRig | undefined;
beforeEach(async () => {
  upstream = await startScriptedUpstream((_, res) => res.destroy());
  other = await startScriptedUpstream((_, res) => res.destroy());
});
afterEach(async () => {
  await rig?.close();
  rig = undefined;
  await upstream.close();
  await other.close();
});

/** One account of one dialect, which serves the model `m`. */
const accountOf = (dialect: DialectCase['dialect'], url: string, more: object = {}): object => {
  const entry = { 'api-key': 'sk-upstream-0123456789', 'base-url': url, models: [{ name: 'm' }], ...more };
  switch (dialect) {
    case 'openai-chat':
      return { 'openai-compatibility': [{ name: 'e', 'base-url': `${url}/v1`, models: [{ name: 'm' }], ...more }] };
    case 'openai-responses':
      return { 'codex-api-key': [{ ...entry, 'base-url': `${url}/v1`, dialects: ['openai-responses'] }] };
    case 'anthropic-messages':
      return { 'claude-api-key': [entry] };
    case 'gemini':
      return { 'gemini-api-key': [entry] };
  }
};

async function startRig(config: object, principal: Principal = anonymous): Promise<ProxyRig> {
  await rig?.close();
  rig = await startProxyRig({ accounts: accountsFromConfig(configOf(config)).accounts, tokens: createFakeKeeper(), config, principal });
  return rig;
}

const pathOf = ({ path, streamPath, dialect }: DialectCase, isStream: boolean): string => (dialect === 'gemini' ? (isStream ? streamPath : path).replace('gemini-2.5-flash', 'm') : path);
const post = (at: ProxyRig, path: string, body: object): ReturnType<typeof send> => send(at.url, { method: 'POST', path, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const ask = (at: ProxyRig, called: DialectCase, isStream: boolean, more: object = {}): ReturnType<typeof send> => post(at, pathOf(called, isStream), { ...called.body, ...(called.dialect === 'gemini' ? {} : { model: 'm', ...(isStream ? { stream: true } : {}) }), ...more });

const pairs = dialectCases.flatMap((client) => dialectCases.filter((each) => each !== client).map((vendor) => [client.dialect, vendor.dialect, client, vendor] as const));

describe.each(pairs)('a client of %s on an upstream of %s', (_, __, client, vendor) => {
  it('gets a whole answer in its own dialect', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, vendor.answer));
    const answer = await ask(await startRig(accountOf(vendor.dialect, upstream.url)), client, false);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
    expect(answer.body.toString()).toContain('Hello.');
    expect(rig?.settled.map(({ outcome, tokens }) => [outcome, tokens.input, tokens.output, tokens.estimated])).toEqual([['ok', vendor.dialect === 'gemini' ? Math.ceil(JSON.stringify(client.dialect === 'gemini' ? client.body : { ...client.body, model: 'm' }).length / 4) : 5, expect.any(Number), vendor.dialect === 'gemini']]);
  });

  it('gets a stream in its own dialect, and its usage is counted', async () => {
    upstream.setScript((_, res) => answerEvents(res, vendor.events));
    const answer = await ask(await startRig(accountOf(vendor.dialect, upstream.url)), client, true);
    expect([answer.status, answer.headers['content-type'], answer.headers['x-accel-buffering'], answer.isComplete]).toEqual([200, 'text/event-stream; charset=utf-8', 'no', true]);
    expect(answer.body.toString()).toMatch(/Hel/);
    expect(rig?.settled.map(({ outcome, tokens }) => [outcome, tokens.input, tokens.output])).toEqual([['ok', 5, 2]]);
  });

  it('is told of a refusal with the vendor’s status and words, in its own form', async () => {
    upstream.setScript((_, res) => answerJson(res, 400, { type: 'error', error: { type: 'invalid_request_error', message: 'too many tokens', code: 'x', status: 'INVALID_ARGUMENT' } }));
    const answer = await ask(await startRig(accountOf(vendor.dialect, upstream.url)), client, true);
    const body: { readonly type?: string; readonly error: Readonly<Record<string, unknown>> } = JSON.parse(answer.body.toString());
    expect([answer.status, body.error['message']]).toEqual([400, 'too many tokens']);
    expect(client.dialect === 'anthropic-messages' ? body.type : client.dialect === 'gemini' ? body.error['status'] : body.error['type']).toBe({ 'openai-chat': 'invalid_request_error', 'openai-responses': 'invalid_request_error', 'anthropic-messages': 'error', gemini: 'INVALID_ARGUMENT' }[client.dialect]);
  });

  it('is told when the stream is cut, and the connection is broken', async () => {
    upstream.setScript((_, res) => answerEvents(res, vendor.events.slice(0, vendor.dialect === 'gemini' || vendor.dialect === 'openai-responses' ? -1 : -2)));
    const answer = await ask(await startRig(accountOf(vendor.dialect, upstream.url)), client, true);
    expect([answer.status, answer.isComplete]).toEqual([200, false]);
    expect(answer.body.toString()).toMatch(/stream_truncated/);
    expect(rig?.settled.map(({ outcome }) => outcome)).toEqual(['stream_truncated']);
  });

  it('leaves a stream that begins with an error for another account', async () => {
    upstream.setScript((_, res) => answerEvents(res, [vendor.dialect === 'anthropic-messages' || vendor.dialect === 'openai-responses' ? 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n' : 'data: {"error":{"message":"busy","code":429}}\n\n']));
    other.setScript((_, res) => answerEvents(res, vendor.events));
    const first = accountOf(vendor.dialect, upstream.url, { priority: 1 });
    const second = accountOf(vendor.dialect, other.url, { priority: 0 });
    const merged = Object.fromEntries(Object.entries(first).map(([name, entries]) => [name, [...(Array.isArray(entries) ? entries : []), ...Object.values(second).flat()]]));
    const answer = await ask(await startRig(merged), client, true);
    expect([answer.status, upstream.seen.length, other.seen.length]).toEqual([200, 1, 1]);
    expect(answer.body.toString()).not.toContain('busy');
  });
});

describe('an upstream that means no good', () => {
  const tooDeep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;

  it.each([messages, gemini])('whose arguments nest too deeply is told of as an error, whole and collected from a stream: $dialect', async (client) => {
    const at = await startRig(accountOf('openai-chat', upstream.url));
    const call = { index: 0, id: 'x', type: 'function', function: { name: 'f', arguments: tooDeep } };
    for (const isStream of [false, true]) {
      upstream.setScript((_, res) =>
        isStream
          ? answerEvents(res, [`data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { tool_calls: [call] } }] })}\n\n`, 'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\n', 'data: [DONE]\n\n'])
          : answerJson(res, 200, { id: 'c', choices: [{ index: 0, message: { role: 'assistant', tool_calls: [call] }, finish_reason: 'tool_calls' }] }),
      );
      const answer = await ask(at, client, false);
      expect([answer.status, JSON.parse(answer.body.toString())]).toEqual([502, expect.objectContaining({ error: expect.anything() })]);
    }
    expect(at.settled).toHaveLength(2);
    expect([upstream.seen.length, at.router.states(at.table).map(({ state, models }) => [state, models])]).toEqual([2, [['ready', []]]]);
  });

  it('whose stream never ends is not collected without bound', async () => {
    const event = `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content: 'x'.repeat(1_000_000) } }] })}\n\n`;
    let isGone = false;
    upstream.setScript((_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.on('close', () => (isGone = true));
      const write = (): void => {
        res.write(event, () => {
          if (!isGone) setImmediate(write);
        });
      };
      write();
    });
    const answer = await ask(await startRig(accountOf('openai-chat', upstream.url)), messages, false);
    expect(answer.status).toBe(502);
    await until('the upstream to be left', () => isGone);
  }, 20_000);

  it('whose error is called as what every object has is an error like others', async () => {
    upstream.setScript((_, res) => answerEvents(res, ['event: error\ndata: {"type":"error","error":{"type":"constructor","message":"odd"}}\n\n']));
    expect((await ask(await startRig(accountOf('anthropic-messages', upstream.url)), messages, true)).status).toBe(502);
  });

  it('whose finish is called as what every object has ends a stream all the same', async () => {
    upstream.setScript((_, res) => answerEvents(res, ['data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":"constructor"}]}\n\n', 'data: [DONE]\n\n']));
    const answer = await ask(await startRig(accountOf('openai-chat', upstream.url)), responses, true);
    expect(answer.body.toString()).toContain('event: response.completed');
  });
});

describe('a request that cannot be translated', () => {
  const calling = (input: string): object => ({ messages: [{ role: 'user', content: 'x' }, { role: 'assistant', tool_calls: [{ id: 'x', type: 'function', function: { name: 'f', arguments: input } }] }, { role: 'tool', tool_call_id: 'x', content: 'y' }] });

  it.each([messages, gemini])('is the client’s mistake where it nests too deeply, and the account stays ready: $dialect', async (vendor) => {
    const at = await startRig(accountOf(vendor.dialect, upstream.url));
    const answer = await ask(at, chat, false, calling(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`));
    expect([answer.status, upstream.seen.length]).toEqual([400, 0]);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code: 'invalid_request' } });
    expect(at.router.states(at.table).map(({ state }) => state)).toEqual(['ready']);
  });

  it.each(['user', { odd: true }])('is the client’s mistake where a turn of %j calls a function', async (role) => {
    const at = await startRig(accountOf('openai-chat', upstream.url));
    const answer = await ask(at, gemini, false, { contents: [{ role, parts: [{ functionCall: { name: 'f', args: {} } }] }] });
    expect([answer.status, upstream.seen.length]).toEqual([400, 0]);
    expect(at.router.states(at.table).map(({ state }) => state)).toEqual(['ready']);
  });
});

describe('what the vendor cannot be told', () => {
  it('is listed where the client can do without it', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, messages.answer));
    const answer = await ask(await startRig(accountOf('anthropic-messages', upstream.url)), chat, false, { seed: 7, metadata: { a: 'b' } });
    expect(answer.status).toBe(200);
    expect(String(answer.headers['x-keyward-dropped']).split(', ').toSorted((a, b) => a.localeCompare(b))).toEqual(['metadata', 'seed']);
  });

  it('is refused by name where it would change the answer, and nothing is sent', async () => {
    const answer = await ask(await startRig(accountOf('anthropic-messages', upstream.url)), chat, false, { n: 2 });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code: 'unsupported_parameter', param: 'n', type: 'invalid_request_error' } });
    expect(upstream.seen).toHaveLength(0);
  });

  it('goes to an account that can be told, where there is one', async () => {
    other.setScript((_, res) => answerJson(res, 200, chat.answer));
    const answer = await ask(await startRig({ ...accountOf('anthropic-messages', upstream.url, { priority: 5 }), ...accountOf('openai-chat', other.url) }), chat, false, { n: 2 });
    expect([answer.status, upstream.seen.length, other.seen.length]).toEqual([200, 0, 1]);
    expect(answer.headers['x-keyward-dropped']).toBeUndefined();
  });

  it('never puts the client’s headers before the vendor', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, chat.answer));
    const at = await startRig(accountOf('openai-chat', upstream.url));
    await send(at.url, { method: 'POST', path: '/v1/messages', headers: { 'content-type': 'application/json', 'anthropic-beta': 'secret-beta', 'x-api-key': 'sk-client' }, body: JSON.stringify({ ...messages.body, model: 'm' }) });
    expect(JSON.stringify(upstream.seen[0]?.headers)).not.toMatch(/secret-beta|sk-client|anthropic/);
  });
});

describe('a Gemini client that reads no events', () => {
  it('gets its stream as one JSON array', async () => {
    upstream.setScript((_, res) => answerEvents(res, chat.events));
    const answer = await post(await startRig(accountOf('openai-chat', upstream.url)), '/v1beta/models/m:streamGenerateContent', gemini.streamBody);
    expect(answer.headers['content-type']).toBe('application/json; charset=UTF-8');
    const events: readonly { readonly candidates: readonly { readonly content: { readonly parts: readonly { readonly text?: string }[] } }[] }[] = JSON.parse(answer.body.toString());
    expect(events.map(({ candidates }) => candidates[0]?.content.parts.map(({ text }) => text ?? '').join('') ?? '').join('')).toBe('Hello.');
  });

  it('gets no closing bracket when it is cut', async () => {
    upstream.setScript((_, res) => answerEvents(res, chat.events.slice(0, 1)));
    const answer = await post(await startRig(accountOf('openai-chat', upstream.url)), '/v1beta/models/m:streamGenerateContent', gemini.streamBody);
    expect(answer.isComplete).toBe(false);
    expect(() => JSON.parse(answer.body.toString())).toThrow();
  });
});

describe('counting tokens', () => {
  const count = { model: 'm', messages: [{ role: 'user', content: 'How many tokens is this?' }] };

  it('is asked of another vendor in its own way', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, { totalTokens: 42 }));
    const answer = await post(await startRig(accountOf('gemini', upstream.url)), '/v1/messages/count_tokens', count);
    expect([answer.status, answer.body.toString(), answer.headers['x-keyward-estimate']]).toEqual([200, '{"input_tokens":42}', undefined]);
    expect(upstream.seen[0]?.url).toBe('/v1beta/models/m:countTokens');
  });

  it('is an estimate that says so where the vendor does not count', async () => {
    const answer = await post(await startRig(accountOf('openai-chat', upstream.url)), '/v1/messages/count_tokens', count);
    const { input_tokens: tokens }: { readonly input_tokens: number } = JSON.parse(answer.body.toString());
    expect([answer.status, answer.headers['x-keyward-estimate'], upstream.seen.length]).toEqual([200, 'tokens', 0]);
    expect(tokens).toBeGreaterThan(5);
    expect(tokens).toBeLessThan(20);
  });

  it('is an estimate where the vendor’s own kind of server lacks the call', async () => {
    upstream.setScript((_, res) => answerJson(res, 404, { error: { message: 'not found' } }));
    const at = await startRig(accountOf('anthropic-messages', upstream.url));
    const answer = await post(at, '/v1/messages/count_tokens', count);
    expect([answer.status, answer.headers['x-keyward-estimate'], upstream.seen.length]).toEqual([200, 'tokens', 1]);
    expect(at.router.states(at.table).map(({ state }) => state)).toEqual(['ready']);
  });

  it('of a Gemini client, plain or behind generateContentRequest, and of a Responses client', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, { input_tokens: 7 }));
    const at = await startRig(accountOf('anthropic-messages', upstream.url));
    for (const body of [gemini.body, { generateContentRequest: { model: 'models/m', ...gemini.body } }]) expect((await post(at, '/v1beta/models/m:countTokens', body)).body.toString()).toBe('{"totalTokens":7}');
    expect(JSON.parse((await post(at, '/v1/responses/input_tokens', { model: 'm', input: 'hi' })).body.toString())).toEqual({ object: 'response.input_tokens', input_tokens: 7 });
  });
});

describe('stored responses', () => {
  const stored = { 'stored-responses': { enabled: true } };
  const idOf = (answer: { readonly body: Buffer }): string => {
    const { id }: { readonly id: string } = JSON.parse(answer.body.toString());
    return id;
  };

  it('a request that goes on from one keeps every digit of its numbers', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, messages.answer));
    const at = await startRig({ ...accountOf('anthropic-messages', upstream.url), ...stored });
    const id = idOf(await post(at, '/v1/responses', { model: 'm', input: 'hi' }));
    const schema = parseExact('{"type":"object","properties":{"id":{"type":"integer","maximum":18446744073709551615,"enum":[12345678901234567890]}}}');
    const input = [{ type: 'function_call', call_id: 'c', name: 'f', arguments: '{"id":12345678901234567890,"e":1e400}' }, { type: 'function_call_output', call_id: 'c', output: 'ok' }];
    await post(at, '/v1/responses', { model: 'm', input, tools: [{ type: 'function', name: 'f', parameters: schema }], previous_response_id: id });
    const sent = upstream.seen.at(-1)?.body.toString();
    expect(sent).toContain('"input":{"id":12345678901234567890,"e":1e400}');
    expect(sent).toContain('"maximum":18446744073709551615,"enum":[12345678901234567890]');
  });

  it('are kept for a vendor that keeps none: read, gone on from, removed', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, messages.answer));
    const at = await startRig({ ...accountOf('anthropic-messages', upstream.url), ...stored });
    const id = idOf(await post(at, '/v1/responses', { model: 'm', input: 'My name is Ann.' }));
    expect(JSON.parse((await send(at.url, { path: `/v1/responses/${id}` })).body.toString())).toMatchObject({ id, status: 'completed' });
    const second = idOf(await post(at, '/v1/responses', { model: 'm', input: 'What is it?', previous_response_id: id }));
    await post(at, '/v1/responses', { model: 'm', input: 'And now?', previous_response_id: second });
    expect(JSON.parse(upstream.seen.at(-1)?.body.toString() ?? '')).toMatchObject({ messages: [{ role: 'user' }, { role: 'assistant' }, { role: 'user' }, { role: 'assistant' }, { role: 'user' }] });
    expect(upstream.seen.at(-1)?.body.toString()).toMatch(/My name is Ann.*Hello\..*What is it\?.*Hello\..*And now\?/);
    expect(JSON.parse((await send(at.url, { method: 'DELETE', path: `/v1/responses/${id}` })).body.toString())).toEqual({ id, object: 'response', deleted: true });
    expect((await send(at.url, { path: `/v1/responses/${id}` })).status).toBe(404);
    expect((await post(at, '/v1/responses', { model: 'm', input: 'x', previous_response_id: second })).status).toBe(404);
  });

  it('are kept of streams too, and not where the client says store: false', async () => {
    upstream.setScript((_, res) => answerEvents(res, messages.events));
    const at = await startRig({ ...accountOf('anthropic-messages', upstream.url), ...stored });
    for (const store of [undefined, false]) {
      const answer = await post(at, '/v1/responses', { model: 'm', input: 'hi', stream: true, ...(store === undefined ? {} : { store }) });
      const id = /"id":"(resp_\w+)"/.exec(answer.body.toString())?.[1] ?? '';
      expect((await send(at.url, { path: `/v1/responses/${id}` })).status).toBe(store === undefined ? 200 : 404);
    }
  });

  it('items of an answer can be referred to for a while, by whom they were given alone', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, messages.answer));
    const at = await startRig(accountOf('anthropic-messages', upstream.url));
    const answer: { readonly output: readonly { readonly id: string }[] } = JSON.parse((await post(at, '/v1/responses', { model: 'm', input: 'hi' })).body.toString());
    const input = [{ role: 'user', content: 'hi' }, { type: 'item_reference', id: answer.output[0]?.id }, { role: 'user', content: 'more' }];
    expect((await post(at, '/v1/responses', { model: 'm', input })).status).toBe(200);
    expect(JSON.parse(upstream.seen.at(-1)?.body.toString() ?? '')).toMatchObject({ messages: [{ role: 'user' }, { role: 'assistant', content: [{ type: 'text', text: 'Hello.' }] }, { role: 'user' }] });
    const other = await post(at, '/v1/responses', { model: 'm', input: [{ type: 'item_reference', id: 'msg_of_somebody_else' }] });
    expect(other.status).toBe(400);
  });

  it('show their own input by pages, the last first unless asked otherwise', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, messages.answer));
    const at = await startRig({ ...accountOf('anthropic-messages', upstream.url), ...stored });
    const input = Array.from({ length: 25 }, (_, index) => ({ role: 'user', content: `${index}`, ...(index < 2 ? { id: 'msg_same' } : {}) }));
    const id = idOf(await post(at, '/v1/responses', { model: 'm', input }));
    const page = async (query: string): Promise<{ readonly data: readonly { readonly id: string; readonly content: string }[]; readonly last_id: string; readonly has_more: boolean }> => JSON.parse((await send(at.url, { path: `/v1/responses/${id}/input_items${query}` })).body.toString());
    const first = await page('');
    expect([first.data.length, first.data[0]?.content, first.has_more]).toEqual([20, '24', true]);
    const second = await page(`?after=${first.last_id}`);
    expect(second).toMatchObject({ data: [{ content: '4' }, { content: '3' }, { content: '2' }, { content: '1' }, { content: '0' }], has_more: false });
    const seen: string[] = [];
    for (let after = ''; ; ) {
      const { data, last_id: last, has_more: hasMore } = await page(`?order=asc&limit=1${after}`);
      seen.push(...data.map(({ content }) => content));
      after = `&after=${last}`;
      if (!hasMore) break;
    }
    expect(seen).toEqual(input.map(({ content }) => content));
    for (const [query, param] of [['order=up', 'order'], ['limit=0', 'limit'], ['limit=101', 'limit'], ['limit=x', 'limit'], ['after=msg_none', 'after'], ['before=msg_same', 'before']] as const) expect(await page(`?${query}`)).toMatchObject({ error: { param } });
  });

  it('may not grow past a request, turn by turn', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, messages.answer));
    const at = await startRig({ ...accountOf('anthropic-messages', upstream.url), ...stored, 'max-body-mb': 1 });
    const input = 'x'.repeat(500_000);
    const first = idOf(await post(at, '/v1/responses', { model: 'm', input }));
    const second = idOf(await post(at, '/v1/responses', { model: 'm', input, previous_response_id: first }));
    const before = upstream.seen.length;
    for (const more of [input, 'y'.repeat(48_700), 'z']) {
      const answer = await post(at, '/v1/responses', { model: 'm', input: more, previous_response_id: second });
      expect([answer.status, more.length < 10_000 || JSON.parse(answer.body.toString()).error.code]).toEqual(more.length < 10_000 ? [200, true] : [413, 'body_too_large']);
    }
    expect(upstream.seen.length).toBe(before + 1);
  });

  it('may not grow past a request by items that are referred to often', async () => {
    const text = 'x'.repeat(100_000);
    upstream.setScript((_, res) => answerJson(res, 200, { ...messages.answer, content: [{ type: 'text', text }] }));
    const at = await startRig({ ...accountOf('anthropic-messages', upstream.url), 'max-body-mb': 1 });
    const answer: { readonly output: readonly { readonly id: string }[] } = JSON.parse((await post(at, '/v1/responses', { model: 'm', input: 'hi' })).body.toString());
    const referring = (times: number, content: string) => post(at, '/v1/responses', { model: 'm', input: [...Array.from({ length: times }, () => ({ type: 'item_reference', id: answer.output[0]?.id })), { role: 'user', content }] });
    expect((await referring(10, 'more')).status).toBe(200);
    const before = upstream.seen.length;
    for (const [times, content] of [[100, 'more'], [10, text]] as const) expect(JSON.parse((await referring(times, content)).body.toString())).toMatchObject({ error: { code: 'body_too_large', param: 'input' } });
    expect(upstream.seen.length).toBe(before);
  });

  it('an input that is an object follows nothing', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, messages.answer));
    const at = await startRig({ ...accountOf('anthropic-messages', upstream.url), ...stored });
    const id = idOf(await post(at, '/v1/responses', { model: 'm', input: 'hi' }));
    const answer = await post(at, '/v1/responses', { model: 'm', input: { role: 'user', content: 'lost' }, previous_response_id: id });
    expect([answer.status, JSON.parse(answer.body.toString())]).toMatchObject([400, { error: { code: 'invalid_request', param: 'input' } }]);
  });

  it('are not kept unless the operator says so', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, messages.answer));
    const at = await startRig(accountOf('anthropic-messages', upstream.url));
    const id = idOf(await post(at, '/v1/responses', { model: 'm', input: 'hi' }));
    expect((await send(at.url, { path: `/v1/responses/${id}` })).status).toBe(404);
    expect(JSON.parse((await post(at, '/v1/responses', { model: 'm', input: 'x', previous_response_id: id })).body.toString())).toMatchObject({ error: { code: 'previous_response_not_found' } });
  });
});
