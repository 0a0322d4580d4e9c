import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startDaemon } from '../../support/daemon.ts';
import { send } from '../../support/raw-http.ts';

const squatters: Server[] = [];
afterEach(() => {
  for (const server of squatters.splice(0)) server.close();
});

async function squat(host: string): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  squatters.push(server);
  server.listen({ host, port: 0, ipv6Only: host.includes(':') });
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('rule 9: the built daemon takes both loopback addresses or none', () => {
  it.each(['::1', '127.0.0.1'])('another program on %s alone stops the start, by a sentence with the address', async (host) => {
    const port = await squat(host);
    const started = startDaemon({ config: 'api-keys: [sk-client-0123456789abcdef]\n', args: ['--port', String(port)] });
    await expect(started).rejects.toThrow(new RegExp(`ended with 1:[^]*${host}:${port} is in use`));
  });

  it('what is sent to `localhost` reaches Keyward by either address', async () => {
    const daemon = await startDaemon({ config: 'api-keys: [sk-client-0123456789abcdef]\n' });
    for (const url of [`http://127.0.0.1:${daemon.port}`, `http://[::1]:${daemon.port}`]) expect((await send(url.replace('[::1]', 'localhost'), { path: '/healthz', headers: { host: 'localhost' } })).status).toBe(200);
    expect((await fetch(`http://[::1]:${daemon.port}/healthz`)).status).toBe(200);
    await daemon.stop();
  });
});
