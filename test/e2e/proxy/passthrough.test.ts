import { randomBytes } from 'node:crypto';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { send } from '../../support/raw-http.ts';
import { answerEvents, answerJson, chatCompletion, chatEvents, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

let upstream: ScriptedUpstream;
let daemon: RunningDaemon;
const key = 'sk-client-0123456789abcdef';
const auth = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };

beforeAll(async () => {
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, chatCompletion));
  daemon = await startDaemon({
    config: `api-keys: ["${key}"]
max-body-mb: 1
openai-compatibility:
  - name: up
    base-url: "${upstream.url}/v1"
    api-key-entries: [{ api-key: "sk-upstream-0123456789abcdef" }]
    models: [{ name: "real-model", alias: "alias" }, { name: "plain" }]
    headers: { X-Team: "blue" }
`,
  });
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
});
beforeEach(() => upstream.setScript((_, res) => answerJson(res, 200, chatCompletion)));

const chat = (body: string | Buffer, headers: Record<string, string> = {}) => send(daemon.url, { method: 'POST', path: '/v1/chat/completions', headers: { ...auth, ...headers }, body });

describe('bytes pass unchanged', () => {
  it('the request body reaches the upstream byte for byte, odd spacing, escapes and unknown members included', async () => {
    const body = Buffer.from('{ "messages" :[{"role":"user","content":"\\u00e9 é \\/"}],\n\t"x-unknown": 1.0e+2, "model":"plain" }\n');
    await chat(body);
    expect(upstream.seen.at(-1)?.body.equals(body)).toBe(true);
  });

  it('only the model name changes when an alias is called', async () => {
    await chat('{"a":1, "model" : "alias","z":[ ]}');
    expect(upstream.seen.at(-1)?.body.toString()).toBe('{"a":1, "model" : "real-model","z":[ ]}');
  });

  it('the answer comes back byte for byte, its model name included', async () => {
    const text = '{ "model":"real-model" ,"choices":[ ],"usage":{"prompt_tokens":1}}';
    upstream.setScript((_, res) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      res.end(text);
    });
    expect((await chat('{"model":"alias"}')).body.toString()).toBe(text);
  });

  it('a large binary answer passes whole', async () => {
    const bytes = randomBytes(900_000);
    upstream.setScript((_, res) => {
      res.writeHead(200, { 'content-type': 'audio/mpeg' });
      res.end(bytes);
    });
    const answer = await send(daemon.url, { method: 'POST', path: '/v1/audio/speech', headers: auth, body: '{"model":"plain","input":"x"}' });
    expect(answer.body.equals(bytes)).toBe(true);
  });

  it('a stream passes byte for byte', async () => {
    upstream.setScript((_, res) => answerEvents(res, chatEvents));
    const answer = await chat('{"model":"plain","stream":true}');
    expect([answer.body.toString(), answer.isComplete]).toEqual([chatEvents.join(''), true]);
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ] as const)('a %s body is decoded before it goes on', async (coding, compress) => {
    const body = '{"model":"plain","messages":[]}';
    const answer = await chat(compress(Buffer.from(body)), { 'content-encoding': coding });
    expect([answer.status, upstream.seen.at(-1)?.body.toString()]).toEqual([200, body]);
    expect(upstream.seen.at(-1)?.headers['content-encoding']).toBeUndefined();
  });

  it('a form passes with its model renamed and all else as it was', async () => {
    const form = (model: string) => `--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\u0001\u0002\r\n--B\r\nContent-Disposition: form-data; name="model"\r\n\r\n${model}\r\n--B--\r\n`;
    upstream.setScript((_, res) => answerJson(res, 200, { text: 'ok' }));
    const answer = await send(daemon.url, { method: 'POST', path: '/v1/audio/transcriptions', headers: { ...auth, 'content-type': 'multipart/form-data; boundary=B' }, body: form('alias') });
    expect([answer.status, upstream.seen.at(-1)?.body.toString()]).toEqual([200, form('real-model')]);
  });
});

