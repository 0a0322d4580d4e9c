/** A finished turn, as what has to stand before the next one's input. */
export interface RememberedTurn {
  /** Comma lists of input items, in order. */
  readonly items: readonly Buffer[];
  /** A response that is kept elsewhere, and that the items follow. */
  readonly afterId: string | undefined;
}

/** The turns of one socket, by response id. */
export interface TurnMemory {
  readonly remember: (responseId: string, turn: RememberedTurn) => void;
  /** Undefined for what was never here, or is forgotten. */
  readonly find: (responseId: string) => RememberedTurn | undefined;
  /** The socket has closed. */
  readonly forgetAll: () => void;
}

export interface TurnMemories {
  /** `maxBytes`: more than a request may hold could not be continued anyway. */
  readonly open: (maxBytes: () => number) => TurnMemory;
  /** Counted as if turns shared nothing of their conversation, which they do. */
  readonly bytes: () => number;
}

const maxTurns = 64;

/** A copy that holds nothing but itself alive: small buffers share their memory with whatever was made beside them. */
export function copyToKeep(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

interface Kept {
  readonly turn: RememberedTurn;
  readonly bytes: number;
  readonly forget: () => void;
}

/**
 * What all sockets remember, within one bound: the turns that were longest not used go first, on whichever socket they are.
 * Every turn counts with its whole conversation.
 */
export function createTurnMemories(maxTotalBytes: () => number): TurnMemories {
  /** In order of use. */
  const all = new Set<Kept>();
  let total = 0;

  const add = (kept: Kept): void => {
    all.add(kept);
    total += kept.bytes;
  };
  const drop = (kept: Kept): void => {
    if (!all.delete(kept)) return;
    total -= kept.bytes;
    kept.forget();
  };
  const trim = (): void => {
    for (const kept of all) {
      if (total <= maxTotalBytes()) return;
      drop(kept);
    }
  };

  return {
    bytes: () => total,
    open: (maxBytes) => {
      const turns = new Map<string, Kept>();
      let own = 0;
      return {
        remember: (responseId, turn) => {
          const bytes = turn.items.reduce((sum, { length }) => sum + length, responseId.length);
          const known = turns.get(responseId);
          if (known !== undefined) drop(known);
          if (bytes > maxBytes()) return;
          const forget = (): void => {
            turns.delete(responseId);
            own -= bytes;
          };
          const kept = { turn, bytes, forget };
          turns.set(responseId, kept);
          own += bytes;
          add(kept);
          for (const older of turns.values()) {
            if (turns.size <= maxTurns && own <= maxBytes()) break;
            drop(older);
          }
          trim();
        },
        find: (responseId) => {
          const kept = turns.get(responseId);
          if (kept === undefined) return undefined;
          all.delete(kept);
          all.add(kept);
          return kept.turn;
        },
        forgetAll: () => {
          for (const kept of turns.values()) drop(kept);
        },
      };
    },
  };
}
