import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../../internal/clock/clock.ts';
import { freePort } from '../../support/free-port.ts';
import { createLoginWorld, type LoginWorld } from '../../support/login-world.ts';
import { startScriptedUpstream } from '../../support/scripted-upstream.ts';

let world: LoginWorld | undefined;
let server: Server | undefined;

afterEach(async () => {
  await world?.close();
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function finish(tokenUrl: string, clock: Clock): ReturnType<LoginWorld['logins']['finish']> {
  world = createLoginWorld({ oauth: { corp: { 'client-id': 'c', 'authorize-url': 'https://id.example.com/authorize', 'token-url': tokenUrl } }, clock });
  const { state } = await world.logins.start('corp', {});
  return world.logins.finish('corp', { code: 'the-code', state, error: '', errorDescription: '', iss: '' });
}

describe('a code is good once', () => {
  it('so it is sent again when the token endpoint was not reached', async () => {
    const port = await freePort();
    const bodies: string[] = [];
    // The endpoint comes up during the pause after the first try.
    const clock: Clock = {
      ...systemClock,
      sleep: async (ms, signal) => {
        if (ms !== 300) return systemClock.sleep(ms, signal);
        server = createServer((req, res) => {
          req.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
          req.on('end', () => res.end('{"access_token":"at","token_type":"Bearer"}'));
        }).listen(port, '127.0.0.1');
        await once(server, 'listening');
      },
    };
    await expect(finish(`http://127.0.0.1:${port}/token`, clock)).resolves.toMatchObject({ kind: 'done' });
    expect(bodies.length).toBe(1);
    expect(bodies[0]).toContain('code=the-code');
  });

  it('and not again when the answer was lost', async () => {
    const vendor = await startScriptedUpstream((_seen, _res, req) => void req.socket.resetAndDestroy());
    await expect(finish(`${vendor.url}/token`, systemClock)).rejects.toMatchObject({ code: 'login_failed' });
    expect(vendor.seen.length).toBe(1);
    await vendor.close();
  });
});
