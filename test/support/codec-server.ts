import { createServer } from 'node:http';
import { afterAll, beforeAll } from 'vitest';
import { isRecord, parseJson, type JsonRecord } from '../../internal/dialect/ir/json.ts';

/** What a server for vendors' SDKs says. */
export interface CodecReply {
  readonly status?: number;
  readonly type: string;
  readonly text: string;
}

/** A server that answers every request of a file's tests by a function of its path and body; it lives as long as they do. */
export function serveCodec(reply: (path: string, body: JsonRecord) => CodecReply): { readonly url: () => string } {
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => void chunks.push(chunk));
    req.on('end', () => {
      const body = parseJson(Buffer.concat(chunks).toString('utf8'));
      const { status, type, text } = reply(req.url ?? '', isRecord(body) ? body : {});
      res.writeHead(status ?? 200, { 'content-type': type }).end(text);
    });
  });
  let url = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('the server has a port');
    url = `http://127.0.0.1:${address.port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: () => url };
}
