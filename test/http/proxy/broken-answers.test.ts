import { gzipSync } from 'node:zlib';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
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

/** Accounts of one dialect, which serve the model `m`; the first has the highest priority. */
const accountsOf = (dialect: DialectCase['dialect'], urls: readonly string[]): object => {
  const entries = urls.map((url, index) => ({ 'api-key': `sk-upstream-${index}`, 'base-url': url, models: [{ name: 'm' }], priority: -index }));
  switch (dialect) {
    case 'openai-chat':
      return { 'openai-compatibility': entries.map(({ 'base-url': url, models, priority }, index) => ({ name: `e${index}`, 'base-url': `${url}/v1`, models, priority })) };
    case 'openai-responses':
      return { 'codex-api-key': entries.map((entry) => ({ ...entry, 'base-url': `${entry['base-url']}/v1`, dialects: ['openai-responses'] })) };
    case 'anthropic-messages':
      return { 'claude-api-key': entries };
    case 'gemini':
      return { 'gemini-api-key': entries };
  }
};

async function startRig(dialect: DialectCase['dialect'], urls: readonly string[] = [upstream.url], more: object = {}): Promise<ProxyRig> {
  const config = { ...accountsOf(dialect, urls), ...more };
  rig = await startProxyRig({ accounts: accountsFromConfig(configOf(config)).accounts, tokens: createFakeKeeper(), config });
  return rig;
}

const pathOf = ({ path, streamPath, dialect }: DialectCase, isStream: boolean): string => (dialect === 'gemini' ? (isStream ? streamPath : path).replace('gemini-2.5-flash', 'm') : path);
const ask = (at: ProxyRig, client: DialectCase, isStream: boolean, more: object = {}): ReturnType<typeof send> =>
  send(at.url, { method: 'POST', path: pathOf(client, isStream), headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...client.body, ...(client.dialect === 'gemini' ? {} : { model: 'm', ...(isStream ? { stream: true } : {}) }), ...more }) });
const states = (at: ProxyRig): readonly string[] => at.router.states(at.table).map(({ state, models }) => (state === 'ready' && models.length > 0 ? 'resting' : state));
const outcomes = (at: ProxyRig): readonly string[] => at.settled.map(({ outcome }) => outcome);

const chunk = (delta: object, more: object = {}): string => `data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta, ...more }] })}\n\n`;

describe('an upstream that sends very much at once', () => {
  const token = { token: 'a', logprob: -1, bytes: null, top_logprobs: [] };
  const last = [chunk({}, { finish_reason: 'stop' }), 'data: [DONE]\n\n'].join('');
  const manyTokens = chunk({ content: 'x' }, { logprobs: { content: Array.from({ length: 300_000 }, () => token) } }) + last;
  const manyChoices = `data: ${JSON.stringify({ id: 'c', choices: Array.from({ length: 200_000 }, (_, index) => ({ index, delta: { content: 'x' }, finish_reason: 'stop' })) })}\n\ndata: [DONE]\n\n`;

  it.each([
    ['tokens, whole', responses, false, manyTokens],
    ['tokens, streamed', responses, true, manyTokens],
    ['tokens, streamed', gemini, true, manyTokens],
    ['choices, streamed', messages, true, manyChoices],
    ['choices, streamed', gemini, true, manyChoices],
    ['choices, whole', messages, false, manyChoices],
  ] as const)('is answered, coded or not: %s', async (_, client, isStream, text) => {
    const at = await startRig('openai-chat');
    for (const isCoded of [false, true]) {
      upstream.setScript((_, res) => {
        res.writeHead(200, { 'content-type': 'text/event-stream', ...(isCoded ? { 'content-encoding': 'gzip' } : {}) });
        res.end(isCoded ? gzipSync(text) : text);
      });
      const answer = await ask(at, client, isStream);
      expect([answer.status, answer.isComplete]).toEqual([200, true]);
    }
    expect(outcomes(at)).toEqual(['ok', 'ok']);
  }, 30_000);
});

const pairs = dialectCases.flatMap((client) => dialectCases.map((vendor) => [client.dialect, vendor.dialect, client, vendor] as const)).filter(([client, vendor]) => client !== vendor);

