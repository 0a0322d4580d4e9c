import { describe, expect, it } from 'vitest';
import type { Party } from '../../../internal/dialect/codec.ts';
import type { Dialect } from '../../../internal/dialect/dialect.ts';
import { withoutForeignSignatures } from '../../../internal/dialect/foreign-signatures.ts';
import { tagSignature } from '../../../internal/dialect/ir/signatures.ts';

const target = (dialect: Dialect, vendor: string): Party => ({ dialect, account: 'a', vendor, provider: vendor });
const clean = (body: unknown, party: Party): unknown => JSON.parse(withoutForeignSignatures(Buffer.from(JSON.stringify(body)), party).toString());
const googles = tagSignature({ vendor: 'google', account: 'g', value: 'AbC=' });
const openais = tagSignature({ vendor: 'openai', account: 'a', value: 'gAAAA' });

describe('a body that stays in its dialect', () => {
  it('is the same buffer where nothing is tagged', () => {
    const body = Buffer.from('{ "messages": [ {"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"EqQB"}]} ],"max_tokens":1.0 }');
    expect(withoutForeignSignatures(body, target('anthropic-messages', 'anthropic'))).toBe(body);
  });

  it('keeps every digit of its numbers where something is left out', () => {
    const call = '{"type":"tool_use","id":"t","name":"f","input":{"id":12345678901234567890,"e":1e400}}';
    const body = (thinking: string): string => `{"messages":[{"role":"assistant","content":[${thinking}${call}]}]}`;
    const tagged = body(`{"type":"thinking","thinking":"t","signature":"${googles}"},`);
    expect(withoutForeignSignatures(Buffer.from(tagged), target('anthropic-messages', 'anthropic')).toString()).toBe(body(''));
  });

  it('leaves another vendor’s thinking behind, Anthropic', () => {
    const text = { type: 'text', text: 'hi' };
    const messages = [{ role: 'user', content: 'q' }, { role: 'assistant', content: [{ type: 'thinking', thinking: 't', signature: googles }, { type: 'redacted_thinking', data: googles }, text] }, { role: 'assistant', content: [{ type: 'redacted_thinking', data: googles }] }];
    expect(clean({ messages }, target('anthropic-messages', 'anthropic'))).toEqual({ messages: [messages[0], { role: 'assistant', content: [text] }] });
  });

  it('leaves another vendor’s reasoning behind and gives back what the same account encrypted, Responses', () => {
    const reasoning = (encrypted: string): object => ({ type: 'reasoning', summary: [], encrypted_content: encrypted });
    const input = [reasoning(googles), reasoning(openais), { role: 'user', content: 'q' }];
    expect(clean({ input }, target('openai-responses', 'openai'))).toEqual({ input: [reasoning('gAAAA'), input[2]] });
    expect(clean({ input }, { ...target('openai-responses', 'openai'), account: 'b' })).toEqual({ input: [input[2]] });
  });

  it('keeps calls and their names, signature or not, Gemini', () => {
    const call = { functionCall: { name: 'f', args: {} } };
    const contents = [{ role: 'model', parts: [{ text: 'thought', thought: true, thoughtSignature: openais }, { ...call, thoughtSignature: openais }, { ...call, thoughtSignature: googles }] }];
    expect(clean({ contents }, target('gemini', 'google'))).toEqual({ contents: [{ role: 'model', parts: [call, { ...call, thoughtSignature: 'AbC=' }] }] });
    // From the third generation on, calls without a signature have to say that they have none.
    expect(clean({ contents }, { ...target('gemini', 'google'), model: 'gemini-3-pro-preview' })).toEqual({ contents: [{ role: 'model', parts: [{ ...call, thoughtSignature: 'skip_thought_signature_validator' }, { ...call, thoughtSignature: 'AbC=' }] }] });
  });

  it('leaves fields that only Keyward wrote behind, Chat Completions', () => {
    const messages = [{ role: 'assistant', content: 'x', reasoning_content: 'r', reasoning_details: [{ type: 'reasoning.encrypted', data: googles }], tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' }, extra_content: { google: { thought_signature: googles } } }] }];
    expect(clean({ messages }, target('openai-chat', 'openai'))).toEqual({ messages: [{ role: 'assistant', content: 'x', reasoning_content: 'r', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }] }] });
  });
});
