import { WebSocket, type ClientOptions } from 'ws';
import { until } from './until.ts';

/** A frame's JSON, of which nothing is known. */
export interface Frame {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** One WebSocket as a client holds it, with all that it got. */
export interface SocketClient {
  readonly ws: WebSocket;
  readonly frames: readonly Frame[];
  readonly send: (event: unknown) => void;
  /** The next frame that fits, or that fitted since the last call; rejects when the socket closes first. */
  readonly next: (fits: string | ((frame: Frame) => boolean), limitMs?: number) => Promise<Frame>;
  /** What the socket closed with; waits for that. */
  readonly closed: (limitMs?: number) => Promise<{ readonly code: number; readonly reason: string }>;
  readonly close: () => Promise<void>;
}

const ends = new Set(['response.completed', 'response.failed', 'response.incomplete', 'error']);
export const isEnd = ({ type }: Frame): boolean => ends.has(type);

/** Rejects with `status body` when the upgrade is refused. */
export async function openSocket(url: string, options: ClientOptions & { readonly protocols?: string[] } = {}): Promise<SocketClient> {
  const { protocols = [], ...rest } = options;
  const ws = new WebSocket(url.replace(/^http/, 'ws'), protocols, { perMessageDeflate: false, ...rest });
  const frames: Frame[] = [];
  let closed: { readonly code: number; readonly reason: string } | undefined;
  let looked = 0;
  ws.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString('utf8'))));
  ws.on('close', (code, reason) => {
    closed = { code, reason: reason.toString('utf8') };
  });
  await new Promise<void>((resolve, reject) => {
    ws.once('open', resolve);
    ws.once('error', reject);
    ws.once('unexpected-response', (_req, res) => {
      let text = '';
      res.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      res.on('end', () => reject(new Error(`${res.statusCode} ${text}`)));
    });
  });
  ws.on('error', () => undefined);
  const waitForClose = async (limitMs = 5_000): Promise<{ readonly code: number; readonly reason: string }> => {
    await until('the socket has closed', () => closed !== undefined, limitMs);
    return closed ?? { code: 0, reason: '' };
  };
  return {
    ws,
    frames,
    send: (event) => ws.send(typeof event === 'string' || Buffer.isBuffer(event) ? event : JSON.stringify(event)),
    next: async (fits, limitMs = 5_000) => {
      const check = typeof fits === 'string' ? ({ type }: Frame): boolean => type === fits : fits;
      let found: Frame | undefined;
      await until(`a frame ${typeof fits === 'string' ? fits : ''}; there are ${frames.map(({ type }) => type).join(' ')}`, () => {
        while (found === undefined && looked < frames.length) {
          const frame = frames[looked++];
          if (frame !== undefined && check(frame)) found = frame;
        }
        if (found === undefined && closed !== undefined) throw new Error(`the socket closed with ${closed.code} ${closed.reason}`);
        return found !== undefined;
      }, limitMs);
      return found ?? { type: 'none' };
    },
    closed: waitForClose,
    close: async () => {
      ws.close();
      await waitForClose();
    },
  };
}
