import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findSessionMark, type SessionInput } from '../../../internal/proxy/session-key.ts';

type Given = Omit<Partial<SessionInput>, 'body'> & { readonly body?: object | string };
const uuid = '54c1eb09-bc4c-4d2f-98eb-6d2ab2d5e2fe';

const markOf = ({ body, ...given }: Given) =>
  findSessionMark({ headers: {}, principalId: 'key_000000000001', operation: 'chat', ...given, body: body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) });
const sourceOf = (given: Given) => markOf(given)?.source;
const digestOf = (given: Given) => markOf(given)?.digest;

describe('where a session\'s mark is found', () => {
  /** Every place, in the order in which they count. */
  const places: readonly (readonly [string, Given])[] = [
    ['header x-claude-code-session-id', { headers: { 'x-claude-code-session-id': 's' } }],
    ['metadata.user_id session', { body: { metadata: { user_id: `user_ab12_account_${uuid}_session_${uuid}` } } }],
    ['header session-id', { headers: { 'session-id': 's' } }],
    ['header session_id', { headers: { session_id: 's' } }],
    ['header x-session-id', { headers: { 'x-session-id': 's' } }],
    ['header x-session-affinity', { headers: { 'x-session-affinity': 's' } }],
    ['session_id', { body: { session_id: 's' } }],
    ['sessionId', { body: { sessionId: 's' } }],
    ['prompt_cache_key', { body: { prompt_cache_key: 's' } }],
    ['metadata.user_id', { body: { metadata: { user_id: 'u-1' } } }],
    ['conversation_id', { body: { conversation_id: 's' } }],
    ['first messages', { body: { messages: [{ role: 'user', content: 'hi' }] } }],
  ];

  it.each(places)('%s alone is one', (source, given) => {
    expect(sourceOf({ operation: 'messages', ...given })).toBe(source);
  });

  it.each(places.map(([source], index) => [source, index] as const))('%s goes before all that follow', (source, index) => {
    const later = places.slice(index).toReversed();
    const headers = Object.assign({}, ...later.map(([, given]) => given.headers ?? {}));
    const body = Object.assign({}, ...later.map(([, given]) => (typeof given.body === 'object' ? given.body : {})));
    expect(sourceOf({ operation: 'messages', headers, body })).toBe(source);
  });

  it('an id that is new with every request is none', () => {
    expect(sourceOf({ headers: { 'x-client-request-id': uuid }, body: { prompt_cache_key: 'k' } })).toBe('prompt_cache_key');
  });

  it('both of Claude Code\'s forms of `metadata.user_id` say the same session', () => {
    const [text, object] = [`user_ab12_account__session_${uuid}`, JSON.stringify({ device_id: 'd', account_uuid: '', session_id: uuid })].map((user_id) => markOf({ operation: 'messages', body: { metadata: { user_id } } }));
    expect(text).toEqual(object);
    expect(text?.source).toBe('metadata.user_id session');
  });

  it.each(['{"session_id":', '{"session_id":7}', '{}', 'user_x_session_y'])('a user id that only looks like one of Claude Code\'s is a user id: %s', (user_id) => {
    expect(sourceOf({ operation: 'messages', body: { metadata: { user_id } } })).toBe('metadata.user_id');
  });

  it.each<[string, Given]>([
    ['empty and blank values', { headers: { 'session-id': ' ', session_id: '' }, body: { session_id: '', prompt_cache_key: 7, metadata: { user_id: null } } }],
    ['nothing', {}],
    ['a body that is no object', { body: '[1]' }],
    ['a body with a member twice', { body: '{"session_id":"a","session_id":"b"}' }],
    ['a conversation that the model begins', { body: { messages: [{ role: 'assistant', content: 'hi' }] } }],
    ['no messages', { body: { messages: [] } }],
    ['messages that are no list', { body: { messages: 7, input: {} } }],
  ])('%s marks nothing', (_what, given) => {
    expect(markOf(given)).toBeUndefined();
  });

  it.each(['embeddings', 'images', 'audio', 'completions', 'gemini-embed'] as const)('%s has no sessions', (operation) => {
    expect(markOf({ operation, headers: { 'session-id': 's' }, body: { input: 'x', session_id: 's' } })).toBeUndefined();
  });
});

