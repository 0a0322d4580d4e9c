import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { controlSocketPath } from '../../../internal/cli/control.ts';

/** One call as the daemon saw it. */
export interface SeenCall {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly body: unknown;
}

/** A daemon's control socket in `home/.keyward` that answers as told, and what it was asked. */
export async function listenAsDaemon(home: string, answer: (call: SeenCall) => Reply): Promise<{ readonly socketPath: string; readonly seen: readonly SeenCall[]; readonly stop: () => Promise<void> }> {
  const dataDir = join(home, '.keyward');
  mkdirSync(dataDir, { recursive: true });
  const seen: SeenCall[] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    req.on('end', () => {
      const call: SeenCall = { method: req.method ?? '', url: req.url ?? '', headers: req.headers, body };
      seen.push(call);
      const reply = answer(call);
      res.writeHead(reply.status ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(reply.body));
    });
  }).listen(controlSocketPath(dataDir));
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  onTestFinished(async () => {
    if (server.listening) await stop();
  });
  return { socketPath: controlSocketPath(dataDir), seen, stop };
}
