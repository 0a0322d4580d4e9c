import { flagOf, invalidMember, isRecord, textOf, type JsonRecord } from '../ir/json.ts';
import type { Part, ToolCallPart, ToolResultPart } from '../ir/parts.ts';
import type { Turn } from '../ir/request.ts';
import { decodeMedia } from './media.ts';
import { pickList, pickRecord, pickText } from './members.ts';
import { readResponse } from './results.ts';
import { readClientSignature } from './signatures.ts';

const dialect = 'gemini';

/** Calls that no result has answered yet. A result without an id belongs to the earliest of its name. */
interface OpenCalls {
  readonly calls: { readonly id: string; readonly name: string; readonly hasId: boolean }[];
  count: number;
}

/** The instruction on top; text alone counts there. */
export function decodeInstruction(instruction: unknown): readonly Turn[] {
  if (instruction === undefined || instruction === null) return [];
  const parts = textParts(instruction);
  return parts.length === 0 ? [] : [{ role: 'system', parts }];
}

function textParts(content: unknown): readonly Part[] {
  const stated = isRecord(content) && content['parts'] !== undefined ? content['parts'] : content;
  const list: readonly unknown[] = Array.isArray(stated) ? stated : [stated];
  return list.flatMap((part) => {
    const text = textOf(part) ?? pickText(part, 'text') ?? '';
    return text === '' ? [] : [{ kind: 'text', text } as const];
  });
}

/** Contents as turns. Those of the model that follow each other are one: the SDK's chats keep each piece of a stream as a content. */
export function decodeContents(contents: unknown): readonly Turn[] {
  const list: unknown = typeof contents === 'string' ? [{ parts: [{ text: contents }] }] : isRecord(contents) ? [contents] : contents;
  if (!Array.isArray(list)) throw invalidMember('contents', 'a list');
  const open: OpenCalls = { calls: [], count: 0 };
  const turns: { role: Turn['role']; parts: Part[] }[] = [];
  for (const [index, content] of list.entries()) {
    for (const { role, parts } of decodeContent(content, `contents[${index}]`, open)) {
      const last = turns.at(-1);
      if (role !== 'assistant') turns.push({ role, parts });
      else if (last?.role === role) appendParts(last.parts, parts, true);
      else turns.push({ role, parts: appendParts([], parts, false) });
    }
  }
  return turns;
}

function decodeContent(content: unknown, path: string, open: OpenCalls): readonly { readonly role: Turn['role']; readonly parts: Part[] }[] {
  if (!isRecord(content)) throw invalidMember(path, 'an object');
  const role = textOf(content['role'] ?? 'user');
  const { parts: stated } = content;
  const list: readonly unknown[] = Array.isArray(stated) ? stated : stated === undefined || stated === null ? [] : [stated];
  const parts = list.flatMap((part, index) => decodePart(part, `${path}.parts[${index}]`, open));
  switch (role) {
    case 'model':
      return [{ role: 'assistant', parts }];
    case 'system':
      return [{ role, parts }];
    case '':
    case 'user':
    case 'function':
    case 'tool':
      if (parts.some(({ kind }) => kind === 'tool_call')) throw invalidMember(`${path}.role`, '"model", since a function is called there');
      return splitResults(parts);
    default:
      throw invalidMember(`${path}.role`, '"user" or "model"');
  }
}

function splitResults(parts: readonly Part[]): readonly { readonly role: 'tool' | 'user'; readonly parts: Part[] }[] {
  const turns: { readonly role: 'tool' | 'user'; readonly parts: Part[] }[] = [];
  for (const part of parts) {
    const role = part.kind === 'tool_result' ? 'tool' : 'user';
    const last = turns.at(-1);
    if (last?.role === role) last.parts.push(part);
    else turns.push({ role, parts: [part] });
  }
  return turns.length === 0 ? [{ role: 'user', parts: [] }] : turns;
}

