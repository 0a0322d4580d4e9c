import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type RunningDaemon } from '../support/daemon.ts';
import { sendBytes } from '../support/raw-http.ts';
import { answerJson, chatCompletion, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts';

let upstream: ScriptedUpstream;
let daemon: RunningDaemon;
beforeAll(async () => {
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, chatCompletion));
  daemon = await startDaemon({ config: `api-keys: ["sk-client-0123456789"]\nopenai-compatibility:\n  - { name: up, base-url: "${upstream.url}/v1", models: [{ name: m }] }\n` });
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
});

const offer = (name: string): string => `Host: localhost\r\nAuthorization: Bearer sk-client-0123456789\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: ${name}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n`;

describe('a request that offers another protocol than WebSocket', () => {
  it.each(['h2c', 'TLS/1.2', 'h2c, foo'])('Upgrade: %s is answered over HTTP/1.1 as if it had not been offered', async (name) => {
    expect(await sendBytes(daemon.port, `GET /v1/models HTTP/1.1\r\n${offer(name)}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
    const body = '{"model":"m"}';
    const answer = await sendBytes(daemon.port, `POST /v1/chat/completions HTTP/1.1\r\n${offer(name)}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(upstream.seen.at(-1)?.headers.upgrade).toBeUndefined();
    expect(upstream.seen.at(-1)?.headers['http2-settings']).toBeUndefined();
  });

  const handshake = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

  it.each(['websocket', 'WebSocket', 'h2c, websocket'])('Upgrade: %s is one, and is judged as such', async (name) => {
    expect(await sendBytes(daemon.port, `GET /v1/responses HTTP/1.1\r\n${offer(name)}${handshake}\r\n`, 300)).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n[^]*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
    expect(await sendBytes(daemon.port, `GET /v1/models HTTP/1.1\r\n${offer(name)}${handshake}\r\n`)).toMatch(/^HTTP\/1\.1 404 [^]*"not_found"/);
  });

  it.each([
    ['no key', 'Sec-WebSocket-Version: 13\r\n'],
    ['a key that is none', 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n'],
    ['a version that nobody speaks', 'Sec-WebSocket-Version: 99\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'],
    ['sub-protocols that are none', `${handshake}Sec-WebSocket-Protocol: a, , b\r\n`],
  ])('a handshake with %s is a whole 400 that says what is wrong', async (_what, more) => {
    expect(await sendBytes(daemon.port, `GET /v1/responses HTTP/1.1\r\n${offer('websocket')}${more}\r\n`)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*sec-websocket-version: 13\r\n[^]*"message":"This is no WebSocket handshake[^]*"code":"invalid_request"/);
  });

  it.each(['POST', 'PUT'])('an upgrade by %s is told that it goes by GET', async (method) => {
    expect(await sendBytes(daemon.port, `${method} /v1/responses HTTP/1.1\r\n${offer('websocket')}${handshake}\r\n`)).toMatch(/^HTTP\/1\.1 405 [^]*allow: GET/);
  });
});
