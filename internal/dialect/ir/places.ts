import type { Part } from './parts.ts';
import type { Turn } from './request.ts';

/** Where each part of each turn stood in the client's body: `input[3].content[0]`. Undefined where its decoder does not say. */
export type Places = readonly (readonly (string | undefined)[])[];

/** Remembers places while a request is decoded: turns are made of several items, or items of several turns. */
export interface PlaceLog {
  /** The same part, put where it came from. */
  readonly put: <P extends Part>(part: P, place: string) => P;
  /** `made` stands for `part`, whose place it has. */
  readonly move: <P extends Part>(part: Part, made: P) => P;
  readonly of: (turns: readonly Turn[]) => Places;
}

export function createPlaceLog(): PlaceLog {
  const places = new Map<Part, string>();
  const put = <P extends Part>(part: P, place: string): P => {
    places.set(part, place);
    return part;
  };
  return {
    put,
    move: (part, made) => {
      const place = places.get(part);
      return place === undefined ? made : put(made, place);
    },
    of: (turns) => turns.map(({ parts }) => parts.map((part) => places.get(part))),
  };
}
