import { flagOf, invalidMember, isRecord, textOf, type JsonRecord } from '../ir/json.ts';
import type { Part, Signature, ToolResultPart } from '../ir/parts.ts';
import type { Turn } from '../ir/request.ts';
import { readSignature } from '../ir/signatures.ts';
import { decodeMedia } from './media.ts';
import { pick, pickList, pickRecord } from './members.ts';

const dialect = 'gemini';
const native = 'google';

/** Calls so far that no result has answered yet: results without an id belong to the earliest of their name. */
interface OpenCalls {
  readonly calls: { readonly id: string; readonly name: string }[];
  count: number;
}

export function decodeInstruction(instruction: unknown): readonly Turn[] {
  if (typeof instruction === 'string') return instruction === '' ? [] : [{ role: 'system', parts: [{ kind: 'text', text: instruction }] }];
  if (!isRecord(instruction)) return [];
  const parts = partsOf(instruction).flatMap((part) => {
    const text = textOf(pick(part, 'text'));
    return text === undefined || text === '' ? [] : [{ kind: 'text', text } as const];
  });
  return parts.length === 0 ? [] : [{ role: 'system', parts }];
}

export function decodeContents(contents: unknown): readonly Turn[] {
  if (typeof contents === 'string') return [{ role: 'user', parts: [{ kind: 'text', text: contents }] }];
  const list = isRecord(contents) ? [contents] : contents;
  if (!Array.isArray(list)) throw invalidMember('contents', 'a list');
  const open: OpenCalls = { calls: [], count: 0 };
  return list.flatMap((content: unknown, index) => decodeContent(content, `contents[${index}]`, open));
}

function decodeContent(content: unknown, path: string, open: OpenCalls): readonly Turn[] {
  if (!isRecord(content)) throw invalidMember(path, 'an object');
  const role = textOf(content['role']) ?? 'user';
  if (role !== 'user' && role !== 'model' && role !== 'function' && role !== 'tool' && role !== 'system') throw invalidMember(`${path}.role`, '"user" or "model"');
  const parts = partsOf(content).flatMap((part, index) => decodePart(part, `${path}.parts[${index}]`, open));
  if (role === 'model') return [{ role: 'assistant', parts }];
  if (role === 'system') return [{ role: 'system', parts }];
  return splitResults(parts);
}

function partsOf(content: JsonRecord): readonly unknown[] {
  const { parts } = content;
  return isRecord(parts) || typeof parts === 'string' ? [parts] : pickList(content, 'parts');
}

function splitResults(parts: readonly Part[]): readonly Turn[] {
  const turns: { role: 'tool' | 'user'; parts: Part[] }[] = [];
  for (const part of parts) {
    const role = part.kind === 'tool_result' ? 'tool' : 'user';
    const last = turns.at(-1);
    if (last?.role === role) last.parts.push(part);
    else turns.push({ role, parts: [part] });
  }
  return turns.length === 0 ? [{ role: 'user', parts: [] }] : turns;
}

function decodePart(part: unknown, path: string, open: OpenCalls): readonly Part[] {
  if (typeof part === 'string') return [{ kind: 'text', text: part }];
  if (!isRecord(part)) throw invalidMember(path, 'a part');
  const signature = signatureOf(part);
  const text = textOf(part['text']);
  const call = pickRecord(part, 'functionCall');
  const response = pickRecord(part, 'functionResponse');
  if (call !== undefined) return [decodeCall(call, path, signature, open)];
  if (response !== undefined) return [decodeResponse(response, path, open)];
  if (text !== undefined && flagOf(part['thought']) === true) return [{ kind: 'thinking', text, isSummary: true, signature }];
  if (text !== undefined) return text === '' && signature === undefined ? [] : [{ kind: 'text', text, signature }];
  return [decodeMedia(part) ?? { kind: 'raw', dialect, item: part }];
}

function signatureOf(part: JsonRecord): Signature | undefined {
  const value = textOf(pick(part, 'thoughtSignature'));
  return value === undefined || value === '' ? undefined : readSignature(value, native);
}

function decodeCall(call: JsonRecord, path: string, signature: Signature | undefined, open: OpenCalls): Part {
  const name = textOf(call['name']);
  if (name === undefined) throw invalidMember(`${path}.functionCall.name`, 'a string');
  const place = open.count++;
  const stated = textOf(call['id']);
  const id = stated === undefined || stated === '' ? `call_${place}_${name.replace(/[^\w-]/g, '_').slice(0, 40)}` : stated;
  open.calls.push({ id, name });
  return { kind: 'tool_call', id, name, input: JSON.stringify(call['args'] ?? {}), signature };
}

function decodeResponse(response: JsonRecord, path: string, open: OpenCalls): ToolResultPart {
  const name = textOf(response['name']);
  const id = textOf(response['id']);
  const at = open.calls.findIndex((call) => (id === undefined || id === '' ? call.name === name : call.id === id));
  const matched = at < 0 ? undefined : open.calls[at];
  if (matched !== undefined) open.calls.splice(at, 1);
  const callId = id === undefined || id === '' ? matched?.id : id;
  if (callId === undefined) throw invalidMember(`${path}.functionResponse`, 'the answer to a functionCall before it');
  const { parts, isError } = decodeResult(response['response']);
  const media = pickList(response, 'parts').flatMap((part) => (isRecord(part) ? [decodeMedia(part)] : [])).flatMap((part) => (part?.kind === 'image' || part?.kind === 'file' ? [part] : []));
  return { kind: 'tool_result', callId, name: name ?? matched?.name, parts: [...parts, ...media], isError };
}

/** `{output: …}` and `{error: …}` are how results of text are written; any other object is the result itself. */
function decodeResult(response: unknown): Pick<ToolResultPart, 'parts' | 'isError'> {
  if (!isRecord(response)) return { parts: response === undefined || response === null ? [] : [{ kind: 'text', text: typeof response === 'string' ? response : JSON.stringify(response) }] };
  const [name, ...more] = Object.keys(response);
  const isWrapped = more.length === 0 && (name === 'output' || name === 'result' || name === 'error');
  const value = isWrapped && name !== undefined ? response[name] : response;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return { parts: text === '' || Object.keys(response).length === 0 ? [] : [{ kind: 'text', text }], isError: isWrapped && name === 'error' ? true : undefined };
}
