import { createGoogle } from '@ai-sdk/google';
import type { CallableTool, FunctionDeclaration, GoogleGenAI as Client, Part } from '@google/genai';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AnswerContext } from '../../../../internal/dialect/codec.ts';
import { gemini } from '../../../../internal/dialect/gemini/codec.ts';
import type { IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import type { IrEvent } from '../../../../internal/dialect/ir/events.ts';
import type { JsonRecord } from '../../../../internal/dialect/ir/json.ts';
import { replayAnswer } from '../../../../internal/dialect/ir/replay.ts';
import type { IrRequest } from '../../../../internal/dialect/ir/request.ts';
import { serveCodec, type CodecReply } from '../../../support/codec-server.ts';
import { anthropic, contextOf } from './fixtures.ts';

/** What the server answers, one after the other. */
type Reply = readonly IrEvent[] | IrAnswer;

let baseUrl = '';
let replies: Reply[] = [];
let seen: IrRequest[] = [];
let counted: IrRequest | undefined;

/** Answers through the codec as Keyward would: the verb decides how. */
function reply(verb: string, body: JsonRecord): CodecReply {
  if (verb === 'countTokens') {
    counted = gemini.count?.decodeRequest(body);
    return { type: 'application/json', text: JSON.stringify(gemini.count?.encodeAnswer(42)) };
  }
  const isStream = verb === 'streamGenerateContent';
  const request = gemini.decodeRequest(body, isStream);
  const context: AnswerContext = { ...contextOf({}, anthropic), request };
  seen.push(request);
  const next = replies.shift() ?? [];
  if (!isStream && 'choices' in next) return { type: 'application/json', text: JSON.stringify(gemini.encodeAnswer(next, context)) };
  const encoder = gemini.createStreamEncoder(context);
  const events = 'choices' in next ? replayAnswer(next) : next;
  return { type: 'text/event-stream', text: events.map((event) => encoder.push(event)).join('') };
}

const server = serveCodec((path, body) => reply(/:(\w+)/.exec(path)?.[1] ?? '', body));
beforeAll(() => {
  baseUrl = server.url();
});
beforeEach(() => {
  // The SDK warns of calls where text is asked for.
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  replies = [];
  seen = [];
  counted = undefined;
});

const usage = { input: 10, cachedInput: 4, cacheWrite: 0, output: 6, reasoning: 2 };
const signature = { vendor: 'anthropic', account: 'acc-5', value: 'sig' } as const;
const thinking = { kind: 'thinking', text: 'hm', signature } as const;
const said: IrAnswer = { id: 'msg_1', model: 'claude', choices: [{ index: 0, parts: [thinking, { kind: 'text', text: 'Hello.' }], finish: 'stop' }], usage };
const calling: IrAnswer = {
  id: 'msg_2', model: 'claude', usage,
  choices: [{ index: 0, parts: [thinking, { kind: 'text', text: 'Let me see.' }, { kind: 'tool_call', id: 'toolu_1', name: 'weather', input: '{"city":"Bern"}', signature }, { kind: 'tool_call', id: 'toolu_2', name: 'now', input: '' }], finish: 'tool_calls' }],
};
/** Deltas as they come, text in pieces. */
const pieces: readonly IrEvent[] = replayAnswer(said).flatMap((event): readonly IrEvent[] => (event.type === 'delta' && event.text === 'Hello.' ? [{ ...event, text: 'Hel' }, { ...event, text: 'lo.' }] : [event]));
const failing: readonly IrEvent[] = [...replayAnswer(said).slice(0, 4), { type: 'error', error: { message: 'Overloaded', type: 'overloaded_error', code: 'overloaded', status: 529 } }];
const remembered = [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }] }, { role: 'assistant', parts: [{ kind: 'thinking', text: 'hm', isSummary: true, signature }, { kind: 'text', text: 'Hello.' }] }, { role: 'user', parts: [{ kind: 'text', text: 'more' }] }];

const declarations: FunctionDeclaration[] = [
  { name: 'weather', description: 'Tells the weather.', parametersJsonSchema: { type: 'object', properties: { city: { type: 'string' } } } },
  { name: 'now', description: 'Tells the time.', parametersJsonSchema: { type: 'object', properties: {} } },
];
/** A tool that the SDK runs by itself. */
const callable: CallableTool = {
  tool: async () => ({ functionDeclarations: declarations }),
  callTool: async (calls) => calls.map((call): Part => ({ functionResponse: { name: call.name ?? '', response: { output: call.name === 'weather' ? 'sunny' : 'noon' }, ...(call.id === undefined ? {} : { id: call.id }) } })),
};