describe('what stays on its side', () => {
  it('no client credential, cookie, forwarding, organization or keyward header goes upstream', async () => {
    await chat('{"model":"plain"}', { cookie: 'a=b', 'x-api-key': key, 'x-forwarded-for': '203.0.113.9', via: '1.1 x', 'openai-organization': 'org-1', 'x-keyward-dropped': '1', 'x-team': 'red', 'openai-beta': 'assistants=v2' });
    const headers = upstream.seen.at(-1)?.headers ?? {};
    expect(headers.authorization).toBe('Bearer sk-upstream-0123456789abcdef');
    expect(headers['x-team']).toBe('blue');
    expect(headers['openai-beta']).toBe('assistants=v2');
    expect(headers['user-agent']).toMatch(/^keyward\/\d/);
    expect(Object.keys(headers).filter((name) => /cookie|x-api-key|forwarded|^via$|organization|x-keyward/.test(name))).toEqual([]);
    expect(JSON.stringify(headers)).not.toContain(key);
  });

  it('no cookie, CORS or account identity comes back, rate limits and Retry-After do', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, chatCompletion, { 'set-cookie': 'a=b', 'access-control-allow-origin': '*', 'openai-organization': 'org-1', 'x-ratelimit-remaining-requests': '9', server: 'x' }));
    const { headers } = await chat('{"model":"plain"}');
    expect(headers['x-ratelimit-remaining-requests']).toBe('9');
    expect(Object.keys(headers).filter((name) => /cookie|access-control|organization|^server$/.test(name))).toEqual([]);
    expect(headers['x-request-id']).toMatch(/^[\w-]{1,64}$/);
  });

  it('the client key in the query never reaches the upstream', async () => {
    await send(daemon.url, { method: 'POST', path: `/v1/chat/completions?key=${key}&x=1`, headers: { 'content-type': 'application/json' }, body: '{"model":"plain"}' });
    expect(upstream.seen.at(-1)?.url).toBe('/v1/chat/completions');
  });

  it('a destination in the body is an ordinary member', async () => {
    const answer = await chat('{"model":"plain","api_base":"http://127.0.0.1:1","base_url":"http://127.0.0.1:1"}');
    expect(answer.status).toBe(200);
  });
});

describe('bad bodies are refused by name', () => {
  it.each([
    ['an empty body', '', 400, 'invalid_json'],
    ['no JSON', 'nope', 400, 'invalid_json'],
    ['an array', '[]', 400, 'invalid_json'],
    ['two models', '{"model":"plain","model":"alias"}', 400, 'duplicate_member'],
    ['no model', '{"messages":[]}', 400, 'missing_model'],
    ['a model that is no string', '{"model":7}', 400, 'invalid_request'],
    ['a byte order mark', '\uFEFF{"model":"plain"}', 400, 'invalid_json'],
    ['too much', `{"model":"plain","x":"${'a'.repeat(1_100_000)}"}`, 413, 'body_too_large'],
  ])('%s', async (_, body, status, code) => {
    const count = upstream.seen.length;
    const answer = await chat(body);
    expect([answer.status, JSON.parse(answer.body.toString()).error.code]).toEqual([status, code]);
    expect(upstream.seen.length).toBe(count);
  });

  it('invalid UTF-8', async () => {
    expect((await chat(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).status).toBe(400);
  });

  it('a compression bomb is cut at the limit', async () => {
    const answer = await chat(gzipSync(Buffer.alloc(50_000_000, 0x20)), { 'content-encoding': 'gzip' });
    expect(answer.status).toBe(413);
  });

  it.each([
    [{ 'content-type': 'text/plain' }, 415],
    [{ 'content-encoding': 'gzip, gzip' }, 415],
    [{ 'content-encoding': 'deflate' }, 415],
  ])('%j is refused', async (headers, status) => {
    expect((await chat('{"model":"plain"}', headers)).status).toBe(status);
  });

  it('a wrong method is 405 with Allow', async () => {
    const answer = await send(daemon.url, { path: '/v1/chat/completions', headers: auth });
    expect([answer.status, answer.headers.allow]).toEqual([405, 'OPTIONS, POST']);
  });
});
