import type { Party } from '../codec.ts';
import { wrapCustomInput } from '../ir/custom-tools.ts';
import { compact, isRecord, parseJson, textOf, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { Part, RawPart, ToolCallPart, ToolResultPart } from '../ir/parts.ts';
import type { Turn } from '../ir/request.ts';
import { encodeMedia } from './media.ts';
import { traitsOf, type ModelTraits } from './model-traits.ts';
import { writeResponse } from './results.ts';
import { markUnsignedCalls, signedMember, type Content } from './signatures.ts';

export interface EncodedContents {
  readonly systemInstruction: JsonRecord | undefined;
  readonly contents: readonly Content[];
  /** Name of a cached prompt that the conversation goes on from. */
  readonly cachedContent: string | undefined;
}

interface Scope {
  readonly target: Party;
  readonly traits: ModelTraits;
  readonly losses: Losses;
  /** What the calls are named, by id. */
  readonly names: ReadonlyMap<string, string>;
}

interface OpenContent {
  readonly role: Content['role'];
  readonly parts: JsonRecord[];
  /** It holds results of functions and nothing of the user's. */
  readonly isResults: boolean;
}

/**
 * Turns as contents of `user` and `model`: instructions that lead on top, later ones as text of the user at their place. Results come
 * together right after the content that called, since the API wants as many there as there were calls.
 */
export function encodeContents(turns: readonly Turn[], target: Party, losses: Losses): EncodedContents {
  const traits = traitsOf(target);
  const names = new Map(turns.flatMap(({ parts }) => parts.flatMap((part) => (part.kind === 'tool_call' ? [[part.id, part.name] as const] : []))));
  const scope: Scope = { target, traits, losses, names };
  const plain = turns.map(({ role, parts }, index) => ({ role, placed: parts.map((part, at) => ({ part, path: `turns[${index}].parts[${at}]` })).filter(({ part }) => cachedName(part) === undefined) }));
  const leading = countLeading(plain.map(({ role }) => role));
  if (turns.some(({ name }) => name !== undefined)) losses.drop('name');

  const instruction = plain.slice(0, leading).flatMap(({ placed }) => placed.flatMap((each) => encodeInstruction(each, scope)));
  const contents: OpenContent[] = [];
  if (!traits.takesInstruction && instruction.length > 0) contents.push({ role: 'user', parts: [...instruction], isResults: false });
  for (const { role, placed } of plain.slice(leading)) {
    if (role === 'system' || role === 'developer') losses.drop('system');
    for (const { part, path } of placed) addParts(contents, role === 'assistant' ? 'model' : 'user', part.kind === 'tool_result', encodePart(part, path, role, scope));
  }
  return {
    systemInstruction: instruction.length === 0 || !traits.takesInstruction ? undefined : { ...(traits.isCodeAssist ? { role: 'user' } : {}), parts: instruction },
    contents: traits.needsSignatures ? markUnsignedCalls(contents) : contents.map(({ role, parts }) => ({ role, parts })),
    cachedContent: turns.flatMap(({ parts }) => parts.flatMap((part) => cachedName(part) ?? []))[0],
  };
}

/** Instructions before all else. Without any other turn the last of them is what is asked, since something must be. */
function countLeading(roles: readonly Turn['role'][]): number {
  const found = roles.findIndex((role) => role !== 'system' && role !== 'developer');
  return found < 0 ? Math.max(roles.length - 1, 0) : found;
}

function cachedName(part: Part): string | undefined {
  return part.kind === 'raw' && part.dialect === 'gemini' ? textOf(part.item['cachedContent']) : undefined;
}

function addParts(contents: OpenContent[], role: Content['role'], isResult: boolean, parts: readonly JsonRecord[]): void {
  if (parts.length === 0) return;
  const caller = contents.findLastIndex((content) => content.role === 'model');
  const place = isResult ? caller + 1 : contents.length - 1;
  const present = contents[place];
  if (present?.role === role && present.isResults === isResult) present.parts.push(...parts);
  else contents.splice(isResult ? place : contents.length, 0, { role, parts: [...parts], isResults: isResult });
}

function encodeInstruction({ part, path }: { readonly part: Part; readonly path: string }, scope: Scope): readonly JsonRecord[] {
  if (part.kind !== 'text' && part.kind !== 'raw') return scope.losses.refuse(path, 'instructions are text');
  return encodePart(part, path, 'system', scope);
}

function encodePart(part: Part, path: string, role: Turn['role'], scope: Scope): readonly JsonRecord[] {
  const { target, losses } = scope;
  if ('cache' in part && part.cache !== undefined) losses.drop('cache_control');
  switch (part.kind) {
    case 'text': {
      const signed = signedMember(part.signature, target);
      return part.text === '' && Object.keys(signed).length === 0 ? [] : [{ text: part.text, ...signed }];
    }
    case 'refusal':
      return part.text === '' ? [] : [{ text: part.text }];
    case 'thinking': {
      const signed = signedMember(part.signature, target);
      return Object.keys(signed).length === 0 ? [] : [{ text: part.text, thought: true, ...signed }];
    }
    case 'image':
      if (part.detail !== undefined && part.detail !== 'auto') losses.drop('detail');
      return [encodeMedia(part, path, losses)];
    case 'file':
    case 'audio':
      return [encodeMedia(part, path, losses)];
    case 'tool_call':
      return [encodeCall(part, scope)];
    case 'tool_result':
      return encodeResult(part, path, scope);
    case 'raw':
      return encodeRaw(part, path, role, losses);
  }
}

/** What another vendor's own tool did is told by the text after it; what the client gave cannot be missed. */
function encodeRaw({ dialect, item }: RawPart, path: string, role: Turn['role'], losses: Losses): readonly JsonRecord[] {
  if (dialect === 'gemini') return [item];
  if (role !== 'assistant' || item['type'] === 'item_reference') return losses.refuse(path, `only the dialect ${dialect} knows this content`);
  losses.drop(textOf(item['type']) ?? path);
  return [];
}

function encodeCall({ id, name, input, isCustom, signature }: ToolCallPart, { target, traits }: Scope): JsonRecord {
  const args = toArguments(isCustom === true ? wrapCustomInput(input) : input);
  return { functionCall: compact({ id: traits.takesCallIds ? id : undefined, name, args }), ...signedMember(signature, target) };
}

/** Arguments as the object they must be. Text that is no object stays readable to the model under one name. */
function toArguments(text: string): JsonRecord {
  if (text.trim() === '') return {};
  const value = parseJson(text);
  return isRecord(value) ? value : { input: value ?? text };
}

function encodeResult({ callId, name, parts, isError }: ToolResultPart, path: string, { traits, losses, names }: Scope): readonly JsonRecord[] {
  const placed = parts.map((part, index) => ({ part, path: `${path}.parts[${index}]` }));
  const media = placed.flatMap(({ part, path: at }) => (part.kind === 'image' || part.kind === 'file' ? [encodeMedia(part, at, losses)] : []));
  const texts = placed.flatMap(({ part, path: at }) => (part.kind === 'text' ? [part.text] : part.kind === 'raw' ? encodeRaw(part, at, 'tool', losses).map((item) => JSON.stringify(item)) : []));
  const shown = media.filter((part) => part['text'] === undefined);
  const written = [...texts, ...media.flatMap((part) => textOf(part['text']) ?? [])].join('\n');
  const called = names.get(callId) ?? name ?? losses.refuse(path, 'it is the result of no call before it');
  const isNested = shown.length > 0 && traits.takesMediaResults;
  const result = { functionResponse: compact({ id: traits.takesCallIds ? callId : undefined, name: called, response: writeResponse(written, { isError }), parts: isNested ? shown : undefined }) };
  // Older models take pictures beside the result alone.
  return isNested || shown.length === 0 ? [result] : [result, { text: `Files in the result of ${called}:` }, ...shown];
}
