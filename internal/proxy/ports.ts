import type { JsonRecord } from '../dialect/ir/json.ts';

/** Who may come back to a response stored upstream (security rule 15). Only the binding is kept, never content. */
export interface ResponseOwners {
  /** Never blocks, never throws. */
  readonly remember: (responseId: string, owner: ResponseOwner) => void;
  readonly find: (responseId: string) => ResponseOwner | undefined;
}

export interface ResponseOwner {
  readonly principalId: string;
  readonly accountId: string;
}

/** A conversation up to and with one response, as input items of the turn that follows it. */
export interface Transcript {
  readonly items: readonly JsonRecord[];
}

/** The conversation that ended with a response; undefined where it is not known here, or is another principal's. */
export type FindTranscript = (responseId: string) => Transcript | undefined;
