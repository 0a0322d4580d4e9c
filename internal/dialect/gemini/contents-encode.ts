import type { Party } from '../codec.ts';
import { wrapCustomInput } from '../ir/custom-tools.ts';
import { compact, isRecord, parseJson, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { Part, ToolCallPart, ToolResultPart } from '../ir/parts.ts';
import type { Turn } from '../ir/request.ts';
import { signatureFor } from '../ir/signatures.ts';
import { encodeMedia } from './media.ts';

export interface EncodedContents {
  readonly systemInstruction: JsonRecord | undefined;
  readonly contents: readonly JsonRecord[];
}

interface Place {
  readonly path: string;
  readonly isAssistant: boolean;
  readonly target: Party;
  readonly losses: Losses;
  /** What the calls are named, by id. */
  readonly names: ReadonlyMap<string, string>;
}

/** Turns as contents of `user` and `model`, neighbours merged; instructions that lead on top, later ones as text of the user at their place. */
export function encodeContents(turns: readonly Turn[], target: Party, losses: Losses): EncodedContents {
  const isInstruction = ({ role }: Turn): boolean => role === 'system' || role === 'developer';
  const found = turns.findIndex((turn) => !isInstruction(turn));
  // Without any other turn the last instruction is what is asked.
  const leading = Math.max(found < 0 ? turns.length - 1 : found, 0);
  const names = new Map(turns.flatMap(({ parts }) => parts.flatMap((part) => (part.kind === 'tool_call' ? [[part.id, part.name] as const] : []))));
  const encode = (turn: Turn, index: number): readonly JsonRecord[] => {
    if (turn.name !== undefined) losses.drop('name');
    return turn.parts.flatMap((part, at) => encodePart(part, { path: `turns[${index}].parts[${at}]`, isAssistant: turn.role === 'assistant', target, losses, names }));
  };
  const system = turns.slice(0, leading).flatMap(encode);
  const contents: { role: 'user' | 'model'; parts: JsonRecord[] }[] = [];
  for (const [index, turn] of turns.entries()) {
    if (index < leading) continue;
    if (isInstruction(turn)) losses.drop('system');
    const role = turn.role === 'assistant' ? 'model' : 'user';
    const parts = encode(turn, index);
    const last = contents.at(-1);
    if (parts.length === 0) continue;
    if (last?.role === role) last.parts.push(...parts);
    else contents.push({ role, parts: [...parts] });
  }
  return { systemInstruction: system.length === 0 ? undefined : { parts: system }, contents };
}

function encodePart(part: Part, place: Place): readonly JsonRecord[] {
  const { path, isAssistant, target, losses } = place;
  if ('cache' in part && part.cache !== undefined) losses.drop('cache_control');
  switch (part.kind) {
    case 'text':
      return part.text === '' && signatureFor(part.signature, target) === undefined ? [] : [compact({ text: part.text, thoughtSignature: signed(part, target) })];
    case 'refusal':
      return part.text === '' ? [] : [{ text: part.text }];
    case 'thinking': {
      const value = signed(part, target);
      if (value === undefined) return [];
      return part.text === '' ? [{ text: '', thoughtSignature: value }] : [{ text: part.text, thought: true, thoughtSignature: value }];
    }
    case 'image':
      if (part.detail !== undefined && part.detail !== 'auto') losses.drop('detail');
      return [encodeMedia(part, path, losses)];
    case 'file':
    case 'audio':
      return [encodeMedia(part, path, losses)];
    case 'tool_call':
      return [encodeCall(part, target)];
    case 'tool_result':
      return encodeResult(part, place);
    case 'raw':
      if (part.dialect === 'gemini') return [part.item];
      if (!isAssistant) return losses.refuse(path, `only the dialect ${part.dialect} knows this content`);
      losses.drop(path);
      return [];
  }
}

/** A tag without a value is no signature. */
function signed({ signature }: Pick<ToolCallPart, 'signature'>, target: Party): string | undefined {
  const value = signatureFor(signature, target);
  return value === '' ? undefined : value;
}

/** Vertex knows no ids and refuses what it does not know. */
function takesIds({ provider }: Party): boolean {
  return provider !== 'vertex';
}

function encodeCall(part: ToolCallPart, target: Party): JsonRecord {
  const value = parseJson(part.isCustom === true ? wrapCustomInput(part.input) : part.input === '' ? '{}' : part.input);
  const args = isRecord(value) ? value : { input: value ?? part.input };
  return compact({ functionCall: compact({ id: takesIds(target) ? part.id : undefined, name: part.name, args }), thoughtSignature: signed(part, target) });
}

function encodeResult({ callId, name, parts, isError, cache }: ToolResultPart, { path, target, losses, names }: Place): readonly JsonRecord[] {
  if (cache !== undefined) losses.drop('cache_control');
  const texts = parts.flatMap((part) => (part.kind === 'text' ? [part.text] : part.kind === 'raw' ? [JSON.stringify(part.item)] : []));
  const media = parts.flatMap((part, index) => (part.kind === 'image' || part.kind === 'file' ? [encodeMedia(part, `${path}.parts[${index}]`, losses)] : []));
  const response = { id: takesIds(target) ? callId : undefined, name: names.get(callId) ?? name ?? 'unknown_tool', response: encodeResponse(texts.join('\n'), isError === true) };
  const isNested = media.length > 0 && /gemini-[3-9]/.test(target.model ?? '');
  const result = { functionResponse: compact({ ...response, parts: isNested ? media : undefined }) };
  // Older models take pictures beside the result alone.
  return isNested ? [result] : [result, ...media];
}

function encodeResponse(text: string, isError: boolean): JsonRecord {
  if (isError) return { error: text };
  const value = parseJson(text);
  return isRecord(value) && Object.keys(value).length > 0 ? value : { output: text };
}
