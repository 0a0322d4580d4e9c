import type { Party } from '../codec.ts';
import type { Finish } from '../ir/answer.ts';
import type { IrEvent } from '../ir/events.ts';
import { isRecord, listOf, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Annotation, Signature } from '../ir/parts.ts';
import { readDataUrl } from '../openai-file-data.ts';
import { sha256Hex } from '../../secret/digest.ts';
import { readAnnotations, readFinish, readLogprobs } from './answer-members.ts';
import { callDeltasIn, createCallTracker, type CallEvents } from './call-tracker.ts';
import { thinkingText } from './content-decode.ts';
import { createPartWriter, type PartWriter } from './part-writer.ts';
import { createReasoningCollector, type ReasoningCollector } from './reasoning-decode.ts';
import { createSoundCollector } from './sound-decode.ts';

/** Turns one choice of an upstream into events, from deltas or from its whole message. */
export interface ChoiceDecoder {
  readonly push: (choice: JsonRecord) => readonly IrEvent[];
  /** Closes what is open. The finish waits until here, since imitations say it before they are done. */
  readonly finish: (unsaid: Finish, sources: readonly Annotation[]) => readonly IrEvent[];
}

/** `answerId` makes the ids of calls that the upstream gives none. */
export function createChoiceDecoder(choice: number, source: Party, answerId: string): ChoiceDecoder {
  const sign = (value: string): Signature => ({ vendor: source.vendor, account: source.account, value });
  const reasoning = createReasoningCollector();
  const writer = createPartWriter(choice, () => sign(reasoning.take()));
  const tracker = createCallTracker();
  const sound = createSoundCollector();
  const loose: Annotation[] = [];
  let rawFinish: string | undefined;
  let hasRefusal = false;

  const callEvents: CallEvents = {
    open: (call) => {
      const id = call.id ?? `call_${sha256Hex(`${answerId}:${choice}:${call.position}`).slice(0, 24)}`;
      call.part = writer.openCall({ kind: 'tool_call', id, name: call.name ?? '', isCustom: call.isCustom ? true : undefined });
    },
    input: ({ part }, text) => writer.add({ type: 'delta', choice, part, text }),
    sign: ({ part }, value) => writer.add({ type: 'signature', choice, part, signature: sign(value) }),
  };
  const annotate = (value: unknown): void => {
    const text = writer.current()?.kind === 'text' ? writer.current() : undefined;
    for (const annotation of readAnnotations(value, text?.from ?? 0)) {
      if (text === undefined) loose.push(annotation);
      else writer.add({ type: 'annotation', choice, part: text.part, annotation });
    }
  };
  const weigh = (logprobs: unknown): void => {
    const tokens = readLogprobs(logprobs);
    if (tokens.length === 0) return;
    const part = writer.ensure(writer.current()?.kind === 'refusal' ? 'refusal' : 'text');
    writer.add({ type: 'logprobs', choice, part, tokens });
  };

  return {
    push: (stated) => {
      const delta = [stated['delta'], stated['message']].find(isRecord) ?? {};
      writeReasoning(delta, reasoning, writer);
      writeContent(delta['content'], reasoning, writer);
      writer.write('refusal', textOf(delta['refusal']) ?? '');
      hasRefusal ||= writer.current()?.kind === 'refusal';
      annotate(delta['annotations']);
      weigh(stated['logprobs']);
      for (const image of listOf(delta['images'])) writeImage(image, writer);
      for (const call of callDeltasIn(delta)) tracker.push(call, callEvents);
      if (isRecord(delta['audio'])) sound.push(delta['audio']);
      rawFinish = textOf(stated['finish_reason']) || rawFinish;
      return writer.take();
    },
    finish: (unsaid, sources) => {
      writer.closeText();
      for (const { isOpen, part } of tracker.calls) if (isOpen) writer.add({ type: 'close', choice, part });
      const made = sound.take();
      if (made !== undefined) writer.whole(made);
      const held = { hasCalls: tracker.calls.some(({ isOpen }) => isOpen), hasRefusal, hasBrokenCall: tracker.calls.some(({ isOpen }) => !isOpen) };
      const links = [...loose, ...sources];
      writer.add({ type: 'finish', choice, finish: readFinish(rawFinish, held, unsaid), rawFinish, sources: links.length === 0 ? undefined : links });
      return writer.take();
    },
  };
}

function writeReasoning(delta: JsonRecord, reasoning: ReasoningCollector, writer: PartWriter): void {
  if (!reasoning.holds(delta)) return;
  writer.ensure('thinking');
  writer.write('thinking', reasoning.push(delta));
}

/** Text, or a list of parts; reasoning may be among them. */
function writeContent(content: unknown, reasoning: ReasoningCollector, writer: PartWriter): void {
  if (typeof content === 'string') writer.write('text', content);
  for (const part of listOf(content).filter(isRecord)) {
    switch (part['type']) {
      case 'thinking':
        writer.ensure('thinking');
        writer.write('thinking', reasoning.pushContent(thinkingText(part)));
        break;
      case 'image_url':
        writeImage(part, writer);
        break;
      case 'refusal':
        writer.write('refusal', textOf(part['refusal']) ?? '');
        break;
      default:
        writer.write('text', textOf(part['text']) ?? '');
    }
  }
}

/** A made picture; one that is only an address can be shown by a link alone. */
function writeImage(image: unknown, writer: PartWriter): void {
  const url = textOf(memberOf(memberOf(image, 'image_url'), 'url')) ?? '';
  const bytes = readDataUrl(url);
  if (bytes !== undefined) writer.whole({ kind: 'media', mime: bytes.mime, data: bytes.data });
  else if (url !== '') writer.write('text', `![](${url})`);
}
