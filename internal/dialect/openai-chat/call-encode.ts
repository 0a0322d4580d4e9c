import type { AnswerContext } from '../codec.ts';
import { isCustomTool, unwrapCustomInput } from '../ir/custom-tools.ts';
import type { PartOpening } from '../ir/events.ts';
import type { JsonRecord } from '../ir/json.ts';
import type { Signature } from '../ir/parts.ts';
import { hasLegacyFunctions } from './answer.ts';
import { tagCallSignature } from './tool-calls.ts';

type CallOpening = Extract<PartOpening, { readonly kind: 'tool_call' }>;

/** Deltas of one call. */
export interface CallEncoder {
  readonly kind: 'tool_call';
  readonly open: () => readonly JsonRecord[];
  readonly write: (text: string) => readonly JsonRecord[];
  readonly sign: (signature: Signature) => readonly JsonRecord[];
  readonly close: () => readonly JsonRecord[];
}

/** `position` counts the calls of the choice from 0. */
export function createCallEncoder(opening: CallOpening, position: number, { request, source }: AnswerContext): CallEncoder {
  const { id, name } = opening;
  const isWrapped = opening.isCustom !== true && isCustomTool(request, name);
  const isCustom = isWrapped || opening.isCustom === true;
  const isLegacy = hasLegacyFunctions(request);
  // The form before `tools` knows one call; a further one is told in today's, rather than not at all.
  const index = isLegacy && position === 0 ? undefined : position - (isLegacy ? 1 : 0);
  // Clients read a signature where the call begins, and Gemini tells it after.
  const isHeld = isWrapped || source.dialect === 'gemini';
  const held: string[] = [];
  let hasInput = false;
  let signature: Signature | undefined;

  const begin = (input: string): JsonRecord => {
    if (index === undefined) return { function_call: { name, arguments: input } };
    const called = isCustom ? { type: 'custom', custom: { name, input } } : { type: 'function', function: { name, arguments: input } };
    return { tool_calls: [{ index, id, ...called, ...tagCallSignature(signature) }] };
  };
  const proceed = (input: string, more: JsonRecord = {}): JsonRecord => {
    if (index === undefined) return { function_call: { arguments: input } };
    return { tool_calls: [{ index, ...(isCustom ? { custom: { input } } : { function: { arguments: input } }), ...more }] };
  };

  return {
    kind: 'tool_call',
    open: () => (isHeld ? [] : [begin('')]),
    write: (text) => {
      if (text === '') return [];
      hasInput = true;
      if (!isHeld) return [proceed(text)];
      held.push(text);
      return [];
    },
    sign: (made) => {
      signature = made;
      return isHeld || index === undefined ? [] : [proceed('', tagCallSignature(made))];
    },
    close: () => {
      const isEmpty = !hasInput && !isCustom;
      if (!isHeld) return isEmpty ? [proceed('{}')] : [];
      const input = held.join('');
      return [begin(isWrapped ? unwrapCustomInput(input) : isEmpty ? '{}' : input)];
    },
  };
}
