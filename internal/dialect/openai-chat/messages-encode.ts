import { wrapCustomInput } from '../ir/custom-tools.ts';
import { compact, textOf, type JsonRecord } from '../ir/json.ts';
import type { RawPart, ToolCallPart, ToolResultPart } from '../ir/parts.ts';
import type { Turn } from '../ir/request.ts';
import { signatureFor } from '../ir/signatures.ts';
import { encodeContent, encodePart, simplify, type Encoding, type Placed } from './content-encode.ts';
import { createTextJoiner } from './joined-text.ts';
import { isOpenAi } from './model-traits.ts';
import { wholeArguments, writeCallSignature } from './tool-calls.ts';
import { writeReasoning } from './upstream-reasoning.ts';

interface Group {
  readonly role: Turn['role'];
  readonly name: string | undefined;
  readonly placed: Placed[];
}

/**
 * Messages for an upstream. Assistant turns that follow each other become one message, since the results of its calls must
 * come right after it. Pictures and files that a tool gave, which tool messages cannot hold, follow the results as the user's.
 */
export function encodeMessages(turns: readonly Turn[], encoding: Encoding): readonly JsonRecord[] {
  const messages: JsonRecord[] = [];
  let media: JsonRecord[] = [];
  const flushMedia = (): void => {
    if (media.length > 0) messages.push({ role: 'user', content: media });
    media = [];
  };
  for (const group of groupTurns(turns)) {
    if (group.role === 'tool') {
      for (const each of group.placed) {
        const result = encodeResult(each, encoding);
        messages.push(result.message);
        media.push(...result.media);
      }
      continue;
    }
    flushMedia();
    if (group.role === 'assistant') messages.push(...encodeAssistant(group, encoding));
    else messages.push(compact({ role: roleFor(group.role, encoding), content: encodeContent(group.placed, encoding), name: group.name }));
  }
  flushMedia();
  return messages;
}

function groupTurns(turns: readonly Turn[]): readonly Group[] {
  const groups: Group[] = [];
  for (const [index, { role, name, parts }] of turns.entries()) {
    const placed = parts.map((part, at) => ({ part, path: `turns[${index}].parts[${at}]` }));
    const last = groups.at(-1);
    if (role === 'assistant' && last?.role === role && last.name === name) last.placed.push(...placed);
    else groups.push({ role, name, placed });
  }
  return groups;
}

/** Imitations know `system` alone. */
function roleFor(role: Turn['role'], { target }: Encoding): string {
  return role === 'developer' && !isOpenAi(target) ? 'system' : role;
}

/** None where nothing remains of the turn, such as one of another vendor's reasoning. */
function encodeAssistant({ placed, name }: Group, encoding: Encoding): readonly JsonRecord[] {
  const { target } = encoding;
  const thinking = placed.flatMap(({ part }) => (part.kind === 'thinking' ? [part] : []));
  const calls = placed.flatMap(({ part }) => (part.kind === 'tool_call' ? [encodeCall(part, encoding)] : []));
  const reasoning = writeReasoning(thinking, target);
  const { content, members } = encodeSaid(placed, encoding);
  const parts = [...reasoning.content, ...content];
  if (placed.length > 0 && parts.length === 0 && calls.length === 0 && Object.keys(members).length === 0) return [];
  const text = simplify(parts, '', target);
  return [compact({ role: 'assistant', ...reasoning.members, content: calls.length > 0 && text === '' ? null : text, ...members, tool_calls: calls.length === 0 ? undefined : calls, name })];
}

interface Said {
  readonly content: readonly JsonRecord[];
  /** Members of the message beside its content. */
  readonly members: JsonRecord;
}

/** All but reasoning and calls. */
function encodeSaid(placed: readonly Placed[], encoding: Encoding): Said {
  const content: JsonRecord[] = [];
  let members: JsonRecord = {};
  const joiner = createTextJoiner();
  for (const each of placed) {
    const { part } = each;
    if (part.kind === 'text') joiner.begin();
    else joiner.interrupt();
    if (part.kind === 'thinking' || part.kind === 'tool_call') continue;
    if (part.kind === 'text') content.push(encodePart(isOpenAi(encoding.target) ? each : { ...each, part: { ...part, text: `${joiner.before(part.text)}${part.text}` } }, encoding));
    else if (part.kind === 'refusal' && isOpenAi(encoding.target)) content.push({ type: 'refusal', refusal: part.text });
    else if (part.kind !== 'raw') content.push(encodePart(each, encoding));
    else if (part.item['type'] === 'audio' && part.dialect === 'openai-chat') members = { audio: part.item['audio'] };
    else content.push(...encodeRaw(part, each.path, encoding));
  }
  return { content, members };
}

/** What a vendor's own tool did in an earlier turn can be left out: the model's words about it remain. */
function encodeRaw(part: RawPart, path: string, { losses }: Encoding): readonly JsonRecord[] {
  if (part.dialect === 'openai-chat') return [part.item];
  const type = textOf(part.item['type']);
  if (type === 'item_reference') losses.refuse(path, 'it refers to what only its own vendor keeps');
  losses.drop(type ?? path);
  return [];
}

function encodeCall({ id, name, input, isCustom, signature, cache }: ToolCallPart, { target, losses }: Encoding): JsonRecord {
  if (cache !== undefined) losses.drop('cache_control');
  if (isCustom === true && isOpenAi(target)) return { id, type: 'custom', custom: { name, input } };
  const made = signatureFor(signature, target) ?? '';
  return {
    id,
    type: 'function',
    function: { name, arguments: isCustom === true ? wrapCustomInput(input) : wholeArguments(input) },
    ...(made === '' ? {} : writeCallSignature(made)),
  };
}

function encodeResult({ part, path }: Placed, encoding: Encoding): { readonly message: JsonRecord; readonly media: readonly JsonRecord[] } {
  if (part.kind !== 'tool_result') throw new TypeError(`${path}: a turn of tools holds results`);
  const { losses } = encoding;
  if (part.isError === true) losses.drop('is_error');
  const placed = markLast(part).map((inner, at) => ({ part: inner, path: `${path}.parts[${at}]` }));
  const media = placed.filter(({ part: inner }) => inner.kind === 'image' || (inner.kind === 'file' && inner.source.kind !== 'text'));
  const texts = placed.filter((each) => !media.includes(each)).flatMap((each) => (each.part.kind === 'raw' ? encodeRaw(each.part, each.path, encoding) : [encodePart(each, encoding)]));
  const note = media.length > 0 && texts.length === 0 ? [{ type: 'text', text: 'The result follows below.' }] : [];
  return {
    message: { role: 'tool', tool_call_id: part.callId, content: simplify([...texts, ...note], '\n\n', encoding.target) },
    media: media.length === 0 ? [] : [{ type: 'text', text: `Result of the tool call ${part.callId}:` }, ...media.map((each) => encodePart(each, encoding))],
  };
}

/** A marker on the result stands after its last part. */
function markLast({ parts, cache }: ToolResultPart): ToolResultPart['parts'] {
  const last = parts.at(-1);
  if (cache === undefined || last === undefined || last.kind === 'raw') return parts;
  return [...parts.slice(0, -1), { ...last, cache: last.cache ?? cache }];
}
