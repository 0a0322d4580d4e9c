import type { Server } from 'node:http';

/**
 * Listens on a free loopback port and tells the parent which (IPC, or the terminal when started by hand). Ends with the
 * parent, however that ended.
 */
export function announceListening(server: Server, port = 0): void {
  server.listen({ host: '127.0.0.1', port, backlog: 4_096 }, () => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('a TCP server has no port');
    if (process.send === undefined) process.stdout.write(`listening on http://127.0.0.1:${address.port}\n`);
    else process.send({ port: address.port });
  });
  process.on('disconnect', () => process.exit(0));
  process.on('SIGTERM', () => process.exit(0));
}
