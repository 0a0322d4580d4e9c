import { describe, expect, it } from 'vitest';
import type { Party } from '../../../../internal/dialect/codec.ts';
import type { Part, Signature, ThinkingPart } from '../../../../internal/dialect/ir/parts.ts';
import type { IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import { isRecord, listOf, memberOf } from '../../../../internal/dialect/ir/json.ts';
import { readSignature, tagSignature } from '../../../../internal/dialect/ir/signatures.ts';
import { openaiChat } from '../../../../internal/dialect/openai-chat/codec.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { answerOf, chunk, contextOf, decode, done, encode, imitation, openai } from './fixtures.ts';

const signature: Signature = { vendor: 'anthropic', account: 'acc-3', value: 'sig' };
const stop = chunk({}, { finish_reason: 'stop' });

/** The message of an answer with these parts. */
function messageOf(parts: IrAnswer['choices'][number]['parts']): object {
  const answer = openaiChat.encodeAnswer({ choices: [{ index: 0, parts, finish: 'stop' }] }, contextOf());
  const message = memberOf(listOf(answer['choices'])[0], 'message');
  if (!isRecord(message)) throw new TypeError('there is a message');
  return message;
}

const comesBackAs = (message: object): unknown => plain(decode({ messages: [{ role: 'user', content: 'hi' }, message] }).turns[1]?.parts);

/** What the upstream is sent for reasoning of its own that went through a client of another dialect. */
function returned(chunks: readonly (object | string)[], target: Party = imitation): unknown {
  const parts = (answerOf(chunks, target).choices[0]?.parts ?? []).flatMap((part): readonly Part[] => {
    if (part.kind !== 'thinking' || part.signature === undefined) return part.kind === 'text' ? [part] : [];
    return [{ ...part, signature: readSignature(tagSignature(part.signature), 'anthropic') }];
  });
  return listOf(encode({ turns: [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }] }, { role: 'assistant', parts }] }, target).body['messages'])[1];
}

describe('reasoning that a client is given', () => {
  it('signed reasoning comes back as it was, part by part', () => {
    const parts: readonly ThinkingPart[] = [
      { kind: 'thinking', text: 'first', signature },
      { kind: 'thinking', text: '', signature: { ...signature, value: 'hidden' } },
      { kind: 'thinking', text: 'second', signature: { ...signature, value: 'sig2' }, id: 'rs_1' },
    ];
    const message = messageOf([...parts, { kind: 'text', text: 'a' }]);
    expect(message).toMatchObject({ reasoning_content: 'firstsecond', content: 'a', reasoning_details: [{ type: 'reasoning.encrypted', index: 0 }, { index: 1 }, { index: 2, id: 'rs_1' }] });
    expect(comesBackAs(message)).toEqual([...parts, { kind: 'text', text: 'a' }]);
  });

  it('unsigned reasoning before signed is not signed by it', () => {
    const parts: readonly ThinkingPart[] = [{ kind: 'thinking', text: 'loose' }, { kind: 'thinking', text: 'bound', signature }];
    expect(comesBackAs(messageOf(parts))).toEqual(parts);
  });

  it('a signature whose text the client altered is left out, its text is not', () => {
    expect(comesBackAs({ ...messageOf([{ kind: 'thinking', text: 'first', signature }]), reasoning_content: 'fir' })).toEqual([{ kind: 'thinking', text: 'fir' }]);
  });

  it('an untagged signature is nobody’s', () => {
    expect(comesBackAs({ role: 'assistant', content: 'a', reasoning_details: [{ type: 'reasoning.encrypted', data: 'opaque' }, { type: 'reasoning.text', text: 'hm', signature: 'opaque' }] })).toEqual([{ kind: 'thinking', text: 'hm' }, { kind: 'text', text: 'a' }]);
  });

  it('a call’s signature comes back with its call', () => {
    const call = { kind: 'tool_call', id: 'c', name: 'f', input: '{}', signature: { vendor: 'google', account: 'acc-4', value: 'sig' } } as const;
    expect(comesBackAs(messageOf([call]))).toEqual([call]);
  });
});

