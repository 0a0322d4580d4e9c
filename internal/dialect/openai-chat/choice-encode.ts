import type { AnswerContext } from '../codec.ts';
import { isCustomTool, unwrapCustomInput } from '../ir/custom-tools.ts';
import type { IrEvent, PartOpening } from '../ir/events.ts';
import type { JsonRecord } from '../ir/json.ts';
import type { Annotation, Signature } from '../ir/parts.ts';
import { writeAnnotation, writeFinish, writeLogprobs } from './answer-members.ts';
import { hasLegacyFunctions, writeImage, writeSound } from './answer.ts';
import { writeSignedDetail } from './client-reasoning.ts';
import { tagCallSignature } from './tool-calls.ts';

type ChoiceEvent = Extract<IrEvent, { readonly choice: number }>;
type CallOpening = Extract<PartOpening, { readonly kind: 'tool_call' }>;

/** One chunk's say on a choice. */
export interface ChoiceChunk {
  readonly delta: JsonRecord;
  readonly logprobs?: JsonRecord | undefined;
  readonly finish?: string | undefined;
}

interface OpenText {
  readonly kind: 'text' | 'thinking' | 'refusal';
  readonly id: string | undefined;
  /** Where it begins within the choice's text of its kind. */
  readonly from: number;
  signature: Signature | undefined;
}

interface OpenCall {
  readonly kind: 'tool_call';
  readonly opening: CallOpening;
  /** Counts the calls of the choice; undefined for the form before `tools`. */
  readonly index: number | undefined;
  readonly isWrapped: boolean;
  /** What waits for the call to close; undefined once the call has been told. */
  held: string[] | undefined;
  hasInput: boolean;
  signature: Signature | undefined;
}

/** Turns a choice's events into chunks. What does not belong where it comes is a decoder's mistake (`TypeError`). */
export interface ChoiceEncoder {
  readonly push: (event: ChoiceEvent) => readonly ChoiceChunk[];
  readonly isFinished: () => boolean;
}

