import type { AnswerContext, StreamEncoder } from '../codec.ts';
import type { IrUsage } from '../ir/answer.ts';
import type { IrEvent } from '../ir/events.ts';
import type { JsonRecord } from '../ir/json.ts';
import { createSequencer } from '../ir/sequential.ts';
import { createThinkingHold } from '../ir/unasked-thinking.ts';
import { answerHead, wantsThoughts } from './answer.ts';
import { createCandidateEncoder, type CandidateEncoder } from './candidate-encode.ts';
import { renderError } from './error.ts';
import { writeUsage } from './usage.ts';

/**
 * Events of `GenerateContentResponse`, each with what is new. Calls come whole. The last one has the reasons, the links and the
 * usage; there is no other end. An error is an event of its own.
 */
export function createStreamEncoder(context: AnswerContext): StreamEncoder {
  const sequence = createSequencer();
  const hold = wantsThoughts(context.request) ? undefined : createThinkingHold(context.request);
  const inOrder = (event: IrEvent): readonly IrEvent[] => (hold === undefined ? sequence(event) : sequence(event).flatMap(hold));
  const candidates = new Map<number, CandidateEncoder>();
  let head: JsonRecord | undefined;
  let usage: IrUsage | undefined;
  let isOver = false;

  const headOf = (): JsonRecord => {
    if (head === undefined) throw new TypeError('a stream begins with its start');
    return head;
  };
  const render = (stated: readonly JsonRecord[], counted: JsonRecord): string => `data: ${JSON.stringify({ candidates: stated, ...counted, ...headOf() })}\r\n\r\n`;
  const candidateOf = (index: number): CandidateEncoder => {
    const known = candidates.get(index);
    if (known !== undefined) return known;
    const fresh = createCandidateEncoder(index);
    candidates.set(index, fresh);
    return fresh;
  };
  const say = (event: Extract<IrEvent, { readonly choice: number }>): string => {
    headOf();
    const parts = candidateOf(event.choice).push(event);
    return parts.length === 0 ? '' : render([{ content: { role: 'model', parts }, index: event.choice }], {});
  };
  const end = (): string => {
    isOver = true;
    const last = [...candidates].sort(([a], [b]) => a - b).map(([, candidate]) => candidate.last());
    const stated = last.filter((candidate) => candidate !== undefined);
    if (stated.length === 0 || stated.length < last.length) throw new TypeError('a stream ends before its candidates');
    return render(stated, usage === undefined ? {} : { usageMetadata: writeUsage(usage) });
  };
  const encode = (event: IrEvent): string => {
    switch (event.type) {
      case 'start':
        head = answerHead(event, context);
        return '';
      case 'usage':
        usage = event.usage;
        return '';
      case 'tier':
      case 'ping':
        return '';
      case 'error':
        isOver = true;
        return renderError(event.error);
      case 'end':
        return end();
      default:
        return say(event);
    }
  };

  return { push: (event) => (isOver ? '' : inOrder(event).map(encode).join('')) };
}
