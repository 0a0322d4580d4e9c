import { describe, expect, it } from 'vitest';
import type { Party } from '../../../../internal/dialect/codec.ts';
import type { IrRequest, Turn } from '../../../../internal/dialect/ir/request.ts';
import { anthropic, claude, encode, imitation } from './fixtures.ts';

/** What of a body is about reasoning, and what was left out. */
function ask(request: Partial<IrRequest>, target: Party): object {
  const { body, dropped } = encode(request, target);
  const { thinking, output_config: config, max_tokens: max, temperature, top_p: topP, top_k: topK } = body;
  return { thinking, config, max, temperature, topP, topK, dropped };
}

const shown = { type: 'adaptive', display: 'summarized' };
const force = { tools: [{ kind: 'function', name: 'f' }], toolChoice: { mode: 'required' } } as const;

describe('models that decide for themselves', () => {
  it.each(['claude-opus-4-6', 'claude-sonnet-4-6', 'claude-opus-4-7', 'claude-sonnet-5', 'claude-haiku-5-5', 'claude-fable-5-2', 'claude-mythos-preview', 'us.anthropic.claude-opus-4-6-v1', 'anthropic/claude-sonnet-4.6'])('%s takes an effort', (model) => {
    expect(ask({ reasoning: { effort: 'high' } }, claude(model))).toMatchObject({ thinking: shown, config: { effort: 'high' }, max: 32_000, dropped: [] });
  });

  it('an unnamed model of the vendor is taken for one of them', () => {
    expect(ask({ reasoning: { effort: 'max' } }, anthropic)).toMatchObject({ thinking: shown, config: { effort: 'max' } });
  });

  it.each([
    [{ effort: 'minimal' }, 'low'],
    [{ budgetTokens: 1_024 }, 'low'],
    [{ budgetTokens: 20_000 }, 'high'],
    [{ effort: 'xhigh' }, 'xhigh'],
  ] as const)('%j becomes the effort %s', (reasoning, effort) => {
    expect(ask({ reasoning }, claude('claude-opus-5-5'))).toMatchObject({ config: { effort } });
  });

  it('an effort that came later is lowered to what the model knows', () => {
    expect(ask({ reasoning: { effort: 'xhigh' } }, claude('claude-opus-4-6'))).toMatchObject({ config: { effort: 'high' } });
  });

  it('left to the model, no effort is said; unwanted, it is not shown', () => {
    expect(ask({ reasoning: { budgetTokens: -1, show: 'none' } }, claude('claude-sonnet-5'))).toMatchObject({ thinking: { type: 'adaptive', display: 'omitted' }, config: undefined });
  });
});

describe('models with a budget', () => {
  const older = claude('claude-haiku-4-5-20251001');

  it('an effort becomes tokens, within the bound', () => {
    expect(ask({ reasoning: { effort: 'medium' } }, older)).toMatchObject({ thinking: { type: 'enabled', budget_tokens: 8_192 }, max: 32_000, config: undefined, dropped: [] });
  });

  it('without a bound of the client, the bound grows around the budget as far as the model gives', () => {
    expect(ask({ reasoning: { effort: 'xhigh' } }, older)).toMatchObject({ thinking: { budget_tokens: 32_768 }, max: 48_768 });
    expect(ask({ reasoning: { effort: 'max' } }, older)).toMatchObject({ thinking: { budget_tokens: 48_000 }, max: 64_000 });
    expect(ask({ reasoning: { effort: 'high' } }, claude('claude-opus-4-1-20250805'))).toMatchObject({ thinking: { budget_tokens: 24_000 }, max: 32_000 });
  });

  it('the client’s bound stands, and room for the answer stays', () => {
    expect(ask({ reasoning: { effort: 'high' }, maxTokens: 4_000 }, older)).toMatchObject({ thinking: { budget_tokens: 3_000 }, max: 4_000 });
    expect(ask({ reasoning: { budgetTokens: 3_900 }, maxTokens: 4_000 }, older)).toMatchObject({ thinking: { budget_tokens: 3_900 }, max: 4_000 });
    expect(ask({ reasoning: { budgetTokens: 10 }, maxTokens: 4_000 }, older)).toMatchObject({ thinking: { budget_tokens: 1_024 } });
  });

  it('no budget fits a small bound: the answer is given without, and that is told', () => {
    expect(ask({ reasoning: { effort: 'low' }, maxTokens: 1_200 }, older)).toMatchObject({ thinking: undefined, max: 1_200, dropped: ['reasoning'] });
  });

  it('a call in progress whose reasoning is lost is answered without, since the API would refuse it', () => {
    const call = { kind: 'tool_call', id: '1', name: 'f', input: '{}' } as const;
    const turns = (...thinking: Turn['parts']): readonly Turn[] => [{ role: 'user', parts: [{ kind: 'text', text: 'q' }] }, { role: 'assistant', parts: [...thinking, call] }, { role: 'tool', parts: [{ kind: 'tool_result', callId: '1', parts: [] }] }];
    const tools = [{ kind: 'function', name: 'f' }] as const;
    expect(ask({ turns: turns(), tools, reasoning: { effort: 'low' } }, older)).toMatchObject({ thinking: undefined, dropped: ['reasoning'] });
    expect(ask({ turns: turns({ kind: 'thinking', text: 't', signature: { vendor: 'anthropic', account: undefined, value: 's' } }), tools, reasoning: { effort: 'low' } }, older)).toMatchObject({ thinking: { type: 'enabled' }, dropped: [] });
    expect(ask({ turns: turns(), tools, reasoning: { effort: 'low' } }, claude('claude-opus-4-6'))).toMatchObject({ thinking: shown, dropped: [] });
  });

  it('servers that imitate the API are asked in its older form', () => {
    expect(ask({ reasoning: { effort: 'low' } }, imitation)).toMatchObject({ thinking: { type: 'enabled', budget_tokens: 1_024 }, config: undefined });
  });

  it('models that do not reason are not asked to, and that is told', () => {
    expect(ask({ reasoning: { effort: 'low' } }, claude('claude-3-5-haiku-20241022'))).toMatchObject({ thinking: undefined, max: 8_192, dropped: ['reasoning'] });
  });
});

