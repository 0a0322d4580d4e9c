import { once } from 'node:events';
import { createServer } from 'node:net';

/** A port that nobody listened on a moment ago, on either loopback address. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  probe.close();
  await once(probe, 'close');
  return port;
}
