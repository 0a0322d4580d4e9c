import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AnswerContext } from '../../../../internal/dialect/codec.ts';
import type { IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import type { IrEvent } from '../../../../internal/dialect/ir/events.ts';
import type { JsonRecord } from '../../../../internal/dialect/ir/json.ts';
import { replayAnswer } from '../../../../internal/dialect/ir/replay.ts';
import type { IrRequest } from '../../../../internal/dialect/ir/request.ts';
import { openaiChat } from '../../../../internal/dialect/openai-chat/codec.ts';
import { serveCodec, type CodecReply } from '../../../support/codec-server.ts';
import { anthropic, contextOf } from './fixtures.ts';

/** What the server answers, one after the other. */
type Reply = readonly IrEvent[] | IrAnswer;

let baseURL = '';
let replies: Reply[] = [];
let seen: IrRequest[] = [];

/** Answers through the codec as Keyward would: the client's request decides how. */
function reply(body: JsonRecord): CodecReply {
  const next = replies.shift() ?? [];
  const request = openaiChat.decodeRequest(body, body['stream'] === true);
  const context: AnswerContext = { ...contextOf({}, anthropic), request };
  seen.push(request);
  if ('choices' in next && !request.isStream) return { type: 'application/json', text: JSON.stringify(openaiChat.encodeAnswer(next, context)) };
  const encoder = openaiChat.createStreamEncoder(context);
  const events = 'choices' in next ? replayAnswer(next) : next;
  return { type: 'text/event-stream', text: events.map((event) => encoder.push(event)).join('') };
}

const server = serveCodec((_path, body) => reply(body));
beforeAll(() => {
  baseURL = `${server.url()}/v1`;
});
beforeEach(() => {
  replies = [];
  seen = [];
});

const usage = { input: 10, cachedInput: 4, cacheWrite: 0, output: 6, reasoning: 2 };
const thinking = { kind: 'thinking', text: 'hm', signature: { vendor: 'anthropic', account: 'acc-3', value: 'sig' } } as const;
const said: IrAnswer = { id: 'msg_1', model: 'claude', choices: [{ index: 0, parts: [thinking, { kind: 'text', text: 'Hello.' }], finish: 'stop' }], usage };
const calling: IrAnswer = {
  id: 'msg_2', model: 'claude', usage,
  choices: [{ index: 0, parts: [{ kind: 'text', text: 'Let me see.' }, { kind: 'tool_call', id: 'call_1', name: 'weather', input: '{"city":"Bern"}' }, { kind: 'tool_call', id: 'call_2', name: 'now', input: '' }], finish: 'tool_calls' }],
};
const failing: readonly IrEvent[] = [...replayAnswer(said).slice(0, 4), { type: 'error', error: { message: 'Overloaded', type: 'overloaded_error', code: 'overloaded', status: 529 } }];

const messages = [{ role: 'user' as const, content: 'hi' }];
const functions = [
  { type: 'function' as const, function: { name: 'weather', description: 'Tells the weather.', parameters: { type: 'object', properties: { city: { type: 'string' } } } } },
  { type: 'function' as const, function: { name: 'now', description: 'Tells the time.', parameters: { type: 'object', properties: {} } } },
];

// What is used of both is the same, and so is its type; a literal import of each would make them two.
describe.each(['openai', 'openai6'])('the SDK %s', async (name) => {
  const { default: Client }: { readonly default: typeof OpenAI } = await import(name);
  const client = (): OpenAI => new Client({ apiKey: 'k', baseURL, maxRetries: 0 });

  it('puts a streamed answer together', async () => {
    replies.push(said);
    const stream = client().chat.completions.stream({ model: 'm', messages, stream_options: { include_usage: true } });
    const whole = await stream.finalChatCompletion();
    expect(whole.choices[0]).toMatchObject({ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Hello.', refusal: null, reasoning_content: 'hm' } });
    expect(whole).toMatchObject({ model: 'claude', object: 'chat.completion' });
    expect(await stream.totalUsage()).toMatchObject({ prompt_tokens: 10, completion_tokens: 6, total_tokens: 16 });
  });

  it('puts streamed calls together', async () => {
    replies.push(calling);
    const whole = await client().chat.completions.stream({ model: 'm', messages, tools: functions }).finalChatCompletion();
    expect(whole.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: 'Let me see.', tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } }, { id: 'call_2', function: { name: 'now', arguments: '{}' } }] },
    });
  });

  it.each([true, false])('carries out tools and asks again (stream: %s)', async (isStream) => {
    replies.push(calling, said);
    const cities: unknown[] = [];
    const tools = [
      { type: 'function' as const, function: { name: 'weather', description: 'Tells the weather.', parameters: { type: 'object', properties: {} }, parse: (text: string): unknown => JSON.parse(text), function: (city: unknown) => { cities.push(city); return 'sunny'; } } },
      { type: 'function' as const, function: { name: 'now', description: 'Tells the time.', parameters: { type: 'object', properties: {} }, parse: (text: string): unknown => JSON.parse(text), function: () => 'noon' } },
    ];
    const runner = isStream ? client().chat.completions.runTools({ model: 'm', messages, tools, stream: true }) : client().chat.completions.runTools({ model: 'm', messages, tools });
    expect(await runner.finalContent()).toBe('Hello.');
    expect(cities).toEqual([{ city: 'Bern' }]);
    expect(seen[1]?.turns.slice(-3)).toMatchObject([
      { role: 'assistant', parts: [{ kind: 'text' }, { kind: 'tool_call', id: 'call_1', name: 'weather', input: '{"city":"Bern"}' }, { kind: 'tool_call', id: 'call_2' }] },
      { role: 'tool', parts: [{ kind: 'tool_result', callId: 'call_1', parts: [{ text: 'sunny' }] }] },
      { role: 'tool', parts: [{ kind: 'tool_result', callId: 'call_2', parts: [{ text: 'noon' }] }] },
    ]);
  });

  it('raises an error in the middle of a stream', async () => {
    replies.push(failing, failing);
    const read = async (): Promise<string> => {
      let text = '';
      for await (const chunk of await client().chat.completions.create({ model: 'm', messages, stream: true })) text += chunk.choices[0]?.delta.content ?? '';
      return text;
    };
    await expect(read()).rejects.toMatchObject({ type: 'overloaded_error', code: 'overloaded' });
    await expect(client().chat.completions.stream({ model: 'm', messages }).finalChatCompletion()).rejects.toMatchObject({ code: 'overloaded' });
  });

  it('reads a whole answer', async () => {
    replies.push(calling);
    const whole = await client().chat.completions.create({ model: 'm', messages });
    expect(whole.choices[0]?.message.tool_calls?.map(({ id }) => id)).toEqual(['call_1', 'call_2']);
    expect(whole.usage).toMatchObject({ prompt_tokens: 10, prompt_tokens_details: { cached_tokens: 4 }, completion_tokens_details: { reasoning_tokens: 2 } });
  });

  it('reads structured output, choices side by side, and citations', async () => {
    const structured: IrAnswer = { choices: [0, 1].map((index) => ({ index, parts: [{ kind: 'text', text: `{"a":${index}}`, annotations: [{ kind: 'url', url: 'https://e.com', start: 0, end: 2 }] }], finish: 'stop' })), usage };
    replies.push(structured, structured);
    const format = { type: 'json_schema' as const, json_schema: { name: 's', schema: { type: 'object' } } };
    const whole = await client().chat.completions.stream({ model: 'm', messages, n: 2, response_format: format }).finalChatCompletion();
    expect(whole.choices.map((choice) => choice.message.content)).toEqual(['{"a":0}', '{"a":1}']);
    expect(whole.choices[0]?.message).toMatchObject({ annotations: [{ type: 'url_citation', url_citation: { url: 'https://e.com', start_index: 0, end_index: 2 } }] });
    expect(seen[0]).toMatchObject({ n: 2, responseFormat: { kind: 'schema', name: 's' } });
  });
});

