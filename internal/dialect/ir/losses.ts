import { AppError } from '../../fault/app-error.ts';
import type { Places } from './places.ts';

/**
 * What a request says that the target's dialect cannot: harmless things are left out and listed in `x-keyward-dropped`,
 * others refuse the request by name (contract §8). Names are the client's own: a top-level member, or a path such as
 * `messages[2].content[0]`.
 */
export interface Losses {
  /** Leaving it out does not change what the client can rely on. */
  readonly drop: (name: string) => void;
  /** Leaving it out would change the answer. Never returns. Error: `unsupported_parameter`. */
  readonly refuse: (name: string, why: string) => never;
  /** Each name once, in the order they were met. */
  readonly dropped: () => readonly string[];
}

/**
 * `target`: the dialect that cannot say it, for the message. `nameOf`: a field of `IrRequest` in the client's own words. `places`: of
 * the request, so that a part is named by where the client put it.
 */
export function createLosses(target: string, nameOf: (field: string) => string, places: Places | undefined): Losses {
  const names = new Set<string>();
  const named = (name: string): string => nameOf(placed(name, places));
  return {
    drop: (name) => void names.add(named(name)),
    refuse: (name, why) => {
      const param = named(name);
      throw new AppError('unsupported_parameter', { message: `"${param}" cannot be honoured: ${why} (the model is served in the dialect ${target}). Leave it out, or use a model that is served in your client's own dialect.`, fields: { param } });
    },
    dropped: () => [...names],
  };
}

function placed(name: string, places: Places | undefined): string {
  const [whole, turn, part] = /^turns\[(\d+)\]\.parts\[(\d+)\]/.exec(name) ?? [];
  const place = whole === undefined ? undefined : places?.[Number(turn)]?.[Number(part)];
  return whole === undefined || place === undefined ? name : `${place}${name.slice(whole.length)}`;
}
