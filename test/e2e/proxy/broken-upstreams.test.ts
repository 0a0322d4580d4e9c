import { request } from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { send } from '../../support/raw-http.ts';
import { answerEvents, answerJson, chatCompletion, chatEvents, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

let upstream: ScriptedUpstream;
let second: ScriptedUpstream;
let daemon: RunningDaemon;
const key = 'sk-client-0123456789abcdef';
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };

beforeAll(async () => {
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, chatCompletion));
  second = await startScriptedUpstream((_, res) => answerJson(res, 200, chatCompletion));
  daemon = await startDaemon({
    config: `api-keys: ["${key}"]
disable-cooling: true
openai-compatibility:
  - name: one
    base-url: "${upstream.url}/v1"
    priority: 5
    models: [{ name: solo }, { name: shared }]
  - name: two
    base-url: "${second.url}/v1"
    models: [{ name: shared }]
  - name: nobody
    base-url: "http://127.0.0.1:9/v1"
    models: [{ name: unreachable }]
claude-api-key:
  - { api-key: "sk-ant-upstream-0123456789", base-url: "${upstream.url}" }
gemini-api-key:
  - { api-key: "AIza-upstream-0123456789", base-url: "${upstream.url}" }
codex-api-key:
  - { api-key: "sk-codex-upstream-0123456789", base-url: "${upstream.url}/v1" }
`,
  });
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
  await second.close();
});
beforeEach(() => {
  upstream.setScript((_, res) => answerJson(res, 200, chatCompletion));
  second.setScript((_, res) => answerJson(res, 200, { ...chatCompletion, id: 'from-second' }));
});

const chat = (model: string, more: object = {}) => send(daemon.url, { method: 'POST', path: '/v1/chat/completions', headers, body: JSON.stringify({ model, ...more }) });
const bodyOf = (answer: { readonly body: Buffer }) => JSON.parse(answer.body.toString());

