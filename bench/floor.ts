import { hash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool, type Dispatcher } from 'undici';
import { announceListening } from './process/announce.ts';

/*
 * The floor of the runtime: node:http in front, undici's pool behind, a SHA-256 key check between, and nothing else.
 * What a proxy in Node costs beyond this is its own doing.
 *   node bench/floor.ts <upstream origin> <client key> [port]
 */

const [origin = '', clientKey = '', port = '0'] = process.argv.slice(2);
const known = new Set([hash('sha256', clientKey)]);
const pool = new Pool(origin, { connections: null, pipelining: 1, keepAliveTimeout: 30_000, headersTimeout: 0, bodyTimeout: 0 });
const passedDown = ['content-type', 'content-length', 'cache-control'];

const server = createServer({ noDelay: true, keepAliveTimeout: 600_000, requestTimeout: 0 }, (req, res) => {
  const bearer = req.headers.authorization ?? '';
  if (!known.has(hash('sha256', bearer.slice('Bearer '.length)))) {
    res.writeHead(401);
    res.end();
    return;
  }
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => void chunks.push(chunk));
  req.on('end', () => pipe(req, res, chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
});
announceListening(server, Number(port));

function pipe(req: IncomingMessage, res: ServerResponse, body: Buffer): void {
  const handler = new PipeHandler(res);
  res.on('close', handler.onClientClose);
  pool.dispatch(
    { method: 'POST', path: req.url ?? '/', headers: ['content-type', 'application/json', 'authorization', 'Bearer sk-bench-upstream'], body },
    handler,
  );
}

class PipeHandler implements Dispatcher.DispatchHandler {
  readonly #res: ServerResponse;
  #controller: Dispatcher.DispatchController | undefined;
  #isOver = false;

  constructor(res: ServerResponse) {
    this.#res = res;
  }

  readonly onClientClose = (): void => {
    if (!this.#isOver) this.#controller?.abort(new Error('the client left'));
  };

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#res.destroyed) controller.abort(new Error('the client left'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    const head: string[] = [];
    for (const name of passedDown) {
      const value = headers[name];
      if (typeof value === 'string') head.push(name, value);
    }
    this.#res.writeHead(status, head);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#res.write(chunk)) return;
    controller.pause();
    this.#res.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    this.#isOver = true;
    this.#res.end();
  }

  onResponseError(): void {
    this.#isOver = true;
    if (this.#res.headersSent) this.#res.destroy();
    else if (!this.#res.destroyed) this.#res.writeHead(502).end();
  }
}
