import type { Party } from '../codec.ts';
import type { IrEvent, PartOpening } from '../ir/events.ts';
import { flagOf, isRecord, listOf, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Signature } from '../ir/parts.ts';
import { sha256Hex } from '../../secret/digest.ts';
import { readFinish, reasonOf } from './finish.ts';
import { readLinks } from './grounding.ts';
import { readLogprobs } from './logprobs.ts';
import { pick, pickRecord, pickText } from './members.ts';
import { readUpstreamSignature } from './signatures.ts';

/** Turns one candidate into events, from the pieces of a stream or from its whole content. */
export interface CandidateDecoder {
  readonly push: (candidate: JsonRecord) => readonly IrEvent[];
  readonly isFinished: () => boolean;
  /** Closes what is open. Links come last, and events may follow the one with the reason. `blocked`: why there is no reason of its own. */
  readonly finish: (blocked: string | undefined) => readonly IrEvent[];
}

interface OpenText {
  readonly kind: 'text' | 'thinking';
  readonly part: number;
  isSigned: boolean;
}

/** `answerId` makes the ids of calls that the upstream gives none. */
export function createCandidateDecoder(choice: number, source: Party, answerId: string): CandidateDecoder {
  const texts = createTextWriter(choice);
  let calls = 0;
  let grounding: unknown;
  const citations: unknown[] = [];
  let reason: string | undefined;

  const call = (stated: JsonRecord, signature: Signature | undefined): readonly IrEvent[] => {
    const name = textOf(stated['name']) ?? '';
    if (name === '') return [];
    const position = calls++;
    const id = textOf(stated['id']) || `call_${sha256Hex(`${answerId}:${choice}:${position}`).slice(0, 24)}`;
    const events = texts.close();
    const part = texts.next();
    return [
      ...events,
      { type: 'open', choice, part, opening: { kind: 'tool_call', id, name } },
      { type: 'delta', choice, part, text: JSON.stringify(stated['args'] ?? {}) },
      ...(signature === undefined ? [] : [{ type: 'signature', choice, part, signature } as const]),
      { type: 'close', choice, part },
    ];
  };
  const whole = (content: Extract<IrEvent, { readonly type: 'whole' }>['content']): readonly IrEvent[] => [...texts.close(), { type: 'whole', choice, part: texts.next(), content }];
  const read = (part: unknown): readonly IrEvent[] => {
    if (!isRecord(part)) return [];
    const signature = readUpstreamSignature(part, source);
    const stated = pickRecord(part, 'functionCall');
    const text = textOf(part['text']);
    const isThought = flagOf(part['thought']) === true;
    if (stated !== undefined) return call(stated, signature);
    if (text !== undefined) return texts.write(isThought ? 'thinking' : 'text', text, signature);
    const media = pickRecord(part, 'inlineData');
    // A picture that is only thought of is none of the answer's.
    if (media !== undefined && !isThought) return whole({ kind: 'media', mime: pickText(media, 'mimeType') ?? 'application/octet-stream', data: textOf(media['data']) ?? '', transcript: pickText(pick(part, 'audioTranscription'), 'text'), signature });
    if (Object.keys(part).every((name) => name === 'thought' || name === 'thoughtSignature')) return texts.write(isThought ? 'thinking' : 'text', '', signature);
    return whole({ kind: 'raw', dialect: 'gemini', item: part });
  };
  /** Tokens stand on the text they came with, which a call behind it may have closed. */
  const weighed = (events: readonly IrEvent[], result: unknown): readonly IrEvent[] => {
    const tokens = readLogprobs(result);
    if (tokens.length === 0) return events;
    const said = events.findLastIndex((event) => event.type === 'delta' && texts.isText(event.part));
    const at = events[said];
    return [...events.slice(0, said + 1), { type: 'logprobs', choice, part: at?.type === 'delta' ? at.part : texts.latest(), tokens }, ...events.slice(said + 1)];
  };

  return {
    push: (candidate) => {
      const events = weighed(listOf(memberOf(candidate['content'], 'parts')).flatMap(read), candidate['logprobsResult']);
      if (isRecord(candidate['groundingMetadata'])) grounding = candidate['groundingMetadata'];
      for (const name of ['citations', 'citationSources']) for (const citation of listOf(memberOf(candidate['citationMetadata'], name))) citations.push(citation);
      reason = reasonOf(candidate['finishReason']) ?? reason;
      return events;
    },
    isFinished: () => reason !== undefined,
    finish: (blocked) => {
      const { events, sources } = texts.annotate(readLinks(grounding, citations, grounding === undefined && citations.length === 0 ? '' : texts.said()));
      return [...events, ...texts.close(), { type: 'finish', choice, finish: reason === undefined ? 'content_filter' : readFinish(reason, calls > 0), rawFinish: reason ?? blocked, sources: sources.length === 0 ? undefined : sources }];
    },
  };
}