describe('the mark', () => {
  it('of one value differs by caller and by place, and shows nothing of it', () => {
    const digests = [
      digestOf({ headers: { 'session-id': 'secret-session' } }),
      digestOf({ headers: { 'session-id': 'secret-session' }, principalId: 'key_000000000002' }),
      digestOf({ headers: { session_id: 'secret-session' } }),
      digestOf({ body: { session_id: 'secret-session' } }),
    ];
    expect(new Set(digests).size).toBe(4);
    for (const digest of digests) expect(digest).toMatch(/^[\da-f]{64}$/);
  });

  it('is the same however the body is spelled', () => {
    expect(digestOf({ body: '{ "session_id" : "a\\u0062" }' })).toBe(digestOf({ body: { session_id: 'ab' } }));
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void findSessionMark({ headers: {}, body: bytes, principalId: 'p', operation: 'responses' })));
    fc.assert(fc.property(fc.json(), (json) => void markOf({ body: `{"messages":${json},"metadata":${json},"input":${json}}` })));
  });
});

describe('what a conversation begins with', () => {
  const question = 'How do I write a parser?';
  const turns = {
    messages: (count: number) => ({ messages: [{ role: 'system', content: `Now it is ${count}` }, { role: 'user', content: question }, ...later(count, 'assistant')] }),
    blocks: (count: number) => ({ system: `Now it is ${count}`, messages: [{ role: 'user', content: [{ type: 'text', text: question, ...(count < 2 ? { cache_control: { type: 'ephemeral' } } : {}) }] }, ...later(count, 'assistant')] }),
    input: (count: number) => ({ input: [{ role: 'developer', content: `${count}` }, { role: 'user', content: [{ type: 'input_text', text: 'env' }] }, { type: 'message', role: 'user', content: [{ type: 'input_text', text: question }] }, ...(count === 0 ? [] : [{ type: 'reasoning', summary: [] }]), ...later(count, 'assistant')] }),
    contents: (count: number) => ({ contents: [{ parts: [{ text: question }] }, ...later(count, 'model')] }),
  };
  const later = (count: number, role: string): readonly object[] => Array.from({ length: count }, (_, index) => [{ role, content: `a${index}`, parts: [{ text: `a${index}` }] }, { role: 'user', content: `q${index}`, parts: [{ text: `q${index}` }] }]).flat();

  it.each(['messages', 'blocks', 'input', 'contents'] as const)('stays the mark over all its turns, whatever the instructions and cache marks: %s', (form) => {
    const digests = [0, 1, 2, 9].map((count) => digestOf({ body: turns[form](count) }));
    expect(digests[0]).toBeDefined();
    expect(new Set(digests).size).toBe(1);
  });

  it('tells conversations apart whose first of several messages is the same', () => {
    const begin = (last: string) => digestOf({ operation: 'responses', body: { input: [{ role: 'user', content: 'the same environment' }, { role: 'user', content: last }] } });
    expect(begin('one')).not.toBe(begin('two'));
    expect(digestOf({ operation: 'responses', body: { input: 'one' } })).not.toBe(digestOf({ operation: 'responses', body: { input: 'two' } }));
  });

  it('of a picture alone is the picture', () => {
    const begin = (data: string) => digestOf({ body: { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'base64', data } }] }] } });
    expect(begin('AAAA')).not.toBe(begin('BBBB'));
    expect(begin('A'.repeat(2_000_000))).not.toBe(begin(`${'A'.repeat(1_999_999)}B`));
  });

  it('is found in a body of megabytes as in a short one', () => {
    const large = { messages: [{ role: 'user', content: question }, ...Array.from({ length: 200 }, (_, index) => ({ role: index % 2 === 0 ? 'assistant' : 'user', content: 'x'.repeat(20_000) }))] };
    expect(digestOf({ body: large })).toBe(digestOf({ body: turns.messages(0) }));
  });
});
