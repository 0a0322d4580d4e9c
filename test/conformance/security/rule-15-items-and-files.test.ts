import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { json, send } from '../../support/raw-http.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

const alice = 'sk-alice-0123456789abcdef';
const bob = 'sk-bob-0123456789abcdefgh';
let upstream: ScriptedUpstream;
let shared: RunningDaemon;
let single: RunningDaemon;

beforeAll(async () => {
  upstream = await startScriptedUpstream((seen, res) => {
    const by = seen.headers.authorization ?? '';
    answerJson(res, 200, { id: `resp_${upstream.seen.length}`, output: [{ type: 'reasoning', id: `rs_${upstream.seen.length}` }, { type: 'message', id: `msg_${upstream.seen.length}` }], by });
  });
  const accounts = `disable-cooling: true
codex-api-key:
  - { api-key: "sk-acc-one-0123456789", base-url: "${upstream.url}/v1" }
  - { api-key: "sk-acc-two-0123456789", base-url: "${upstream.url}/v1" }
claude-api-key:
  - { api-key: "sk-ant-0123456789abc", base-url: "${upstream.url}" }
gemini-api-key:
  - { api-key: "AIza-0123456789abcdef", base-url: "${upstream.url}" }
`;
  shared = await startDaemon({ config: `api-keys: ["${alice}", "${bob}"]\n${accounts}` });
  single = await startDaemon({ config: `api-keys: ["${alice}"]\n${accounts}` });
});
afterAll(async () => {
  await shared.stop();
  await single.stop();
  await upstream.close();
});

const post = async (daemon: RunningDaemon, key: string, body: object, path = '/v1/responses') => {
  const answer = await send(daemon.url, { method: 'POST', path, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: json({ ...(path.startsWith('/v1beta') ? {} : { model: path === '/v1/messages' ? 'claude-x' : 'gpt-4o' }), ...body }) });
  return { status: answer.status, body: JSON.parse(answer.body.toString()) };
};
const reference = (id: string) => ({ input: [{ role: 'user', content: 'go on' }, { type: 'item_reference', id }] });

