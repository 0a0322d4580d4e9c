import type { Finish } from '../ir/answer.ts';

const finishes: Readonly<Record<string, Finish>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  LANGUAGE: 'content_filter',
  BLOCKLIST: 'content_filter',
  PROHIBITED_CONTENT: 'content_filter',
  SPII: 'content_filter',
  IMAGE_SAFETY: 'content_filter',
  IMAGE_PROHIBITED_CONTENT: 'content_filter',
  IMAGE_RECITATION: 'content_filter',
  MALFORMED_FUNCTION_CALL: 'malformed_tool_call',
  UNEXPECTED_TOOL_CALL: 'malformed_tool_call',
};

/** A call ends with `STOP` there. `FUNCTION_CALL` is what some imitations say. @see https://ai.google.dev/api/generate-content#FinishReason */
export function readFinish(reason: string, hasCalls: boolean): Finish {
  if (reason === 'FUNCTION_CALL' || reason === 'TOOL_CALLS') return 'tool_calls';
  const finish = finishes[reason] ?? 'other';
  return finish === 'stop' && hasCalls ? 'tool_calls' : finish;
}

/** Whatever kept an answer from its end must not read as one. */
export function writeFinish(finish: Finish): string {
  switch (finish) {
    case 'stop':
    case 'stop_sequence':
    case 'tool_calls':
      return 'STOP';
    case 'length':
    case 'context_length':
    case 'pause':
      return 'MAX_TOKENS';
    case 'content_filter':
    case 'refusal':
      return 'SAFETY';
    case 'malformed_tool_call':
      return 'MALFORMED_FUNCTION_CALL';
    case 'other':
      return 'OTHER';
  }
}
