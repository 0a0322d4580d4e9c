import { memberOf, numberOf, parseJson } from '../dialect/ir/json.ts';
import { boundedCount, type StatedUsage } from '../dialect/token-usage.ts';

export const noUsage: StatedUsage = { input: 0, output: 0, reasoning: 0, cached: 0 };

/** What an upstream's event says of the tokens of a session. */
export type Spent = { readonly kind: 'begun' } | { readonly kind: 'done' | 'transcribed'; readonly usage: StatedUsage };

const responseCreated = Buffer.from('"response.created"');
const responseDone = Buffer.from('"response.done"');
const transcribed = Buffer.from('_transcription.completed"');
const bytesPerToken = 4;

/**
 * What the event says of tokens; undefined for all but the beginning and the end of a response, and a transcription. A response
 * that states no count is estimated by its own event, which repeats all of its text.
 * @see https://platform.openai.com/docs/api-reference/realtime-server-events/response/done
 */
export function spentByEvent(event: Buffer): Spent | undefined {
  // Audio comes in by far the most events; none of them is parsed.
  if (!event.includes(responseDone) && !event.includes(responseCreated) && !event.includes(transcribed)) return undefined;
  const payload = parseJson(event.toString('utf8'));
  switch (memberOf(payload, 'type')) {
    case 'response.created':
      return { kind: 'begun' };
    case 'response.done': {
      const usage = readUsage(memberOf(memberOf(payload, 'response'), 'usage'));
      return { kind: 'done', usage: usage.input + usage.output > 0 ? usage : { ...noUsage, output: Math.ceil(event.length / bytesPerToken) } };
    }
    case 'conversation.item.input_audio_transcription.completed':
      return { kind: 'transcribed', usage: readUsage(memberOf(payload, 'usage')) };
    default:
      return undefined;
  }
}

function readUsage(usage: unknown): StatedUsage {
  return { input: countAt(usage, 'input_tokens'), output: countAt(usage, 'output_tokens'), reasoning: 0, cached: countAt(memberOf(usage, 'input_token_details'), 'cached_tokens') };
}

function countAt(usage: unknown, name: string): number {
  return boundedCount(numberOf(memberOf(usage, name)));
}

export function addUsage(sum: StatedUsage, more: StatedUsage): StatedUsage {
  return { input: sum.input + more.input, output: sum.output + more.output, reasoning: sum.reasoning + more.reasoning, cached: sum.cached + more.cached };
}
