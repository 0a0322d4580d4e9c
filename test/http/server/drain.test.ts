import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { listen } from '../../../internal/server/listen.ts';

it('while a listener closes, what is under way is answered and a further request on the connection is its last', async () => {
  const slow = Promise.withResolvers<undefined>();
  const hasArrived = Promise.withResolvers<undefined>();
  const listener = await listen(
    { kind: 'main', host: '127.0.0.1', port: 0, tls: undefined },
    {
      onRequest: (req, res) => {
        if (req.url === '/slow') hasArrived.resolve(undefined);
        void (req.url === '/slow' ? slow.promise : Promise.resolve()).then(() => res.end(`answer to ${req.url}`));
      },
      onUpgrade: () => undefined,
    },
  );
  const socket = connect(listener.port ?? 0, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.write('GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await hasArrived.promise;
  const closed = listener.close();
  socket.write('GET /next HTTP/1.1\r\nhost: localhost\r\n\r\n');
  setImmediate(() => slow.resolve(undefined));
  await once(socket, 'close');
  expect(text).toContain('answer to /slow');
  expect(text.slice(text.indexOf('answer to /slow'))).toMatch(/Connection: close[\s\S]*answer to \/next/);
  await closed;
});