describe('switched off', () => {
  it.each([
    ['claude-haiku-4-5', { thinking: { type: 'disabled' }, config: undefined, dropped: [] }],
    ['claude-opus-5', { thinking: { type: 'disabled' }, config: undefined, dropped: [] }],
    ['claude-haiku-5-5', { thinking: { type: 'disabled' }, config: undefined, dropped: [] }],
    ['claude-sonnet-5-5', { thinking: { type: 'between_tools' }, config: undefined, dropped: ['reasoning'] }],
    ['claude-opus-5-5', { thinking: undefined, config: { effort: 'low' }, dropped: ['reasoning'] }],
    ['claude-fable-5', { thinking: undefined, config: { effort: 'low' }, dropped: ['reasoning'] }],
    ['claude-3-haiku-20240307', { thinking: undefined, config: undefined, dropped: [] }],
  ])('%s reasons as little as it can', (model, expected) => {
    expect(ask({ reasoning: { effort: 'none' } }, claude(model))).toMatchObject(expected);
    expect(ask({ reasoning: { budgetTokens: 0 } }, claude(model))).toMatchObject(expected);
  });
});

describe('a tool that must be called', () => {
  it('excludes reasoning, which is told; the effort stays', () => {
    expect(ask({ ...force, reasoning: { effort: 'xhigh' } }, claude('claude-opus-4-8'))).toMatchObject({ thinking: undefined, config: { effort: 'high' }, dropped: ['reasoning'] });
    expect(ask({ ...force, reasoning: { effort: 'low' } }, claude('claude-haiku-4-5'))).toMatchObject({ thinking: undefined, config: undefined, dropped: ['reasoning'] });
  });

  it('switches it off where it is the model’s habit', () => {
    expect(ask(force, claude('claude-sonnet-5'))).toMatchObject({ thinking: { type: 'disabled' }, dropped: [] });
    expect(ask(force, claude('claude-fable-5'))).toMatchObject({ thinking: undefined, dropped: [] });
  });

  it('is refused where the model cannot be made to', () => {
    for (const model of ['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-fable-5-1']) expect(() => ask(force, claude(model))).toThrow(expect.objectContaining({ code: 'unsupported_parameter', fields: { param: 'toolChoice' } }));
    expect(ask(force, claude('claude-haiku-5-5'))).toMatchObject({ dropped: [] });
  });
});

describe('a budget', () => {
  const older = claude('claude-sonnet-4-5');

  it('that gives way to the bound of the answer is listed', () => {
    expect(ask({ reasoning: { effort: 'high' }, maxTokens: 4_000 }, older)).toMatchObject({ thinking: { type: 'enabled', budget_tokens: 3_000 }, dropped: ['reasoning'] });
    expect(ask({ reasoning: { budgetTokens: 3_999 }, maxTokens: 4_000 }, older)).toMatchObject({ thinking: { budget_tokens: 3_999 }, dropped: [] });
  });

  it('is spent unseen where nobody wants to see it, which imitations are not told', () => {
    const reasoning = { budgetTokens: 2_000, show: 'none' } as const;
    expect(ask({ reasoning }, older)).toMatchObject({ thinking: { type: 'enabled', budget_tokens: 2_000, display: 'omitted' } });
    expect(ask({ reasoning: { ...reasoning, show: 'auto' } }, older)).toMatchObject({ thinking: { type: 'enabled', budget_tokens: 2_000 } });
    expect(ask({ reasoning }, imitation)).toHaveProperty('thinking', { type: 'enabled', budget_tokens: 2_000 });
  });
});

describe('sampling', () => {
  const sampling = { temperature: 0.2, topP: 0.9, topK: 5 };

  it('goes up where the model takes it; of temperature and top_p the first', () => {
    expect(ask(sampling, claude('claude-sonnet-4-6'))).toMatchObject({ temperature: 0.2, topP: undefined, topK: 5, dropped: ['topP'] });
    expect(ask({ topP: 0.9 }, claude('claude-sonnet-4-6'))).toMatchObject({ topP: 0.9, dropped: [] });
    expect(ask(sampling, imitation)).toMatchObject({ temperature: 0.2, topP: 0.9, topK: 5, dropped: [] });
  });

  it('is left out and told where the model reasons', () => {
    expect(ask({ ...sampling, reasoning: { effort: 'low' } }, claude('claude-sonnet-4-6'))).toMatchObject({ temperature: undefined, topP: undefined, topK: undefined, dropped: ['temperature', 'topP', 'topK'] });
  });

  it('is left out and told for newer models, reasoning or not', () => {
    expect(ask(sampling, claude('claude-opus-4-7'))).toMatchObject({ temperature: undefined, dropped: ['temperature', 'topP', 'topK'] });
  });

  it('values that change nothing are left out unsaid', () => {
    expect(ask({ temperature: 1, topP: 1 }, claude('claude-opus-5-5'))).toMatchObject({ temperature: undefined, topP: undefined, dropped: [] });
  });
});
