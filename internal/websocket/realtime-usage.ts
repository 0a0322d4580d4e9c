import { memberOf, numberOf, parseJson } from '../dialect/ir/json.ts';
import { boundedCount, type StatedUsage } from '../dialect/token-usage.ts';

export const noUsage: StatedUsage = { input: 0, output: 0, reasoning: 0, cached: 0 };

const responseDone = Buffer.from('"response.done"');

/** The tokens that a realtime event states; undefined for all events but the end of a response. @see https://platform.openai.com/docs/api-reference/realtime-server-events/response/done */
export function usageOfEvent(event: Buffer): StatedUsage | undefined {
  // Audio comes in by far the most events; none of them is parsed.
  if (!event.includes(responseDone)) return undefined;
  const payload = parseJson(event.toString('utf8'));
  if (memberOf(payload, 'type') !== 'response.done') return undefined;
  const usage = memberOf(memberOf(payload, 'response'), 'usage');
  return { input: countAt(usage, 'input_tokens'), output: countAt(usage, 'output_tokens'), reasoning: 0, cached: countAt(memberOf(usage, 'input_token_details'), 'cached_tokens') };
}

function countAt(usage: unknown, name: string): number {
  return boundedCount(numberOf(memberOf(usage, name)));
}

export function addUsage(sum: StatedUsage, more: StatedUsage): StatedUsage {
  return { input: sum.input + more.input, output: sum.output + more.output, reasoning: sum.reasoning + more.reasoning, cached: sum.cached + more.cached };
}
