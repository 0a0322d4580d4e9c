/** A stream of choices that follows from its seed alone. */
export interface Random {
  /** 0 ≤ n < `below`. */
  readonly int: (below: number) => number;
  readonly chance: (share: number) => boolean;
  readonly pick: <T>(from: readonly [T, ...T[]]) => T;
  readonly bytes: (length: number) => Buffer;
  /** Text of any characters, controls and lone surrogates among them. */
  readonly text: (maxLength: number) => string;
}

/** Mulberry32: small, fast, and the same everywhere. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const int = (below: number): number => Math.floor(next() * below);
  return {
    int,
    chance: (share) => next() < share,
    pick: (from) => from[int(from.length)] ?? from[0],
    bytes: (length) => Buffer.from(Array.from({ length }, () => int(256))),
    text: (maxLength) => String.fromCharCode(...Array.from({ length: int(maxLength + 1) }, () => (next() < 0.6 ? 0x20 + int(0x5f) : next() < 0.5 ? int(0x20) : int(0x1_0000)))),
  };
}
