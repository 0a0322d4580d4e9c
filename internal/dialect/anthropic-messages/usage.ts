import type { IrUsage } from '../ir/answer.ts';
import { isRecord, memberOf, numberOf, textOf, type JsonRecord } from '../ir/json.ts';

/** Usage as one answer, or one event of a stream, states it; undefined members were not stated. `input` is what is neither read from nor written to the cache. */
export interface StatedUsage {
  readonly input: number | undefined;
  readonly cachedInput: number | undefined;
  readonly cacheWrite: number | undefined;
  readonly output: number | undefined;
  readonly reasoning: number | undefined;
}

export function readUsage(usage: unknown): StatedUsage | undefined {
  if (!isRecord(usage)) return undefined;
  return {
    input: numberOf(usage['input_tokens']),
    cachedInput: numberOf(usage['cache_read_input_tokens']),
    cacheWrite: numberOf(usage['cache_creation_input_tokens']) ?? sumOfTtls(usage['cache_creation']),
    output: numberOf(usage['output_tokens']),
    reasoning: numberOf(memberOf(usage['output_tokens_details'], 'thinking_tokens')),
  };
}

/** Cache writes by their time to live, for servers that state only those. */
function sumOfTtls(creation: unknown): number | undefined {
  const counts = [memberOf(creation, 'ephemeral_5m_input_tokens'), memberOf(creation, 'ephemeral_1h_input_tokens')].map(numberOf).filter((count) => count !== undefined);
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0);
}

/** Later events state totals; what they leave out stands, and so does what servers that imitate the API reset to 0. */
export function mergeUsage(before: StatedUsage | undefined, after: StatedUsage | undefined): StatedUsage | undefined {
  if (before === undefined || after === undefined) return after ?? before;
  return {
    input: after.input || (before.input ?? after.input),
    cachedInput: after.cachedInput || (before.cachedInput ?? after.cachedInput),
    cacheWrite: after.cacheWrite || (before.cacheWrite ?? after.cacheWrite),
    output: after.output || (before.output ?? after.output),
    reasoning: after.reasoning || (before.reasoning ?? after.reasoning),
  };
}

/** Cached tokens are no part of Anthropic's `input_tokens`; they are of the whole. */
export function toUsage({ input = 0, cachedInput = 0, cacheWrite = 0, output = 0, reasoning = 0 }: StatedUsage): IrUsage {
  return { input: input + cachedInput + cacheWrite, cachedInput, cacheWrite, output, reasoning };
}

export function writeUsage(usage: IrUsage | undefined): JsonRecord {
  const { input, cachedInput, cacheWrite, output, reasoning } = usage ?? { input: 0, cachedInput: 0, cacheWrite: 0, output: 0, reasoning: 0 };
  return {
    input_tokens: Math.max(0, input - cachedInput - cacheWrite),
    cache_creation_input_tokens: cacheWrite,
    cache_read_input_tokens: cachedInput,
    output_tokens: output,
    ...(reasoning > 0 ? { output_tokens_details: { thinking_tokens: reasoning } } : {}),
  };
}

/** Tiers of answers in OpenAI's words, as clients of its dialects expect them. */
export function readTier(usage: unknown): string | undefined {
  const tier = textOf(memberOf(usage, 'service_tier'));
  return tier === 'standard' ? 'default' : tier;
}
