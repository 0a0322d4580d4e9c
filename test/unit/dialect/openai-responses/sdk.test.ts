import { createOpenAI } from '@ai-sdk/openai';
import { Agent, OpenAIResponsesModel, run, setTracingDisabled, tool as agentTool } from '@openai/agents';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AnswerContext } from '../../../../internal/dialect/codec.ts';
import type { IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import type { IrEvent } from '../../../../internal/dialect/ir/events.ts';
import { isRecord, listOf, type JsonRecord } from '../../../../internal/dialect/ir/json.ts';
import { replayAnswer } from '../../../../internal/dialect/ir/replay.ts';
import type { IrRequest } from '../../../../internal/dialect/ir/request.ts';
import { openaiResponses } from '../../../../internal/dialect/openai-responses/codec.ts';
import { inputItemsOf, resolveReferences } from '../../../../internal/dialect/openai-responses/transcript.ts';
import { serveCodec, type CodecReply } from '../../../support/codec-server.ts';
import { contextOf, irUsage } from './fixtures.ts';

/** What the server answers, one after the other. */
type Reply = readonly IrEvent[] | IrAnswer;

let baseURL = '';
let replies: Reply[] = [];
let seen: IrRequest[] = [];
/** What was answered, for libraries that refer to it by id. */
const kept = new Map<string, JsonRecord>();

function keep(output: unknown): void {
  for (const item of listOf(output)) if (isRecord(item) && typeof item['id'] === 'string') kept.set(item['id'], item);
}

/** Answers through the codec as Keyward would: the client's request decides how. */
function reply(body: JsonRecord): CodecReply {
  const next = replies.shift() ?? [];
  const input = resolveReferences(inputItemsOf(body), (id) => kept.get(id));
  const request = openaiResponses.decodeRequest({ ...body, input }, body['stream'] === true);
  const context: AnswerContext = { ...contextOf(), request };
  seen.push(request);
  if ('choices' in next && !request.isStream) {
    const answer = openaiResponses.encodeAnswer(next, context);
    keep(answer['output']);
    return { type: 'application/json', text: JSON.stringify(answer) };
  }
  const encoder = openaiResponses.createStreamEncoder(context);
  const events = 'choices' in next ? replayAnswer(next) : next;
  return { type: 'text/event-stream', text: events.map((event) => encoder.push(event)).join('') };
}

const server = serveCodec((_path, body) => reply(body));
beforeAll(() => {
  setTracingDisabled(true);
  baseURL = `${server.url()}/v1`;
});
beforeEach(() => {
  replies = [];
  seen = [];
});

const signature = { vendor: 'anthropic', account: 'acc-4', value: 'EqQB' };
const thinking = { kind: 'thinking', text: 'hm', isSummary: true, signature } as const;
const link = { kind: 'url', url: 'https://x.test', title: 'X', start: 0, end: 5 } as const;
const said: IrAnswer = { id: 'msg_1', model: 'claude', choices: [{ index: 0, parts: [thinking, { kind: 'text', text: 'Hello.', annotations: [link] }], finish: 'stop' }], usage: irUsage };
const calls = [{ kind: 'tool_call', id: 'call_1', name: 'weather', input: '{"city":"Bern"}' }, { kind: 'tool_call', id: 'call_2', name: 'now', input: '' }] as const;
const calling: IrAnswer = { id: 'msg_2', model: 'claude', usage: irUsage, choices: [{ index: 0, parts: [thinking, { kind: 'text', text: 'Let me see.' }, ...calls], finish: 'tool_calls' }] };
const free: IrAnswer = { choices: [{ index: 0, parts: [{ kind: 'tool_call', id: 'call_3', name: 'patch', input: '{"input":"*** Begin"}' }], finish: 'tool_calls' }] };
const hidden: IrAnswer = { model: 'claude', choices: [{ index: 0, parts: [{ kind: 'thinking', text: '', signature }, { kind: 'refusal', text: 'No.' }], finish: 'refusal' }], usage: irUsage };
const cut: IrAnswer = { choices: [{ index: 0, parts: [{ kind: 'text', text: 'Hel' }], finish: 'length' }], usage: irUsage };
const overloaded: IrEvent = { type: 'error', error: { message: 'Overloaded', type: 'overloaded_error', code: 'overloaded', status: 529 } };
/** Breaks off within the text. */
const failing: readonly IrEvent[] = [...replayAnswer(said).slice(0, 7), overloaded];

const parameters = { type: 'object', properties: { city: { type: 'string' } } } as const;
const functions: OpenAI.Responses.Tool[] = [{ type: 'function', name: 'weather', parameters, strict: false }, { type: 'function', name: 'now', parameters: { type: 'object', properties: {} }, strict: false }, { type: 'custom', name: 'patch' }];

// What is used of both is the same, and so is its type; a literal import of each would make them two.
describe.each(['openai', 'openai6'])('the SDK %s', async (name) => {
  const { default: Client }: { readonly default: typeof OpenAI } = await import(name);
  const client = (): OpenAI => new Client({ apiKey: 'k', baseURL, maxRetries: 0 });
  const ask = { model: 'm', input: 'hi', tools: functions } as const;
  const stream = () => client().responses.stream(ask);

  it.each([true, false])('puts an answer together (stream: %s)', async (isStream) => {
    replies.push(said);
    const whole = isStream ? await stream().finalResponse() : await client().responses.create(ask);
    expect(whole).toMatchObject({ object: 'response', status: 'completed', model: 'claude', output_text: 'Hello.', usage: { input_tokens: 10, total_tokens: 16, output_tokens_details: { reasoning_tokens: 2 } } });
    expect(whole.output).toMatchObject([{ type: 'reasoning', summary: [{ text: 'hm' }] }, { type: 'message', content: [{ text: 'Hello.', annotations: [{ type: 'url_citation', url: 'https://x.test' }] }] }]);
  });

  it('tells text and arguments as they come', async () => {
    replies.push(calling);
    const told: string[] = [];
    const running = stream();
    running.on('response.output_text.delta', ({ snapshot }) => void told.push(snapshot));
    running.on('response.function_call_arguments.delta', ({ snapshot }) => void told.push(snapshot));
    expect((await running.finalResponse()).output).toMatchObject([{ type: 'reasoning' }, { type: 'message' }, { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Bern"}' }, { type: 'function_call', call_id: 'call_2', name: 'now', arguments: '{}' }]);
    expect(told).toEqual(['Let me see.', '{"city":"Bern"}', '{}']);
  });

  it('has free-form calls, refusals and encrypted reasoning', async () => {
    replies.push(free, hidden);
    expect((await stream().finalResponse()).output).toMatchObject([{ type: 'custom_tool_call', call_id: 'call_3', name: 'patch', input: '*** Begin' }]);
    expect((await stream().finalResponse()).output).toMatchObject([{ type: 'reasoning', summary: [] }, { type: 'message', content: [{ type: 'refusal', refusal: 'No.' }] }]);
  });

  it('an answer’s output goes back as input, and everything in it comes back', async () => {
    replies.push(calling, said);
    const first = await stream().finalResponse();
    const results: OpenAI.Responses.ResponseInputItem[] = calls.map(({ id }) => ({ type: 'function_call_output', call_id: id, output: 'sunny' }));
    await client().responses.stream({ ...ask, input: [{ role: 'user', content: 'hi' }, ...first.output.filter((item) => item.type === 'message' || item.type === 'reasoning' || item.type === 'function_call'), ...results] }).finalResponse();
    expect(seen[1]?.turns.slice(1)).toMatchObject([
      { role: 'assistant', parts: [thinking, { kind: 'text', text: 'Let me see.' }, calls[0], { ...calls[1], input: '{}' }] },
      { role: 'tool', parts: [{ callId: 'call_1', parts: [{ text: 'sunny' }] }, { callId: 'call_2' }] },
    ]);
  });

  it('an answer that was cut says so', async () => {
    replies.push(cut);
    expect(await stream().finalResponse()).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output_text: 'Hel' });
  });

  it('an error is raised, in the middle as before the response', async () => {
    replies.push(failing, [overloaded]);
    await expect(stream().finalResponse()).rejects.toThrow('Overloaded');
    await expect(stream().finalResponse()).rejects.toThrow('Overloaded');
  });

  it('structured answers are parsed', async () => {
    replies.push({ choices: [{ index: 0, parts: [{ kind: 'text', text: '{"a":1}' }], finish: 'stop' }] });
    const text = { format: { type: 'json_schema' as const, name: 'n', schema: { type: 'object' }, strict: true } };
    expect(JSON.parse((await client().responses.stream({ model: 'm', input: 'hi', text }).finalResponse()).output_text)).toEqual({ a: 1 });
    expect(seen[0]?.responseFormat).toMatchObject({ kind: 'schema', name: 'n' });
  });

  it('counts tokens in the form that the API has', () => {
    const counted: OpenAI.Responses.InputTokens.InputTokenCountResponse = { object: 'response.input_tokens', input_tokens: 5 };
    expect(openaiResponses.count?.encodeAnswer(5)).toEqual(counted);
  });
});

describe('the AI SDK', () => {
  const model = () => createOpenAI({ apiKey: 'k', baseURL }).responses('gpt-5.6');
  const cities: unknown[] = [];
  const tools = {
    weather: tool({ description: 'Tells the weather.', inputSchema: jsonSchema<{ city: string }>(parameters), execute: async ({ city }) => { cities.push(city); return 'sunny'; } }),
    now: tool({ description: 'Tells the time.', inputSchema: jsonSchema<object>({ type: 'object', properties: {} }), execute: async () => 'noon' }),
  };
  const options = { maxRetries: 0, stopWhen: stepCountIs(3), tools, prompt: 'hi', providerOptions: { openai: { store: false, include: ['reasoning.encrypted_content'] } } };

  it.each([true, false])('carries out tools, and what others signed comes back (stream: %s)', async (isStream) => {
    replies.push(calling, said);
    cities.length = 0;
    const result = isStream ? streamText({ ...options, model: model() }) : await generateText({ ...options, model: model() });
    expect(await result.text).toBe('Hello.');
    expect(await result.sources).toMatchObject([{ url: 'https://x.test', title: 'X' }]);
    expect(cities).toEqual(['Bern']);
    expect(await result.usage).toMatchObject({ inputTokens: 20, outputTokens: 12 });
    const [assistant, results] = seen[1]?.turns.slice(-2) ?? [];
    expect(assistant?.parts).toMatchObject([thinking, { kind: 'text', text: 'Let me see.' }, { kind: 'tool_call', id: 'call_1', input: '{"city":"Bern"}' }, { kind: 'tool_call', id: 'call_2' }]);
    expect(results).toMatchObject({ role: 'tool', parts: [{ callId: 'call_1', parts: [{ text: 'sunny' }] }, { callId: 'call_2', parts: [{ text: 'noon' }] }] });
  });

  it('goes on by references where it was not told that nothing is kept', async () => {
    replies.push(calling, said);
    const result = await generateText({ model: model(), prompt: 'hi', maxRetries: 0, stopWhen: stepCountIs(3), tools });
    expect(result.text).toBe('Hello.');
    expect(seen[1]?.turns.slice(-2)).toMatchObject([{ role: 'assistant', parts: [thinking, { kind: 'text', text: 'Let me see.' }, { id: 'call_1' }, { id: 'call_2' }] }, { role: 'tool' }]);
  });

  it('shows reasoning', async () => {
    replies.push(said);
    const result = streamText({ model: model(), prompt: 'hi', maxRetries: 0 });
    expect(await result.reasoningText).toBe('hm');
    expect(await result.finishReason).toBe('stop');
  });

  it.each([['in the middle', failing], ['before the response', [overloaded]]])('raises an error %s', async (_, events) => {
    replies.push(events);
    const errors: unknown[] = [];
    const result = streamText({ model: model(), prompt: 'hi', maxRetries: 0, onError: ({ error }) => void errors.push(error) });
    await result.consumeStream();
    expect(JSON.stringify(errors)).toContain('Overloaded');
  });
});

describe('the Agents SDK', () => {
  const agent = () => {
    const weather = agentTool({ name: 'weather', description: 'Tells the weather.', strict: false, parameters: { type: 'object', properties: { city: { type: 'string' } }, required: [], additionalProperties: true }, execute: async () => 'sunny' });
    const now = agentTool({ name: 'now', description: 'Tells the time.', strict: false, parameters: { type: 'object', properties: {}, required: [], additionalProperties: true }, execute: async () => 'noon' });
    return new Agent({ name: 'a', instructions: 'Be brief.', tools: [weather, now], model: new OpenAIResponsesModel(new OpenAI({ apiKey: 'k', baseURL, maxRetries: 0 }), 'gpt-5.6') });
  };

  it.each([true, false])('carries out tools and answers (stream: %s)', async (isStream) => {
    replies.push(calling, said);
    if (isStream) {
      const result = await run(agent(), 'hi', { stream: true });
      await result.completed;
      expect(result.finalOutput).toBe('Hello.');
    } else expect((await run(agent(), 'hi')).finalOutput).toBe('Hello.');
    expect(seen[1]?.turns.slice(-2)).toMatchObject([{ role: 'assistant', parts: [thinking, { text: 'Let me see.' }, { id: 'call_1' }, { id: 'call_2' }] }, { role: 'tool', parts: [{ callId: 'call_1' }, { callId: 'call_2' }] }]);
  });

  it('raises an error in the middle', async () => {
    replies.push(failing);
    await expect(run(agent(), 'hi', { stream: true }).then(({ completed }) => completed)).rejects.toThrow('Overloaded');
  });
});
