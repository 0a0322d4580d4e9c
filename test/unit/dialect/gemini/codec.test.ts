import { describe, expect, it } from 'vitest';
import type { AnswerContext, Party } from '../../../../internal/dialect/codec.ts';
import { gemini } from '../../../../internal/dialect/gemini/codec.ts';
import { createArrayWriter } from '../../../../internal/dialect/gemini/events-to-array.ts';
import { createCollector } from '../../../../internal/dialect/ir/collect.ts';
import type { IrEvent } from '../../../../internal/dialect/ir/events.ts';
import { createLosses } from '../../../../internal/dialect/ir/losses.ts';
import type { IrRequest } from '../../../../internal/dialect/ir/request.ts';

const source: Party = { dialect: 'gemini', account: 'acc', vendor: 'google', provider: 'gemini', model: 'gemini-2.5-pro' };
const context: AnswerContext = { request: { turns: [], tools: [], isStream: true }, model: 'm', nowSeconds: 1, newId: (prefix) => `${prefix}x`, source };

const read = (...payloads: readonly object[]): readonly IrEvent[] => {
  const decoder = gemini.createStreamDecoder(source);
  return [...payloads.flatMap((payload) => decoder.push({ event: '', data: JSON.stringify(payload) })), ...decoder.end()];
};
const candidate = (parts: readonly object[], more: object = {}): object => ({ candidates: [{ content: { role: 'model', parts }, index: 0, ...more }], responseId: 'r' });
const partsOf = (events: readonly IrEvent[]): unknown => {
  const collector = createCollector();
  for (const event of events) collector.push(event);
  const result = collector.result();
  return result?.ok === true ? result.answer.choices[0]?.parts : result?.error.code;
};
const encode = (request: Partial<IrRequest>, target: Partial<Party> = {}): { readonly body: Readonly<Record<string, unknown>>; readonly dropped: readonly string[] } => {
  const losses = createLosses('gemini', (field) => field, undefined);
  return { body: gemini.encodeRequest({ turns: [{ role: 'user', parts: [{ kind: 'text', text: 'q' }] }], tools: [], isStream: false, ...request }, { ...source, ...target }, losses), dropped: losses.dropped() };
};

