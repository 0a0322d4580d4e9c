import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { StatedUsage } from '../dialect/token-usage.ts';
import type { AppError } from '../fault/app-error.ts';
import { clearIfError, withoutSecrets } from '../proxy/secret-guard.ts';
import { errorEvent } from './error-event.ts';
import { addUsage, noUsage, spentByEvent, type Spent } from './realtime-usage.ts';
import { createLiveness, type Liveness } from './liveness.ts';
import type { LiveSocket, SocketEvents } from './live-socket.ts';

/** What a relayed session came to. */
export interface RelayEnd {
  /** The upstream broke off without a closing frame. */
  readonly wasLost: boolean;
  readonly usage: StatedUsage;
  /** A response was under way, of which nothing is in the usage. */
  readonly isUnfinished: boolean;
  /** Why it was ended here. */
  readonly error: AppError | undefined;
}

export interface RelayOptions {
  readonly upstream: WebSocket;
  /** Under it. */
  readonly connection: Duplex;
  /** Not to be told to the client by an error. */
  readonly secrets: readonly string[];
  readonly nowMs: () => number;
  readonly pingMs: () => number;
  /** Told of what each response used. */
  readonly onSpent: (usage: StatedUsage) => void;
  /** Why the session is to end; asked after each response, and about twice a second. */
  readonly obstacle: () => AppError | undefined;
  readonly onEnd: (end: RelayEnd) => void;
}

/** Messages both ways as they came, but for secrets in the upstream's errors; whoever does not keep up is waited for, and a close is passed on with its code. */
export class Relay implements SocketEvents {
  readonly #client: LiveSocket;
  readonly #options: RelayOptions;
  readonly #liveness: Liveness;
  #usage = noUsage;
  #turns = 0;
  #isResponding = false;
  #isOver = false;

  constructor(client: LiveSocket, options: RelayOptions) {
    const { upstream, connection, secrets, nowMs } = options;
    this.#client = client;
    this.#options = options;
    this.#liveness = createLiveness(upstream, nowMs());
    connection.on('drain', () => client.resume());
    upstream.on('message', (data: unknown, isBinary) => {
      if (Buffer.isBuffer(data)) this.#carryDown(data, isBinary);
    });
    upstream.on('error', () => undefined);
    upstream.on('close', (code, reason) => {
      if (code === 1006) this.#loseUpstream();
      else {
        this.#finish(false);
        client.close(passable(code), tellable(reason, secrets), 'upstream');
      }
    });
    // Its connection was read while the upstream was asked, so as to see it leave.
    client.resume();
    // Nobody will tell of an end that came before anyone listened.
    if (connection.destroyed) this.#loseUpstream();
  }

  readonly onMessage = (data: Buffer, isBinary: boolean): void => {
    const { upstream, connection } = this.#options;
    if (this.#isOver || upstream.readyState !== upstream.OPEN) return;
    upstream.send(data, { binary: isBinary });
    if (connection.writableNeedDrain) this.#client.pause();
  };

  readonly onDrain = (): void => {
    this.#options.upstream.resume();
  };

  readonly onGone = (): void => {
    this.#finish(false);
  };

  readonly onClosed = (code: number, reason: Buffer): void => {
    const { upstream } = this.#options;
    if (code === 1006) upstream.close(1001);
    else upstream.close(passable(code), reason);
  };

  readonly onTick = (): void => {
    const { upstream, nowMs, pingMs } = this.#options;
    if (this.#liveness.check(nowMs(), pingMs()) === 'dead') upstream.terminate();
    this.#endIfObstructed();
  };

  readonly onStop = (): void => undefined;
  readonly onExpired = (): void => undefined;
  /** A session has no end of its own that could be waited for. */
  readonly isBusy = (): boolean => false;
  readonly turnCount = (): number => this.#turns;

  #carryDown(data: Buffer, isBinary: boolean): void {
    if (this.#isOver) return;
    const spent = isBinary ? undefined : spentByEvent(data);
    if (spent !== undefined) this.#count(spent);
    this.#client.send(isBinary ? data : clearIfError(data, this.#options.secrets), isBinary);
    if (spent !== undefined && spent.kind !== 'begun') this.#endIfObstructed();
    if (this.#client.isFull()) this.#options.upstream.pause();
  }

  #count(spent: Spent): void {
    if (spent.kind !== 'transcribed') this.#isResponding = spent.kind === 'begun';
    if (spent.kind === 'begun') return;
    if (spent.kind === 'done') this.#turns++;
    this.#usage = addUsage(this.#usage, spent.usage);
    this.#options.onSpent(spent.usage);
  }

  #endIfObstructed(): void {
    const error = this.#isOver ? undefined : this.#options.obstacle();
    if (error === undefined) return;
    this.#finish(false, error);
    this.#client.send(errorEvent(error, undefined));
    // Its answer to the closing is waited for.
    this.#client.resume();
    this.#client.close(1008, error.code, 'budget');
    this.#options.upstream.close(1000);
  }

  #loseUpstream(): void {
    this.#finish(true);
    this.#client.close(passable(1006), 'the upstream connection was lost', 'upstream');
  }

  #finish(wasLost: boolean, error?: AppError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onEnd({ wasLost, usage: this.#usage, isUnfinished: this.#isResponding, error });
  }
}

/** A close code as it may be sent: those that stand for none in a frame stay behind. @see RFC 6455 §7.4.1 */
function passable(code: number): number | undefined {
  if (code === 1005) return undefined;
  // 1014, bad gateway: https://www.iana.org/assignments/websocket/websocket.xhtml
  return code === 1006 || code === 1015 ? 1014 : code;
}

/** A reason as the client may read it; it has room for 123 bytes. @see RFC 6455 §5.5.1 */
function tellable(reason: Buffer, secrets: readonly string[]): Buffer {
  const told = withoutSecrets(reason, secrets);
  return told.length > 123 ? Buffer.alloc(0) : told;
}
