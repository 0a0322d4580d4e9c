import { describe, expect, it } from 'vitest';
import type { IrRequest, Turn } from '../../../../internal/dialect/ir/request.ts';
import { listOf, memberOf } from '../../../../internal/dialect/ir/json.ts';
import { claude, encode, imitation } from './fixtures.ts';

const say = (role: Turn['role'], text: string): Turn => ({ role, parts: [{ kind: 'text', text }] });

/** Roles and texts of the messages, and what was left out. */
function placed(turns: IrRequest['turns'], model = 'claude-opus-5'): { readonly messages: readonly string[]; readonly dropped: readonly string[] } {
  const { body, dropped } = encode({ turns }, claude(model));
  const messages = listOf(body['messages']).map((message) => `${String(memberOf(message, 'role'))}: ${listOf(memberOf(message, 'content')).map((block) => String(memberOf(block, 'text') ?? memberOf(block, 'type'))).join(' ')}`);
  return { messages, dropped };
}

const middle = [say('system', 'top'), say('user', 'a'), say('assistant', 'b'), say('developer', 'X'), say('user', 'c')];

describe('instructions amid a conversation', () => {
  it('follow what the user says, before the model speaks again', () => {
    expect(placed(middle)).toEqual({ messages: ['user: a', 'assistant: b', 'user: c', 'system: X'], dropped: [] });
    expect(placed([...middle, say('assistant', 'd'), say('user', 'e')])).toEqual({ messages: ['user: a', 'assistant: b', 'user: c', 'system: X', 'assistant: d', 'user: e'], dropped: [] });
  });

  it('are one message, since two must not follow each other', () => {
    expect(placed([say('user', 'a'), say('developer', 'X'), say('user', 'b'), say('system', 'Y')]).messages).toEqual(['user: a b', 'system: X Y']);
  });

  it('follow results of tools', () => {
    const call: Turn = { role: 'assistant', parts: [{ kind: 'tool_call', id: 't', name: 'f', input: '{}' }] };
    expect(placed([say('user', 'a'), call, { role: 'tool', parts: [{ kind: 'tool_result', callId: 't', parts: [] }] }, say('developer', 'X')]).messages).toEqual(['user: a', 'assistant: tool_use', 'user: tool_result', 'system: X']);
  });

  it('are text of the user where no user spoke before them, which is listed', () => {
    expect(placed([say('user', 'a'), say('assistant', 'b'), say('developer', 'X')])).toEqual({ messages: ['user: a', 'assistant: b', 'user: X'], dropped: ['system'] });
    expect(placed([say('system', 'X')])).toEqual({ messages: ['user: X'], dropped: ['system'] });
  });

  it.each(['claude-opus-4-8', 'claude-opus-5-5', 'claude-fable-5-1', 'claude-mythos-5'])('%s takes them', (model) => {
    expect(placed(middle, model).dropped).toEqual([]);
  });

  it.each(['claude-opus-4-7', 'claude-sonnet-5', 'claude-haiku-5-5', 'claude-opus-latest'])('%s is told them as text of the user, which is listed', (model) => {
    expect(placed(middle, model)).toEqual({ messages: ['user: a', 'assistant: b', 'user: X c'], dropped: ['system'] });
  });

  it('so are servers that imitate the API', () => {
    expect(encode({ turns: middle }, imitation).dropped).toEqual(['system']);
  });
});
