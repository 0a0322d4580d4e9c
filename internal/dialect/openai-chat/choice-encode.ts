import type { AnswerContext } from '../codec.ts';
import type { IrEvent, PartOpening } from '../ir/events.ts';
import type { JsonRecord } from '../ir/json.ts';
import type { Annotation, Signature } from '../ir/parts.ts';
import { writeAnnotation, writeFinish, writeLogprobs } from './answer-members.ts';
import { hasLegacyFunctions, writeImage, writeSound } from './answer.ts';
import { createCallEncoder, type CallEncoder } from './call-encode.ts';
import { writeSignedDetail } from './client-reasoning.ts';
import { createTextJoiner } from './joined-text.ts';

type ChoiceEvent = Extract<IrEvent, { readonly choice: number }>;
type FinishEvent = Extract<ChoiceEvent, { readonly type: 'finish' }>;
type WholeEvent = Extract<ChoiceEvent, { readonly type: 'whole' }>;

/** One chunk's say on a choice. */
export interface ChoiceChunk {
  readonly delta: JsonRecord;
  readonly logprobs?: JsonRecord | undefined;
  readonly finish?: string | undefined;
}

/** Turns a choice's events into chunks. What does not belong where it comes is a decoder's mistake (`TypeError`). */
export interface ChoiceEncoder {
  readonly push: (event: ChoiceEvent) => readonly ChoiceChunk[];
  readonly isFinished: () => boolean;
}

interface OpenText {
  readonly kind: 'text' | 'thinking' | 'refusal';
  readonly id: string | undefined;
  /** Where it begins within the choice's text of its kind; with its first word, where it is told apart from what was said before. */
  from: number;
  signature: Signature | undefined;
}

const textMembers = { text: 'content', thinking: 'reasoning_content', refusal: 'refusal' } as const;

export function createChoiceEncoder(context: AnswerContext): ChoiceEncoder {
  const open = new Map<number, OpenText | CallEncoder>();
  const chars = { text: 0, thinking: 0, refusal: 0 };
  const annotations: { readonly annotation: Annotation; readonly part: Pick<OpenText, 'from'> }[] = [];
  const joiner = createTextJoiner();
  const count = { calls: 0, details: 0, images: 0 };
  let hasRole = false;
  let finished = false;

  const partAt = (part: number): OpenText | CallEncoder => {
    const found = open.get(part);
    if (found === undefined) throw new TypeError(`part ${part} is not open`);
    return found;
  };
  const openPart = (part: number, opening: PartOpening): readonly JsonRecord[] => {
    if (open.has(part)) throw new TypeError(`part ${part} is open`);
    if (opening.kind === 'text') joiner.begin();
    else joiner.interrupt();
    if (opening.kind !== 'tool_call') {
      open.set(part, { kind: opening.kind, id: opening.kind === 'thinking' ? opening.id : undefined, from: chars[opening.kind], signature: undefined });
      return [];
    }
    const call = createCallEncoder(opening, count.calls++, context);
    open.set(part, call);
    return call.open();
  };
  const write = (part: OpenText | CallEncoder, text: string): readonly JsonRecord[] => {
    if (part.kind === 'tool_call') return part.write(text);
    const before = part.kind === 'text' ? joiner.before(text) : '';
    part.from += before.length;
    chars[part.kind] += before.length + text.length;
    return [{ [textMembers[part.kind]]: `${before}${text}` }];
  };
  const sign = (part: OpenText | CallEncoder, signature: Signature): readonly JsonRecord[] => {
    if (part.kind === 'tool_call') return part.sign(signature);
    part.signature = signature;
    return [];
  };
  const closePart = (part: number): readonly JsonRecord[] => {
    const closed = partAt(part);
    open.delete(part);
    if (closed.kind === 'tool_call') return closed.close();
    const { kind, id, from, signature } = closed;
    if (kind !== 'thinking' || signature === undefined) return [];
    return [{ reasoning_details: [writeSignedDetail({ signature, id, index: count.details++, start: from, end: chars.thinking })] }];
  };
  const writeWhole = ({ content }: WholeEvent): readonly JsonRecord[] => {
    joiner.interrupt();
    if (content.kind === 'raw') return [];
    return [content.mime.startsWith('audio/') ? { audio: writeSound(content, context) } : { images: [writeImage(content, count.images++)] }];
  };
  const finish = ({ finish: reason, sources }: FinishEvent): readonly ChoiceChunk[] => {
    if (open.size > 0) throw new TypeError('a choice ends while parts of it are open');
    finished = true;
    const links = [...annotations.map(({ annotation, part }) => writeAnnotation(annotation, part.from, chars.text)), ...(sources ?? []).map((link) => writeAnnotation(link, 0, chars.text))];
    const written = links.filter((link) => link !== undefined);
    const word = writeFinish(reason, { hasCalls: count.calls > 0, hasRefusal: chars.refusal > 0 });
    const isLegacy = hasLegacyFunctions(context.request) && count.calls === 1;
    // Links come at once, since accumulators replace one list by the next.
    return [...(written.length === 0 ? [] : [{ delta: { annotations: written } }]), { delta: {}, finish: isLegacy && word === 'tool_calls' ? 'function_call' : word }];
  };
  const encode = (event: ChoiceEvent): readonly ChoiceChunk[] => {
    switch (event.type) {
      case 'open':
        return openPart(event.part, event.opening).map(inChunk);
      case 'delta':
        return write(partAt(event.part), event.text).map(inChunk);
      case 'signature':
        return sign(partAt(event.part), event.signature).map(inChunk);
      case 'annotation': {
        const part = partAt(event.part);
        annotations.push({ annotation: event.annotation, part: part.kind === 'tool_call' ? { from: 0 } : part });
        return [];
      }
      case 'logprobs':
        return [{ delta: {}, logprobs: writeLogprobs(event.tokens) }];
      case 'close':
        return closePart(event.part).map(inChunk);
      case 'whole':
        return writeWhole(event).map(inChunk);
      case 'finish':
        return finish(event);
    }
  };

  return {
    push: (event) => {
      if (finished) throw new TypeError(`${event.type} after the end of its choice`);
      const chunks = encode(event);
      if (hasRole || chunks.length === 0) return chunks;
      hasRole = true;
      return [{ delta: { role: 'assistant', content: beginsWithCall(chunks) ? null : '', refusal: null } }, ...chunks];
    },
    isFinished: () => finished,
  };
}

function inChunk(delta: JsonRecord): ChoiceChunk {
  return { delta };
}

function beginsWithCall([first]: readonly ChoiceChunk[]): boolean {
  return first !== undefined && ('tool_calls' in first.delta || 'function_call' in first.delta);
}
