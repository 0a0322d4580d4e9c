import type { Party } from './codec.ts';
import { compact, isRecord, listOf, parseJson, textOf, type JsonRecord } from './ir/json.ts';
import { readSignature, signatureFor, tagPrefix } from './ir/signatures.ts';

const prefix = Buffer.from(tagPrefix);

/**
 * A request as it passes to an upstream of the client's own dialect, without what other vendors signed in earlier turns: that upstream
 * would refuse it. Bodies without a tagged signature, which are nearly all, stay the very bytes they are.
 */
export function withoutForeignSignatures(body: Buffer, target: Party): Buffer {
  if (!body.includes(prefix)) return body;
  const request = parseJson(body.toString('utf8'));
  if (!isRecord(request)) return body;
  return Buffer.from(JSON.stringify(cleaned(request, target)));
}

function cleaned(request: JsonRecord, target: Party): JsonRecord {
  switch (target.dialect) {
    case 'anthropic-messages':
      return { ...request, messages: listOf(request['messages']).flatMap((message) => cleanList(message, 'content', (block) => cleanBlock(block, target))) };
    case 'openai-responses':
      return Array.isArray(request['input']) ? { ...request, input: request['input'].flatMap((item: unknown) => cleanItem(item, target)) } : request;
    case 'gemini':
      return { ...request, contents: listOf(request['contents']).flatMap((content) => cleanList(content, 'parts', (part) => cleanPart(part, target))) };
    case 'openai-chat':
      return { ...request, messages: listOf(request['messages']).map(cleanMessage) };
  }
}

/** The object with its list cleaned; nothing where the list has become empty by that. */
function cleanList(value: unknown, name: string, clean: (item: unknown) => readonly unknown[]): readonly unknown[] {
  if (!isRecord(value) || !Array.isArray(value[name])) return [value];
  const items: readonly unknown[] = value[name];
  const kept = items.flatMap(clean);
  return kept.length === 0 && items.length > 0 ? [] : [{ ...value, [name]: kept }];
}

/** What a tagged value is to this upstream: undefined for no tag, `''` for another's. */
function ownValue(value: unknown, target: Party): string | undefined {
  const text = textOf(value);
  return text?.startsWith(tagPrefix) === true ? (signatureFor(readSignature(text, ''), target) ?? '') : undefined;
}

function cleanBlock(block: unknown, target: Party): readonly unknown[] {
  if (!isRecord(block)) return [block];
  const name = block['type'] === 'thinking' ? 'signature' : block['type'] === 'redacted_thinking' ? 'data' : undefined;
  const value = name === undefined ? undefined : ownValue(block[name], target);
  if (name === undefined || value === undefined) return [block];
  return value === '' ? [] : [{ ...block, [name]: value }];
}

function cleanItem(item: unknown, target: Party): readonly unknown[] {
  const value = isRecord(item) && item['type'] === 'reasoning' ? ownValue(item['encrypted_content'], target) : undefined;
  if (!isRecord(item) || value === undefined) return [item];
  return value === '' ? [] : [{ ...item, encrypted_content: value }];
}

/** @see https://ai.google.dev/gemini-api/docs/thought-signatures */
const noSignature = 'skip_thought_signature_validator';

function cleanPart(part: unknown, target: Party): readonly unknown[] {
  if (!isRecord(part)) return [part];
  const name = 'thought_signature' in part ? 'thought_signature' : 'thoughtSignature';
  const value = ownValue(part[name], target);
  if (value === undefined) return [part];
  if (value !== '') return [{ ...part, [name]: value }];
  // From Gemini 3 on a call without a signature is refused; this is Google's word for one that has none.
  if ('functionCall' in part && /gemini-[3-9]/.test(target.model ?? '')) return [{ ...part, [name]: noSignature }];
  const rest = compact({ ...part, [name]: undefined });
  return part['thought'] === true || Object.keys(rest).length === 0 || rest['text'] === '' ? [] : [rest];
}

/** Chat Completions has no such field; it is one among compatible servers, and OpenAI's own does not take it. */
function cleanMessage(message: unknown): unknown {
  if (!isRecord(message)) return message;
  const isTagged = (value: unknown): boolean => JSON.stringify(value ?? null).includes(tagPrefix);
  const calls = Array.isArray(message['tool_calls']) ? message['tool_calls'].map((call: unknown) => (isRecord(call) && isTagged(call['extra_content']) ? compact({ ...call, extra_content: undefined }) : call)) : undefined;
  return compact({ ...message, ...(isTagged(message['reasoning_details']) ? { reasoning_details: undefined } : {}), ...(calls === undefined ? {} : { tool_calls: calls }) });
}
