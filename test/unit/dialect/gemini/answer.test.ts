import { describe, expect, it } from 'vitest';
import { gemini } from '../../../../internal/dialect/gemini/codec.ts';
import type { Choice, IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import { createLosses } from '../../../../internal/dialect/ir/losses.ts';
import type { IrRequest } from '../../../../internal/dialect/ir/request.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { antigravity, codeAssist, contextOf, decode, google, hi, plainRequest, vertex } from './fixtures.ts';
import type { Party } from '../../../../internal/dialect/codec.ts';

const signature = { vendor: 'anthropic', account: 'acc-5', value: 'sig' } as const;
const tag = expect.stringMatching(/^WyJrdzEi/);
const write = (choice: Partial<Choice>, answer: Partial<IrAnswer> = {}): unknown => plain(gemini.encodeAnswer({ choices: [{ index: 0, parts: [], finish: 'stop', ...choice }], ...answer }, contextOf()));

describe('a whole answer for a Gemini client', () => {
  it('has its parts in order, each with its own signature', () => {
    const parts: Choice['parts'] = [
      { kind: 'thinking', text: 'hm', signature },
      { kind: 'thinking', text: '' },
      { kind: 'text', text: 'Hi', signature },
      { kind: 'refusal', text: 'No.' },
      { kind: 'tool_call', id: 'toolu_1', name: 'f', input: '{"a":1}', signature },
      { kind: 'media', mime: 'image/png', data: 'AAAA' },
      { kind: 'raw', dialect: 'openai-responses', item: { type: 'x' } },
    ];
    expect(write({ parts, finish: 'tool_calls' }, { id: 'msg_1', model: 'claude', usage: { input: 10, cachedInput: 4, cacheWrite: 0, output: 6, reasoning: 2 } })).toEqual({
      candidates: [
        {
          content: {
            parts: [{ text: 'hm', thought: true, thoughtSignature: tag }, { text: 'Hi', thoughtSignature: tag }, { text: 'No.' }, { functionCall: { id: 'toolu_1', name: 'f', args: { a: 1 } }, thoughtSignature: tag }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }],
            role: 'model',
          },
          finishReason: 'STOP',
          index: 0,
        },
      ],
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 4, totalTokenCount: 16, cachedContentTokenCount: 4, thoughtsTokenCount: 2 },
      modelVersion: 'claude',
      responseId: 'msg_1',
    });
  });

  it('says nothing where nothing was said, and keeps a candidate that a filter emptied', () => {
    expect(write({})).toMatchObject({ candidates: [{ content: { parts: [{ text: '' }] }, finishReason: 'STOP' }], modelVersion: 'as-asked', responseId: 'made0' });
    expect(write({ finish: 'content_filter' })).toMatchObject({ candidates: [{ finishReason: 'SAFETY', index: 0 }] });
  });

  it('a call that cannot be read is told, not made', () => {
    expect(write({ parts: [{ kind: 'tool_call', id: '1', name: 'f', input: '{"a' }], finish: 'tool_calls' })).toMatchObject({ candidates: [{ finishReason: 'MALFORMED_FUNCTION_CALL', finishMessage: 'Malformed function call: f({"a)' }] });
  });

  it('links keep their places', () => {
    const parts: Choice['parts'] = [{ kind: 'text', text: 'äb' }, { kind: 'text', text: 'cd', annotations: [{ kind: 'url', url: 'https://a.com', start: 0, end: 2 }, { kind: 'raw', dialect: 'openai-chat', item: {} }] }];
    expect(write({ parts, sources: [{ kind: 'url', url: 'https://a.com', title: 'A' }] })).toMatchObject({ candidates: [{ groundingMetadata: { groundingChunks: [{ web: { uri: 'https://a.com', title: 'A' } }], groundingSupports: [{ segment: { startIndex: 3, endIndex: 5, text: 'cd' }, groundingChunkIndices: [0] }] } }] });
  });
});

