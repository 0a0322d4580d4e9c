import type { MediaOutputPart, TokenLogprob } from '../ir/answer.ts';
import type { IrEvent, PartOpening } from '../ir/events.ts';
import { compact, type JsonRecord } from '../ir/json.ts';
import type { Annotation, RawPart, Signature } from '../ir/parts.ts';
import { describeMalformed, encodeCall, encodeMedia, moveLink, readArguments } from './answer.ts';
import { writeFinish } from './finish.ts';
import { writeGrounding } from './grounding.ts';
import { writeLogprobs } from './logprobs.ts';
import { tagMember } from './signatures.ts';

type CandidateEvent = Extract<IrEvent, { readonly choice: number }>;

/** Turns a choice's events, one part after the other, into parts of a candidate. What does not belong where it comes is a decoder's mistake (`TypeError`). */
export interface CandidateEncoder {
  readonly push: (event: CandidateEvent) => readonly JsonRecord[];
  /** The candidate as the last event states it; undefined before its finish. */
  readonly last: () => JsonRecord | undefined;
}

interface OpenPart {
  readonly part: number;
  readonly opening: PartOpening;
  /** Arguments, which go out whole. */
  readonly pieces: string[];
  /** Where it begins in all of the text. */
  readonly from: number;
  signature: Signature | undefined;
}

export function createCandidateEncoder(index: number): CandidateEncoder {
  let open: OpenPart | undefined;
  let said = '';
  let hasParts = false;
  let hasRefusal = false;
  let malformed: string | undefined;
  let end: Extract<IrEvent, { readonly type: 'finish' }> | undefined;
  const links: Annotation[] = [];
  const tokens: TokenLogprob[] = [];

  const partAt = (part: number): OpenPart => {
    if (open?.part !== part) throw new TypeError(`part ${part} is not open`);
    return open;
  };
  const write = ({ opening, pieces }: OpenPart, text: string): readonly JsonRecord[] => {
    if (text === '') return [];
    switch (opening.kind) {
      case 'tool_call':
        pieces.push(text);
        return [];
      case 'thinking':
        return [{ text, thought: true }];
      case 'refusal':
        hasRefusal = true;
        said += text;
        return [{ text }];
      case 'text':
        said += text;
        return [{ text }];
    }
  };
  const close = ({ opening, pieces, signature }: OpenPart): readonly JsonRecord[] => {
    open = undefined;
    if (opening.kind !== 'tool_call') return signature === undefined ? [] : [{ text: '', ...(opening.kind === 'thinking' ? { thought: true } : {}), ...tagMember(signature) }];
    const call = { ...opening, input: pieces.join(''), signature };
    if (readArguments(call) === undefined) malformed ??= describeMalformed(call);
    return encodeCall(call);
  };
  const encode = (event: CandidateEvent): readonly JsonRecord[] => {
    switch (event.type) {
      case 'open':
        if (open !== undefined) throw new TypeError(`part ${open.part} is open`);
        open = { part: event.part, opening: event.opening, pieces: [], from: said.length, signature: undefined };
        return [];
      case 'delta':
        return write(partAt(event.part), event.text);
      case 'signature':
        partAt(event.part).signature = event.signature;
        return [];
      case 'annotation':
        links.push(moveLink(event.annotation, partAt(event.part).from));
        return [];
      case 'logprobs':
        for (const token of event.tokens) tokens.push(token);
        return [];
      case 'close':
        return close(partAt(event.part));
      case 'whole':
        return writeWhole(event.content);
      case 'finish':
        if (open !== undefined) throw new TypeError('a candidate ends while a part of it is open');
        end = event;
        return [];
    }
  };

  return {
    push: (event) => {
      if (end !== undefined) throw new TypeError(`${event.type} after the end of its candidate`);
      const parts = encode(event);
      hasParts ||= parts.length > 0;
      return parts;
    },
    last: () => {
      if (end === undefined) return undefined;
      const finishReason = writeFinish(end.finish, { hasRefusal, isMalformed: malformed !== undefined });
      // The SDK's chats forget an answer of which any event has no part; one that was kept back whole has none.
      const content = hasParts || finishReason === 'STOP' ? { role: 'model', parts: [{ text: '' }] } : undefined;
      return compact({ content, finishReason, finishMessage: malformed, index, groundingMetadata: writeGrounding([...links, ...(end.sources ?? [])], said), ...writeLogprobs(tokens) });
    },
  };
}

function writeWhole(content: MediaOutputPart | RawPart): readonly JsonRecord[] {
  if (content.kind === 'media') return [encodeMedia(content)];
  return content.dialect === 'gemini' ? [content.item] : [];
}
