import { memberOf, numberOf, parseJson } from '../dialect/ir/json.ts';
import type { StatedUsage } from '../dialect/token-usage.ts';

export const noUsage: StatedUsage = { input: 0, output: 0, reasoning: 0, cached: 0 };

const responseDone = Buffer.from('"response.done"');

/** The tokens that a realtime event states; undefined for all events but the end of a response. @see https://platform.openai.com/docs/api-reference/realtime-server-events/response/done */
export function usageOfEvent(event: Buffer): StatedUsage | undefined {
  // Audio comes in by far the most events; none of them is parsed.
  if (!event.includes(responseDone)) return undefined;
  const payload = parseJson(event.toString('utf8'));
  if (memberOf(payload, 'type') !== 'response.done') return undefined;
  const usage = memberOf(memberOf(payload, 'response'), 'usage');
  return { input: numberOf(memberOf(usage, 'input_tokens')) ?? 0, output: numberOf(memberOf(usage, 'output_tokens')) ?? 0, reasoning: 0, cached: numberOf(memberOf(memberOf(usage, 'input_token_details'), 'cached_tokens')) ?? 0 };
}

export function addUsage(sum: StatedUsage, more: StatedUsage): StatedUsage {
  return { input: sum.input + more.input, output: sum.output + more.output, reasoning: sum.reasoning + more.reasoning, cached: sum.cached + more.cached };
}
