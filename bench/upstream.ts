import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { announceListening } from './process/announce.ts';
import { doneFrame, holdModel, largeModel, messageDone, messageFrame, smallModel, streamFrame, streamShapes, wholeAnswer, wholeMessage, type StreamShape } from './workloads.ts';

/*
 * The simulated upstream, a process of its own: OpenAI-shaped answers (below /v1/messages Anthropic-shaped ones) made once and
 * sent as they are, keep-alive and noDelay. It keeps a journal of tagged exchanges, so that a client that left can be followed to here.
 *   GET /journal?tag=T   -> {"opened":[tag…],"aborted":[{"tag":…,"atNs":"…"}…]} of tags that start with T
 */

/** All that the upstream says in one dialect. */
interface Voice {
  /** As text: node:http then sends head and body in one write. */
  readonly small: string;
  readonly smallHead: readonly string[];
  readonly large: Buffer;
  readonly largeHead: readonly string[];
  readonly frames: readonly Buffer[];
  readonly done: Buffer;
}

function voiceOf(whole: (bytes: number) => Buffer, frame: (index: number) => Buffer, done: Buffer): Voice {
  const [small, large] = [whole(1_000).toString('latin1'), whole(1_000_000)];
  const headOf = (length: number): readonly string[] => ['Content-Type', 'application/json', 'Content-Length', String(length)];
  return { small, smallHead: headOf(small.length), large, largeHead: headOf(large.length), frames: Array.from({ length: 200 }, (_, index) => frame(index)), done };
}

const chat = voiceOf(wholeAnswer, streamFrame, doneFrame);
const messages = voiceOf(wholeMessage, messageFrame, messageDone);
const journalPrefix = 'abort-';

const streamHead = ['Content-Type', 'text/event-stream', 'Cache-Control', 'no-cache'];

interface Aborted {
  readonly tag: string;
  readonly atNs: string;
}
const opened = new Set<string>();
const aborted: Aborted[] = [];

const server = createServer({ noDelay: true, keepAlive: true, keepAliveTimeout: 600_000, requestTimeout: 0 }, (req, res) => {
  if (req.method === 'GET') {
    answerJournal(req, res);
    return;
  }
  let first: Buffer | undefined;
  req.on('data', (chunk: Buffer) => {
    first ??= chunk;
  });
  const voice = req.url?.startsWith('/v1/messages') === true ? messages : chat;
  req.on('end', () => answer(voice, first ?? Buffer.alloc(0), res));
});
announceListening(server);

function answer(voice: Voice, start: Buffer, res: ServerResponse): void {
  const model = readMember(start, 'model');
  if (model === smallModel) {
    res.sendDate = false;
    res.writeHead(200, [...voice.smallHead]);
    res.end(voice.small, 'latin1');
    return;
  }
  const tag = readMember(start, 'user') || readMember(start, 'user_id');
  if (tag.startsWith(journalPrefix)) follow(tag, res);
  const shape = streamShapes[model];
  if (shape !== undefined) {
    res.writeHead(200, streamHead);
    sendStream(voice, res, shape);
  } else if (model === largeModel) {
    res.writeHead(200, [...voice.largeHead]);
    res.end(voice.large);
  } else if (model !== holdModel) {
    res.writeHead(404, { 'Content-Type': 'application/json' });
    res.end(JSON.stringify({ error: { message: `the bench upstream knows no model '${model}'`, type: 'invalid_request_error' } }));
  }
}

function sendStream({ frames, done }: Voice, res: ServerResponse, shape: StreamShape): void {
  if (shape.paceMs === 0) {
    for (const frame of frames) res.write(frame);
    res.end(done);
    return;
  }
  let next = 0;
  const send = (): void => {
    const frame = next < shape.frames ? frames[next] : undefined;
    next += 1;
    if (frame !== undefined) {
      res.write(frame);
      return;
    }
    clearInterval(timer);
    res.end(done);
  };
  const timer = setInterval(send, shape.paceMs);
  res.on('close', () => clearInterval(timer));
  send();
}

function follow(tag: string, res: ServerResponse): void {
  opened.add(tag);
  res.on('close', () => {
    if (!res.writableFinished) aborted.push({ tag, atNs: String(process.hrtime.bigint()) });
  });
}

function answerJournal(req: IncomingMessage, res: ServerResponse): void {
  const tag = new URL(req.url ?? '/', 'http://upstream').searchParams.get('tag') ?? '';
  const body = JSON.stringify({ opened: [...opened].filter((known) => known.startsWith(tag)), aborted: aborted.filter((known) => known.tag.startsWith(tag)) });
  res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) });
  res.end(body);
}

/** The first short text member of that name; a search, not a parse, so that the upstream stays far faster than what it measures. */
function readMember(start: Buffer, name: string): string {
  const at = start.indexOf(`"${name}":`);
  if (at < 0) return '';
  const from = start.indexOf('"', at + name.length + 3) + 1;
  const to = start.indexOf('"', from);
  return from === 0 || to < 0 || to - from > 64 ? '' : start.toString('latin1', from, to);
}