/** `isContinued`: what was said before went on in a content of its own. */
function appendParts(said: Part[], parts: readonly Part[], isContinued: boolean): Part[] {
  for (const [index, part] of parts.entries()) {
    const last = said.at(-1);
    if (isSignatureAlone(part) && (last?.kind === 'text' || last?.kind === 'thinking') && last.kind === part.kind && last.signature === undefined) {
      said[said.length - 1] = { ...last, signature: part.signature };
    } else if (isContinued && index === 0 && (part.kind === 'text' || part.kind === 'thinking') && last?.kind === part.kind && last.signature === undefined && part.signature === undefined) {
      said[said.length - 1] = { ...last, text: last.text + part.text };
    } else if (isSignatureAlone(part) && part.kind === 'text') said.push({ kind: 'thinking', text: '', signature: part.signature });
    else said.push(part);
  }
  return said;
}

/** At the end of a stream a signature stands on a part without text, and belongs to what was said before it. */
function isSignatureAlone(part: Part): part is Extract<Part, { readonly kind: 'text' | 'thinking' }> {
  return (part.kind === 'text' || part.kind === 'thinking') && part.text === '' && part.signature !== undefined;
}

function decodePart(part: unknown, path: string, open: OpenCalls): readonly Part[] {
  if (typeof part === 'string') return part === '' ? [] : [{ kind: 'text', text: part }];
  if (!isRecord(part)) throw invalidMember(path, 'a part');
  const call = pickRecord(part, 'functionCall');
  const response = pickRecord(part, 'functionResponse');
  if (call !== undefined) return [decodeCall(call, part, path, open)];
  if (response !== undefined) return [decodeResponse(response, path, open)];
  const text = textOf(part['text']);
  const signature = readClientSignature(part);
  if (text === undefined) return Object.keys(part).length === 0 ? [] : [decodeMedia(part) ?? { kind: 'raw', dialect, item: part }];
  if (text === '' && signature === undefined) return [];
  // Thoughts are summaries of what the model thought.
  return flagOf(part['thought']) === true ? [{ kind: 'thinking', text, isSummary: true, signature }] : [{ kind: 'text', text, signature }];
}

function decodeCall(call: JsonRecord, part: JsonRecord, path: string, open: OpenCalls): ToolCallPart {
  const name = textOf(call['name']);
  if (name === undefined) throw invalidMember(`${path}.functionCall.name`, 'a string');
  const place = open.count++;
  const stated = textOf(call['id']) ?? '';
  // The same conversation must give the same ids each time it is sent.
  const id = stated === '' ? `call_${place}_${name.replace(/[^\w-]/g, '_').slice(0, 40)}` : stated;
  open.calls.push({ id, name, hasId: stated !== '' });
  return { kind: 'tool_call', id, name, input: JSON.stringify(call['args'] ?? {}), signature: readClientSignature(part) };
}

function decodeResponse(response: JsonRecord, path: string, open: OpenCalls): ToolResultPart {
  const name = textOf(response['name']);
  const stated = textOf(response['id']) ?? '';
  const byId = stated === '' ? -1 : open.calls.findIndex(({ id }) => id === stated);
  const at = byId >= 0 ? byId : open.calls.findIndex((call) => call.name === name && (stated === '' || !call.hasId));
  const matched = at < 0 ? undefined : open.calls[at];
  if (matched !== undefined) open.calls.splice(at, 1);
  const callId = matched?.id ?? stated;
  if (callId === '') throw invalidMember(`${path}.functionResponse`, 'the result of a functionCall before it');
  const { text, isError } = readResponse(response['response']);
  const media = pickList(response, 'parts').flatMap((inner) => {
    const part = isRecord(inner) ? decodeMedia(inner) : undefined;
    return part?.kind === 'image' || part?.kind === 'file' ? [part] : [];
  });
  return { kind: 'tool_result', callId, name: name ?? matched?.name, parts: [...(text === '' ? [] : [{ kind: 'text', text } as const]), ...media], isError: isError ? true : undefined };
}