// What is used of both is the same, and so is its type; a literal import of each would make them two.
describe.each(['@google/genai', 'genai2'])('the SDK %s', async (name) => {
  const { GoogleGenAI }: { readonly GoogleGenAI: new (options: object) => Client } = await import(name);
  const client = (): Client => new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl } });

  it('reads a whole answer', async () => {
    replies.push(calling);
    const response = await client().models.generateContent({ model: 'm', contents: 'hi', config: { systemInstruction: 'Be brief.', tools: [{ functionDeclarations: declarations }], thinkingConfig: { includeThoughts: true } } });
    expect(response.text).toBe('Let me see.');
    expect(response.functionCalls).toEqual([{ id: 'toolu_1', name: 'weather', args: { city: 'Bern' } }, { id: 'toolu_2', name: 'now', args: {} }]);
    expect(response).toMatchObject({ modelVersion: 'claude', responseId: 'msg_2', usageMetadata: { promptTokenCount: 10, totalTokenCount: 16, thoughtsTokenCount: 2 } });
    expect(seen[0]).toMatchObject({ turns: [{ role: 'system', parts: [{ text: 'Be brief.' }] }, { role: 'user' }], tools: [{ name: 'weather' }, { name: 'now' }], reasoning: { show: 'auto' } });
  });

  it('reads a stream piece by piece', async () => {
    replies.push(pieces);
    const texts: string[] = [];
    let end: unknown;
    for await (const chunk of await client().models.generateContentStream({ model: 'm', contents: 'hi' })) {
      if (chunk.text !== undefined && chunk.text !== '') texts.push(chunk.text);
      end = chunk;
    }
    expect(texts).toEqual(['Hel', 'lo.']);
    expect(end).toMatchObject({ candidates: [{ finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 4 } });
  });

  it.each([true, false])('a chat remembers the answer and brings its signature back (stream: %s)', async (isStream) => {
    replies.push(isStream ? pieces : said, isStream ? pieces : said);
    const chat = client().chats.create({ model: 'm', config: { thinkingConfig: { includeThoughts: true } } });
    for (const message of ['hi', 'more']) {
      if (isStream) for await (const chunk of await chat.sendMessageStream({ message })) expect(chunk.candidates).toHaveLength(1);
      else expect((await chat.sendMessage({ message })).text).toBe('Hello.');
    }
    expect(JSON.parse(JSON.stringify(seen[1]?.turns))).toEqual(remembered);
  });

  it.each([true, false])('a chat that asked for no thoughts gets text alone (stream: %s)', async (isStream) => {
    replies.push(isStream ? pieces : said);
    const parts: (Part | undefined)[] = [];
    if (isStream) for await (const chunk of await client().models.generateContentStream({ model: 'm', contents: 'hi' })) parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
    else parts.push(...((await client().models.generateContent({ model: 'm', contents: 'hi' })).candidates?.[0]?.content?.parts ?? []));
    expect(parts.map((part) => part?.text).join('')).toBe('Hello.');
    expect(parts[0]).not.toHaveProperty('thought');
  });

  it('runs functions by itself and asks again', async () => {
    replies.push(calling, said);
    const response = await client().models.generateContent({ model: 'm', contents: 'hi', config: { tools: [callable] } });
    expect(response.text).toBe('Hello.');
    expect(seen[1]?.turns.slice(1)).toMatchObject([
      { role: 'assistant', parts: [{ kind: 'thinking', text: 'hm', signature }, { kind: 'text', text: 'Let me see.' }, { kind: 'tool_call', id: 'toolu_1', signature }, { kind: 'tool_call', id: 'toolu_2' }] },
      { role: 'tool', parts: [{ callId: 'toolu_1', parts: [{ text: 'sunny' }] }, { callId: 'toolu_2', parts: [{ text: 'noon' }] }] },
    ]);
  });

  it('runs functions by itself within a stream', async () => {
    replies.push(calling, said);
    let text = '';
    for await (const chunk of await client().models.generateContentStream({ model: 'm', contents: 'hi', config: { tools: [callable] } })) text += chunk.text ?? '';
    expect(text).toContain('Hello.');
    expect(seen[1]?.turns.at(-1)).toMatchObject({ role: 'tool', parts: [{ callId: 'toolu_1', parts: [{ text: 'sunny' }] }, { callId: 'toolu_2' }] });
  });

  it('raises an error in the middle of a stream', async () => {
    replies.push(failing);
    const read = async (): Promise<void> => {
      for await (const chunk of await client().models.generateContentStream({ model: 'm', contents: 'hi' })) expect(chunk).toBeDefined();
    };
    await expect(read()).rejects.toMatchObject({ status: 529, message: expect.stringContaining('Overloaded') });
  });

  it('counts tokens', async () => {
    expect(await client().models.countTokens({ model: 'm', contents: 'hi' })).toMatchObject({ totalTokens: 42 });
    expect(counted?.turns).toMatchObject([{ role: 'user', parts: [{ text: 'hi' }] }]);
  });

  it('reads structured output and links', async () => {
    replies.push({ choices: [{ index: 0, parts: [{ kind: 'text', text: '{"a":1}', annotations: [{ kind: 'url', url: 'https://e.com', title: 'E', start: 0, end: 2 }] }], finish: 'stop' }], usage });
    const response = await client().models.generateContent({ model: 'm', contents: 'hi', config: { responseMimeType: 'application/json', responseJsonSchema: { type: 'object' } } });
    expect(response.text).toBe('{"a":1}');
    expect(response.candidates?.[0]?.groundingMetadata?.groundingChunks).toEqual([{ web: { uri: 'https://e.com', title: 'E' } }]);
    expect(seen[0]?.responseFormat).toEqual({ kind: 'schema', schema: { type: 'object' } });
  });
});

