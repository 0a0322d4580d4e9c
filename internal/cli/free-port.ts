import { once } from 'node:events';
import { createServer } from 'node:net';

/** A port that nobody listened on a moment ago; somebody may take it before it is opened, which then says so. */
export async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
