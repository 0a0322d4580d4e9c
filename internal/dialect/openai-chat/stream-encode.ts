import type { AnswerContext, StreamEncoder } from '../codec.ts';
import type { IrUsage } from '../ir/answer.ts';
import type { IrEvent } from '../ir/events.ts';
import { compact } from '../ir/json.ts';
import { renderStreamError } from '../stream-error.ts';
import { writeUsage } from './answer-members.ts';
import { answerHead, idPrefix } from './answer.ts';
import { createChoiceEncoder, type ChoiceChunk, type ChoiceEncoder } from './choice-encode.ts';

type StartEvent = Extract<IrEvent, { readonly type: 'start' }>;

/**
 * Chunks of `chat.completion.chunk`. Nothing is written before a choice has something to say; after an error no `[DONE]`
 * comes, since clients take that for a whole answer.
 */
export function createStreamEncoder(context: AnswerContext): StreamEncoder {
  const withUsage = context.request.includeUsage === true;
  const choices = new Map<number, ChoiceEncoder>();
  let start: StartEvent | undefined;
  let head: string | undefined;
  let usage: IrUsage | undefined;
  let isOver = false;

  const begin = (event: StartEvent): void => {
    // One id, whatever is stated later.
    start = { ...event, id: event.id?.startsWith(idPrefix) === true ? event.id : context.newId(idPrefix) };
    head = `data: ${JSON.stringify(startMembers(start, context)).slice(0, -1)}`;
  };
  const headOf = (): string => {
    if (head === undefined) throw new TypeError('a stream begins with its start');
    return head;
  };
  const choiceOf = (index: number): ChoiceEncoder => {
    const known = choices.get(index);
    if (known !== undefined) return known;
    const fresh = createChoiceEncoder(context);
    choices.set(index, fresh);
    return fresh;
  };
  const render = (index: number, { delta, logprobs, finish }: ChoiceChunk): string =>
    `${headOf()},"choices":[${JSON.stringify({ index, delta, logprobs: logprobs ?? null, finish_reason: finish ?? null })}]${withUsage ? ',"usage":null' : ''}}\n\n`;
  const end = (): string => {
    isOver = true;
    if (choices.size === 0 || [...choices.values()].some((choice) => !choice.isFinished())) throw new TypeError('a stream ends before its choices');
    const counted = withUsage && usage !== undefined ? `${headOf()},"choices":[],"usage":${JSON.stringify(writeUsage(usage))}}\n\n` : '';
    return `${counted}data: [DONE]\n\n`;
  };

  return {
    push: (event) => {
      if (isOver) return '';
      switch (event.type) {
        case 'start':
          begin(event);
          return '';
        case 'tier':
          headOf();
          if (start !== undefined) begin({ ...start, serviceTier: event.serviceTier });
          return '';
        case 'usage':
          usage = event.usage;
          return '';
        case 'ping':
          return '';
        case 'error':
          isOver = true;
          return renderStreamError('openai-chat', event.error, true);
        case 'end':
          return end();
        default:
          headOf();
          return choiceOf(event.choice)
            .push(event)
            .map((chunk) => render(event.choice, chunk))
            .join('');
      }
    },
  };
}

function startMembers({ serviceTier, systemFingerprint, ...start }: StartEvent, context: AnswerContext): object {
  return compact({ ...answerHead(start, context, 'chat.completion.chunk'), service_tier: serviceTier, system_fingerprint: systemFingerprint });
}