describe('an upstream that breaks', () => {
  it('a stream cut at any byte never looks complete', async () => {
    const whole = chatEvents.join('');
    const end = whole.indexOf('data: [DONE]') + 'data: [DONE]'.length;
    for (let cut = 1; cut < end; cut += 7) {
      upstream.setScript((_, res) => {
        res.writeHead(200, { 'content-type': 'text/event-stream' });
        // A clean end in the wrong place: only the missing mark shows it.
        res.end(whole.slice(0, cut));
      });
      const answer = await chat('solo', { stream: true });
      // Before the first event is whole nothing has been sent, and an error has a status.
      if (cut < (chatEvents[0]?.length ?? 0)) expect([answer.status, bodyOf(answer).error.code], `cut at ${cut}`).toEqual([502, 'upstream_error']);
      else expect([answer.isComplete, answer.body.toString().includes('"code":"stream_truncated"')], `cut at ${cut}`).toEqual([false, true]);
    }
  });

  it.each([
    ['/v1/messages', { model: 'claude-sonnet-4-5', stream: true }, 'event: content_block_start\ndata: {"type":"content_block_start"}\n\n', '"type":"error"'],
    ['/v1/responses', { model: 'gpt-4o', stream: true }, 'event: response.output_item.added\ndata: {"type":"response.output_item.added"}\n\n', 'event: error'],
    ['/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse', {}, 'data: {"candidates":[]}\n\n', '"error":{"code":502'],
  ])('a cut stream on %s ends in its own error event', async (path, body, text, expected) => {
    upstream.setScript((_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(text);
      setImmediate(() => res.destroy());
    });
    const answer = await send(daemon.url, { method: 'POST', path, headers, body: JSON.stringify(body) });
    expect(answer.isComplete).toBe(false);
    expect(answer.body.toString()).toContain(text);
    expect(answer.body.toString()).toContain(expected);
  });

  it("the upstream's own error event passes as it came, and nothing is added", async () => {
    const text = 'data: {"error":{"message":"overloaded"}}\n\n';
    upstream.setScript((_, res) => answerEvents(res, [chatEvents[0] ?? '', text]));
    expect((await chat('solo', { stream: true })).body.toString()).toBe(`${chatEvents[0]}${text}`);
  });

  it('a plain answer cut short is 502, not a part', async () => {
    upstream.setScript((_, res) => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': 500 });
      res.write('{"choices":');
      setImmediate(() => res.destroy());
    });
    const answer = await chat('solo');
    expect([answer.status, bodyOf(answer).error.code]).toEqual([502, 'upstream_error']);
  });

  it('a large plain answer cut short ends in a broken connection', async () => {
    upstream.setScript((_, res) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      res.write('{"a":"' + 'x'.repeat(200_000), () => res.destroy());
    });
    expect((await chat('solo')).isComplete).toBe(false);
  });

  it.each([
    [500, 502, 'upstream_error'],
    [503, 502, 'upstream_error'],
    [401, 503, 'account_unavailable'],
    [403, 503, 'account_unavailable'],
    [302, 502, 'upstream_error'],
  ])('upstream %i becomes %i %s', async (status, seen, code) => {
    upstream.setScript((_, res) => answerJson(res, status, { error: { message: 'no' } }, status === 302 ? { location: 'http://127.0.0.1:1/' } : {}));
    const answer = await chat('solo');
    expect([answer.status, bodyOf(answer).error.code]).toEqual([seen, code]);
  });

  it.each([400, 404, 413, 422, 429])('upstream %i passes on with its body', async (status) => {
    upstream.setScript((_, res) => answerJson(res, status, { error: { message: 'the upstream says no' } }, { 'retry-after': '7' }));
    const answer = await chat('solo');
    expect([answer.status, bodyOf(answer), answer.headers['retry-after']]).toEqual([status, { error: { message: 'the upstream says no' } }, '7']);
  });

  it('an upstream nobody listens at is 502', async () => {
    const answer = await chat('unreachable');
    expect([answer.status, bodyOf(answer).error.code]).toEqual([502, 'upstream_error']);
  });

  it('another account takes over while no byte has been sent', async () => {
    for (const status of [500, 429, 401]) {
      upstream.setScript((_, res) => answerJson(res, status, { error: {} }));
      expect(bodyOf(await chat('shared')).id).toBe('from-second');
    }
    upstream.setScript((_, res) => res.destroy());
    expect(bodyOf(await chat('shared')).id).toBe('from-second');
  });

  it('after the first byte nobody takes over', async () => {
    const before = second.seen.length;
    upstream.setScript((_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(chatEvents[0], () => res.destroy());
    });
    expect((await chat('shared', { stream: true })).isComplete).toBe(false);
    expect(second.seen.length).toBe(before);
  });

  it('a request that is itself at fault is not tried elsewhere', async () => {
    const before = second.seen.length;
    upstream.setScript((_, res) => answerJson(res, 400, { error: { message: 'bad' } }));
    expect((await chat('shared')).status).toBe(400);
    expect(second.seen.length).toBe(before);
  });
});

describe('a client that leaves', () => {
  it.each(['before the answer begins', 'in the middle of a stream'])('%s ends the upstream request within 250 ms', async (when) => {
    const aborts = upstream.abortCount();
    const arrived = new Promise<void>((resolve) => {
      upstream.setScript((_, res) => {
        if (when.startsWith('in')) {
          res.writeHead(200, { 'content-type': 'text/event-stream' });
          res.write(chatEvents[0]);
        }
        resolve();
      });
    });
    const { hostname, port } = new URL(daemon.url);
    const req = request({ hostname, port, method: 'POST', path: '/v1/chat/completions', headers });
    req.on('error', () => undefined);
    req.end(JSON.stringify({ model: 'solo', stream: true }));
    await arrived;
    if (when.startsWith('in')) {
      const [res] = await once(req, 'response');
      await once(res, 'data');
    }
    req.destroy();
    await vi.waitFor(() => expect(upstream.abortCount()).toBe(aborts + 1), { timeout: 250, interval: 5 });
  });
});