describe('a stream of Gemini', () => {
  it('thoughts and text that change places are parts of their own, in order', () => {
    expect(partsOf(read(candidate([{ text: 'hm', thought: true }, { text: 'a' }]), candidate([{ text: 'b' }]), candidate([{ text: 'hm 2', thought: true }, { text: 'c' }], { finishReason: 'STOP' })))).toMatchObject([{ kind: 'thinking', text: 'hm' }, { kind: 'text', text: 'ab' }, { kind: 'thinking', text: 'hm 2' }, { kind: 'text', text: 'c' }]);
  });

  it('a signature on an empty piece belongs to the text before it', () => {
    expect(partsOf(read(candidate([{ text: 'a' }]), candidate([{ text: '', thoughtSignature: 'Cg==' }], { finishReason: 'STOP' })))).toMatchObject([{ kind: 'text', text: 'a', signature: { vendor: 'google', account: 'acc', value: 'Cg==' } }]);
  });

  it('several calls in one event have ids that differ, the same at every reading, others in another answer', () => {
    const call = { functionCall: { name: 'f', args: {} } };
    const ids = (responseId: string): unknown => JSON.stringify(partsOf(read({ ...candidate([call, call], { finishReason: 'STOP' }), responseId }))).match(/call_\w+/g);
    const first = ids('r1');
    expect(new Set(Array.isArray(first) ? first : []).size).toBe(2);
    expect(ids('r1')).toEqual(first);
    expect(ids('r2')).not.toEqual(first);
  });

  it('a call ends as one, though the wire says STOP', () => {
    expect(read(candidate([{ functionCall: { name: 'f', args: {} } }], { finishReason: 'STOP' }))).toContainEqual(expect.objectContaining({ type: 'finish', finish: 'tool_calls' }));
  });

  it('without a finish reason of every candidate it is cut', () => {
    expect(read(candidate([{ text: 'a' }])).at(-1)).toMatchObject({ type: 'error', error: { code: 'stream_truncated' } });
    expect(read({ candidates: [{ index: 0, finishReason: 'STOP', content: { parts: [{ text: 'a' }] } }, { index: 1, content: { parts: [{ text: 'b' }] } }] }).at(-1)).toMatchObject({ type: 'error' });
  });

  it('a blocked prompt is an answer that a filter ended', () => {
    expect(read({ promptFeedback: { blockReason: 'SAFETY' } })).toContainEqual({ type: 'finish', choice: 0, finish: 'content_filter', rawFinish: 'SAFETY' });
  });

  it('text that a blocked prompt follows did not end by itself', () => {
    expect(read(candidate([{ text: 'half' }]), { promptFeedback: { blockReason: 'OTHER' } })).toContainEqual(expect.objectContaining({ type: 'finish', finish: 'content_filter' }));
  });

  it('each signature keeps the text it ended', () => {
    expect(partsOf(read(candidate([{ text: 'a', thoughtSignature: 'UzE=' }, { text: 'b', thoughtSignature: 'UzI=' }], { finishReason: 'STOP' })))).toMatchObject([{ text: 'a', signature: { value: 'UzE=' } }, { text: 'b', signature: { value: 'UzI=' } }]);
  });

  it('a link’s place is in the part that it stands on', () => {
    const metadata = { groundingChunks: [{ web: { uri: 'https://e.example' } }], groundingSupports: [{ segment: { startIndex: 6, endIndex: 11 }, groundingChunkIndices: [0] }] };
    expect(partsOf(read(candidate([{ text: 'hello ' }, { functionCall: { name: 'f', args: {} } }, { text: 'world' }], { finishReason: 'STOP', groundingMetadata: metadata })))).toMatchObject([{ text: 'hello ' }, {}, { text: 'world', annotations: [{ start: 0, end: 5 }] }]);
  });

  it('log probabilities survive a call behind their text', () => {
    const logprobsResult = { chosenCandidates: [{ token: 'a', logProbability: -1 }], topCandidates: [] };
    expect(read(candidate([{ text: 'a' }, { functionCall: { name: 'f', args: {} } }], { finishReason: 'STOP', logprobsResult }))).toContainEqual({ type: 'logprobs', choice: 0, part: 0, tokens: [{ token: 'a', logprob: -1, top: [] }] });
  });

  it('an error in it is told with its status', () => {
    expect(read(candidate([{ text: 'a' }]), { error: { code: 503, message: 'busy', status: 'UNAVAILABLE' } }).at(-1)).toEqual({ type: 'error', error: { message: 'busy', type: 'overloaded_error', code: 'unavailable', status: 503 } });
  });
});

describe('a stream for a client of Gemini', () => {
  const write = (events: readonly IrEvent[]): string => {
    const encoder = gemini.createStreamEncoder(context);
    return events.map((event) => encoder.push(event)).join('');
  };

  it('calls come whole, however their arguments came', () => {
    const text = write([{ type: 'start' }, { type: 'open', choice: 0, part: 0, opening: { kind: 'tool_call', id: 'c', name: 'f' } }, { type: 'delta', choice: 0, part: 0, text: '{"a"' }, { type: 'delta', choice: 0, part: 0, text: ':1}' }, { type: 'close', choice: 0, part: 0 }, { type: 'finish', choice: 0, finish: 'tool_calls' }, { type: 'end' }]);
    expect(text.match(/functionCall/g)).toHaveLength(1);
    expect(text).toContain('"functionCall":{"id":"c","name":"f","args":{"a":1}}');
    expect(text).toContain('"finishReason":"STOP"');
  });

  it('what comes before its beginning is a mistake, and after its end nothing comes', () => {
    expect(() => write([{ type: 'delta', choice: 0, part: 0, text: 'x' }])).toThrow(TypeError);
    expect(write([{ type: 'start' }, { type: 'finish', choice: 0, finish: 'stop' }, { type: 'end' }, { type: 'error', error: { message: 'm', type: 't', code: 'c', status: 500 } }])).not.toContain('error');
  });

  it('as an array it has its bracket only after its end', () => {
    const writer = createArrayWriter();
    const text = writer.push('data: {"a":1}\r\n\r\ndata: {"b":2}\r\n\r\n');
    expect(() => JSON.parse(text)).toThrow();
    expect(JSON.parse(text + writer.end())).toEqual([{ a: 1 }, { b: 2 }]);
  });
});