describe('ai with @ai-sdk/google', () => {
  const asked = { google: { thinkingConfig: { includeThoughts: true } } };
  const model = () => createGoogle({ baseURL: `${baseUrl}/v1beta`, apiKey: 'k' })('gemini-3.8-flash');
  const tools = {
    weather: tool({ description: 'Tells the weather.', inputSchema: jsonSchema<{ city: string }>({ type: 'object', properties: { city: { type: 'string' } } }), execute: ({ city }) => `sunny in ${city}` }),
    now: tool({ description: 'Tells the time.', inputSchema: jsonSchema<object>({ type: 'object', properties: {} }), execute: () => 'noon' }),
  };

  it('streams reasoning, text, calls and usage, and brings them back', async () => {
    replies.push(calling, pieces);
    const result = streamText({ model: model(), prompt: 'hi', tools, stopWhen: stepCountIs(3), maxRetries: 0, providerOptions: asked });
    const parts: string[] = [];
    for await (const part of result.fullStream) parts.push(part.type);
    expect(parts).not.toContain('error');
    expect(await result.text).toBe('Hello.');
    expect((await result.steps)[0]).toMatchObject({ finishReason: 'tool-calls', text: 'Let me see.', reasoningText: 'hm', usage: { inputTokens: 10, outputTokens: 6 }, toolCalls: [{ toolCallId: 'toolu_1', input: { city: 'Bern' } }, { toolCallId: 'toolu_2', input: {} }] });
    expect(seen[1]?.turns.slice(1)).toMatchObject([
      { role: 'assistant', parts: [{ kind: 'thinking', text: 'hm', signature }, { kind: 'text', text: 'Let me see.' }, { kind: 'tool_call', id: 'toolu_1', signature }, { kind: 'tool_call', id: 'toolu_2' }] },
      { role: 'tool', parts: [{ callId: 'toolu_1', name: 'weather', parts: [{ text: 'sunny in Bern' }] }, { callId: 'toolu_2', parts: [{ text: 'noon' }] }] },
    ]);
  });

  it('reads a whole answer', async () => {
    replies.push(said);
    expect(await generateText({ model: model(), prompt: 'hi', maxRetries: 0, providerOptions: asked })).toMatchObject({ text: 'Hello.', reasoningText: 'hm', finishReason: 'stop' });
  });

  it('sees links as sources, and why an answer was kept back', async () => {
    replies.push({ choices: [{ index: 0, parts: [{ kind: 'text', text: 'Hi' }], finish: 'stop', sources: [{ kind: 'url', url: 'https://e.com', title: 'E' }] }] }, { choices: [{ index: 0, parts: [], finish: 'content_filter' }] });
    expect((await generateText({ model: model(), prompt: 'hi', maxRetries: 0 })).sources).toMatchObject([{ url: 'https://e.com', title: 'E' }]);
    expect(await generateText({ model: model(), prompt: 'hi', maxRetries: 0 })).toMatchObject({ text: '', finishReason: 'content-filter' });
  });

  it('sees an error in the middle of a stream', async () => {
    replies.push(failing);
    const parts: string[] = [];
    for await (const part of streamText({ model: model(), prompt: 'hi', maxRetries: 0, onError: () => undefined }).fullStream) parts.push(part.type);
    expect(parts).toContain('error');
  });
});
