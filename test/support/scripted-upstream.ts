import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';

/** A request as the upstream saw it, body complete. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type Script = (seen: SeenRequest, res: ServerResponse, req: IncomingMessage) => void;

/** An upstream that does what a test says: it fills what third-party simulators do not offer (cuts, hangs, odd framing). */
export interface ScriptedUpstream {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly seen: readonly SeenRequest[];
  /** Connections that ended before their answer was complete. */
  readonly abortCount: () => number;
  /** Of `seen`, those that were left before their answer was complete. */
  readonly left: readonly SeenRequest[];
  readonly setScript: (script: Script) => void;
  readonly close: () => Promise<void>;
}

export async function startScriptedUpstream(first: Script): Promise<ScriptedUpstream> {
  let script = first;
  let aborts = 0;
  const seen: SeenRequest[] = [];
  const left: SeenRequest[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    res.on('close', () => {
      if (!res.writableFinished) aborts++;
    });
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const request = { method: req.method ?? '', url: req.url ?? '', headers: req.headers, body: Buffer.concat(chunks) };
      seen.push(request);
      res.on('close', () => {
        if (!res.writableFinished) left.push(request);
      });
      script(request, res, req);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    abortCount: () => aborts,
    left,
    setScript: (next) => {
      script = next;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function answerJson(res: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers });
  res.end(text);
}

/** Sends the events one write each, then ends (or leaves the stream open with `isEnded: false`). */
export function answerEvents(res: ServerResponse, events: readonly string[], isEnded = true): void {
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of events) res.write(event);
  if (isEnded) res.end();
}

export const chatCompletion = { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } } as const;

export const chatEvents: readonly string[] = [
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { role: 'assistant', content: 'Hel' }, finish_reason: null }] })}\n\n`,
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content: 'lo.' }, finish_reason: 'stop' }] })}\n\n`,
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } })}\n\n`,
  'data: [DONE]\n\n',
];
