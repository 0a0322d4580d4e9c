import { describe, expect, it } from 'vitest';
import type { AnswerPart, Choice, Finish, IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import type { JsonRecord } from '../../../../internal/dialect/ir/json.ts';
import { tagSignature } from '../../../../internal/dialect/ir/signatures.ts';
import type { IrRequest } from '../../../../internal/dialect/ir/request.ts';
import { openaiResponses } from '../../../../internal/dialect/openai-responses/codec.ts';
import { inputItemsOf, outputAsInput, resolveReferences } from '../../../../internal/dialect/openai-responses/transcript.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { contextOf, irUsage, message, openai, recordOf, usage } from './fixtures.ts';
import { AppError } from '../../../../internal/fault/app-error.ts';

const answer = (parts: readonly AnswerPart[], choice: Partial<Choice> = {}, more: Partial<IrAnswer> = {}): IrAnswer => ({ choices: [{ index: 0, parts, finish: 'stop', ...choice }], ...more });
const encode = (whole: IrAnswer, request: Partial<IrRequest> = {}): ReturnType<typeof recordOf> => recordOf(plain(openaiResponses.encodeAnswer(whole, contextOf(request))));
const decode = (body: object): IrAnswer => openaiResponses.decodeAnswer({ id: 'resp_1', model: 'gpt-5.6', created_at: 1_790_000_001, status: 'completed', output: [], ...body }, openai);
const partsOf = (...output: readonly object[]): unknown => decode({ output }).choices[0]?.parts;
const token = { token: 'a', logprob: -0.1, bytes: [97], top: [{ token: 'b', logprob: -2, bytes: [98] }] };

describe('an upstream’s answer', () => {
  it('is read whole', () => {
    expect(decode({
      service_tier: 'priority', usage,
      output: [
        { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'a' }, { type: 'summary_text', text: 'b' }], encrypted_content: 'gAAA' },
        { type: 'message', id: 'msg_1', role: 'assistant', content: [{ type: 'output_text', text: 'Hi', annotations: [{ type: 'url_citation', url: 'https://x.test', title: 't', start_index: 0, end_index: 2 }, { type: 'file_citation', file_id: 'f', filename: 'n', index: 1 }], logprobs: [{ token: 'a', logprob: -0.1, bytes: [97], top_logprobs: [{ token: 'b', logprob: -2, bytes: [98] }] }] }] },
        { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'f', arguments: '{}' },
        { type: 'custom_tool_call', id: 'ctc_1', call_id: 'c2', name: 'g', input: 'free' },
      ],
    })).toEqual({
      id: 'resp_1', model: 'gpt-5.6', createdSeconds: 1_790_000_001, serviceTier: 'priority', usage: irUsage,
      choices: [{
        index: 0, finish: 'tool_calls', rawFinish: 'completed', logprobs: [token],
        parts: [
          { kind: 'thinking', text: 'a\n\nb', isSummary: true, id: 'rs_1', signature: { vendor: 'openai', account: 'acc-1', value: 'gAAA' } },
          { kind: 'text', text: 'Hi', annotations: [{ kind: 'url', url: 'https://x.test', title: 't', start: 0, end: 2 }, { kind: 'raw', dialect: 'openai-responses', item: { type: 'file_citation', file_id: 'f', filename: 'n', index: 1 } }] },
          { kind: 'tool_call', id: 'c1', name: 'f', input: '{}' },
          { kind: 'tool_call', id: 'c2', name: 'g', input: 'free', isCustom: true },
        ],
      }],
    });
  });

  it.each<[string, object, Finish]>([
    ['a whole one', { output: [message('m', 'x')] }, 'stop'],
    ['a refusal', { output: [{ type: 'message', content: [{ type: 'refusal', refusal: 'no' }] }] }, 'refusal'],
    ['one cut by its bound', { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }, 'length'],
    ['one cut by the filter', { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }, 'content_filter'],
    ['one cut for another reason', { status: 'incomplete', incomplete_details: { reason: 'steered' } }, 'other'],
  ])('%s ends as it says', (_, body, finish) => {
    expect(decode(body).choices[0]?.finish).toBe(finish);
  });

  it('pictures are content, items of the vendor’s tools stay whole, empty reasoning is none', () => {
    const search = { type: 'web_search_call', id: 'ws_1', status: 'completed' };
    expect(partsOf({ type: 'image_generation_call', id: 'ig_1', result: 'AAAA', output_format: 'webp' }, search, { type: 'reasoning', id: 'rs_1', summary: [] })).toEqual([{ kind: 'media', mime: 'image/webp', data: 'AAAA' }, { kind: 'raw', dialect: 'openai-responses', item: search }]);
  });

  it('one that failed, or is none, is no answer', () => {
    expect(() => decode({ status: 'failed', error: { code: 'server_error', message: 'x' } })).toThrow(AppError);
    expect(() => openaiResponses.decodeAnswer({ error: 'x' }, openai)).toThrow(TypeError);
  });
});