describe('errors', () => {
  it('of Google are read with their status, reason and field', () => {
    const body = { error: { code: 400, message: 'API key not valid.', status: 'INVALID_ARGUMENT', details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' }, { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field: 'contents[0]' }] }] } };
    expect(gemini.decodeError(400, body)).toEqual({ status: 400, message: 'API key not valid.', type: 'invalid_request_error', code: 'api_key_invalid', param: 'contents[0]' });
    expect(gemini.decodeError(503, [{ error: { code: 503, message: 'Busy.', status: 'UNAVAILABLE' } }])).toMatchObject({ message: 'Busy.', type: 'overloaded_error', code: 'unavailable' });
    expect(gemini.decodeError(502, '<html>')).toEqual({ status: 502, message: 'The upstream refused the request with status 502.', type: 'api_error', code: undefined, param: undefined });
  });

  it.each([[400, 'INVALID_ARGUMENT'], [401, 'UNAUTHENTICATED'], [403, 'PERMISSION_DENIED'], [404, 'NOT_FOUND'], [413, 'INVALID_ARGUMENT'], [429, 'RESOURCE_EXHAUSTED'], [500, 'INTERNAL'], [503, 'UNAVAILABLE'], [504, 'DEADLINE_EXCEEDED'], [529, 'UNAVAILABLE']])('of others are written with Google’s word for %i', (status, name) => {
    expect(plain(gemini.encodeError({ status, message: 'm', type: 't', code: 'c', param: 'p' }, 'req-1'))).toEqual({
      error: { code: status, message: 'm', status: name, param: 'p', type: 't', details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'c', domain: 'keyward' }, { '@type': 'type.googleapis.com/google.rpc.RequestInfo', requestId: 'req-1' }] },
    });
  });
});

describe('counting tokens', () => {
  const count = gemini.count;
  if (count === undefined) throw new TypeError('Gemini counts');
  const contents = [{ role: 'user', parts: [{ text: 'hi' }] }];
  const full: IrRequest = { ...plainRequest, turns: [{ role: 'system', parts: [{ kind: 'text', text: 'S' }] }, hi], tools: [{ kind: 'function', name: 'f' }], maxTokens: 5, logitBias: { 1: 1 }, metadata: { a: 'b' } };
  const asked = (request: IrRequest, target: Party): { readonly body: unknown; readonly dropped: readonly string[] } => {
    const losses = createLosses('gemini', (name) => name, undefined);
    return { body: plain(count.encodeRequest(request, target, losses)), dropped: losses.dropped() };
  };

  it('is asked for in both of its forms', () => {
    expect(count.decodeRequest({ contents })).toEqual(decode({ contents }));
    expect(count.decodeRequest({ generateContentRequest: { model: 'models/x', contents, systemInstruction: { parts: [{ text: 'S' }] } } }).turns).toHaveLength(2);
    expect(count.decodeRequest({ generate_content_request: { contents } }).turns).toHaveLength(1);
  });

  it('is asked of each service as it counts, and what does not count is not listed', () => {
    const tools = [{ functionDeclarations: [{ name: 'f' }] }];
    const systemInstruction = { parts: [{ text: 'S' }] };
    expect(asked(plainRequest, google)).toEqual({ body: { contents }, dropped: [] });
    expect(asked(full, google)).toEqual({ body: { generateContentRequest: { model: 'models/gemini-3.8-flash', contents, systemInstruction, tools } }, dropped: [] });
    expect(asked(full, vertex)).toEqual({ body: { contents, systemInstruction, tools }, dropped: [] });
    expect(asked(full, codeAssist)).toEqual({ body: { contents: [{ role: 'user', ...systemInstruction }, { role: 'user', parts: [{ text: JSON.stringify(tools) }] }, ...contents] }, dropped: [] });
    expect(asked(plainRequest, antigravity)).toEqual({ body: { contents }, dropped: [] });
  });

  it('is answered by a number or not at all', () => {
    expect(count.decodeAnswer({ totalTokens: 7 })).toBe(7);
    expect(count.decodeAnswer({})).toBeUndefined();
    expect(count.encodeAnswer(7)).toEqual({ totalTokens: 7 });
  });
});

describe('names', () => {
  it.each([['maxTokens', 'generationConfig.maxOutputTokens'], ['turns[3].parts[1]', 'contents'], ['tools.web_search', 'tools.web_search'], ['constructor', 'constructor'], ['generationConfig.speechConfig', 'generationConfig.speechConfig']])('%s is %s to the client', (field, name) => {
    expect(gemini.nameOf(field)).toBe(name);
  });
});
