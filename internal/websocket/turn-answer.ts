import { EventEmitter } from 'node:events';
import { AppError } from '../fault/app-error.ts';
import type { ClientAnswer } from '../http/client-answer.ts';
import { createEventCutter, type EventCutter } from './event-cutter.ts';
import type { TurnFrames } from './turn-frames.ts';

/** The socket under a turn's answer. */
export interface AnswerSocket {
  /** The client does not keep up; it is told of by `drained` when it has. */
  readonly isFull: () => boolean;
  /** What is sent between the two leaves in as few writes as can be. */
  readonly cork: () => void;
  readonly uncork: () => void;
}

/** One turn's answer, taken for a Node response by the data plane: an event stream becomes frames, all else one error event. */
export class TurnAnswer implements ClientAnswer {
  headersSent = false;
  destroyed = false;
  readonly #frames: TurnFrames;
  readonly #socket: AnswerSocket;
  readonly #listeners = new EventEmitter();
  #status = 0;
  #headers: ReadonlyMap<string, string> = new Map();
  /** Undefined for an answer in one piece. */
  #events: EventCutter | undefined;
  #pieces: Buffer[] = [];

  constructor(frames: TurnFrames, socket: AnswerSocket) {
    this.#frames = frames;
    this.#socket = socket;
    // Each attempt of the exchange and each of its waits listens.
    this.#listeners.setMaxListeners(0);
  }

  /** What breaks an answer off is said before, by the stream's own error event; the socket itself lives on. */
  get socket(): ClientAnswer['socket'] {
    return this.destroyed ? null : { destroySoon: () => this.#finish() };
  }

  writeHead(status: number, headers: string[] | Readonly<Record<string, string>>): void {
    if (this.headersSent) return;
    this.headersSent = true;
    this.#status = status;
    this.#headers = namedHeaders(headers);
    if (status < 300 && (this.#headers.get('content-type') ?? 'text/event-stream').startsWith('text/event-stream')) this.#events = createEventCutter(this.#frames.event, () => this.#leave());
  }

  write(chunk: Buffer | string): boolean {
    if (this.destroyed) return true;
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (this.#events === undefined) {
      this.#pieces.push(bytes);
      return true;
    }
    this.#socket.cork();
    this.#events.push(bytes);
    this.#socket.uncork();
    return !this.#socket.isFull();
  }

  end(chunk?: Buffer | string, encoding: BufferEncoding = 'utf8'): void {
    if (chunk !== undefined) this.write(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
    this.#finish();
  }

  once(event: 'drain' | 'close', listener: () => void): void {
    this.#listeners.once(event, listener);
  }

  on(event: 'close', listener: () => void): void {
    this.#listeners.on(event, listener);
  }

  off(event: 'close', listener: () => void): void {
    this.#listeners.off(event, listener);
  }

  /** A header of the answer, by its lower-case name. */
  header(name: string): string | undefined {
    return this.#headers.get(name);
  }

  /** The client has left. */
  abandon(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#listeners.emit('close');
  }

  /** The client has taken in what was sent. */
  drained(): void {
    this.#listeners.emit('drain');
  }

  /** An event is too long to become a frame. Without it the turn would be another than the upstream said, so it ends here, and the upstream is left. */
  #leave(): void {
    this.#frames.fault(new AppError('upstream_error', { message: 'The upstream\'s answer is too large to be carried over.' }));
    this.abandon();
  }

  #finish(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    if (this.#events !== undefined || !this.headersSent) return;
    const body = Buffer.concat(this.#pieces);
    if (this.#status < 300) this.#frames.whole(body);
    else this.#frames.refusal(this.#status, this.#headers, body);
  }
}

function namedHeaders(headers: readonly string[] | Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  if (!isFlat(headers)) return new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const named = new Map<string, string>();
  for (let index = 0; index < headers.length; index += 2) named.set((headers[index] ?? '').toLowerCase(), headers[index + 1] ?? '');
  return named;
}

function isFlat(headers: readonly string[] | Readonly<Record<string, string>>): headers is readonly string[] {
  return Array.isArray(headers);
}