describe('a connection that is reset after the whole stream', () => {
  it.each(pairs)('is a clean end for a client of %s on an upstream of %s', async (_, __, client, vendor) => {
    let reset = (): void => undefined;
    upstream.setScript((_, res) => {
      answerEvents(res, vendor.events, false);
      reset = () => void res.socket?.resetAndDestroy();
    });
    const at = await startRig(vendor.dialect);
    const reading = read(at, client);
    // Gemini's streams have no last mark, and so nothing of the end is known before the reset.
    await until('the content', () => reading.text().includes('Hel'));
    if (vendor.dialect !== 'gemini') await until('the end', () => /\[DONE\]|message_stop|response\.completed|"finishReason"/.test(reading.text()));
    reset();
    await reading.ended;
    await until('the exchange to be settled', () => at.settled.length === 1);
    expect(outcomes(at)).toEqual(['ok']);
    expect(states(at)).toEqual(['ready']);
    expect(reading.text()).not.toContain('stream_truncated');
  });
});

describe('a stream that is lost before it has content', () => {
  it.each([['as it comes', messages], ['translated', responses], ['translated', gemini]] as const)('is asked for once more of the same account: %s', async (_, client) => {
    upstream.setScript((_, res) => {
      if (upstream.seen.length > 1) answerEvents(res, messages.events);
      else {
        res.writeHead(200, { 'content-type': 'text/event-stream' });
        res.write(messages.events[0], () => void res.socket?.resetAndDestroy());
      }
    });
    const at = await startRig('anthropic-messages');
    expect((await ask(at, client, true)).status).toBe(200);
    expect(at.settled.map(({ outcome, attempts }) => [outcome, attempts])).toEqual([['ok', 2]]);
  });

  it.each([['as it comes', messages], ['translated', responses]] as const)('is a timeout where it was only quiet: %s', async (_, client) => {
    upstream.setScript((_, res) => answerEvents(res, messages.events.slice(0, 1), false));
    const answer = await ask(await startRig('anthropic-messages', [upstream.url], { 'upstream-idle-timeout': '1s' }), client, true);
    expect([answer.status, JSON.parse(answer.body.toString()).error.code]).toEqual([504, 'upstream_timeout']);
  }, 15_000);
});

describe('the time to the first byte', () => {
  it.each([['as it comes', messages], ['translated', responses]] as const)('is that of the opening, where the wait for content ended by itself: %s', async (_, client) => {
    let finish = (): void => undefined;
    upstream.setScript((_, res) => {
      answerEvents(res, messages.events.slice(0, 1), false);
      finish = () => res.end(messages.events.slice(1).join(''));
    });
    const at = await startRig('anthropic-messages');
    const reading = read(at, client);
    await until('the first event', () => {
      if (reading.text() !== '') return true;
      at.clock.advance(50);
      return false;
    });
    const shownMs = at.clock.monotonicMs();
    at.clock.advance(5_000);
    finish();
    await reading.ended;
    await until('the exchange to be settled', () => at.settled.length === 1);
    expect(at.settled[0]?.firstByteMs).toBeLessThanOrEqual(shownMs);
  });
});

/** Writes the same piece until it is left. */
function pour(res: ServerResponse, beginning: string, piece: Buffer | string, contentType = 'text/event-stream'): { readonly isLeft: () => boolean } {
  let isLeft = false;
  res.writeHead(200, { 'content-type': contentType });
  res.on('close', () => (isLeft = true));
  res.write(beginning);
  const write = (): void => {
    res.write(piece, () => {
      if (!isLeft) setImmediate(write);
    });
  };
  write();
  return { isLeft: () => isLeft };
}