describe('an answer for a client', () => {
  it('has every member that clients read, the request’s among them', () => {
    const { output, ...rest } = encode(answer([{ kind: 'text', text: 'Hi' }], {}, { model: 'claude', usage: irUsage }), {
      turns: [{ role: 'system', parts: [{ kind: 'text', text: 's' }] }], tools: [{ kind: 'function', name: 'f', strict: true }], toolChoice: { mode: 'required' }, parallelToolCalls: false, maxTokens: 9, temperature: 0.5, topP: 0.9,
      reasoning: { effort: 'low', show: 'auto' }, responseFormat: { kind: 'json' }, verbosity: 'low', metadata: { a: 'b' }, userId: 'u', promptCacheKey: 'k', extras: { dialect: 'openai-responses', members: { truncation: 'auto', max_tool_calls: 2 } },
    });
    expect(rest).toEqual({
      id: 'resp_made1', object: 'response', created_at: 1_790_000_000, status: 'completed', background: false, error: null, incomplete_details: null, model: 'claude', access_programs: null, usage,
      instructions: 's', max_output_tokens: 9, max_tool_calls: 2, metadata: { a: 'b' }, parallel_tool_calls: false, previous_response_id: null, reasoning: { effort: 'low', summary: 'auto' }, temperature: 0.5, text: { format: { type: 'json_object' }, verbosity: 'low' },
      tool_choice: 'required', tools: [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: true }], top_logprobs: 0, top_p: 0.9, truncation: 'auto', safety_identifier: 'u', prompt_cache_key: 'k',
    });
    expect(output).toEqual([{ id: 'msg_made0', type: 'message', status: 'completed', role: 'assistant', content: [{ type: 'output_text', text: 'Hi', annotations: [], logprobs: [] }] }]);
  });

  it('keeps an id of its own dialect, and states the model asked for where none is told', () => {
    expect(encode(answer([], {}, { id: 'resp_7', createdSeconds: 5 }))).toMatchObject({ id: 'resp_7', created_at: 5, model: 'as-asked', usage: null });
  });

  it.each<[Finish, object]>([
    ['stop', { status: 'completed' }],
    ['stop_sequence', { status: 'completed' }],
    ['tool_calls', { status: 'completed' }],
    ['length', { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }],
    ['context_length', { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }],
    ['pause', { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }],
    ['content_filter', { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }],
    ['refusal', { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }],
    ['other', { status: 'incomplete', incomplete_details: null }],
    ['malformed_tool_call', { status: 'failed', error: { code: 'server_error' } }],
  ])('an end by %s is said in the dialect’s words', (finish, expected) => {
    expect(encode(answer([{ kind: 'text', text: 'x' }], { finish }))).toMatchObject(expected);
  });

  it('a refusal in words is whole; an answer without a choice has failed', () => {
    expect(encode(answer([{ kind: 'refusal', text: 'no' }], { finish: 'refusal' }))).toMatchObject({ status: 'completed', output: [{ content: [{ type: 'refusal', refusal: 'no' }] }] });
    expect(encode({ choices: [] })).toMatchObject({ status: 'failed', error: { code: 'server_error' }, output: [] });
  });

  it('texts that follow each other share a message; reasoning and calls stand between', () => {
    const signature = { vendor: 'anthropic', account: 'a', value: 'EqQ' };
    expect(encode(answer([{ kind: 'thinking', text: 'hm', signature }, { kind: 'text', text: 'a' }, { kind: 'text', text: 'b' }, { kind: 'tool_call', id: 'c1', name: 'f', input: '' }, { kind: 'text', text: 'd' }]))['output']).toMatchObject([
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: tagSignature(signature) },
      { type: 'message', content: [{ text: 'a' }, { text: 'b' }] },
      { type: 'function_call', call_id: 'c1', arguments: '{}', status: 'completed' },
      { type: 'message', content: [{ text: 'd' }] },
    ]);
  });

  it('a signature on a call stands before it', () => {
    const signature = { vendor: 'google', account: 'g', value: 'AbC=' };
    expect(encode(answer([{ kind: 'tool_call', id: 'c1', name: 'f', input: '{}', signature }]))['output']).toEqual([
      { id: 'rs_made0', type: 'reasoning', summary: [], encrypted_content: tagSignature(signature) },
      { id: 'fc_made1', type: 'function_call', status: 'completed', call_id: 'c1', name: 'f', arguments: '{}' },
    ]);
  });

  it('a free-form tool that was called as a function comes back free-form', () => {
    expect(encode(answer([{ kind: 'tool_call', id: 'c1', name: 'patch', input: '{"input":"*** Begin"}' }]), { tools: [{ kind: 'custom', name: 'patch' }] })['output']).toMatchObject([{ type: 'custom_tool_call', call_id: 'c1', name: 'patch', input: '*** Begin' }]);
  });

  it('links and probabilities stand on the text; links without a place at its end', () => {
    const parts: readonly AnswerPart[] = [{ kind: 'text', text: 'abc', annotations: [{ kind: 'url', url: 'https://a.test', start: 0, end: 1 }, { kind: 'raw', dialect: 'gemini', item: {} }] }];
    expect(encode(answer(parts, { sources: [{ kind: 'url', url: 'https://b.test', title: 'B' }], logprobs: [token] }))['output']).toMatchObject([{ content: [{
      annotations: [{ type: 'url_citation', url: 'https://a.test', title: 'https://a.test', start_index: 0, end_index: 1 }, { type: 'url_citation', url: 'https://b.test', title: 'B', start_index: 3, end_index: 3 }],
      logprobs: [{ token: 'a', logprob: -0.1, bytes: [97], top_logprobs: [{ token: 'b', logprob: -2, bytes: [98] }] }],
    }] }]);
  });

  it('a picture is an item, sound is what it says, another vendor’s item is nothing', () => {
    expect(encode(answer([{ kind: 'media', mime: 'image/png', data: 'AAAA' }, { kind: 'media', mime: 'audio/wav', data: 'BBBB', transcript: 'hello' }, { kind: 'raw', dialect: 'gemini', item: {} }]))['output']).toMatchObject([
      { type: 'image_generation_call', status: 'completed', output_format: 'png', result: 'AAAA' }, { type: 'message', content: [{ text: 'hello' }] },
    ]);
  });
});

