import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { json, send, sendBytes, type RawAnswer } from '../../support/raw-http.ts';
import { answerJson, chatCompletion, chatEvents, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

const excluded = 'gpt-dear';
const event = chatEvents[0] ?? '';
let upstream: ScriptedUpstream;
let daemon: RunningDaemon;
/** Answers every connection with the bytes of the day, whatever it was asked: framing that a library would not send. */
let answerWith: (socket: Socket) => void = () => undefined;
const plain = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.once('data', () => answerWith(socket));
});

beforeAll(async () => {
  plain.listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const address = plain.address();
  const plainPort = typeof address === 'object' && address !== null ? address.port : 0;
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, chatCompletion));
  daemon = await startDaemon({
    config: `disable-cooling: true
request-retry: 0
openai-compatibility:
  - { name: one, base-url: "${upstream.url}/v1", models: [{ name: m }] }
  - { name: raw, base-url: "http://127.0.0.1:${plainPort}/v1", models: [{ name: raw }] }
codex-api-key:
  - { api-key: "sk-codex-upstream-0123456789", base-url: "${upstream.url}/v1", excluded-models: ["${excluded}"] }
`,
  });
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
  plain.close();
});

const post = (path: string, body: object): Promise<RawAnswer> => send(daemon.url, { method: 'POST', path, headers: { 'content-type': 'application/json' }, body: json(body) });
const chat = (more: object): Promise<RawAnswer> => post('/v1/chat/completions', { messages: [], ...more });
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;

describe('a stream that was asked for', () => {
  it.each([['Text/Event-Stream'], ['text/plain'], [undefined]])('cut short under content type %s never looks complete', async (contentType) => {
    upstream.setScript((_, res) => {
      res.writeHead(200, contentType === undefined ? {} : { 'content-type': contentType });
      res.end(event);
    });
    const answer = await chat({ model: 'm', stream: true });
    expect(answer.body.toString()).toContain('stream_truncated');
    expect(answer.isComplete).toBe(false);
  });

  it('reaches its client whole without a content type', async () => {
    upstream.setScript((_, res) => {
      res.writeHead(200);
      res.end(chatEvents.join(''));
    });
    const answer = await chat({ model: 'm', stream: true });
    expect(answer.body.toString()).toBe(chatEvents.join(''));
    expect(answer.isComplete).toBe(true);
  });
});

describe('pipelined requests', () => {
  const requestOf = (more: object): string => {
    const body = json({ model: 'm', messages: [], ...more }).toString();
    return `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  };

  it('are served one after the other, in their order, up to a stream that is cut', async () => {
    let open = 0;
    let most = 0;
    upstream.setScript((seen, res) => {
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        if (seen.body.includes('"stream"')) {
          res.writeHead(200, { 'content-type': 'text/event-stream' });
          res.end(event);
        } else answerJson(res, 200, chatCompletion);
      }, 20);
    });
    const text = await sendBytes(daemon.port, requestOf({}) + requestOf({}) + requestOf({ stream: true }), 10_000);
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(3);
    expect(text).toContain('stream_truncated');
    expect(most).toBe(1);
  });

  it('in their hundreds end the connection, and begin no exchanges', async () => {
    const before = upstream.seen.length;
    upstream.setScript(() => undefined);
    expect(await sendBytes(daemon.port, requestOf({}).repeat(300), 10_000)).toBe('');
    expect(upstream.seen.length - before).toBeLessThanOrEqual(1);
  });
});

describe('an answer in odd framing', () => {
  it.each(['content-type: application/json\r\n', 'content-type: application/json\r\ncontent-length: 5\r\n', 'content-length: 5\r\n'])('204 with %j goes on without a length', async (lines) => {
    answerWith = (socket) => socket.end(`HTTP/1.1 204 No Content\r\n${lines}\r\n`);
    const answer = await chat({ model: 'raw' });
    expect(answer.status).toBe(204);
    expect(answer.headers['content-length']).toBeUndefined();
    expect(answer.headers['transfer-encoding']).toBeUndefined();
  });

  it('a refusal without end is passed on as far as it is kept, and the upstream let go', async () => {
    let isLetGo = false;
    answerWith = (socket) => {
      socket.on('close', () => (isLetGo = true));
      const more = (): void => void (socket.destroyed || socket.write(chunk('x'.repeat(65_536)), () => setImmediate(more)));
      socket.write('HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n');
      more();
    };
    const answer = await chat({ model: 'raw' });
    expect(answer.status).toBe(400);
    expect(answer.isComplete).toBe(true);
    expect(answer.body.length).toBeLessThan(1_048_576);
    await expect.poll(() => isLetGo).toBe(true);
  });
});

describe('a response that is continued', () => {
  it('opens no model that its account is not configured to serve', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, { id: 'resp_allowed', object: 'response', output: [] }));
    expect((await post('/v1/responses', { model: 'gpt-4o', input: 'x' })).status).toBe(200);
    expect((await post('/v1/responses', { model: 'gpt-4o', input: 'x', previous_response_id: 'resp_allowed' })).status).toBe(200);
    const before = upstream.seen.length;
    for (const model of [excluded, 'm']) {
      const answer = await post('/v1/responses', { model, input: 'x', previous_response_id: 'resp_allowed' });
      expect(`${answer.status} ${String(JSON.parse(answer.body.toString()).error.code)}`).toBe('404 model_not_found');
    }
    expect(upstream.seen.length).toBe(before);
  });
});
