import type { IrUsage } from '../ir/answer.ts';
import { isRecord, memberOf, numberOf, type JsonRecord } from '../ir/json.ts';

/** Undefined where an answer states none. The API's counts contain their parts, as ours do. */
export function decodeUsage(usage: unknown): IrUsage | undefined {
  if (!isRecord(usage)) return undefined;
  const counted = (name: string, part: string): number => numberOf(memberOf(usage[name], part)) ?? 0;
  return {
    input: numberOf(usage['input_tokens']) ?? 0,
    cachedInput: counted('input_tokens_details', 'cached_tokens'),
    cacheWrite: counted('input_tokens_details', 'cache_write_tokens'),
    output: numberOf(usage['output_tokens']) ?? 0,
    reasoning: counted('output_tokens_details', 'reasoning_tokens'),
  };
}

export function encodeUsage({ input, cachedInput, cacheWrite, output, reasoning }: IrUsage): JsonRecord {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cachedInput, cache_write_tokens: cacheWrite },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  };
}