describe('errors', () => {
  it.each([
    [400, { error: { message: 'm', type: 'invalid_request_error', code: 'c', param: 'p' } }, { status: 400, message: 'm', type: 'invalid_request_error', code: 'c', param: 'p' }],
    [400, { detail: 'Unsupported parameter: max_output_tokens' }, { status: 400, message: 'Unsupported parameter: max_output_tokens', type: 'invalid_request_error' }],
    [429, { error: { type: 'usage_limit_reached', message: 'm', resets_at: 1 } }, { status: 429, message: 'm', type: 'usage_limit_reached' }],
    [503, 'busy', { status: 503, message: 'busy', type: 'overloaded_error' }],
    [500, {}, { status: 500, message: 'The upstream refused the request with status 500.', type: 'api_error' }],
  ])('%d %j is read', (status, body, expected) => {
    expect(plain(openaiResponses.decodeError(status, body))).toEqual(expected);
  });

  it('are written with all four members', () => {
    expect(openaiResponses.encodeError({ status: 400, message: 'm', type: 'invalid_request_error', param: 'input' }, 'req_1')).toMatchObject({ error: { message: 'm', type: 'invalid_request_error', code: null, param: 'input' } });
  });
});

describe('a transcript', () => {
  it('input is items, whatever its form', () => {
    expect(inputItemsOf({ input: 'hi' })).toEqual([{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hi' }] }]);
    expect(inputItemsOf({ input: [{ role: 'user', content: 'x' }] })).toEqual([{ role: 'user', content: 'x' }]);
    expect(inputItemsOf({})).toEqual([]);
    expect(() => inputItemsOf({ input: 7 })).toThrow(AppError);
    expect(() => inputItemsOf({ input: ['x'] })).toThrow(AppError);
  });

  it('output goes on as input without ids that nobody kept', () => {
    const search = { type: 'code_interpreter_call', id: 'ci_1', code: 'x' };
    expect(outputAsInput([
      { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA', status: 'completed' },
      { type: 'reasoning', id: 'rs_2', summary: [{ type: 'summary_text', text: 'lost' }] },
      { ...message('msg_1', 'x') },
      { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'f', namespace: 'n', arguments: '{}', status: 'completed' },
      { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search' } },
      search,
    ])).toEqual([
      { type: 'reasoning', summary: [], encrypted_content: 'gAAA' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'x', annotations: [] }] },
      { type: 'function_call', call_id: 'c1', name: 'f', namespace: 'n', arguments: '{}' },
      { type: 'web_search_call', status: 'completed', action: { type: 'search' } },
      search,
    ]);
  });

  it('a reference becomes what it refers to; an unknown one stays', () => {
    const known = new Map<string, JsonRecord>([['msg_1', recordOf(message('msg_1', 'x'))], ['rs_1', { type: 'reasoning', id: 'rs_1', summary: [] }]]);
    const unknown = { type: 'item_reference', id: 'msg_2' };
    expect(resolveReferences([{ id: 'msg_1' }, { type: 'item_reference', id: 'rs_1' }, unknown, { role: 'user', content: 'x', id: 'msg_1' }], (id) => known.get(id))).toEqual([{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'x', annotations: [] }] }, unknown, { role: 'user', content: 'x', id: 'msg_1' }]);
  });

  it('an answer of ours can be gone on from', () => {
    const whole = answer([{ kind: 'thinking', text: 'hm', isSummary: true, signature: { vendor: 'anthropic', account: 'a', value: 'EqQ' } }, { kind: 'text', text: 'x' }, { kind: 'tool_call', id: 'c1', name: 'f', input: '{}' }]);
    const { output } = encode(whole);
    const items = outputAsInput(Array.isArray(output) ? output.map(recordOf) : []);
    expect(plain(openaiResponses.decodeRequest({ input: items }, false).turns)).toEqual([{ role: 'assistant', parts: whole.choices[0]?.parts }]);
  });
});
