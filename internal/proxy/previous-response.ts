import { parseExact } from '../dialect/ir/exact-json.ts';
import { isRecord, listOf, type JsonRecord } from '../dialect/ir/json.ts';
import { AppError } from '../fault/app-error.ts';
import type { Principal } from '../clients/principal.ts';
import { parseJsonBody, type JsonBody } from './json-body.ts';
import type { FindTranscript, ResponseOwners, ResponseStore, Transcript } from './ports.ts';
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
  /** What the caller remembers, as a socket does. */
  readonly findTranscript: FindTranscript;
  /** What is kept here. */
  readonly store: ResponseStore;
}

/**
 * What a request refers to belongs to whoever made it; for others it does not exist (security rule 15). A response that an
 * upstream keeps is left to it; of one that Keyward remembers, the conversation is put in front of the new input.
 * Errors: `previous_response_not_found`, `response_not_found` for conversations.
 */
export function resolvePrevious({ owners, findTranscript, store }: PreviousSources, principal: Principal, body: JsonBody): Resolved {
  if (body.hasConversation) throw new AppError('response_not_found', { message: 'No conversation of yours has this id: conversations are not made through Keyward.', fields: { param: 'conversation' } });
  const id = body.previousResponseId;
  if (id === undefined) return { body, pinnedAccountId: undefined, previousStoredId: undefined };
  const owner = owners.find(id);
  if (owner !== undefined && owner.principalId === principal.id) return { body, pinnedAccountId: owner.accountId, previousStoredId: undefined };
  const remembered = findTranscript(id);
  const transcript = remembered ?? transcriptOf(store, id, principal.id);
  if (transcript === undefined) throw new AppError('previous_response_not_found', { fields: { param: 'previous_response_id' } });
  return { body: parseJsonBody(continueTranscript(body, transcript)), pinnedAccountId: undefined, previousStoredId: remembered === undefined ? id : undefined };
}

function continueTranscript(body: JsonBody, { items }: Transcript): Buffer {
  const parsed: unknown = parseExact(body.bytes.toString('utf8'));
  const { previous_response_id: _, ...request }: JsonRecord = isRecord(parsed) ? parsed : {};
  return Buffer.from(JSON.stringify({ ...request, input: [...items, ...inputItems(request['input'])] }));
}

/** @see https://platform.openai.com/docs/api-reference/responses/create */
export function inputItems(input: unknown): readonly unknown[] {
  return typeof input === 'string' ? [{ type: 'message', role: 'user', content: input }] : listOf(input);
}