describe('rule 15: items and files made upstream', () => {
  it('an item is referred to by its maker alone, and at the account that made it', async () => {
    for (const _each of [1, 2, 3]) {
      const made = await post(shared, alice, { input: 'x' });
      const [{ id: item }] = made.body.output;
      expect((await post(shared, bob, reference(item))).body.error.code).toBe('response_not_found');
      const continued = await post(shared, alice, reference(item));
      expect([continued.status, continued.body.by]).toEqual([200, made.body.by]);
    }
  });

  it('an id alone is a reference too, and a whole item with its own id is none', async () => {
    expect((await post(shared, alice, { input: [{ id: 'msg_of_nobody' }] })).status).toBe(404);
    expect((await post(shared, alice, { input: [{ type: 'message', role: 'assistant', id: 'msg_mine', content: [{ type: 'output_text', text: 'x' }] }] })).status).toBe(200);
  });

  it('a whole item is a reference where the upstream looks it up by its id', async () => {
    const made = await post(shared, alice, { input: 'x' });
    const [{ id }] = made.body.output;
    const items = { bare: { type: 'reasoning', id, summary: [] }, sealed: { type: 'reasoning', id, summary: [], encrypted_content: 'sealed' }, image: { type: 'image_generation_call', id } };
    const ask = async (key: string, item: object) => (await post(shared, key, { input: [{ role: 'user', content: 'go on' }, item] })).status;
    expect([await ask(alice, items.bare), await ask(alice, items.sealed), await ask(alice, items.image)]).toEqual([200, 200, 200]);
    expect([await ask(bob, items.bare), await ask(bob, items.sealed), await ask(bob, items.image)]).toEqual([404, 200, 404]);
    // Of a translated answer, whose ids no upstream knows.
    expect(await ask(bob, { ...items.bare, id: 'rs_made_here' })).toBe(200);
    expect(await ask(bob, { ...items.image, id: 'ig_of_nobody' })).toBe(404);
    expect(await ask(bob, { ...items.image, id: 'ig_of_nobody', result: 'AAAA' })).toBe(200);
  });

  it.each([
    ['/v1/responses', { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file_1' }] }] }],
    ['/v1/responses', { input: 'x', tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }],
    ['/v1/responses', { input: 'x', tools: [{ type: 'code_interpreter', container: { type: 'auto', file_ids: ['file_1'] } }] }],
    ['/v1/chat/completions', { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file_1' } }] }] }],
    ['/v1/messages', { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'file', file_id: 'file_1' } }] }] }],
    ['/v1/messages', { messages: [], container: 'container_1' }],
    ['/v1/messages', { messages: [], container: { id: 'container_1' } }],
    ['/v1/messages', { messages: [], container: { skills: [{ type: 'custom', skill_id: 'skill_1', version: 'latest' }] } }],
    ['/v1/messages', { messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'image', source: { type: 'file', file_id: 'file_1' } }] }] }] }],
    ['/v1/responses', { input: 'x', tools: [{ type: 'code_interpreter', container: 'cntr_1' }] }],
    ['/v1/responses', { input: 'x', tools: [{ type: 'shell', environment: { type: 'container_reference', container_id: 'cntr_1' } }] }],
    ['/v1/responses', { input: 'x', tools: [{ type: 'shell', environment: { type: 'container_auto', skills: [{ type: 'skill_reference', skill_id: 'skill_1' }] } }] }],
    ['/v1/responses', { input: 'x', tools: [{ type: 'file_search', vector_store_ids: ['vs_1'], input_schema: {} }] }],
    ['/v1/responses', { input: [{ type: 'code_interpreter_call', id: 'ci_1', code: '', container_id: 'cntr_1' }] }],
    ['/v1/responses', { input: 'x', prompt: { id: 'pmpt_1' } }],
    ['/v1/responses', { type: 'tool_use', input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file_1' }] }] }],
    ['/v1/chat/completions', { messages: [{ role: 'assistant', audio: { id: 'audio_1' } }] }],
    ['/v1/chat/completions', { messages: [], audio: { format: 'wav', voice: { id: 'voice_1' } } }],
    ['/v1/images/edits', { prompt: 'x', images: [{ file_id: 'file_1' }] }],
    ['/v1beta/models/gemini-x:generateContent', { contents: [], cachedContent: 'cachedContents/1' }],
    ['/v1beta/models/gemini-x:generateContent', { contents: [], cached_content: 'cachedContents/1' }],
    ['/v1beta/models/gemini-x:generateContent', { contents: [{ parts: [{ fileData: { fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/1' } }] }] }],
    ['/v1beta/models/gemini-x:generateContent', { contents: [{ parts: [{ file_data: { file_uri: 'files/1' } }] }] }],
    ['/v1beta/models/gemini-x:countTokens', { contents: [{ parts: [{ functionResponse: { name: 'f', response: {}, parts: [{ fileData: { fileUri: 'gs://bucket/1' } }] } }] }] }],
    ['/v1beta/models/gemini-x:generateContent', { contents: [], tools: [{ fileSearch: { fileSearchStoreNames: ['fileSearchStores/1'] } }] }],
    ['/v1beta/models/gemini-x:generateContent', { contents: [], tools: [{ retrieval: { vertexRagStore: { ragResources: [] } } }] }],
  ])('with several keys, what is made upstream and nobody here can own is not reached on %s: %j', async (path, body) => {
    const before = upstream.seen.length;
    expect((await post(shared, alice, body, path)).status).toBe(404);
    expect(upstream.seen.length).toBe(before);
    expect((await post(single, alice, body, path)).status).toBe(200);
  });

  it('with several keys, a thread that a vendor keeps is not gone on with, and the client is told in the words that make its SDK send all', async () => {
    const before = upstream.seen.length;
    const answer = await post(shared, alice, { max_tokens: 9, messages: [{ role: 'user', content: 'x' }], thread: { type: 'continue', previous_message_id: 'msg_1' } }, '/v1/messages');
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ error: { details: { error_code: 'thread_not_found' } } });
    expect(upstream.seen.length).toBe(before);
  });

  it('a name written with escapes is the same name', async () => {
    const before = upstream.seen.length;
    const body = String.raw`{"model":"gpt-4o","input":[{"role":"user","content":[{"type":"input_file","file\u005fi\u0064":"file_1"}]}]}`;
    const answer = await send(shared.url, { method: 'POST', path: '/v1/responses', headers: { authorization: `Bearer ${alice}`, 'content-type': 'application/json' }, body });
    expect([answer.status, upstream.seen.length]).toEqual([404, before]);
  });

  it('a key and sockets that need none are two callers', async () => {
    const daemon = await startDaemon({ config: `api-keys: ["${alice}"]\nws-auth: false\ncodex-api-key: [{ api-key: "sk-acc-one-0123456789", base-url: "${upstream.url}/v1" }]\n` });
    try {
      expect((await post(daemon, alice, { input: 'x', prompt: { id: 'pmpt_1' } })).body.error).toMatchObject({ code: 'response_not_found', param: 'prompt.id' });
    } finally {
      await daemon.stop();
    }
  });

  it.each([
    ['/v1/messages', { messages: [], container: { skills: [{ type: 'anthropic', skill_id: 'pptx', version: 'latest' }] } }],
    ['/v1/messages', { messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'open', input: { file_id: 'mine', container: 'mine' } }] }] }],
    ['/v1/chat/completions', { messages: [], audio: { format: 'wav', voice: 'alloy' }, metadata: { file_id: 'mine' } }],
    ['/v1/chat/completions', { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: '', format: 'wav' } }] }] }],
    ['/v1/responses', { input: 'x', tools: [{ type: 'code_interpreter', container: { type: 'auto' } }, { type: 'shell', environment: { type: 'container_auto', skills: [{ type: 'skill_reference', skill_id: 'openai-spreadsheets' }] } }] }],
    ['/v1beta/models/gemini-x:generateContent', { contents: [{ parts: [{ fileData: { fileUri: 'https://www.youtube.com/watch?v=1' } }, { fileData: { fileUri: 'https://example.com/files/2026/report.pdf' } }] }] }],
    ['/v1beta/models/gemini-x:generateContent', { contents: [{ parts: [{ functionCall: { name: 'f', args: { file_id: 'mine' } } }, { functionResponse: { name: 'f', response: { file_id: 'mine' } } }] }] }],
  ])('with several keys, what is everybody’s or the client’s own goes on at %s: %j', async (path, body) => {
    expect((await post(shared, alice, body, path)).status).toBe(200);
  });

  it('a tool of one’s own may have a parameter of that name', async () => {
    const parameters = { type: 'object', properties: { file_id: { type: 'string' }, vector_store_ids: { type: 'array' } } };
    expect((await post(shared, alice, { input: 'x', tools: [{ type: 'function', name: 'f', parameters }] })).status).toBe(200);
    expect((await post(shared, alice, { input: 'the "file_id" is file_1' })).status).toBe(200);
  });
});
