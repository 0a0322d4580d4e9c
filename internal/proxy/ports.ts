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

/** Responses of upstreams that keep none, for `GET /v1/responses/:id` and `previous_response_id`; opt-in (`stored-responses`). */
export interface ResponseStore {
  /** Never throws; what cannot be kept is logged. The first of an id stays. */
  readonly save: (stored: StoredResponse) => void;
  /** Undefined for ids of another principal as well. */
  readonly find: (id: string, principalId: string) => StoredResponse | undefined;
  /** The same without what was said, which may be large; undefined where `find` gives that. */
  readonly measure: (id: string, principalId: string) => StoredTurn | undefined;
  readonly remove: (id: string, principalId: string) => boolean;
}

/** What a turn adds to the conversation. */
export interface StoredTurn {
  readonly previousId: string | undefined;
  /** Input and output as JSON, in UTF-8. */
  readonly bytes: number;
}

/** One turn. */
export interface StoredResponse {
  readonly id: string;
  readonly principalId: string;
  /** The stored turn that it continues. */
  readonly previousId: string | undefined;
  /** The response object as the client got it. */
  readonly response: JsonRecord;
  /** The turn's own input items. */
  readonly input: readonly JsonRecord[];
  /** Its output, as input items of the next turn. */
  readonly output: readonly JsonRecord[];
}