describe('an answer without bound', () => {
  const mega = Buffer.alloc(1 << 20, 'x');
  const call = (text: string): string => chunk({ tool_calls: [{ index: 0, function: { arguments: text } }] });
  const beginCall = chunk({ tool_calls: [{ index: 0, id: 'x', type: 'function', function: { name: 'f', arguments: '{"a":"' } }] });
  const said = chunk({ content: 'Hello' });

  it.each([
    ['an event that never ends, after content', messages, 'data: {"id":"c","x":"', mega],
    ['a text, for a client that is given all of it again at the end', responses, '', chunk({ content: 'y'.repeat(1 << 20) })],
    ['arguments, which a client of Gemini gets whole', gemini, beginCall, call('y'.repeat(1 << 20))],
  ] as const)('ends in an error event, and the upstream is left: %s', async (_, client, beginning, piece) => {
    let poured: ReturnType<typeof pour> | undefined;
    upstream.setScript((_, res) => (poured = pour(res, said + beginning, piece)));
    const at = await startRig('openai-chat');
    const answer = await ask(at, client, true);
    await until('the upstream to be left', () => poured?.isLeft() === true);
    expect(answer.body.includes('too large to be carried over')).toBe(true);
    expect(outcomes(at)).toEqual(['upstream_stream_error']);
  }, 30_000);

  it('in one piece is not read on, and neither is a count', async () => {
    let poured: ReturnType<typeof pour> | undefined;
    upstream.setScript((_, res) => (poured = pour(res, '{"a":"', mega, 'application/json')));
    const at = await startRig('openai-chat');
    const answer = await ask(at, messages, false);
    expect(answer.status).toBe(502);
    await until('the upstream to be left', () => poured?.isLeft() === true);
    await at.close();
    const counting = await startRig('gemini');
    const count = await send(counting.url, { method: 'POST', path: '/v1/messages/count_tokens', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }] }) });
    expect([count.status, JSON.parse(count.body.toString()).error.message]).toEqual([502, 'The upstream\'s answer is too large to be carried over.']);
    await until('the upstream to be left', () => poured?.isLeft() === true);
  }, 30_000);

  it('of which one event never ends is no answer, before any content', async () => {
    let poured: ReturnType<typeof pour> | undefined;
    upstream.setScript((_, res) => (poured = pour(res, 'data: {"id":"c","x":"', mega)));
    const answer = await ask(await startRig('openai-chat'), messages, true);
    expect([answer.status, JSON.parse(answer.body.toString()).error.message]).toEqual([502, 'The upstream\'s answer is too large to be carried over.']);
    await until('the upstream to be left', () => poured?.isLeft() === true);
  }, 30_000);
});

