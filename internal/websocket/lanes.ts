import { AppError } from '../fault/app-error.ts';
import type { AgentTurn } from './turn-state.ts';

/** One conversation's place on a socket: its requests are served in order, one at a time. */
export interface Lane {
  /** Undefined for the default one. */
  readonly streamId: string | undefined;
  isRunning: boolean;
  /** Of the last `response.create`; what `response.append` goes on with. */
  model: string | undefined;
  instructions: Buffer | undefined;
  /** The last response that was finished here. */
  lastId: string | undefined;
  /** The agent's turn that was last served here. */
  turn: AgentTurn | undefined;
}

/** Work for a lane; `bytes` counts against what may wait. */
export interface Job {
  readonly lane: Lane;
  readonly bytes: number;
  readonly run: () => Promise<void>;
  /** In place of `run`, when it will not come to that. */
  readonly refuse: (error: AppError) => void;
}

export interface LanesOptions {
  readonly maxParallel: () => number;
  readonly maxWaitingBytes: () => number;
  /** Nothing runs and nothing waits any more. */
  readonly onIdle: () => void;
}

/** The lanes of one socket. @see https://developers.openai.com/api/docs/guides/websocket-mode */
export interface Lanes {
  /** Errors: `websocket_stream_limit_reached`. */
  readonly find: (streamId: string | undefined) => Lane;
  /** Runs the job when its lane and the socket have room. Error: `overloaded` when too much waits already. */
  readonly add: (job: Job) => void;
  /** Refuses what waits; what runs goes on. */
  readonly refuseWaiting: (error: AppError) => void;
  /** Forgets what waits: nobody is there to be told. */
  readonly drop: () => void;
  readonly isIdle: () => boolean;
}

/** As the guide has it; the default lane does not count. */
const maxNamed = 32;
const maxWaiting = 256;

export function createLanes({ maxParallel, maxWaitingBytes, onIdle }: LanesOptions): Lanes {
  const lanes = new Map<string | undefined, Lane>();
  /** In the order they came. */
  let waiting: Job[] = [];
  let waitingBytes = 0;
  let running = 0;

  const start = (job: Job): void => {
    job.lane.isRunning = true;
    running++;
    void job.run().finally(() => {
      job.lane.isRunning = false;
      running--;
      startNext();
      if (running === 0 && waiting.length === 0) onIdle();
    });
  };
  const startNext = (): void => {
    while (running < maxParallel()) {
      const index = waiting.findIndex(({ lane }) => !lane.isRunning);
      const [job] = index < 0 ? [] : waiting.splice(index, 1);
      if (job === undefined) return;
      waitingBytes -= job.bytes;
      start(job);
    }
  };

  const takeWaiting = (): readonly Job[] => {
    const taken = waiting;
    waiting = [];
    waitingBytes = 0;
    return taken;
  };

  return {
    find: (streamId) => {
      const known = lanes.get(streamId);
      if (known !== undefined) return known;
      const named = lanes.size - (lanes.has(undefined) ? 1 : 0);
      if (streamId !== undefined && named >= maxNamed) throw new AppError('websocket_stream_limit_reached', { fields: { param: 'stream_id' } });
      const lane: Lane = { streamId, isRunning: false, model: undefined, instructions: undefined, lastId: undefined, turn: undefined };
      lanes.set(streamId, lane);
      return lane;
    },
    add: (job) => {
      if (waiting.length >= maxWaiting || (waiting.length > 0 && waitingBytes + job.bytes > maxWaitingBytes())) {
        throw new AppError('overloaded', { message: 'Too many requests wait on this WebSocket already.', headers: { 'retry-after': '1' } });
      }
      waiting.push(job);
      waitingBytes += job.bytes;
      startNext();
    },
    refuseWaiting: (error) => {
      for (const job of takeWaiting()) job.refuse(error);
    },
    drop: () => void takeWaiting(),
    isIdle: () => running === 0 && waiting.length === 0,
  };
}
