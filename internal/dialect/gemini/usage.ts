import type { IrUsage } from '../ir/answer.ts';
import { isRecord, numberOf, type JsonRecord } from '../ir/json.ts';

/** Thoughts are counted beside the candidates; what a vendor's tool put into the prompt beside the prompt. */
export function readUsage(metadata: unknown): IrUsage | undefined {
  if (!isRecord(metadata)) return undefined;
  const count = (name: string): number => numberOf(metadata[name]) ?? 0;
  const reasoning = count('thoughtsTokenCount');
  return { input: count('promptTokenCount') + count('toolUsePromptTokenCount'), cachedInput: count('cachedContentTokenCount'), cacheWrite: 0, output: count('candidatesTokenCount') + reasoning, reasoning };
}

export function writeUsage({ input, cachedInput, output, reasoning }: IrUsage): JsonRecord {
  return {
    promptTokenCount: input,
    candidatesTokenCount: Math.max(0, output - reasoning),
    totalTokenCount: input + output,
    ...(cachedInput > 0 ? { cachedContentTokenCount: cachedInput } : {}),
    ...(reasoning > 0 ? { thoughtsTokenCount: reasoning } : {}),
  };
}