describe('an answer that the client’s dialect cannot say', () => {
  const deep = `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
  const calling = { index: 0, id: 'x', type: 'function', function: { name: 'f', arguments: deep } };

  it('ends a stream that has begun, and the upstream is left', async () => {
    let isLeft = false;
    upstream.setScript((_, res) => {
      res.on('close', () => (isLeft = true));
      answerEvents(res, [chunk({ content: 'Hello' }), chunk({ tool_calls: [calling] }), chunk({}, { finish_reason: 'tool_calls' }), 'data: [DONE]\n\n'], false);
    });
    const at = await startRig('openai-chat');
    const answer = await ask(at, gemini, true);
    expect(answer.body.toString()).toContain('could not be carried over');
    await until('the upstream to be left', () => isLeft);
    expect(outcomes(at)).toEqual(['upstream_stream_error']);
    expect(states(at)).toEqual(['ready']);
  });

  it.each([false, true])('is asked of one account alone, which stays ready; from a stream %s', async (isStream) => {
    for (const each of [upstream, other])
      each.setScript((_, res) =>
        isStream
          ? answerEvents(res, [chunk({ tool_calls: [calling] }), chunk({}, { finish_reason: 'tool_calls' }), 'data: [DONE]\n\n'])
          : answerJson(res, 200, { id: 'c', choices: [{ index: 0, message: { role: 'assistant', tool_calls: [calling] }, finish_reason: 'tool_calls' }] }),
      );
    const at = await startRig('openai-chat', [upstream.url, other.url]);
    const answer = await ask(at, gemini, false);
    expect([answer.status, upstream.seen.length, other.seen.length]).toEqual([502, 1, 0]);
    expect(states(at)).toEqual(['ready', 'ready']);
  });
});

describe('a 404', () => {
  const missing = { message: 'Item with id \'rs_1\' not found. Items are not persisted when `store` is set to false.', type: 'invalid_request_error', param: 'input', code: null };
  const cases: readonly (readonly [string, DialectCase['dialect'], boolean, unknown])[] = [
    ['about an item', 'openai-responses', false, { error: missing }],
    ['about an item, without its place', 'openai-responses', false, { error: { ...missing, param: null } }],
    ['about a place of the request, whatever its words', 'openai-responses', false, { error: { message: 'The model m found no such file.', type: 'not_found_error', param: 'input[0].file_id', code: 'not_found' } }],
    ['about a file', 'anthropic-messages', false, { type: 'error', error: { type: 'not_found_error', message: 'File not found: file_1' } }],
    ['about cached content', 'gemini', false, { error: { code: 404, status: 'NOT_FOUND', message: 'Requested entity was not found.' } }],
    ['of OpenAI about the model', 'openai-responses', true, { error: { message: 'The model `m` does not exist or you do not have access to it.', type: 'invalid_request_error', param: null, code: 'model_not_found' } }],
    ['of OpenAI about the endpoint of the model', 'openai-responses', true, { error: { message: 'This is not a chat model.', type: 'invalid_request_error', param: 'model', code: null } }],
    ['of Anthropic about the model', 'anthropic-messages', true, { type: 'error', error: { type: 'not_found_error', message: 'model: m' } }],
    ['of Gemini about the model', 'gemini', true, { error: { code: 404, status: 'NOT_FOUND', message: 'models/m is not found for API version v1beta, or is not supported for generateContent.' } }],
    ['of Gemini about the model, as a list', 'gemini', true, [{ error: { code: 404, status: 'NOT_FOUND', message: 'models/m is not found for API version v1beta.' } }]],
    ['of Ollama about the model', 'openai-chat', true, { error: { message: 'model "m" not found, try pulling it first', type: 'api_error', param: null, code: null } }],
    ['of Ollama’s own API about the model', 'openai-chat', true, { error: 'model \'m\' not found' }],
    ['of vLLM about the model', 'openai-chat', true, { object: 'error', message: 'The model `m` does not exist.', type: 'NotFoundError', param: null, code: 404 }],
    ['of Azure about the deployment', 'openai-chat', true, { error: { code: 'DeploymentNotFound', message: 'The API deployment for this resource does not exist.' } }],
    ['of a server without the endpoint', 'openai-chat', true, { detail: 'Not Found' }],
  ];

  it.each(cases)('%s, on %s: the account rests %s', async (_, dialect, rests, body) => {
    const client = dialectCases.find((each) => each.dialect === dialect) ?? chat;
    upstream.setScript((_, res) => answerJson(res, 404, body));
    for (const isTranslated of [false, true]) {
      const at = await startRig(dialect);
      const answer = await ask(at, isTranslated ? (client === chat ? messages : chat) : client, false);
      expect(answer.status).toBe(404);
      expect(states(at).map((state) => state !== 'ready')).toEqual([rests]);
      await at.close();
    }
  });

  it('on a request that is bound to its account says nothing of the model', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, responses.answer));
    const at = await startRig('openai-responses');
    await ask(at, responses, false, { store: true });
    upstream.setScript((_, res) => answerJson(res, 404, { error: { message: 'The model `m` does not exist.', type: 'invalid_request_error', param: null, code: 'model_not_found' } }));
    expect((await ask(at, responses, false, { previous_response_id: 'resp_1' })).status).toBe(404);
    expect(states(at)).toEqual(['ready']);
  });
});

describe('an estimate', () => {
  it('that fails is the request’s own fault, and no account is blamed', async () => {
    const at = await startRig('openai-chat');
    const answer = await send(at.url, { method: 'POST', path: '/v1/messages/count_tokens', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 5 }] }) });
    expect(answer.status).toBe(400);
    expect(states(at)).toEqual(['ready']);
  });
});

/** A streamed answer, read as it comes. */
interface Reading {
  readonly text: () => string;
  readonly ended: Promise<void>;
}

function read(at: ProxyRig, client: DialectCase): Reading {
  let text = '';
  const drain = async (): Promise<void> => {
    const { body } = await fetch(`${at.url}${pathOf(client, true)}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...client.streamBody, model: 'm' }), signal: AbortSignal.timeout(10_000) });
    if (body === null) return;
    const decoder = new TextDecoder();
    for await (const piece of body) text += decoder.decode(piece, { stream: true });
  };
  return { text: () => text, ended: drain() };
}
