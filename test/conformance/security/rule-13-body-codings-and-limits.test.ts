import { once } from 'node:events';
import { connect } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { send } from '../../support/raw-http.ts';
import { asClient, clientKey, dialectCases, startFourDialects, type FourDialects } from '../../support/four-dialects.ts';

let rig: FourDialects;
beforeAll(async () => {
  rig = await startFourDialects('max-body-mb: 1\n');
});
afterAll(() => rig.stop());

const codings = [['identity', (bytes: Buffer) => bytes], ['gzip', gzipSync], ['br', brotliCompressSync], ['zstd', zstdCompressSync]] as const;
const limitBytes = 1_048_576;
const codeOf = (body: Buffer): unknown => {
  const { error } = JSON.parse(body.toString());
  return error.details?.[0]?.reason ?? error.code;
};
const post = async (path: string, body: Buffer, headers: Record<string, string>): Promise<string> => {
  const answer = await send(rig.daemon.url, { method: 'POST', path, headers: { ...asClient, ...headers }, body });
  return answer.status === 200 ? '200' : `${answer.status} ${String(codeOf(answer.body))}`;
};
const ofSize = (body: object, bytes: number): Buffer => {
  const text = JSON.stringify(body);
  return Buffer.from(`${text.slice(0, -1)},"x":"${'a'.repeat(bytes - text.length - 7)}"}`);
};

describe('rule 13: four codings, one layer, one limit before and after decoding', () => {
  it.each(dialectCases)('$dialect: each coding reaches the upstream decoded, up to the limit and not a byte beyond', async ({ path, body }) => {
    for (const [coding, code] of codings) {
      const whole = ofSize(body, limitBytes);
      expect(whole.length).toBe(limitBytes);
      expect(await post(path, code(whole), { 'content-encoding': coding }), coding).toBe('200');
      expect(rig.upstream.seen.at(-1)?.body.equals(whole)).toBe(true);
      expect(rig.upstream.seen.at(-1)?.headers['content-encoding']).toBeUndefined();
      expect(await post(path, code(ofSize(body, limitBytes + 1)), { 'content-encoding': coding }), coding).toBe('413 body_too_large');
    }
  });

  it('a bomb of each coding is cut at the limit', async () => {
    const spaces = Buffer.concat([Buffer.from('{"model":"gpt-4o","x":"'), Buffer.alloc(40_000_000, 0x61), Buffer.from('"}')]);
    for (const [coding, code] of codings.slice(1)) {
      const bomb = code(spaces);
      expect(bomb.length).toBeLessThan(limitBytes);
      expect(await post('/v1/chat/completions', bomb, { 'content-encoding': coding }), coding).toBe('413 body_too_large');
    }
  });

  it('other codings and more than one layer are 415, bytes that do not decode 400', async () => {
    const text = Buffer.from('{"model":"gpt-4o"}');
    for (const coding of ['deflate', 'compress', 'gzip, gzip', 'br,gzip', 'identity, gzip', 'aes128gcm', '*']) expect(await post('/v1/chat/completions', coding.includes('gzip') ? gzipSync(gzipSync(text)) : deflateSync(text), { 'content-encoding': coding }), coding).toBe('415 unsupported_media_type');
    for (const [coding, code] of codings.slice(1)) {
      expect(await post('/v1/chat/completions', text, { 'content-encoding': coding }), coding).toBe('400 invalid_request');
      expect(await post('/v1/chat/completions', code(text).subarray(0, -4), { 'content-encoding': coding }), `${coding}, cut`).toBe('400 invalid_request');
    }
    expect(await post('/v1/audio/transcriptions', gzipSync('--B--'), { 'content-encoding': 'gzip', 'content-type': 'multipart/form-data; boundary=B' })).toBe('415 unsupported_media_type');
  });

  it('a declared length beyond the limit is refused before a byte of the body came', async () => {
    const socket = connect(rig.daemon.port, '127.0.0.1');
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${clientKey}\r\nContent-Type: application/json\r\nContent-Length: ${limitBytes + 1}\r\n\r\n`);
    const [first] = await once(socket, 'data');
    expect(String(first)).toMatch(/^HTTP\/1\.1 413 /);
    await once(socket, 'close');
  });
});

/** Sends an endless body until the connection ends; what came back, and how much had been taken. */
function stream(head: string): Promise<{ readonly answer: string; readonly sentBytes: number; readonly tookMs: number }> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const socket = connect(rig.daemon.port, '127.0.0.1');
    const piece = Buffer.from(`10000\r\n${'x'.repeat(65_536)}\r\n`);
    let answer = '';
    let sentBytes = 0;
    const pump = (): void => {
      if (socket.destroyed) return;
      socket.write(piece, (error) => {
        if (error !== null && error !== undefined) return;
        sentBytes += piece.length;
        setImmediate(pump);
      });
    };
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve({ answer, sentBytes, tookMs: performance.now() - startedMs }));
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
    pump();
  });
}

describe('rule 13: authentication precedes the body', () => {
  it.each([
    ['/v1/chat/completions', 'Authorization: Bearer wrong\r\n', 401],
    ['/v1/messages', '', 401],
    ['/v1/responses', 'Host: evil.test\r\n', 400],
    ['/v1/audio/transcriptions', 'Content-Type: multipart/form-data; boundary=B\r\n', 401],
    ['/v0/management/config.yaml', 'Authorization: Bearer wrong\r\n', 405],
    ['/nowhere', '', 404],
  ])('an endless body to %s with %j is answered at once, and cut off', async (path, more, status) => {
    const { answer, sentBytes, tookMs } = await stream(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${more}`);
    expect(answer).toMatch(/^HTTP\/1\.1 (4\d\d) /);
    if (status !== 405) expect(answer).toContain(` ${status} `);
    expect(answer.toLowerCase()).toContain('connection: close');
    // What the kernel's buffers take and what is thrown away in a lingering close.
    expect(sentBytes).toBeLessThan(24 * 1_048_576);
    expect(tookMs).toBeLessThan(2_500);
  });

  it('with a right key the endless body ends at the limit, and the client reads why', async () => {
    const { answer, sentBytes } = await stream(`POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${clientKey}\r\nContent-Type: application/json\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(sentBytes).toBeLessThan(24 * 1_048_576);
  });

  it('who waits for 100 Continue is refused without being asked for the body, and asked only with a right key', async () => {
    const expecting = (key: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect(rig.daemon.port, '127.0.0.1');
        const body = '{"model":"gpt-4o"}';
        let text = '';
        socket.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          if (text === 'HTTP/1.1 100 Continue\r\n\r\n') socket.write(body);
        });
        socket.on('close', () => resolve(text));
        socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`);
      });
    expect(await expecting('wrong')).toMatch(/^HTTP\/1\.1 401 /);
    expect(await expecting(clientKey)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  });

  it('what is pipelined behind a refused body is not done', async () => {
    const before = rig.upstream.seen.length;
    const inner = '{"model":"gpt-4o"}';
    const socket = connect(rig.daemon.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', () => undefined);
    const refused = 'x'.repeat(200_000);
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${refused.length}\r\n\r\n`);
    await once(socket, 'data');
    socket.write(`${refused}POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${clientKey}\r\nContent-Type: application/json\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`);
    await once(socket, 'close');
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(rig.upstream.seen.length).toBe(before);
  });
});
