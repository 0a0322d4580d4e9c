import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import type { Part, TextPart } from '../../../internal/dialect/ir/parts.ts';
import { estimateTokens } from '../../../internal/proxy/translation/estimate-tokens.ts';

const prompt = (...parts: readonly Part[]): Promise<number> => estimateTokens({ turns: [{ role: 'user', parts }], tools: [], isStream: false });
const text = (value: string): TextPart => ({ kind: 'text', text: value });
const prose = 'The quick brown fox jumps over the lazy dog, and nobody minds. Ein Satz auf Deutsch – und 日本語の文。 ';

describe('an estimated count', () => {
  it('is the tokenizer’s own, give or take a token a piece and a few a turn', async () => {
    const whole = prose.repeat(200);
    const exact = countTokens(whole);
    expect(Math.abs((await prompt(text(whole))) - exact)).toBeLessThan(exact / 100 + 8);
  });

  it('of a text too long to count whole goes by its beginning', async () => {
    const [short, long] = [await prompt(text(prose.repeat(1_000))), await prompt(text(prose.repeat(20_000)))];
    expect(long / short).toBeCloseTo(20, 0);
  });

  it('takes what looks like a control token for text', async () => {
    expect(await prompt(text('<|endoftext|>'))).toBeGreaterThan(3);
  });

  it('counts tools, calls, results and pictures', async () => {
    const bare = await prompt(text('hi'));
    const tool = await estimateTokens({ turns: [{ role: 'user', parts: [text('hi')] }], tools: [{ kind: 'function', name: 'get_weather', description: 'The weather in a city.', parameters: { type: 'object', properties: { city: { type: 'string' } } } }], isStream: false });
    expect(tool).toBeGreaterThan(bare + 15);
    expect(await prompt(text('hi'), { kind: 'image', source: { kind: 'base64', mime: 'image/png', data: 'AAAA' } })).toBeGreaterThan(bare + 500);
    expect(await prompt({ kind: 'tool_call', id: 'c', name: 'f', input: '{"a":1}' }, { kind: 'tool_result', callId: 'c', parts: [text('done')] })).toBeGreaterThan(10);
  });

  it('of nothing is next to nothing', async () => {
    expect(await estimateTokens({ turns: [], tools: [], isStream: false })).toBe(0);
  });
});
