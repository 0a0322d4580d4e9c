import type { Dialect } from '../../internal/dialect/dialect.ts';
import type { Essence } from './essence.ts';

/** Why an answer ended, for whoever reads the corpus; `cut`: something else kept it from its end. */
type End = 'whole' | 'calls' | 'length' | 'window' | 'filter' | 'refusal' | 'pause' | 'cut';

const filters = ['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'IMAGE_SAFETY'];

function endOf({ finish, calls, hasRefused }: Essence): End {
  switch (finish) {
    case 'stop':
    case 'STOP':
    case 'completed':
    case 'end_turn':
    case 'stop_sequence':
      return hasRefused ? 'refusal' : calls.length > 0 ? 'calls' : 'whole';
    case 'tool_calls':
    case 'tool_use':
      return 'calls';
    case 'length':
    case 'max_output_tokens':
    case 'max_tokens':
    case 'MAX_TOKENS':
      return 'length';
    case 'model_context_window_exceeded':
      return 'window';
    case 'pause_turn':
      return 'pause';
    case 'refusal':
      return 'refusal';
    default:
      return finish === 'content_filter' || filters.includes(finish ?? '') ? 'filter' : 'cut';
  }
}

/** How each vendor says it, or comes nearest without claiming that the answer is whole. */
const words: Readonly<Record<Dialect, Readonly<Record<End, readonly string[]>>>> = {
  'openai-chat': { whole: ['stop'], calls: ['tool_calls'], length: ['length'], window: ['length'], filter: ['content_filter'], refusal: ['content_filter'], pause: ['length'], cut: ['length'] },
  'openai-responses': { whole: ['completed'], calls: ['completed'], length: ['max_output_tokens'], window: ['max_output_tokens'], filter: ['content_filter'], refusal: ['content_filter'], pause: ['max_output_tokens'], cut: ['incomplete', 'failed'] },
  'anthropic-messages': { whole: ['end_turn', 'stop_sequence'], calls: ['tool_use'], length: ['max_tokens'], window: ['model_context_window_exceeded'], filter: ['refusal'], refusal: ['refusal'], pause: ['pause_turn'], cut: ['max_tokens'] },
  gemini: { whole: ['STOP'], calls: ['STOP'], length: ['MAX_TOKENS'], window: ['MAX_TOKENS'], filter: ['SAFETY'], refusal: ['SAFETY'], pause: ['MAX_TOKENS'], cut: ['OTHER', 'MALFORMED_FUNCTION_CALL'] },
};

/** A refusal in so many words is an answer to OpenAI and Google. */
const refusals: Readonly<Record<Dialect, readonly string[]>> = { 'openai-chat': ['stop'], 'openai-responses': ['completed'], 'anthropic-messages': ['refusal'], gemini: ['STOP'] };

/** What the client of `to` may be told of an answer's end. */
export function finishesOf(essence: Essence, to: Dialect): readonly string[] {
  return essence.hasRefused ? refusals[to] : words[to][endOf(essence)];
}
