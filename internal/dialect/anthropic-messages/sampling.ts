import type { JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { IrRequest } from '../ir/request.ts';
import type { ModelTraits } from './model-traits.ts';

/**
 * Sampling that goes with the model and its reasoning: a model that reasons, and every newer one, samples as it does. Values
 * that change nothing are left out unsaid.
 */
export function encodeSampling({ temperature, topP, topK }: Pick<IrRequest, 'temperature' | 'topP' | 'topK'>, isThinking: boolean, traits: ModelTraits, losses: Losses): JsonRecord {
  if (isThinking || !traits.takesSampling) {
    if (temperature !== undefined && temperature !== 1) losses.drop('temperature');
    if (topP !== undefined && topP !== 1) losses.drop('topP');
    if (topK !== undefined) losses.drop('topK');
    return {};
  }
  if (temperature !== undefined && (temperature < 0 || temperature > 1)) losses.refuse('temperature', 'it must lie between 0 and 1');
  if (topP !== undefined && (topP < 0 || topP > 1)) losses.refuse('topP', 'it must lie between 0 and 1');
  // Claude models since 4.1 refuse both at once.
  const isTopPKept = topP !== undefined && (temperature === undefined || !traits.isClaude);
  if (topP !== undefined && topP !== 1 && !isTopPKept) losses.drop('topP');
  return { temperature, top_p: isTopPKept ? topP : undefined, top_k: topK };
}
