import { parseExact } from '../dialect/ir/exact-json.ts';
import { isRecord, type JsonRecord } from '../dialect/ir/json.ts';
import { inputItemsOf } from '../dialect/openai-responses/transcript.ts';
import { AppError } from '../fault/app-error.ts';
import type { Principal } from '../clients/principal.ts';
import { parseJsonBody, type JsonBody } from './json-body.ts';
import type { ResponseOwners, ResponseStore } from './ports.ts';
import { tooLargeWithMemory } from './read-body.ts';
import { transcriptOf } from './stored-responses.ts';

/** A Responses request whose `previous_response_id` has been seen to. */
export interface Resolved {
  readonly body: JsonBody;
  /** The account that keeps the previous response; the body still names it. */
  readonly pinnedAccountId: string | undefined;
  /** The turn before it, where that is kept here. */
  readonly previousStoredId: string | undefined;
}

/** Who may know of a previous response, asked in this order. */
export interface PreviousSources {
  /** What upstreams keep. */
  readonly owners: ResponseOwners;
  /** What is kept here. */
  readonly store: ResponseStore;
}

/**
 * What a request refers to belongs to whoever made it; for others it does not exist (security rule 15). A response that an
 * upstream keeps is left to it; of one that Keyward keeps, the conversation is put in front of the new input.
 * Errors: `previous_response_not_found`, `response_not_found` for conversations, `body_too_large` for more than `maxBytes`
 * with the conversation, `invalid_request` for an input that cannot follow one.
 */
export function resolvePrevious({ owners, store }: PreviousSources, principal: Principal, body: JsonBody, maxBytes: number): Resolved {
  if (body.hasConversation) throw new AppError('response_not_found', { message: 'No conversation of yours has this id: conversations are not made through Keyward.', fields: { param: 'conversation' } });
  const id = body.previousResponseId;
  if (id === undefined) return { body, pinnedAccountId: undefined, previousStoredId: undefined };
  const owner = owners.find(id);
  if (owner !== undefined && owner.principalId === principal.id) return { body, pinnedAccountId: owner.accountId, previousStoredId: undefined };
  const items = transcriptOf(store, id, principal.id, maxBytes);
  if (items === undefined) throw new AppError('previous_response_not_found', { fields: { param: 'previous_response_id' } });
  const bytes = continueTranscript(body, items);
  if (bytes.length > maxBytes) throw tooLargeWithMemory(maxBytes);
  return { body: parseJsonBody(bytes), pinnedAccountId: undefined, previousStoredId: id };
}

function continueTranscript(body: JsonBody, items: readonly JsonRecord[]): Buffer {
  const parsed: unknown = parseExact(body.bytes.toString('utf8'));
  const { previous_response_id: _, ...request }: JsonRecord = isRecord(parsed) ? parsed : {};
  return Buffer.from(JSON.stringify({ ...request, input: [...items, ...inputItemsOf(request)] }));
}