describe('reasoning of an upstream', () => {
  it('comes back in the member it came in', () => {
    expect(returned([chunk({ reasoning_content: 'h' }), chunk({ reasoning_content: 'm' }), chunk({ content: 'a' }), stop, done])).toEqual({ role: 'assistant', reasoning_content: 'hm', content: 'a' });
    expect(returned([chunk({ reasoning: 'hm' }), chunk({ content: 'a' }), stop, done])).toEqual({ role: 'assistant', reasoning: 'hm', content: 'a' });
    expect(returned([chunk({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] }), chunk({ content: 'a' }), stop, done])).toEqual({
      role: 'assistant',
      content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }, { type: 'text', text: 'a' }],
    });
  });

  it('signed details come back whole, put together by index, their text not twice', () => {
    const detail = (more: object): object => chunk({ reasoning: memberOf(more, 'text') ?? '', reasoning_details: [{ type: 'reasoning.text', index: 0, format: 'anthropic-claude-v1', ...more }] });
    const chunks = [detail({ text: 'h' }), detail({ text: 'm' }), detail({ signature: 'sig' }), chunk({ content: 'a' }), stop, done];
    expect(answerOf(chunks).choices[0]?.parts[0]).toMatchObject({ kind: 'thinking', text: 'hm', signature: { vendor: 'house', account: 'acc-2', value: JSON.stringify({ field: 'reasoning', details: [{ type: 'reasoning.text', index: 0, format: 'anthropic-claude-v1', signature: 'sig' }] }) } });
    expect(returned(chunks)).toEqual({ role: 'assistant', reasoning: 'hm', reasoning_details: [{ type: 'reasoning.text', index: 0, format: 'anthropic-claude-v1', signature: 'sig', text: 'hm' }], content: 'a' });
  });

  it('details without an index are put together where they are text, and kept apart where they are not', () => {
    const detail = (more: object): object => chunk({ reasoning_details: [more] });
    const chunks = [detail({ type: 'reasoning.text', text: 'h' }), detail({ type: 'reasoning.text', text: 'm' }), detail({ type: 'reasoning.encrypted', data: 'x' }), detail({ type: 'reasoning.encrypted', data: 'y' }), chunk({ content: 'a' }), stop, done];
    expect(returned(chunks)).toMatchObject({ reasoning: 'hm', reasoning_details: [{ type: 'reasoning.text', text: 'hm' }, { data: 'x' }, { data: 'y' }] });
  });

  it('plain reasoning has a signature without a value', () => {
    expect(answerOf([chunk({ reasoning_content: 'hm' }), chunk({ content: 'a' }), stop, done]).choices[0]?.parts).toEqual([{ kind: 'thinking', text: 'hm', signature: { vendor: 'house', account: 'acc-2', value: '' } }, { kind: 'text', text: 'a' }]);
  });

  it('another’s reasoning is never sent, nor is a turn of nothing else', () => {
    const turns = [
      { role: 'assistant', parts: [{ kind: 'thinking', text: 'hm', signature }, { kind: 'text', text: 'a' }] },
      { role: 'user', parts: [{ kind: 'text', text: 'b' }] },
      { role: 'assistant', parts: [{ kind: 'thinking', text: 'unsigned' }] },
    ] as const;
    for (const target of [openai, imitation]) expect(encode({ turns }, target).body['messages']).toEqual([{ role: 'assistant', content: 'a' }, { role: 'user', content: 'b' }]);
  });

  it('models that demand reasoning in each turn get a blank where another made the turn', () => {
    const turns = [{ role: 'assistant', parts: [{ kind: 'text', text: 'a' }] }] as const;
    expect(encode({ turns }, { ...imitation, model: 'deepseek-v4-pro' }).body['messages']).toEqual([{ role: 'assistant', reasoning_content: ' ', content: 'a' }]);
    expect(encode({ turns }, { ...imitation, model: 'moonshotai/kimi-k2' }).body['messages']).toEqual([{ role: 'assistant', content: 'a' }]);
  });

  it('a call’s signature comes back to its maker alone', () => {
    const delta = { index: 0, id: 'c', function: { name: 'f', arguments: '{}' }, extra_content: { google: { thought_signature: 'sig' } } };
    const [part] = answerOf([chunk({ tool_calls: [delta] }), stop, done]).choices[0]?.parts ?? [];
    expect(part).toMatchObject({ kind: 'tool_call', signature: { vendor: 'house', value: 'sig' } });
    if (part?.kind !== 'tool_call') throw new TypeError('a call was made');
    const turns = [{ role: 'assistant', parts: [part] }] as const;
    expect(encode({ turns }, imitation).body['messages']).toMatchObject([{ tool_calls: [{ extra_content: { google: { thought_signature: 'sig' } } }] }]);
    expect(JSON.stringify(encode({ turns }, { ...imitation, vendor: 'other' }).body)).not.toContain('sig');
  });
});
