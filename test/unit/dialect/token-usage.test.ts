import { describe, expect, it } from 'vitest';
import { findUsage, readUsage } from '../../../internal/dialect/token-usage.ts';

describe('Gemini’s thoughts', () => {
  it.each([
    ['beside the candidates, by the total', { promptTokenCount: 10, candidatesTokenCount: 5, thoughtsTokenCount: 3, totalTokenCount: 18 }, 8],
    ['among the candidates, by the total', { promptTokenCount: 10, candidatesTokenCount: 8, thoughtsTokenCount: 3, totalTokenCount: 18 }, 8],
    ['among the candidates, beside what a tool put into the prompt', { promptTokenCount: 10, toolUsePromptTokenCount: 2, candidatesTokenCount: 8, thoughtsTokenCount: 3, totalTokenCount: 20 }, 8],
    ['beside the candidates, where no total says otherwise', { promptTokenCount: 10, candidatesTokenCount: 5, thoughtsTokenCount: 3 }, 8],
    ['more than the candidates, so not among them', { promptTokenCount: 10, candidatesTokenCount: 2, thoughtsTokenCount: 3, totalTokenCount: 12 }, 5],
  ])('are counted once: %s', (_, metadata, output) => {
    expect(readUsage('gemini', metadata)).toMatchObject({ output, reasoning: 3 });
    expect(findUsage('gemini', Buffer.from(JSON.stringify({ usageMetadata: metadata })))).toMatchObject({ output });
  });
});

describe('counts that no upstream can mean', () => {
  const most = 100_000_000;
  it.each([
    ['openai-chat', { prompt_tokens: -5, completion_tokens: 1e308, prompt_tokens_details: { cached_tokens: -1 } }, { input: 0, output: most, reasoning: 0, cached: 0 }],
    ['openai-responses', { input_tokens: 1e300, output_tokens: -1e300 }, { input: most, output: 0, reasoning: 0, cached: 0 }],
    ['openai-chat', { prompt_tokens: Infinity, completion_tokens: Number.NaN }, { input: 0, output: 0, reasoning: 0, cached: 0 }],
    ['openai-chat', { prompt_tokens: '7', completion_tokens: 2.9 }, { input: 0, output: 2, reasoning: 0, cached: 0 }],
    ['anthropic-messages', { input_tokens: 1e308, cache_read_input_tokens: 1e308, cache_creation_input_tokens: 1e308, output_tokens: 3 }, { input: 3 * most, output: 3, reasoning: 0, cached: most }],
    ['gemini', { promptTokenCount: 1e308, toolUsePromptTokenCount: 1e308, candidatesTokenCount: -3, thoughtsTokenCount: 4 }, { input: 2 * most, output: 4, reasoning: 4, cached: 0 }],
  ] as const)('of %s are brought into bounds: %j', (dialect, usage, expected) => {
    expect(readUsage(dialect, usage)).toEqual(expected);
  });
});
