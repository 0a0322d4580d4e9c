import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../internal/dialect/anthropic-messages/codec.ts';
import type { AnswerPart } from '../../../internal/dialect/ir/answer.ts';
import type { IrEvent } from '../../../internal/dialect/ir/events.ts';
import { createLosses } from '../../../internal/dialect/ir/losses.ts';
import { replayPart } from '../../../internal/dialect/ir/replay.ts';
import type { IrRequest } from '../../../internal/dialect/ir/request.ts';
import { createThinkingHold, withoutUnaskedThinking } from '../../../internal/dialect/ir/unasked-thinking.ts';
import { anthropic, plainRequest } from './anthropic-messages/fixtures.ts';

const thinking = (text: string): AnswerPart => ({ kind: 'thinking', text, signature: { vendor: 'openai', account: 'acc-3', value: `of ${text}` } });
const text: AnswerPart = { kind: 'text', text: 'Hello.' };
const call: AnswerPart = { kind: 'tool_call', id: 'call_1', name: 'f', input: '{}' };
const events = (...parts: readonly AnswerPart[]): readonly IrEvent[] => parts.flatMap((part, index) => replayPart(0, part, index));
const streamed = (given: readonly IrEvent[], request: IrRequest = plainRequest): readonly IrEvent[] => given.flatMap(createThinkingHold(request));

describe('reasoning that nobody asked for', () => {
  it('is left out of an answer without calls', () => {
    expect(withoutUnaskedThinking([thinking('a'), text, thinking('b')], plainRequest)).toEqual([text]);
    expect(streamed(events(thinking('a'), text, thinking('b')))).toEqual(events(thinking('a'), text).slice(-3));
  });

  it('stays before the call it led to; in a stream right before it', () => {
    expect(withoutUnaskedThinking([thinking('a'), text, call, thinking('b')], plainRequest)).toEqual([thinking('a'), text, call]);
    const [first, second, third] = [thinking('a'), text, call].map((part, index) => replayPart(0, part, index));
    expect(streamed(events(thinking('a'), text, call))).toEqual([...(second ?? []), ...(first ?? []), ...(third ?? [])]);
  });

  it.each([{ mode: 'required' }, { mode: 'named', name: 'f' }, { mode: 'allowed', names: ['f'], isRequired: true }] as const)('is left out before a call that was forced: $mode', (toolChoice) => {
    const forced = { ...plainRequest, toolChoice };
    expect(withoutUnaskedThinking([thinking('a'), call], forced)).toEqual([call]);
    expect(streamed(events(thinking('a'), call), forced)).toEqual(replayPart(0, call, 1));
  });

  it('is kept apart for each choice', () => {
    const [first, second] = [0, 1].map((choice) => [...replayPart(choice, thinking(`t${choice}`), 0), ...replayPart(choice, call, 1)]);
    expect(streamed([...(first ?? []).slice(0, -3), ...(second ?? []).slice(0, -3), ...(first ?? []).slice(-3), ...(second ?? []).slice(-3)])).toEqual([...(first ?? []), ...(second ?? [])]);
  });

  it('is forgotten beyond a million characters, and what comes after its call is kept again', () => {
    const endless = thinking('x'.repeat(1_048_577));
    expect(streamed(events(endless, thinking('b'), call, thinking('c'), call))).toEqual(events(endless, endless, call, thinking('c'), call).slice(8));
  });

  it('stands first again where a model demands it, however a stream told it', () => {
    const signed: AnswerPart = { kind: 'thinking', text: 'hm', signature: { vendor: 'anthropic', account: anthropic.account, value: 'EqQB' } };
    const turns = [{ role: 'user', parts: [text] }, { role: 'assistant', parts: [text, signed, call] }, { role: 'tool', parts: [{ kind: 'tool_result', callId: 'call_1', parts: [text] }] }] as const;
    const messages = (model: string): unknown => anthropicMessages.encodeRequest({ ...plainRequest, turns, reasoning: { budgetTokens: 2_048 } }, { ...anthropic, model }, createLosses('x', (field) => field, undefined))['messages'];
    expect(messages('claude-sonnet-4-5')).toMatchObject([{}, { content: [{ type: 'thinking' }, { type: 'text' }, { type: 'tool_use' }] }, {}]);
    expect(messages('claude-opus-4-8')).toMatchObject([{}, { content: [{ type: 'text' }, { type: 'thinking' }, { type: 'tool_use' }] }, {}]);
  });
});