export function createChoiceEncoder(context: AnswerContext): ChoiceEncoder {
  const { request, source } = context;
  const isLegacy = hasLegacyFunctions(request);
  // Clients read a call's signature where the call begins, and Gemini tells it after.
  const waitsForSignature = source.dialect === 'gemini';
  const open = new Map<number, OpenText | OpenCall>();
  const chars = { text: 0, thinking: 0, refusal: 0 };
  const annotations: { readonly annotation: Annotation; readonly from: number }[] = [];
  let calls = 0;
  let details = 0;
  let images = 0;
  let hasRole = false;
  let finished = false;

  const openCall = (opening: CallOpening): { readonly call: OpenCall; readonly chunks: readonly ChoiceChunk[] } => {
    const isWrapped = opening.isCustom !== true && isCustomTool(request, opening.name);
    const isFirst = isLegacy && calls === 0;
    const index = isFirst ? undefined : calls - (isLegacy ? 1 : 0);
    calls++;
    const call: OpenCall = { kind: 'tool_call', opening, index, isWrapped, held: isWrapped || waitsForSignature ? [] : undefined, hasInput: false, signature: undefined };
    return { call, chunks: call.held === undefined ? [beginCall(call, '')] : [] };
  };
  const closeCall = (call: OpenCall): readonly ChoiceChunk[] => {
    if (call.held === undefined) return call.hasInput || call.opening.isCustom === true ? [] : [continueCall(call, '{}')];
    const input = call.held.join('');
    if (call.isWrapped) return [beginCall(call, unwrapCustomInput(input))];
    return [beginCall(call, input === '' && call.opening.isCustom !== true ? '{}' : input)];
  };
  const closeThinking = ({ id, from, signature }: OpenText): readonly ChoiceChunk[] => {
    if (signature === undefined) return [];
    return [{ delta: { reasoning_details: [writeSignedDetail({ signature, id, index: details++, start: from, end: chars.thinking })] } }];
  };
  const write = (part: OpenText | OpenCall, text: string): readonly ChoiceChunk[] => {
    if (part.kind === 'tool_call') {
      if (text === '') return [];
      part.hasInput = true;
      if (part.held === undefined) return [continueCall(part, text)];
      part.held.push(text);
      return [];
    }
    chars[part.kind] += text.length;
    return [{ delta: { [textMembers[part.kind]]: text } }];
  };
  const sign = (part: OpenText | OpenCall, signature: Signature): readonly ChoiceChunk[] => {
    part.signature = signature;
    if (part.kind !== 'tool_call' || part.held !== undefined || part.index === undefined) return [];
    return [{ delta: { tool_calls: [{ index: part.index, function: { arguments: '' }, ...tagCallSignature(signature) }] } }];
  };
  const finish = ({ finish: reason, sources }: Extract<ChoiceEvent, { readonly type: 'finish' }>): readonly ChoiceChunk[] => {
    const links = [...annotations.map(({ annotation, from }) => writeAnnotation(annotation, from, chars.text)), ...(sources ?? []).map((link) => writeAnnotation(link, 0, chars.text))];
    const written = links.filter((link) => link !== undefined);
    const word = writeFinish(reason, { hasCalls: calls > 0, hasRefusal: chars.refusal > 0 });
    finished = true;
    return [
      // At once, since accumulators replace one list by the next.
      ...(written.length === 0 ? [] : [{ delta: { annotations: written } }]),
      { delta: {}, finish: isLegacy && calls === 1 && word === 'tool_calls' ? 'function_call' : word },
    ];
  };
  const encode = (event: ChoiceEvent): readonly ChoiceChunk[] => {
    switch (event.type) {
      case 'open': {
        if (open.has(event.part)) throw new TypeError(`part ${event.part} is open`);
        if (event.opening.kind === 'tool_call') {
          const { call, chunks } = openCall(event.opening);
          open.set(event.part, call);
          return chunks;
        }
        const { kind } = event.opening;
        open.set(event.part, { kind, id: event.opening.kind === 'thinking' ? event.opening.id : undefined, from: chars[kind], signature: undefined });
        return [];
      }
      case 'delta':
        return write(partOf(open, event.part), event.text);
      case 'signature':
        return sign(partOf(open, event.part), event.signature);
      case 'annotation': {
        const part = partOf(open, event.part);
        annotations.push({ annotation: event.annotation, from: part.kind === 'tool_call' ? 0 : part.from });
        return [];
      }
      case 'logprobs':
        return [{ delta: {}, logprobs: writeLogprobs(event.tokens) }];
      case 'close': {
        const part = partOf(open, event.part);
        open.delete(event.part);
        if (part.kind === 'tool_call') return closeCall(part);
        return part.kind === 'thinking' ? closeThinking(part) : [];
      }
      case 'whole':
        if (event.content.kind === 'raw') return [];
        if (event.content.mime.startsWith('audio/')) return [{ delta: { audio: writeSound(event.content, context) } }];
        return [{ delta: { images: [writeImage(event.content, images++)] } }];
      case 'finish':
        if (open.size > 0) throw new TypeError('a choice ends while parts of it are open');
        return finish(event);
    }
  };

  return {
    push: (event) => {
      if (finished) throw new TypeError(`${event.type} after the end of its choice`);
      const chunks = encode(event);
      if (hasRole || chunks.length === 0) return chunks;
      hasRole = true;
      const [first] = chunks;
      const startsWithCall = first !== undefined && ('tool_calls' in first.delta || 'function_call' in first.delta);
      return [{ delta: { role: 'assistant', content: startsWithCall ? null : '', refusal: null } }, ...chunks];
    },
    isFinished: () => finished,
  };
}

const textMembers = { text: 'content', thinking: 'reasoning_content', refusal: 'refusal' } as const;

function partOf(open: ReadonlyMap<number, OpenText | OpenCall>, part: number): OpenText | OpenCall {
  const found = open.get(part);
  if (found === undefined) throw new TypeError(`part ${part} is not open`);
  return found;
}

/** The first delta of a call, which names it. */
function beginCall({ opening, index, isWrapped, signature }: OpenCall, input: string): ChoiceChunk {
  const { id, name, isCustom } = opening;
  if (index === undefined) return { delta: { function_call: { name, arguments: input } } };
  const called = isWrapped || isCustom === true ? { type: 'custom', custom: { name, input } } : { type: 'function', function: { name, arguments: input } };
  return { delta: { tool_calls: [{ index, id, ...called, ...tagCallSignature(signature) }] } };
}

function continueCall({ opening, index }: OpenCall, input: string): ChoiceChunk {
  if (index === undefined) return { delta: { function_call: { arguments: input } } };
  return { delta: { tool_calls: [{ index, ...(opening.isCustom === true ? { custom: { input } } : { function: { arguments: input } }) }] } };
}
