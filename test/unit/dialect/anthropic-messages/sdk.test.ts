import { createAnthropic } from '@ai-sdk/anthropic';
import Anthropic, { APIError } from '@anthropic-ai/sdk';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../internal/dialect/anthropic-messages/codec.ts';
import type { IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import type { IrEvent } from '../../../../internal/dialect/ir/events.ts';
import type { JsonRecord } from '../../../../internal/dialect/ir/json.ts';
import { replayAnswer } from '../../../../internal/dialect/ir/replay.ts';
import type { IrRequest } from '../../../../internal/dialect/ir/request.ts';
import { toAppError } from '../../../../internal/fault/app-error.ts';
import { renderFault } from '../../../../internal/http/fault-wire.ts';
import { serveCodec, type CodecReply } from '../../../support/codec-server.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { contextOf, google, openai } from './fixtures.ts';

/** What the server answers, one after the other. */
type Reply = readonly IrEvent[] | IrAnswer;

let baseURL = '';
let replies: Reply[] = [];
let seen: IrRequest[] = [];
let source = openai;

/** Answers through the codec as Keyward would: the client's request decides how. */
function reply(path: string, body: JsonRecord): CodecReply {
  if (path.includes('count_tokens')) return { type: 'application/json', text: JSON.stringify(anthropicMessages.count?.encodeAnswer(anthropicMessages.count.decodeRequest(body).turns.length * 10)) };
  let request: IrRequest;
  try {
    request = anthropicMessages.decodeRequest(body, body['stream'] === true);
  } catch (thrown) {
    const { status, body: text } = renderFault(toAppError(thrown), 'anthropic-messages', 'req_1');
    return { status, type: 'application/json', text };
  }
  const next = replies.shift() ?? [];
  seen.push(request);
  const context = { ...contextOf({}, source), request };
  if ('choices' in next && !request.isStream) return { type: 'application/json', text: JSON.stringify(anthropicMessages.encodeAnswer(next, context)) };
  const encoder = anthropicMessages.createStreamEncoder(context);
  return { type: 'text/event-stream', text: ('choices' in next ? replayAnswer(next) : next).map((event) => encoder.push(event)).join('') };
}

const server = serveCodec(reply);
beforeAll(() => {
  baseURL = server.url();
});
beforeEach(() => {
  replies = [];
  seen = [];
  source = openai;
});

const usage = { input: 10, cachedInput: 4, cacheWrite: 1, output: 6, reasoning: 2 };
const signature = { vendor: 'openai', account: 'acc-3', value: 'gAAA' };
const thinking = { kind: 'thinking', text: 'hm', signature } as const;
const said: IrAnswer = { id: 'resp_1', model: 'gpt-5.6', choices: [{ index: 0, parts: [thinking, { kind: 'text', text: 'Hello.' }], finish: 'stop' }], usage };
const weather = { kind: 'tool_call', id: 'call_1', name: 'weather', input: '{"city":"Bern"}' } as const;
const calling: IrAnswer = { id: 'resp_2', model: 'gpt-5.6', usage, choices: [{ index: 0, parts: [thinking, { kind: 'text', text: 'Let me see.' }, weather, { kind: 'tool_call', id: 'call_2', name: 'now', input: '' }], finish: 'tool_calls' }] };
const failing: readonly IrEvent[] = [...replayAnswer(said).slice(0, 3), { type: 'error', error: { message: 'Overloaded', type: 'overloaded_error', code: 'overloaded', status: 529 } }];
const unthinking = { model: 'm', max_tokens: 64, messages: [{ role: 'user' as const, content: 'hi' }] };
const ask = { ...unthinking, thinking: { type: 'adaptive' as const } };

describe('the SDK @anthropic-ai/sdk', () => {
  const client = (): Anthropic => new Anthropic({ baseURL, apiKey: 'k', maxRetries: 0 });

  it('puts a streamed answer together, usage included', async () => {
    replies.push(said);
    const message = await client().messages.stream(ask).finalMessage();
    expect(message).toMatchObject({ role: 'assistant', model: 'gpt-5.6', stop_reason: 'end_turn', content: [{ type: 'thinking', thinking: 'hm' }, { type: 'text', text: 'Hello.' }] });
    expect(message.usage).toMatchObject({ input_tokens: 5, cache_read_input_tokens: 4, cache_creation_input_tokens: 1, output_tokens: 6, output_tokens_details: { thinking_tokens: 2 } });
  });

  it.each([[unthinking], [{ ...unthinking, thinking: { type: 'disabled' as const } }]])('finds text first in an answer to a request that asked for no reasoning', async (request) => {
    replies.push(said, said);
    const whole = await client().messages.create(request);
    const streamed = await client().messages.stream(request).finalMessage();
    for (const { content } of [whole, streamed]) expect(content).toEqual([{ type: 'text', text: 'Hello.', citations: null }]);
  });

  it('gets the same whole as streamed', async () => {
    replies.push(calling, calling);
    const whole = await client().messages.create(ask);
    const streamed = await client().messages.stream(ask).finalMessage();
    const contentOf = ({ content }: Anthropic.Message): unknown => content.map((block) => (block.type === 'tool_use' ? { ...block, input: block.input } : block));
    expect(plain(contentOf(streamed))).toEqual(plain(contentOf(whole)));
    expect(streamed.stop_reason).toBe('tool_use');
    expect(whole.content.at(-1)).toMatchObject({ name: 'now', input: {} });
  });

  it('raises what fails within a stream, as the kind of error it is', async () => {
    replies.push(failing);
    const error: unknown = await client().messages.stream(ask).finalMessage().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ type: 'overloaded_error', error: { error: { message: 'Overloaded' } } });
  });

  it('cites links', async () => {
    replies.push({ ...said, choices: [{ index: 0, finish: 'stop', parts: [{ kind: 'text', text: 'See A.', annotations: [{ kind: 'url', url: 'https://a.example', title: 'A', start: 4, end: 5 }] }] }] });
    const { content } = await client().messages.stream(ask).finalMessage();
    expect(content).toMatchObject([{ text: 'See A.', citations: [{ type: 'web_search_result_location', url: 'https://a.example', cited_text: 'A' }] }]);
  });

  it('counts tokens', async () => {
    expect(await client().messages.countTokens({ model: 'm', messages: ask.messages, system: 's' })).toMatchObject({ input_tokens: 20 });
  });

  it.each([true, false])('its tool runner calls and answers, and brings reasoning back that it asked for, streaming: %s', async (stream) => {
    replies.push(calling, said);
    const object = { type: 'object', properties: {} } as const;
    const tools = [
      betaTool({ name: 'weather', description: 'w', inputSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }, run: ({ city }) => `sunny in ${city}` }),
      betaTool({ name: 'now', description: 'n', inputSchema: object, run: () => 'noon' }),
    ];
    const runner = stream ? client().beta.messages.toolRunner({ ...ask, tools, stream: true }) : client().beta.messages.toolRunner({ ...ask, tools });
    const last = await runner.runUntilDone();
    expect(last.content.at(-1)).toMatchObject({ type: 'text', text: 'Hello.' });
    expect(plain(seen[1]?.turns)).toMatchObject([
      { role: 'user' },
      { role: 'assistant', parts: [{ kind: 'thinking', text: 'hm', signature }, { kind: 'text', text: 'Let me see.' }, { kind: 'tool_call', id: 'call_1', input: '{"city":"Bern"}' }, { kind: 'tool_call', id: 'call_2', input: '{}' }] },
      { role: 'tool', parts: [{ callId: 'call_1', name: 'weather', parts: [{ text: 'sunny in Bern' }] }, { callId: 'call_2', name: 'now', parts: [{ text: 'noon' }] }] },
    ]);
  });

  it.each([true, false])('brings the reasoning back that led to a call though it asked for none, streaming: %s', async (stream) => {
    replies.push(calling, said);
    const tools = ['weather', 'now'].map((name) => betaTool({ name, description: 'd', inputSchema: { type: 'object', properties: {} }, run: () => 'noon' }));
    const runner = stream ? client().beta.messages.toolRunner({ ...unthinking, tools, stream: true }) : client().beta.messages.toolRunner({ ...unthinking, tools });
    expect((await runner.runUntilDone()).content).toMatchObject([{ type: 'text', text: 'Hello.' }]);
    const text = { kind: 'text', text: 'Let me see.' };
    expect(plain(seen[1]?.turns[1]?.parts)).toMatchObject([...(stream ? [text, thinking] : [thinking, text]), weather, { id: 'call_2' }]);
  });

  it('starts over with the whole conversation where a thread is kept elsewhere', async () => {
    replies.push(said, said);
    const thread = client().beta.messages.thread({ model: 'm', max_tokens: 64, unsupportedRequestBehavior: 'continue_unthreaded' });
    await thread.send({ role: 'user', content: 'one' });
    await thread.send({ role: 'user', content: 'two' });
    expect(seen[1]?.turns.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
  });

  it('sends Google’s signature of a call back with that call', async () => {
    source = google;
    const googles = { vendor: 'google', account: 'acc-4', value: 'AbC=' };
    replies.push({ ...calling, choices: [{ index: 0, parts: [{ ...weather, signature: googles }], finish: 'tool_calls' }] }, said);
    const tools = [betaTool({ name: 'weather', description: 'w', inputSchema: { type: 'object', properties: {} }, run: () => 'sunny' })];
    await client().beta.messages.toolRunner({ ...ask, tools, stream: true }).runUntilDone();
    expect(plain(seen[1]?.turns[1]?.parts)).toEqual([{ ...weather, signature: googles }]);
  });
});

