import { describe, expect, it } from 'vitest';
import { codecs } from '../../../internal/dialect/codecs.ts';
import type { Dialect } from '../../../internal/dialect/dialect.ts';
import type { JsonRecord } from '../../../internal/dialect/ir/json.ts';
import { createLosses } from '../../../internal/dialect/ir/losses.ts';
import { AppError } from '../../../internal/fault/app-error.ts';

/** The `param` of the refusal. */
function refusedBy(client: Dialect, target: Dialect, body: JsonRecord): unknown {
  const request = codecs[client].decodeRequest(body, false);
  const losses = createLosses(target, codecs[client].nameOf, request.places);
  try {
    codecs[target].encodeRequest(request, { dialect: target, account: 'a', vendor: 'v', provider: 'p', model: 'm' }, losses);
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown.fields['param'];
    throw thrown;
  }
  return undefined;
}

describe('what is refused is named as the client counts', () => {
  const calls = [
    { role: 'user', content: 'look' },
    { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
    { type: 'function_call', call_id: 'c2', name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id: 'c1', output: 'x' },
  ];
  const lost = { type: 'input_image', file_id: 'file_1' };

  it.each(['openai-chat', 'anthropic-messages', 'gemini'] as const)('Responses, by items, where the target is %s', (target) => {
    expect(refusedBy('openai-responses', target, { instructions: 'Be brief.', input: [...calls, { role: 'user', content: [{ type: 'input_text', text: 'see' }, lost] }] })).toBe('input[4].content[1]');
    expect(refusedBy('openai-responses', target, { input: [...calls, { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'see' }, lost] }] })).toBe('input[4].output[1]');
  });

  it('Anthropic, whose instructions are no message, and whose results share one with words', () => {
    const image = { type: 'image', source: { type: 'file', file_id: 'file_1' } };
    const messages = [{ role: 'user', content: 'look' }, { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: {} }] }];
    expect(refusedBy('anthropic-messages', 'openai-chat', { max_tokens: 9, system: 'Be brief.', messages: [{ role: 'user', content: [image] }] })).toBe('messages[0].content[0]');
    expect(refusedBy('anthropic-messages', 'openai-chat', { max_tokens: 9, messages: [...messages, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'x' }, { type: 'text', text: 'see' }, image] }] })).toBe('messages[2].content[2]');
    expect(refusedBy('anthropic-messages', 'openai-chat', { max_tokens: 9, messages: [...messages, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'x' }, image] }] }] })).toBe('messages[2].content[0].content[1]');
  });

  it('Gemini, a prompt that is cached there', () => {
    expect(refusedBy('gemini', 'openai-chat', { cachedContent: 'cachedContents/a', contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] })).toBe('cachedContent');
  });
});
