import type { IrUsage } from '../ir/answer.ts';
import { isRecord, numberOf, type JsonRecord } from '../ir/json.ts';

/** Thoughts are counted beside the candidates, what a tool of the vendor's put into the prompt beside the prompt. */
export function readUsage(metadata: unknown): IrUsage | undefined {
  if (!isRecord(metadata)) return undefined;
  const count = (name: string): number => numberOf(metadata[name]) ?? 0;
  const reasoning = count('thoughtsTokenCount');
  const input = count('promptTokenCount') + count('toolUsePromptTokenCount');
  const candidates = count('candidatesTokenCount');
  // Some models of Vertex count thoughts among the candidates; the total tells.
  const isContained = reasoning > 0 && candidates >= reasoning && count('totalTokenCount') === input + candidates;
  return { input, cachedInput: count('cachedContentTokenCount'), cacheWrite: 0, output: isContained ? candidates : candidates + reasoning, reasoning };
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
