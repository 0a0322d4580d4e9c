import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Passes bytes on unread, but for the first line of each connection and whether it is an upgrade: what the agent really spoke. */
export interface OpeningLines {
  readonly url: string;
  readonly lines: () => readonly string[];
  readonly close: () => Promise<void>;
}

export async function startOpeningLines(port: number): Promise<OpeningLines> {
  const lines: string[] = [];
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const onward = connect(port, '127.0.0.1');
    for (const socket of [client, onward]) {
      open.add(socket);
      socket.on('error', () => undefined).on('close', () => open.delete(socket));
    }
    client.once('data', (chunk: Buffer) => {
      const head = chunk.toString('latin1');
      lines.push(`${head.split('\r\n', 1)[0] ?? ''}${/\r\nupgrade: websocket\r\n/i.test(head) ? ' (websocket)' : ''}`);
    });
    client.pipe(onward).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    lines: () => lines,
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
