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
