import { afterEach, describe, expect, it } from 'vitest';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { sendBytes } from '../../support/raw-http.ts';

const key = 'sk-client-0123456789abcdef';
const base = `api-keys: ["${key}"]\n`;
const running: RunningDaemon[] = [];
afterEach(async () => {
  for (const daemon of running.splice(0)) await daemon.stop();
});
async function start(config: string): Promise<RunningDaemon> {
  const daemon = await startDaemon({ config });
  running.push(daemon);
  return daemon;
}
const upgrade = (daemon: RunningDaemon, more = '', target = '/v1/responses'): Promise<string> =>
  sendBytes(daemon.port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`, 300);

describe('rule 8: upgrades at the built daemon', () => {
  it('need a key by any carrier; a refusal is a whole HTTP answer', async () => {
    const daemon = await start(base);
    const refused = await upgrade(daemon);
    expect(refused).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n[^]*www-authenticate: Bearer[^]*"code":"missing_api_key"/i);
    expect(await upgrade(daemon, 'Sec-WebSocket-Protocol: openai-insecure-api-key.wrong\r\n')).toMatch(/^HTTP\/1\.1 401 [^]*"invalid_api_key"/);
    for (const [more, target] of [[`Authorization: Bearer ${key}\r\n`, undefined], ['', `/v1/responses?key=${key}`], [`Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.${key}\r\n`, undefined]] as const) expect(await upgrade(daemon, more, target)).not.toMatch(/^HTTP\/1\.1 40[13] /);
  });

  it('never get the key back, as a selected sub-protocol or otherwise', async () => {
    const daemon = await start(`${base}ws-auth: false\n`);
    for (const offered of [`openai-insecure-api-key.${key}`, `openai-insecure-api-key.${key}, realtime`, 'openai-insecure-api-key.wrong-but-secret']) {
      const text = await upgrade(daemon, `Sec-WebSocket-Protocol: ${offered}\r\n`);
      expect(text).not.toContain('openai-insecure-api-key');
      expect(text).not.toContain(key);
    }
  });

  it('with `ws-auth: false` pass for local callers alone, with a warning at each start', async () => {
    const daemon = await start(`${base}ws-auth: false\n`);
    await expect.poll(daemon.output).toMatch(/ws-auth/);
    expect(await upgrade(daemon)).not.toMatch(/^HTTP\/1\.1 40[13] /);
    for (const header of ['X-Forwarded-For: 203.0.113.9', 'Forwarded: for=203.0.113.9', 'Via: 1.1 proxy', 'X-Real-IP: 127.0.0.1', 'CF-Ray: 1']) expect(await upgrade(daemon, `${header}\r\n`), header).toMatch(/^HTTP\/1\.1 401 /);
    expect(await upgrade(daemon, 'Origin: https://evil.test\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    // What is no upgrade still needs a key.
    expect(await sendBytes(daemon.port, 'GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 401 /);
  });
});
