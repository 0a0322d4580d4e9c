import type { AnswerPart, Choice, IrAnswer } from './answer.ts';
import type { IrEvent, PartOpening } from './events.ts';

/** A whole answer as the events that would have streamed it, each part in one piece. */
export function replayAnswer(answer: IrAnswer): readonly IrEvent[] {
  return [
    { type: 'start', id: answer.id, model: answer.model, createdSeconds: answer.createdSeconds, serviceTier: answer.serviceTier, systemFingerprint: answer.systemFingerprint },
    ...answer.choices.flatMap((choice) => choice.parts.flatMap((part, index) => replayWithLogprobs(choice, part, index))),
    ...answer.choices.map((choice): IrEvent => ({ type: 'finish', choice: choice.index, finish: choice.finish, rawFinish: choice.rawFinish, stopSequence: choice.stopSequence, sources: choice.sources })),
    ...(answer.usage === undefined ? [] : [{ type: 'usage', usage: answer.usage } as const]),
    { type: 'end' },
  ];
}

/** The tokens of an answer stand on its first text. */
function replayWithLogprobs({ index: choice, logprobs, parts }: Choice, content: AnswerPart, part: number): readonly IrEvent[] {
  const events = replayPart(choice, content, part);
  if (logprobs === undefined || content.kind !== 'text' || parts.findIndex(({ kind }) => kind === 'text') !== part) return events;
  return [...events.slice(0, -1), { type: 'logprobs', choice, part, tokens: logprobs }, ...events.slice(-1)];
}

/** One part, opened, said and closed. */
export function replayPart(choice: number, content: AnswerPart, part: number): readonly IrEvent[] {
  if (content.kind === 'media' || content.kind === 'raw') return [{ type: 'whole', choice, part, content }];
  const events: IrEvent[] = [{ type: 'open', choice, part, opening: openingOf(content) }];
  const text = content.kind === 'tool_call' ? content.input : content.text;
  if (text !== '') events.push({ type: 'delta', choice, part, text });
  if (content.kind === 'text') for (const annotation of content.annotations ?? []) events.push({ type: 'annotation', choice, part, annotation });
  if (content.kind !== 'refusal' && content.signature !== undefined) events.push({ type: 'signature', choice, part, signature: content.signature });
  events.push({ type: 'close', choice, part });
  return events;
}

function openingOf(content: Exclude<AnswerPart, { readonly kind: 'media' | 'raw' }>): PartOpening {
  switch (content.kind) {
    case 'text':
    case 'refusal':
      return { kind: content.kind };
    case 'thinking':
      return { kind: 'thinking', isSummary: content.isSummary, id: content.id };
    case 'tool_call':
      return { kind: 'tool_call', id: content.id, name: content.name, isCustom: content.isCustom };
  }
}
