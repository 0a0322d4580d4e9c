import type { Party } from '../codec.ts';
import { textOf, type JsonRecord } from '../ir/json.ts';
import type { Signature } from '../ir/parts.ts';
import { readSignature, signatureFor, tagSignature } from '../ir/signatures.ts';
import { pickText } from './members.ts';

/**
 * What Google documents for calls that none of its models made: no signature, and the wish not to be refused for that. Clients send
 * it too. @see https://ai.google.dev/gemini-api/docs/thought-signatures
 */
const absent: ReadonlySet<string> = new Set(['skip_thought_signature_validator', 'context_engineering_is_the_way_to_go']);
const unsigned = 'skip_thought_signature_validator';

/** As a client brings it back: tagged, or Google's own. */
export function readClientSignature(part: JsonRecord): Signature | undefined {
  const text = pickText(part, 'thoughtSignature');
  return text === undefined || text === '' || absent.has(text) ? undefined : readSignature(text, 'google');
}

export function readUpstreamSignature(part: JsonRecord, { vendor, account }: Party): Signature | undefined {
  const value = pickText(part, 'thoughtSignature');
  return value === undefined || value === '' ? undefined : { vendor, account, value };
}

/** For a client. */
export function tagMember(signature: Signature | undefined): JsonRecord {
  return signature === undefined ? {} : { thoughtSignature: tagSignature(signature) };
}

/** For an upstream; nothing where it made none. */
export function signedMember(signature: Signature | undefined, target: Party): JsonRecord {
  const value = signatureFor(signature, target);
  return value === undefined || value === '' ? {} : { thoughtSignature: value };
}

/** One turn as the API has it. */
export interface Content {
  readonly role: 'user' | 'model';
  readonly parts: readonly JsonRecord[];
}

/** Contents in which the first call of every step is signed, or says that it cannot be; others are not looked at. */
export function markUnsignedCalls(contents: readonly Content[]): readonly Content[] {
  return contents.map(({ role, parts }) => {
    const first = role === 'model' ? parts.findIndex((part) => part['functionCall'] !== undefined) : -1;
    return { role, parts: parts.map((part, at) => (at === first && textOf(part['thoughtSignature']) === undefined ? { ...part, thoughtSignature: unsigned } : part)) };
  });
}
