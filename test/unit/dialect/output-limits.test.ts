import { describe, expect, it } from 'vitest';
import { codecs } from '../../../internal/dialect/codecs.ts';
import type { Party } from '../../../internal/dialect/codec.ts';
import { createLosses } from '../../../internal/dialect/ir/losses.ts';
import { memberOf } from '../../../internal/dialect/ir/json.ts';

const vendors = { 'openai-chat': 'openai', 'openai-responses': 'openai', 'anthropic-messages': 'anthropic', gemini: 'google' } as const;
type Spoken = keyof typeof vendors;

/** The bound that goes up for one of `maxTokens`, and what is listed. */
function sent(dialect: Spoken, maxTokens: number | undefined, party: Partial<Party>): readonly [unknown, readonly string[]] {
  const losses = createLosses(dialect, codecs['anthropic-messages'].nameOf, undefined);
  const target: Party = { dialect, account: 'a', vendor: vendors[dialect], provider: vendors[dialect], ...party };
  const body = codecs[dialect].encodeRequest({ turns: [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }] }], tools: [], isStream: false, maxTokens }, target, losses);
  const bound = body['max_completion_tokens'] ?? body['max_tokens'] ?? body['max_output_tokens'] ?? memberOf(body['generationConfig'], 'maxOutputTokens');
  return [bound, losses.dropped()];
}

const other = { vendor: 'house', provider: 'openai-compatibility' };

describe('the bound of an answer', () => {
  it.each<[Spoken, Partial<Party>, number]>([
    ['openai-chat', { model: 'gpt-4o-mini' }, 16_384],
    ['openai-chat', { model: 'gpt-4.1' }, 32_768],
    ['openai-chat', { model: 'gpt-4-turbo' }, 4_096],
    ['openai-responses', { model: 'o3-mini' }, 100_000],
    ['anthropic-messages', { model: 'claude-sonnet-4-5' }, 64_000],
    ['gemini', { model: 'gemini-2.5-pro' }, 65_536],
    ['openai-chat', { ...other, model: 'qwen3', maxOutputTokens: 8_192 }, 8_192],
    ['openai-chat', { model: 'gpt-4o', maxOutputTokens: 4_000 }, 4_000],
    ['anthropic-messages', { ...other, model: 'glm', maxOutputTokens: 96_000 }, 96_000],
    ['gemini', { model: 'gemini-2.5-pro', maxOutputTokens: 1_000 }, 1_000],
  ])('%s: of %j no more is asked than %i, and that is listed', (dialect, party, most) => {
    expect(sent(dialect, 128_000, party)).toEqual([most, ['max_tokens']]);
    expect(sent(dialect, most, party)).toEqual([most, []]);
  });

  it.each<[Spoken, Partial<Party>]>([
    ['openai-chat', { model: 'gpt-5.4' }],
    ['openai-chat', { ...other, model: 'gpt-4o' }],
    ['openai-responses', { ...other, model: 'qwen3' }],
    ['anthropic-messages', { ...other, model: 'glm' }],
    ['anthropic-messages', { model: 'claude-opus-4-6' }],
    ['gemini', { model: 'claude-sonnet-4-6' }],
  ])('%s: of %j it passes, since its limit is not known or not reached', (dialect, party) => {
    expect(sent(dialect, 128_000, party)).toEqual([128_000, []]);
  });

  it('that the client left open stays open, but where one is required', () => {
    expect(sent('openai-chat', undefined, { model: 'gpt-4o' })).toEqual([undefined, []]);
    expect(sent('anthropic-messages', undefined, { ...other, model: 'glm', maxOutputTokens: 8_192 })).toEqual([8_192, []]);
  });
});
