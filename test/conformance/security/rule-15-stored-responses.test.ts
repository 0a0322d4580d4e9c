import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { dialectCases } from '../../support/four-dialects.ts';
import { send, type RawAnswer } from '../../support/raw-http.ts';
import { answerJson, startScriptedUpstream, type Script, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

const alice = 'sk-alice-0123456789abcdef';
const bob = 'sk-bob-0123456789abcdefgh';
let upstream: ScriptedUpstream;
let daemon: RunningDaemon;
const folder = makeFolder();
let made = 0;

/** Several accounts, told apart by their keys; every POST makes a new id. */
const accounts = ['sk-acc-one-0123456789', 'sk-acc-two-0123456789', 'sk-acc-three-01234567'];
const config = (of: readonly string[] = accounts): string => `api-keys: ["${alice}", "${bob}"]
disable-cooling: true
codex-api-key:
${of.map((key) => `  - { api-key: "${key}", base-url: "${upstream.url}/v1" }\n`).join('')}`;

const keep: Script = (seen, res) => {
  const id = seen.method === 'POST' ? `resp_${++made}` : (seen.url.split(/[/?]/)[3] ?? '');
  const { stream } = seen.method === 'POST' ? JSON.parse(seen.body.toString()) : { stream: false };
  if (stream !== true) {
    answerJson(res, 200, { output: [], id, object: 'response', by: seen.headers.authorization });
    return;
  }
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  const events = dialectCases[1]?.events.join('').replaceAll('resp_1', id) ?? '';
  res.end(events);
};

beforeAll(async () => {
  upstream = await startScriptedUpstream(keep);
  daemon = await startDaemon({ folder, config: config() });
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
});
afterEach(() => upstream.setScript(keep));

const call = (key: string, method: string, path: string, body?: object): Promise<RawAnswer> =>
  send(daemon.url, { method, path, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
const create = (key: string, more: object = {}): Promise<RawAnswer> => call(key, 'POST', '/v1/responses', { model: 'gpt-4o', input: 'x', ...more });
const idOf = (answer: RawAnswer): string => /"id":"(resp_\w+)"/.exec(answer.body.toString())?.[1] ?? '';
const codeOf = (answer: RawAnswer): string => `${answer.status} ${String(JSON.parse(answer.body.toString()).error?.code ?? '')}`;

async function refusals(key: string, id: string): Promise<readonly string[]> {
  const before = upstream.seen.length;
  const answers = [await call(key, 'GET', `/v1/responses/${id}`), await call(key, 'DELETE', `/v1/responses/${id}`), await create(key, { previous_response_id: id })];
  expect(upstream.seen.length, 'nothing may reach the upstream').toBe(before);
  return answers.map(codeOf);
}
const hidden = ['404 response_not_found', '404 response_not_found', '404 previous_response_not_found'];

describe('rule 15: a response belongs to who made it', () => {
  it.each([
    ['a plain answer', {}],
    ['a stream', { stream: true }],
  ])('%s can be read, continued and deleted by its maker, at the account that made it, and is 404 for another key', async (_, more) => {
    for (const _each of accounts) {
      const created = await create(alice, more);
      const id = idOf(created);
      const account = upstream.seen.at(-1)?.headers.authorization;
      expect(await refusals(bob, id)).toEqual(hidden);
      for (const [method, path, body] of [['GET', `/v1/responses/${id}`, undefined], ['POST', '/v1/responses', { model: 'gpt-4o', input: 'y', previous_response_id: id }], ['DELETE', `/v1/responses/${id}`, undefined]] as const) {
        expect((await call(alice, method, path, body)).status).toBe(200);
        expect(upstream.seen.at(-1)?.headers.authorization).toBe(account);
      }
    }
    // With turns between accounts, all of them made some.
    expect(new Set(upstream.seen.map(({ headers }) => headers.authorization)).size).toBe(accounts.length);
  });

  it('an id nobody made through Keyward is answered exactly as another’s', async () => {
    const id = idOf(await create(alice));
    const answer = async (wanted: string) => {
      const { status, headers, body } = await call(bob, 'GET', `/v1/responses/${wanted}`);
      return [status, headers['content-type'], body.toString()];
    };
    expect(await answer(id)).toEqual(await answer('resp_never_made'));
  });

  it('the id of an answer too large to be held counts too, and an id inside the answer does not', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, { id: 'resp_large', object: 'response', output: [{ id: 'msg_inner', text: 'x'.repeat(300_000) }], tail: [{ id: 'resp_inner' }] }));
    await create(alice);
    upstream.setScript((_, res) => answerJson(res, 200, { output: [{ id: 'resp_nested' }], id: 'resp_outer', object: 'response' }));
    await create(alice);
    upstream.setScript(keep);
    expect((await call(alice, 'GET', '/v1/responses/resp_large')).status).toBe(200);
    expect((await call(alice, 'GET', '/v1/responses/resp_outer')).status).toBe(200);
    for (const id of ['resp_inner', 'resp_nested', 'msg_inner']) expect((await call(alice, 'GET', `/v1/responses/${id}`)).status).toBe(404);
  });

  it('a stream its maker left is still the maker’s, and nobody else’s', async () => {
    upstream.setScript((_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(dialectCases[1]?.events[0]?.replaceAll('resp_1', 'resp_left'));
    });
    const gone = new AbortController();
    const answer = await fetch(`${daemon.url}/v1/responses`, { method: 'POST', headers: { authorization: `Bearer ${alice}`, 'content-type': 'application/json' }, body: '{"model":"gpt-4o","stream":true,"background":true}', signal: gone.signal });
    await answer.body?.getReader().read();
    const aborts = upstream.abortCount();
    gone.abort();
    await expect.poll(() => upstream.abortCount()).toBe(aborts + 1);
    upstream.setScript(keep);
    expect((await call(alice, 'GET', '/v1/responses/resp_left')).status).toBe(200);
    expect(await refusals(bob, 'resp_left')).toEqual(hidden);
  });

  it('with `store: false` nothing is bound', async () => {
    const id = idOf(await create(alice, { store: false }));
    expect(await refusals(alice, id)).toEqual(hidden);
  });

  it('an id made by another cannot be taken over by an upstream that says it again', async () => {
    const id = idOf(await create(alice));
    upstream.setScript((_, res) => answerJson(res, 200, { id, object: 'response' }));
    await create(bob);
    upstream.setScript(keep);
    expect((await call(alice, 'GET', `/v1/responses/${id}`)).status).toBe(200);
    expect(await refusals(bob, id)).toEqual(hidden);
  });

  it('conversations are not made here, so none exists for anyone', async () => {
    for (const conversation of ['conv_1', { id: 'conv_1' }]) expect(codeOf(await create(alice, { conversation }))).toBe('404 response_not_found');
  });

  it.each(['/v1/files', '/v1/batches', '/v1/conversations', '/v1/realtime/client_secrets', '/v1/realtime/sessions', '/v1/vector_stores', '/v1/chat/completions/chatcmpl-1', '/v1/messages/batches', '/v1beta/files', '/v1beta/cachedContents'])('%s is not offered', async (path) => {
    const before = upstream.seen.length;
    for (const method of ['GET', 'POST', 'DELETE']) expect([404, 405]).toContain((await call(alice, method, path, method === 'POST' ? {} : undefined)).status);
    expect(upstream.seen.length).toBe(before);
  });

  it('the input of a response is shown of what is kept here alone: of one that an upstream keeps, and of another’s, it is 404', async () => {
    const id = idOf(await create(alice));
    const before = upstream.seen.length;
    for (const key of [alice, bob]) expect(codeOf(await call(key, 'GET', `/v1/responses/${id}/input_items`))).toBe('404 response_not_found');
    expect(upstream.seen.length).toBe(before);
  });

  it('a restart changes nothing of it, and a removed account makes it unavailable, not someone else’s', async () => {
    const id = idOf(await create(alice));
    const account = upstream.seen.at(-1)?.headers.authorization ?? '';
    await daemon.stop();
    daemon = await startDaemon({ folder, config: config() });
    expect(await refusals(bob, id)).toEqual(hidden);
    expect((await call(alice, 'GET', `/v1/responses/${id}`)).status).toBe(200);
    expect(upstream.seen.at(-1)?.headers.authorization).toBe(account);
    await daemon.stop();
    daemon = await startDaemon({ folder, config: config(accounts.filter((key) => `Bearer ${key}` !== account)) });
    const before = upstream.seen.length;
    expect(codeOf(await call(alice, 'GET', `/v1/responses/${id}`))).toBe('503 account_unavailable');
    expect(codeOf(await create(alice, { previous_response_id: id }))).toBe('503 account_unavailable');
    expect(upstream.seen.length).toBe(before);
  });
});
