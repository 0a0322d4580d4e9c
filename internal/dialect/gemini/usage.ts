import type { IrUsage } from '../ir/answer.ts';
import { isRecord, type JsonRecord } from '../ir/json.ts';
import { readUsage as readStated } from '../token-usage.ts';

export function readUsage(metadata: unknown): IrUsage | undefined {
  const stated = readStated('gemini', isRecord(metadata) ? metadata : undefined);
  return stated === undefined ? undefined : { input: stated.input, cachedInput: stated.cached, cacheWrite: 0, output: stated.output, reasoning: stated.reasoning };
}

/** @see https://ai.google.dev/api/generate-content#UsageMetadata */
export function writeUsage({ input, cachedInput, output, reasoning }: IrUsage): JsonRecord {
  return {
    promptTokenCount: input,
    candidatesTokenCount: Math.max(0, output - reasoning),
    totalTokenCount: input + Math.max(output, reasoning),
    ...(cachedInput > 0 ? { cachedContentTokenCount: cachedInput } : {}),
    ...(reasoning > 0 ? { thoughtsTokenCount: reasoning } : {}),
  };
}