describe('the SDK ai', () => {
  const asked = { anthropic: { thinking: { type: 'enabled', budgetTokens: 1024 } } } as const;
  const model = () => createAnthropic({ baseURL: `${baseURL}/v1`, apiKey: 'k' })('claude-sonnet-4-5');
  const tools = {
    weather: tool({ description: 'w', inputSchema: jsonSchema<{ city: string }>({ type: 'object', properties: { city: { type: 'string' } } }), execute: ({ city }) => `sunny in ${city}` }),
    now: tool({ description: 'n', inputSchema: jsonSchema({ type: 'object', properties: {} }), execute: () => 'noon' }),
  };

  it('gets text, reasoning and usage of a whole answer', async () => {
    replies.push(said);
    const answer = await generateText({ model: model(), prompt: 'hi', maxRetries: 0, providerOptions: asked });
    expect([answer.text, answer.finalStep.reasoningText, answer.finishReason, answer.usage.inputTokens, answer.usage.outputTokens]).toEqual(['Hello.', 'hm', 'stop', 10, 6]);
  });

  it('streams calls, runs them and streams the answer', async () => {
    replies.push(calling, said);
    const stream = streamText({ model: model(), prompt: 'hi', tools, stopWhen: stepCountIs(3), maxRetries: 0, providerOptions: asked });
    expect(await stream.text).toBe('Hello.');
    expect((await stream.steps)[0]?.toolResults.map(({ output }) => output)).toEqual(['sunny in Bern', 'noon']);
    expect(plain(seen[1]?.turns)).toMatchObject([{ role: 'user' }, { role: 'assistant', parts: [{ kind: 'thinking', text: 'hm', signature }, {}, { id: 'call_1' }, { id: 'call_2' }] }, { role: 'tool' }]);
  });

  it('gets an object by schema', async () => {
    replies.push({ ...said, choices: [{ index: 0, parts: [{ kind: 'text', text: '{"a":1}' }], finish: 'stop' }] });
    const schema = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'], additionalProperties: false } as const;
    const { output } = await generateText({ model: model(), prompt: 'hi', output: Output.object({ schema: jsonSchema(schema) }), maxRetries: 0 });
    expect(output).toEqual({ a: 1 });
    expect(seen[0]?.responseFormat).toMatchObject({ kind: 'schema', schema: { type: 'object' } });
  });

  it('is told what fails within a stream', async () => {
    replies.push(failing);
    const errors: unknown[] = [];
    const stream = streamText({ model: model(), prompt: 'hi', maxRetries: 0, onError: ({ error }) => void errors.push(error) });
    for await (const part of stream.fullStream) expect(part.type).not.toBe('text-end');
    expect(JSON.stringify(errors)).toContain('Overloaded');
  });
});