/** Numbers the parts of a candidate, and opens and closes those of text. */
interface TextWriter {
  readonly write: (kind: OpenText['kind'], text: string, signature: Signature | undefined) => readonly IrEvent[];
  readonly close: () => IrEvent[];
  readonly next: () => number;
  /** The open part, or else the last there was. */
  readonly latest: () => number;
  readonly isText: (part: number) => boolean;
  /** All text but thoughts. */
  readonly said: () => string;
  /** Links whose place is in the open part become its own; the others have lost theirs. */
  readonly annotate: (links: ReturnType<typeof readLinks>) => { readonly events: readonly IrEvent[]; readonly sources: ReturnType<typeof readLinks> };
}

function createTextWriter(choice: number): TextWriter {
  let parts = 0;
  const textParts = new Set<number>();
  let open: OpenText | undefined;
  let said = '';
  /** Where the open part begins in what was said. */
  let from = 0;

  const close = (): IrEvent[] => {
    const part = open?.part;
    open = undefined;
    return part === undefined ? [] : [{ type: 'close', choice, part }];
  };
  const begin = (kind: OpenText['kind']): readonly IrEvent[] => {
    open = { kind, part: parts++, isSigned: false };
    from = said.length;
    if (kind === 'text') textParts.add(open.part);
    const opening: PartOpening = kind === 'text' ? { kind } : { kind, isSummary: true };
    return [{ type: 'open', choice, part: open.part, opening }];
  };
  const sign = (signature: Signature | undefined): readonly IrEvent[] => {
    if (open === undefined || signature === undefined) return [];
    open.isSigned = true;
    return [{ type: 'signature', choice, part: open.part, signature }];
  };

  return {
    write: (kind, text, signature) => {
      if (text === '' && signature === undefined) return [];
      // A signature without text ends what was said before it, and stands alone where nothing was.
      if (text === '') return open !== undefined && !open.isSigned ? sign(signature) : [...close(), ...begin('thinking'), ...sign(signature), ...close()];
      // What is signed is whole.
      const before = open === undefined || open.kind !== kind || open.isSigned ? [...close(), ...begin(kind)] : [];
      if (kind === 'text') said += text;
      return [...before, { type: 'delta', choice, part: open?.part ?? parts, text }, ...sign(signature)];
    },
    close,
    next: () => parts++,
    latest: () => open?.part ?? Math.max(parts - 1, 0),
    isText: (part) => textParts.has(part),
    said: () => said,
    annotate: (links) => {
      const here = open?.kind === 'text' ? open.part : undefined;
      const isHere = ({ start, end }: (typeof links)[number]): boolean => here !== undefined && start !== undefined && end !== undefined && start >= from;
      const events = links.filter(isHere).map((link): IrEvent => ({ type: 'annotation', choice, part: here ?? 0, annotation: { ...link, start: (link.start ?? from) - from, end: (link.end ?? from) - from } }));
      return { events, sources: links.filter((link) => !isHere(link)).map(({ kind, url, title }) => ({ kind, url, title })) };
    },
  };
}
