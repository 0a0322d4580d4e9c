import type { Config } from '../config/schema.ts';

/** Bounds of sockets, of the config as it is now. */
export interface SocketLimits {
  /** 0 for never. */
  readonly pingMs: number;
  readonly maxLifetimeMs: number;
  readonly maxOpen: number;
  readonly maxOpenPerClient: number;
  readonly maxParallelTurns: number;
  readonly maxMemoryBytes: number;
}

export function socketLimits({ websocket }: Config): SocketLimits {
  return {
    pingMs: websocket['ping-interval'],
    maxLifetimeMs: websocket['max-lifetime'],
    maxOpen: websocket['max-open'],
    maxOpenPerClient: websocket['max-open-per-client'],
    maxParallelTurns: websocket['max-parallel-turns'],
    maxMemoryBytes: websocket['max-memory-mb'] * 1_048_576,
  };
}