describe('a request to Gemini', () => {
  it('an effort is a level from the third generation on, a budget before it', () => {
    const config = (model: string): unknown => encode({ reasoning: { effort: 'medium' } }, { model }).body['generationConfig'];
    expect([config('gemini-3-pro-preview'), config('gemini-2.5-flash')]).toEqual([{ thinkingConfig: { thinkingLevel: 'MEDIUM' } }, { thinkingConfig: { thinkingBudget: 8_192 } }]);
  });

  it('a call of another vendor keeps its id, but where ids are not known', () => {
    const turns: IrRequest['turns'] = [{ role: 'assistant', parts: [{ kind: 'tool_call', id: 'toolu_1', name: 'f', input: '{"a":1}' }] }, { role: 'tool', parts: [{ kind: 'tool_result', callId: 'toolu_1', parts: [{ kind: 'text', text: 'no', }], isError: true }] }];
    expect(JSON.stringify(encode({ turns }).body)).toContain('"functionResponse":{"id":"toolu_1","name":"f","response":{"error":"no"}}');
    expect(JSON.stringify(encode({ turns }, { provider: 'vertex' }).body)).not.toContain('toolu_1');
  });

  it('what another vendor signed is left behind', () => {
    const signature = { vendor: 'anthropic', account: undefined, value: 'Eq' };
    expect(JSON.stringify(encode({ turns: [{ role: 'assistant', parts: [{ kind: 'thinking', text: 't', signature }, { kind: 'tool_call', id: 'c', name: 'f', input: '{}', signature }] }] }).body)).not.toMatch(/Eq|thought/i);
  });

  it('for other vendors’ models a tool has Google’s own form of schema', () => {
    const tools: IrRequest['tools'] = [{ kind: 'function', name: 'f', parameters: { type: 'object', properties: { a: { type: ['string', 'null'] } } } }];
    expect(encode({ tools }, { provider: 'antigravity' }).body['tools']).toEqual([{ functionDeclarations: [{ name: 'f', parameters: { type: 'OBJECT', properties: { a: { type: 'STRING', nullable: true } } } }] }]);
  });

  it('search goes with functions nowhere: it is left out and listed, alone it is what it is there', () => {
    const search = { kind: 'builtin', builtin: 'web_search', name: 'web_search', dialect: 'openai-responses', item: {} } as const;
    expect(encode({ tools: [search] }).body['tools']).toEqual([{ googleSearch: {} }]);
    expect(encode({ tools: [search, { kind: 'function', name: 'f' }] }).dropped).toEqual(['tools.web_search']);
  });
});

describe('a request of a Gemini client', () => {
  it('is read in camel and in snake case', () => {
    const camel = { systemInstruction: { parts: [{ text: 's' }] }, contents: [{ role: 'user', parts: [{ inlineData: { mimeType: 'image/png', data: 'AA==' } }] }], generationConfig: { maxOutputTokens: 5, topK: 3, thinkingConfig: { thinkingBudget: 7 } }, toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } }, tools: [{ functionDeclarations: [{ name: 'f' }] }] };
    const snake = { system_instruction: { parts: [{ text: 's' }] }, contents: [{ role: 'user', parts: [{ inline_data: { mime_type: 'image/png', data: 'AA==' } }] }], generation_config: { max_output_tokens: 5, top_k: 3, thinking_config: { thinking_budget: 7 } }, tool_config: { function_calling_config: { mode: 'ANY', allowed_function_names: ['f'] } }, tools: [{ function_declarations: [{ name: 'f' }] }] };
    expect(gemini.decodeRequest(snake, false)).toEqual(gemini.decodeRequest(camel, false));
  });

  it.each([
    [{}, 'contents'],
    [{ contents: [1] }, 'contents[0]'],
    [{ contents: [{ role: 'robot', parts: [] }] }, 'contents[0].role'],
    [{ contents: [], tools: [{ functionDeclarations: [{}] }] }, 'tools[0].functionDeclarations[0].name'],
    [{ contents: [], generationConfig: { temperature: 'hot' } }, 'generationConfig.temperature'],
    [{ contents: [{ parts: [{ functionResponse: { name: 'f', response: {} } }] }] }, 'contents[0].parts[0].functionResponse'],
  ])('what is wrong in it is named: %j', (body, param) => {
    expect(() => gemini.decodeRequest(body, false)).toThrow(expect.objectContaining({ code: 'invalid_request', fields: { param } }));
  });
});
