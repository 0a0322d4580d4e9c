import type { Party } from '../codec.ts';
import type { Finish } from '../ir/answer.ts';
import type { IrEvent } from '../ir/events.ts';
import { isRecord, listOf, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Annotation } from '../ir/parts.ts';
import { sha256Hex } from '../../secret/digest.ts';
import { readAnnotations, readFinish, readLogprobs } from './answer-members.ts';
import { callDeltasIn, createCallTracker, type OpenCall } from './call-tracker.ts';
import { thinkingText } from './content-decode.ts';
import { readDataUrl, soundMime } from './media.ts';
import { createReasoningCollector } from './reasoning-decode.ts';

/** Turns one choice of an upstream into events, from deltas or from its whole message. */
export interface ChoiceDecoder {
  readonly push: (choice: JsonRecord) => readonly IrEvent[];
  /** Closes what is open. The finish waits until here, since imitations say it before they are done. */
  readonly finish: (unsaid: Finish, sources: readonly Annotation[]) => readonly IrEvent[];
}

interface OpenPart {
  readonly kind: 'text' | 'thinking' | 'refusal';
  readonly part: number;
  /** Where it begins within the message's content. */
  readonly from: number;
}

/** `answerId` makes the ids of calls that the upstream gives none. */
export function createChoiceDecoder(choice: number, source: Party, answerId: string): ChoiceDecoder {
  const tracker = createCallTracker();
  const reasoning = createReasoningCollector();
  const sound = createSoundCollector();
  const loose: Annotation[] = [];
  let out: IrEvent[] = [];
  let parts = 0;
  let contentChars = 0;
  let open: OpenPart | undefined;
  let rawFinish: string | undefined;
  let hasRefusal = false;

  const closeOpen = (): void => {
    if (open === undefined) return;
    const { kind, part } = open;
    open = undefined;
    if (kind === 'thinking') out.push({ type: 'signature', choice, part, signature: { vendor: source.vendor, account: source.account, value: reasoning.take() } });
    out.push({ type: 'close', choice, part });
  };
  const ensureOpen = (kind: OpenPart['kind']): number => {
    if (open?.kind === kind) return open.part;
    closeOpen();
    open = { kind, part: parts++, from: contentChars };
    out.push({ type: 'open', choice, part: open.part, opening: { kind } });
    return open.part;
  };
  const write = (kind: OpenPart['kind'], text: string): void => {
    if (text === '') return;
    out.push({ type: 'delta', choice, part: ensureOpen(kind), text });
    if (kind === 'text') contentChars += text.length;
    if (kind === 'refusal') hasRefusal = true;
  };
  const writeThinking = (text: string): void => {
    const part = ensureOpen('thinking');
    if (text !== '') out.push({ type: 'delta', choice, part, text });
  };
  const writeContent = (content: unknown): void => {
    if (typeof content === 'string') return write('text', content);
    for (const part of listOf(content).filter(isRecord)) {
      if (part['type'] === 'thinking') {
        const text = thinkingText(part);
        ensureOpen('thinking');
        reasoning.pushContent(text);
        writeThinking(text);
      } else if (part['type'] === 'image_url') writeImage(part);
      else write(part['type'] === 'refusal' ? 'refusal' : 'text', textOf(part['text']) ?? textOf(part['refusal']) ?? '');
    }
  };
  const writeImage = (image: unknown): void => {
    const url = textOf(memberOf(memberOf(image, 'image_url'), 'url')) ?? '';
    const bytes = readDataUrl(url);
    if (bytes === undefined) return write('text', url === '' ? '' : `![](${url})`);
    closeOpen();
    out.push({ type: 'whole', choice, part: parts++, content: { kind: 'media', mime: bytes.mime, data: bytes.data } });
  };
  const annotate = (value: unknown): void => {
    const isText = open?.kind === 'text';
    for (const annotation of readAnnotations(value, isText ? (open?.from ?? 0) : 0)) {
      if (isText && open !== undefined) out.push({ type: 'annotation', choice, part: open.part, annotation });
      else loose.push(annotation);
    }
  };
  const weigh = (logprobs: unknown): void => {
    const tokens = readLogprobs(logprobs);
    if (tokens.length > 0) out.push({ type: 'logprobs', choice, part: open?.kind === 'refusal' ? open.part : ensureOpen('text'), tokens });
  };
  const callEvents = {
    open: (call: OpenCall): void => {
      closeOpen();
      call.part = parts++;
      const id = call.id ?? `call_${sha256Hex(`${answerId}:${choice}:${call.position}`).slice(0, 24)}`;
      out.push({ type: 'open', choice, part: call.part, opening: { kind: 'tool_call', id, name: call.name ?? '', isCustom: call.isCustom ? true : undefined } });
    },
    input: (call: OpenCall, text: string): void => void out.push({ type: 'delta', choice, part: call.part, text }),
    sign: (call: OpenCall, value: string): void => void out.push({ type: 'signature', choice, part: call.part, signature: { vendor: source.vendor, account: source.account, value } }),
  };

  return {
    push: (stated) => {
      out = [];
      const delta = [stated['delta'], stated['message']].find(isRecord) ?? {};
      const thought = reasoning.push(delta);
      if (thought !== undefined) writeThinking(thought);
      writeContent(delta['content']);
      write('refusal', textOf(delta['refusal']) ?? '');
      annotate(delta['annotations']);
      weigh(stated['logprobs']);
      for (const image of listOf(delta['images'])) writeImage(image);
      for (const call of callDeltasIn(delta)) tracker.push(call, callEvents);
      sound.push(delta['audio']);
      rawFinish = textOf(stated['finish_reason']) || rawFinish;
      return out;
    },
    finish: (unsaid, sources) => {
      out = [];
      closeOpen();
      for (const call of tracker.calls) if (call.isOpen) out.push({ type: 'close', choice, part: call.part });
      const content = sound.take();
      if (content !== undefined) out.push({ type: 'whole', choice, part: parts++, content });
      const held = { hasCalls: tracker.calls.some(({ isOpen }) => isOpen), hasRefusal, hasBrokenCall: tracker.calls.some(({ isOpen }) => !isOpen) };
      const links = [...loose, ...sources];
      out.push({ type: 'finish', choice, finish: readFinish(rawFinish, held, unsaid), rawFinish, sources: links.length === 0 ? undefined : links });
      return out;
    },
  };
}

interface SoundCollector {
  readonly push: (audio: unknown) => void;
  readonly take: () => Extract<Extract<IrEvent, { readonly type: 'whole' }>['content'], { readonly kind: 'media' }> | undefined;
}

function createSoundCollector(): SoundCollector {
  const data: string[] = [];
  const words: string[] = [];
  return {
    push: (audio) => {
      data.push(textOf(memberOf(audio, 'data')) ?? '');
      words.push(textOf(memberOf(audio, 'transcript')) ?? '');
    },
    take: () => {
      const bytes = joinBase64(data);
      const transcript = words.join('');
      return bytes === '' ? undefined : { kind: 'media', mime: soundMime(bytes), data: bytes, transcript: transcript === '' ? undefined : transcript };
    },
  };
}

/** Pieces of a stream are encoded each by itself, so that padding may stand between them. */
function joinBase64(pieces: readonly string[]): string {
  if (pieces.every((piece, index) => index === pieces.length - 1 || !piece.endsWith('='))) return pieces.join('');
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64'))).toString('base64');
}
