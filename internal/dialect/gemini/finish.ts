import type { Finish } from '../ir/answer.ts';
import { entryOf } from '../ir/json.ts';

const finishes: Readonly<Record<string, Finish>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  // The bound of one request; going on takes a token that only this vendor's clients know.
  CONTINUATION: 'length',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  BLOCKLIST: 'content_filter',
  PROHIBITED_CONTENT: 'content_filter',
  SPII: 'content_filter',
  IMAGE_SAFETY: 'content_filter',
  IMAGE_PROHIBITED_CONTENT: 'content_filter',
  IMAGE_RECITATION: 'content_filter',
  MODEL_ARMOR: 'content_filter',
  MALFORMED_FUNCTION_CALL: 'malformed_tool_call',
  UNEXPECTED_TOOL_CALL: 'malformed_tool_call',
  // What some imitations say.
  FUNCTION_CALL: 'tool_calls',
  TOOL_CALLS: 'tool_calls',
};

/** An answer that calls ends with `STOP` too. @see https://ai.google.dev/api/generate-content#FinishReason */
export function readFinish(reason: string, hasCalls: boolean): Finish {
  const finish = entryOf(finishes, reason) ?? 'other';
  if (finish === 'stop' || finish === 'tool_calls') return hasCalls ? 'tool_calls' : 'stop';
  return finish;
}

/** A word that says that there is a reason. */
export function reasonOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && !/^(?:FINISH_REASON|BLOCK(?:ED)?_REASON)_UNSPECIFIED$/.test(value) ? value : undefined;
}

/** What the candidate holds, which its reason must agree with. */
export interface Held {
  readonly hasRefusal: boolean;
  /** Arguments of a call were no JSON object. */
  readonly isMalformed: boolean;
}

/** Whatever kept an answer from its end must not read as one. */
export function writeFinish(finish: Finish, { hasRefusal, isMalformed }: Held): string {
  switch (finish) {
    case 'stop':
    case 'stop_sequence':
    case 'tool_calls':
      return isMalformed ? 'MALFORMED_FUNCTION_CALL' : 'STOP';
    case 'length':
    case 'context_length':
    case 'pause':
      return 'MAX_TOKENS';
    case 'refusal':
      // The model's own words of declining are an answer.
      return hasRefusal ? 'STOP' : 'SAFETY';
    case 'content_filter':
      return 'SAFETY';
    case 'malformed_tool_call':
      return 'MALFORMED_FUNCTION_CALL';
    case 'other':
      return 'OTHER';
  }
}
