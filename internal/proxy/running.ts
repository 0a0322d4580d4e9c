import type { Principal } from '../clients/principal.ts';
import type { AppError } from '../fault/app-error.ts';

/** One exchange for as long as it runs: whether it may go on. */
export interface RunningExchange {
  /** Why it is to end; undefined while its caller may go on. */
  readonly end: () => AppError | undefined;
  /** Called once, at once when it is to end already. The returned function takes the listener away. */
  readonly onEnd: (listener: (why: AppError) => void) => () => void;
  /** The work's outcome, or the reason to end, whichever comes first. */
  readonly orEnd: <T>(work: Promise<T>) => Promise<T>;
}

/** Every exchange that runs, so that a caller who loses his right is not served to the end (security rule 37). */
export interface RunningExchanges {
  readonly begin: (principal: Principal) => RunningExchange & { readonly done: () => void };
  /** Asks about the caller of each; those it gives a reason for are ended before it returns. Gives their number. */
  readonly review: (judge: (principal: Principal) => AppError | undefined) => number;
}

class Running implements RunningExchange {
  readonly principal: Principal;
  readonly #all: Set<Running>;
  #why: AppError | undefined;
  #listeners: Set<(why: AppError) => void> | undefined;

  constructor(principal: Principal, all: Set<Running>) {
    this.principal = principal;
    this.#all = all;
    all.add(this);
  }

  readonly end = (): AppError | undefined => this.#why;

  readonly onEnd = (listener: (why: AppError) => void): (() => void) => {
    if (this.#why !== undefined) {
      listener(this.#why);
      return () => undefined;
    }
    const listeners = (this.#listeners ??= new Set());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };

  readonly orEnd = async <T>(work: Promise<T>): Promise<T> => {
    let off = (): void => undefined;
    const ended = new Promise<never>((_resolve, reject) => {
      off = this.onEnd(reject);
    });
    try {
      return await Promise.race([work, ended]);
    } finally {
      off();
    }
  };

  readonly done = (): void => void this.#all.delete(this);

  stop(why: AppError): void {
    this.#why = why;
    this.#all.delete(this);
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const listener of listeners) listener(why);
  }
}

export function createRunningExchanges(): RunningExchanges {
  const all = new Set<Running>();
  return {
    begin: (principal) => new Running(principal, all),
    review: (judge) =>
      withoutStackTraces(() => {
        let ended = 0;
        for (const running of all) {
          const why = judge(running.principal);
          if (why === undefined) continue;
          running.stop(why);
          ended++;
        }
        return ended;
      }),
  };
}

/** Each exchange that is ended makes several errors, here and in undici; of a thousand, their traces took a sixth of the time. */
function withoutStackTraces<T>(work: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = limit;
  }
}
