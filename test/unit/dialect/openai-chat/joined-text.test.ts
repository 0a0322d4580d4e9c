import { describe, expect, it } from 'vitest';
import { openaiChat } from '../../../../internal/dialect/openai-chat/codec.ts';
import { replayAnswer } from '../../../../internal/dialect/ir/replay.ts';
import type { AnswerPart, IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import { listOf, memberOf, parseJson, textOf } from '../../../../internal/dialect/ir/json.ts';
import { imitation, contextOf, encode, openai } from './fixtures.ts';

const text = (said: string): AnswerPart => ({ kind: 'text', text: said });
const call: AnswerPart = { kind: 'tool_call', id: 'c', name: 'look', input: '{}' };
const thought: AnswerPart = { kind: 'thinking', text: 'Hm.' };
const link = (at: number): AnswerPart => ({ kind: 'text', text: 'then', annotations: [{ kind: 'url', url: 'https://a.test/', start: at, end: 4 }] });

function answerOf(parts: readonly AnswerPart[]): IrAnswer {
  return { choices: [{ index: 0, parts, finish: 'stop' }] };
}

function whole(parts: readonly AnswerPart[]): unknown {
  return memberOf(memberOf(listOf(openaiChat.encodeAnswer(answerOf(parts), contextOf())['choices'])[0], 'message'), 'content');
}

function deltas(parts: readonly AnswerPart[]): readonly unknown[] {
  const encoder = openaiChat.createStreamEncoder(contextOf());
  const chunks = replayAnswer(answerOf(parts)).map(encoder.push).join('').split('\n\n').map((event) => parseJson(event.replace(/^data: /, '')));
  return chunks.map((chunk) => memberOf(listOf(memberOf(chunk, 'choices'))[0], 'delta'));
}

describe('what is said before and after a call', () => {
  it.each([
    ['words that follow each other are one text', [text('Fir'), text('st')], 'First'],
    ['a call between them', [text('First'), call, text('then')], 'First\n\nthen'],
    ['reasoning between them', [text('First'), thought, text('then')], 'First\n\nthen'],
    ['several calls make one blank line', [text('First'), call, call, text('then')], 'First\n\nthen'],
    ['nothing before', [call, text('then')], 'then'],
    ['nothing after', [text('First'), call], 'First'],
    ['a text that says nothing', [text('First'), call, text(''), text('then')], 'First\n\nthen'],
    ['space that is there already', [text('First\n'), call, text('then'), call, text('\nlast')], 'First\nthen\nlast'],
  ] as const)('%s', (_, parts, expected) => {
    expect(whole(parts)).toBe(expected);
    expect(deltas(parts).map((delta) => textOf(memberOf(delta, 'content')) ?? '').join('')).toBe(expected);
  });

  it('links keep their places', () => {
    const parts = [text('First'), call, link(1)];
    const stated = [{ type: 'url_citation', url_citation: { start_index: 8, end_index: 11, title: 'https://a.test/', url: 'https://a.test/' } }];
    expect(memberOf(listOf(openaiChat.encodeAnswer(answerOf(parts), contextOf())['choices'])[0], 'message')).toMatchObject({ content: 'First\n\nthen', annotations: stated });
    expect(deltas(parts)).toContainEqual({ annotations: stated });
  });

  it('is kept apart for servers that take one text alone; OpenAI takes parts', () => {
    const turns = [{ role: 'user', parts: [{ kind: 'text', text: 'hi' }] }, { role: 'assistant', parts: [{ kind: 'text', text: 'First' }, { kind: 'tool_call', id: 'c', name: 'look', input: '{}' }, { kind: 'text', text: 'then' }] }] as const;
    expect(listOf(encode({ turns }, imitation).body['messages'])[1]).toMatchObject({ content: 'First\n\nthen' });
    expect(listOf(encode({ turns }, openai).body['messages'])[1]).toMatchObject({ content: [{ type: 'text', text: 'First' }, { type: 'text', text: 'then' }] });
  });
});
