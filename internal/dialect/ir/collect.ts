import type { AnswerPart, Choice, Finish, IrAnswer, IrUsage, TokenLogprob } from './answer.ts';
import type { IrEvent, PartOpening } from './events.ts';
import type { StreamError } from '../stream-error.ts';
import type { Annotation, Signature } from './parts.ts';

interface OpenPart {
  readonly opening: PartOpening;
  readonly texts: string[];
  readonly annotations: Annotation[];
  signature: Signature | undefined;
}

interface OpenChoice {
  readonly parts: Map<number, OpenPart | AnswerPart>;
  readonly logprobs: TokenLogprob[];
  end: { readonly finish: Finish; readonly rawFinish: string | undefined; readonly stopSequence: string | undefined; readonly sources: readonly Annotation[] | undefined } | undefined;
}

/** Puts a streamed answer together. */
export interface Collector {
  readonly push: (event: IrEvent) => void;
  /** The whole answer once `end` came, the error in its place, undefined before either. */
  readonly result: () => { readonly ok: true; readonly answer: IrAnswer } | { readonly ok: false; readonly error: StreamError } | undefined;
}

export function createCollector(): Collector {
  let head: Extract<IrEvent, { readonly type: 'start' }> | undefined;
  let usage: IrUsage | undefined;
  let servedBy: string | undefined;
  let error: StreamError | undefined;
  let hasEnded = false;
  const choices = new Map<number, OpenChoice>();

  const choiceOf = (index: number): OpenChoice => {
    const known = choices.get(index);
    if (known !== undefined) return known;
    const fresh: OpenChoice = { parts: new Map(), logprobs: [], end: undefined };
    choices.set(index, fresh);
    return fresh;
  };
  const openPart = (choice: number, part: number): OpenPart => {
    const found = choiceOf(choice).parts.get(part);
    if (found === undefined || !('opening' in found)) throw new TypeError(`part ${part} of choice ${choice} is not open`);
    return found;
  };

  return {
    push: (event) => {
      switch (event.type) {
        case 'start':
          head = event;
          return;
        case 'open':
          choiceOf(event.choice).parts.set(event.part, { opening: event.opening, texts: [], annotations: [], signature: undefined });
          return;
        case 'delta':
          openPart(event.choice, event.part).texts.push(event.text);
          return;
        case 'signature':
          openPart(event.choice, event.part).signature = event.signature;
          return;
        case 'annotation':
          openPart(event.choice, event.part).annotations.push(event.annotation);
          return;
        case 'logprobs':
          for (const token of event.tokens) choiceOf(event.choice).logprobs.push(token);
          return;
        case 'whole':
          choiceOf(event.choice).parts.set(event.part, event.content);
          return;
        case 'finish':
          choiceOf(event.choice).end = { finish: event.finish, rawFinish: event.rawFinish, stopSequence: event.stopSequence, sources: event.sources };
          return;
        case 'usage':
          usage = event.usage;
          return;
        case 'tier':
          servedBy = event.serviceTier;
          return;
        case 'error':
          error = event.error;
          return;
        case 'end':
          hasEnded = true;
          return;
        case 'close':
        case 'ping':
          return;
      }
    },
    result: () => {
      if (error !== undefined) return { ok: false, error };
      if (!hasEnded) return undefined;
      return {
        ok: true,
        answer: {
          id: head?.id,
          model: head?.model,
          createdSeconds: head?.createdSeconds,
          serviceTier: servedBy ?? head?.serviceTier,
          systemFingerprint: head?.systemFingerprint,
          choices: [...choices].sort(([a], [b]) => a - b).map(([index, choice]) => closeChoice(index, choice)),
          usage,
        },
      };
    },
  };
}

function closeChoice(index: number, { parts, logprobs, end }: OpenChoice): Choice {
  return {
    index,
    parts: [...parts].sort(([a], [b]) => a - b).map(([, part]) => ('opening' in part ? closePart(part) : part)),
    finish: end?.finish ?? 'other',
    rawFinish: end?.rawFinish,
    stopSequence: end?.stopSequence,
    sources: end?.sources,
    logprobs: logprobs.length === 0 ? undefined : logprobs,
  };
}

function closePart({ opening, texts, annotations, signature }: OpenPart): AnswerPart {
  const text = texts.join('');
  switch (opening.kind) {
    case 'text':
      return { kind: 'text', text, annotations: annotations.length === 0 ? undefined : annotations, signature };
    case 'thinking':
      return { kind: 'thinking', text, isSummary: opening.isSummary, id: opening.id, signature };
    case 'refusal':
      return { kind: 'refusal', text };
    case 'tool_call':
      return { kind: 'tool_call', id: opening.id, name: opening.name, isCustom: opening.isCustom, input: text, signature };
  }
}
