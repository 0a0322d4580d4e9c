import { describe, expect, it } from 'vitest';
import type { Choice } from '../../../../internal/dialect/ir/answer.ts';
import { memberOf, type JsonRecord } from '../../../../internal/dialect/ir/json.ts';
import type { IrRequest } from '../../../../internal/dialect/ir/request.ts';
import { openaiChat } from '../../../../internal/dialect/openai-chat/codec.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { contextOf, decode, imitation } from './fixtures.ts';

const encodeChoice = (choice: Partial<Choice>, request: Partial<IrRequest> = {}): unknown => {
  const [first] = [openaiChat.encodeAnswer({ choices: [{ index: 0, parts: [], finish: 'stop', ...choice }] }, contextOf(request))].flatMap((answer) => answer['choices']);
  return plain(first);
};
const finishOf = (finish: Choice['finish'], parts: Choice['parts'] = []): unknown => memberOf(encodeChoice({ finish, parts }), 'finish_reason');
const call = { kind: 'tool_call', id: 'c', name: 'f', input: '{"x":1}' } as const;

describe('a whole answer for a client', () => {
  it('states what the upstream said, and fills in what it did not', () => {
    const usage = { input: 10, cachedInput: 4, cacheWrite: 2, output: 6, reasoning: 3 };
    expect(plain(openaiChat.encodeAnswer({ id: 'msg_1', model: 'claude', createdSeconds: 5, choices: [{ index: 0, parts: [{ kind: 'text', text: 'a' }, { kind: 'text', text: 'b' }], finish: 'stop' }], usage, serviceTier: 'standard' }, contextOf()))).toEqual({
      id: 'chatcmpl-made0', object: 'chat.completion', created: 5, model: 'claude', service_tier: 'standard',
      choices: [{ index: 0, message: { role: 'assistant', content: 'ab', refusal: null }, logprobs: null, finish_reason: 'stop' }],
      usage: { prompt_tokens: 10, completion_tokens: 6, total_tokens: 16, prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 2 }, completion_tokens_details: { reasoning_tokens: 3 } },
    });
    expect(openaiChat.encodeAnswer({ id: 'chatcmpl-1', choices: [] }, contextOf())).toMatchObject({ id: 'chatcmpl-1', created: 1_790_000_000, model: 'as-asked' });
  });

  it('calls are told with arguments that parse', () => {
    expect(encodeChoice({ parts: [call, { ...call, id: 'd', input: '' }], finish: 'tool_calls' })).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"x":1}' } }, { id: 'd', function: { arguments: '{}' } }] },
    });
  });

  it('a client’s own free-form tool is called as such, whatever the upstream knew', () => {
    const tools = [{ kind: 'custom', name: 'f' }] as const;
    expect(encodeChoice({ parts: [{ ...call, input: '{"input":"free"}' }] }, { tools })).toMatchObject({ message: { tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'f', input: 'free' } }] } });
    expect(encodeChoice({ parts: [{ ...call, input: 'free', isCustom: true }] }, { tools })).toMatchObject({ message: { tool_calls: [{ type: 'custom', custom: { input: 'free' } }] } });
  });

  it('a client of the form before tools is answered in it', () => {
    const request = decode({ functions: [{ name: 'f' }] });
    const choice = encodeChoice({ parts: [call], finish: 'tool_calls' }, request);
    expect(choice).toMatchObject({ finish_reason: 'function_call', message: { function_call: { name: 'f', arguments: '{"x":1}' } } });
    expect(memberOf(choice, 'message')).not.toHaveProperty('tool_calls');
  });

  it('citations count from the beginning of the content, links without a place stand at its end', () => {
    const parts: Choice['parts'] = [{ kind: 'text', text: 'abc' }, { kind: 'text', text: 'def', annotations: [{ kind: 'url', url: 'https://e.com', title: 'E', start: 1, end: 3 }, { kind: 'raw', dialect: 'gemini', item: {} }] }];
    expect(encodeChoice({ parts, sources: [{ kind: 'url', url: 'https://s.com' }] })).toMatchObject({
      message: {
        content: 'abcdef',
        annotations: [
          { type: 'url_citation', url_citation: { url: 'https://e.com', title: 'E', start_index: 4, end_index: 6 } },
          { type: 'url_citation', url_citation: { url: 'https://s.com', title: 'https://s.com', start_index: 6, end_index: 6 } },
        ],
      },
    });
  });

  it('made sounds and pictures are there', () => {
    expect(encodeChoice({ parts: [{ kind: 'media', mime: 'audio/wav', data: 'UklGRAAA', transcript: 'hi' }, { kind: 'media', mime: 'image/png', data: 'AAAA' }] })).toMatchObject({
      message: { audio: { id: 'audio_made1', data: 'UklGRAAA', transcript: 'hi' }, images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
    });
  });

  it('an answer that is not known to be whole never ends in `stop`', () => {
    for (const finish of ['length', 'context_length', 'pause', 'malformed_tool_call', 'other'] as const) expect(finishOf(finish)).toBe('length');
    expect(finishOf('content_filter')).toBe('content_filter');
    expect(finishOf('refusal')).toBe('content_filter');
    expect(finishOf('refusal', [{ kind: 'refusal', text: 'no' }])).toBe('stop');
    expect(finishOf('stop_sequence')).toBe('stop');
    expect(finishOf('stop', [call])).toBe('tool_calls');
  });
});

describe('a whole answer of an upstream', () => {
  const message = (more: object): unknown => plain(openaiChat.decodeAnswer({ id: 'x', choices: [{ index: 0, message: { role: 'assistant', ...more }, finish_reason: 'stop' }] }, imitation).choices[0]);

  it('is read by the rules of streams', () => {
    expect(message({ content: 'a', reasoning_content: 'hm', tool_calls: [{ id: '', type: 'function', function: { name: 'f', arguments: { x: 1 } } }] })).toMatchObject({
      parts: [{ kind: 'thinking', text: 'hm', signature: { vendor: 'house', value: '' } }, { kind: 'text', text: 'a' }, { kind: 'tool_call', name: 'f', input: '{"x":1}' }],
      finish: 'tool_calls', rawFinish: 'stop',
    });
    expect(message({ content: null, refusal: 'no' })).toMatchObject({ parts: [{ kind: 'refusal', text: 'no' }], finish: 'refusal' });
    expect(message({ content: [{ type: 'text', text: 'a' }], audio: { id: 'x', data: 'UklGRAAA', transcript: 'hi', expires_at: 1 } })).toMatchObject({ parts: [{ kind: 'text', text: 'a' }, { kind: 'media', mime: 'audio/wav', transcript: 'hi' }] });
  });

  it('choices without a number are counted, and one without a finish has come to its end', () => {
    expect(openaiChat.decodeAnswer({ choices: [{ message: { content: 'a' } }, { message: { content: 'b' } }] }, imitation).choices).toMatchObject([{ index: 0, finish: 'stop' }, { index: 1, parts: [{ text: 'b' }] }]);
  });

  it('what has no choices is no answer', () => {
    const bodies: readonly (JsonRecord | string | undefined)[] = [undefined, 'busy', {}, { choices: [] }, { error: { message: 'x' } }];
    for (const body of bodies) expect(() => openaiChat.decodeAnswer(body, imitation)).toThrow(TypeError);
  });
});
