import type { Finish } from '../ir/answer.ts';
import { entryOf, memberOf, textOf } from '../ir/json.ts';

const finishes: Readonly<Record<string, Finish>> = {
  end_turn: 'stop',
  stop_sequence: 'stop_sequence',
  max_tokens: 'length',
  model_context_window_exceeded: 'context_length',
  tool_use: 'tool_calls',
  refusal: 'refusal',
  pause_turn: 'pause',
};

/** @see https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons */
export function readFinish(stopReason: string): Finish {
  return entryOf(finishes, stopReason) ?? 'other';
}

/** Why the vendor's filter stopped the answer, in its words; undefined where it says nothing. */
export function readRefusal(stopDetails: unknown): string | undefined {
  const explanation = textOf(memberOf(stopDetails, 'explanation'));
  return explanation === '' ? undefined : explanation;
}

/** What the parts say of an end that the upstream told in other words. */
export interface AnswerKinds {
  readonly hasCalls: boolean;
  readonly hasRefusal: boolean;
}

/** Clients go by the reason alone: a call wants to be answered, and `tool_use` without one leaves them waiting. */
export function stopReasonOf(finish: Finish, { hasCalls, hasRefusal }: AnswerKinds): string {
  if (finish === 'stop' && hasRefusal) return 'refusal';
  if (finish === 'stop' && hasCalls) return 'tool_use';
  return finish === 'tool_calls' && !hasCalls ? 'end_turn' : writeFinish(finish);
}

/** Whatever kept an answer from its end must not read as one: what has no word of its own becomes `max_tokens`. */
function writeFinish(finish: Finish): string {
  switch (finish) {
    case 'stop':
      return 'end_turn';
    case 'stop_sequence':
      return 'stop_sequence';
    case 'tool_calls':
      return 'tool_use';
    case 'context_length':
      return 'model_context_window_exceeded';
    case 'content_filter':
    case 'refusal':
      return 'refusal';
    case 'pause':
      return 'pause_turn';
    case 'length':
    case 'malformed_tool_call':
    case 'other':
      return 'max_tokens';
  }
}