describe('the SDK openai, of this year', () => {
  it('puts a streamed call of a free-form tool together', async () => {
    replies.push({ choices: [{ index: 0, parts: [{ kind: 'tool_call', id: 'call_1', name: 'patch', input: '{"input":"*** Begin"}' }], finish: 'tool_calls' }] });
    const tools = [{ type: 'custom' as const, custom: { name: 'patch' } }];
    const whole = await new OpenAI({ apiKey: 'k', baseURL }).chat.completions.stream({ model: 'm', messages, tools }).finalChatCompletion();
    expect(whole.choices[0]?.message.tool_calls).toMatchObject([{ id: 'call_1', type: 'custom', custom: { name: 'patch', input: '*** Begin' } }]);
  });
});

describe('ai with @ai-sdk/openai-compatible', () => {
  const model = () => createOpenAICompatible({ name: 'house', baseURL, apiKey: 'k', includeUsage: true })('m');
  const tools = {
    weather: tool({ description: 'Tells the weather.', inputSchema: jsonSchema<{ city: string }>({ type: 'object', properties: { city: { type: 'string' } } }), execute: ({ city }) => `sunny in ${city}` }),
    now: tool({ description: 'Tells the time.', inputSchema: jsonSchema<object>({ type: 'object', properties: {} }), execute: () => 'noon' }),
  };

  it('streams reasoning, text, calls and usage, and brings them back', async () => {
    const thoughtful: IrAnswer = { ...calling, choices: calling.choices.map((choice) => ({ ...choice, parts: [thinking, ...choice.parts] })) };
    replies.push(thoughtful, said);
    const result = streamText({ model: model(), prompt: 'hi', tools, stopWhen: stepCountIs(3), maxRetries: 0 });
    const parts: string[] = [];
    for await (const part of result.fullStream) parts.push(part.type);
    expect(parts).not.toContain('error');
    expect(await result.text).toBe('Hello.');
    expect((await result.steps)[0]).toMatchObject({ finishReason: 'tool-calls', reasoningText: 'hm', usage: { inputTokens: 10, outputTokens: 6 }, toolCalls: [{ toolCallId: 'call_1', input: { city: 'Bern' } }, { toolCallId: 'call_2', input: {} }] });
    expect(seen[1]?.turns.slice(-3)).toMatchObject([
      { role: 'assistant', parts: [{ kind: 'thinking', text: 'hm' }, { kind: 'text' }, { kind: 'tool_call' }, { kind: 'tool_call' }] },
      { role: 'tool', parts: [{ callId: 'call_1', parts: [{ text: 'sunny in Bern' }] }] },
      { role: 'tool', parts: [{ callId: 'call_2', parts: [{ text: 'noon' }] }] },
    ]);
  });

  it('reads a whole answer', async () => {
    replies.push(said);
    expect(await generateText({ model: model(), prompt: 'hi', maxRetries: 0 })).toMatchObject({ text: 'Hello.', reasoningText: 'hm', finishReason: 'stop' });
  });

  it('sees an error in the middle of a stream', async () => {
    replies.push(failing);
    const parts: string[] = [];
    for await (const part of streamText({ model: model(), prompt: 'hi', maxRetries: 0, onError: () => undefined }).fullStream) parts.push(part.type);
    expect(parts).toContain('error');
  });
});
