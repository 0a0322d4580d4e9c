import type { AnswerContext } from '../codec.ts';
import type { AnswerPart, TokenLogprob } from '../ir/answer.ts';
import { isCustomTool, unwrapCustomInput } from '../ir/custom-tools.ts';
import { compact, parseJson, textOf, type JsonRecord } from '../ir/json.ts';
import type { Annotation, RawPart, Signature, ThinkingPart, ToolCallPart } from '../ir/parts.ts';
import { tagSignature } from '../ir/signatures.ts';
import { writeAnnotation } from './annotations.ts';
import { writeLogprobs } from './logprobs.ts';
import { homeOf } from './tool-names.ts';

const dialect = 'openai-responses';

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

export function messageItem(id: string, content: readonly JsonRecord[], status: ItemStatus): JsonRecord {
  return { id, type: 'message', status, role: 'assistant', content };
}

export function textContent(text: string, annotations: readonly Annotation[], logprobs: readonly TokenLogprob[]): JsonRecord {
  const written = annotations.map((annotation) => writeAnnotation(annotation, text.length)).filter((annotation) => annotation !== undefined);
  return { type: 'output_text', text, annotations: written, logprobs: writeLogprobs(logprobs) };
}

export function refusalContent(refusal: string): JsonRecord {
  return { type: 'refusal', refusal };
}

/** The id that the item had where it was made, if it has the API's form. */
export function reasoningId(id: string | undefined, { newId }: AnswerContext): string {
  return id?.startsWith('rs_') === true ? id : newId('rs_');
}

/** Shown as a summary whatever it was where it came from: that is the form that clients look for and show. */
export function reasoningItem({ text, id, signature }: ThinkingPart, context: AnswerContext): JsonRecord {
  return reasoningOf(reasoningId(id, context), text, signature);
}

export function reasoningOf(id: string, text: string, signature: Signature | undefined): JsonRecord {
  return compact({
    id,
    type: 'reasoning',
    summary: text === '' ? [] : [{ type: 'summary_text', text }],
    encrypted_content: signature === undefined ? undefined : tagSignature(signature),
  });
}

/** Carries the signature of what comes after it. */
export function tagItem(signature: Signature, { newId }: AnswerContext): JsonRecord {
  return reasoningOf(newId('rs_'), '', signature);
}

/** How a call is written, by what the client knows the tool as. */
export interface CallForm {
  readonly kind: 'function_call' | 'custom_tool_call' | 'tool_search_call';
  /** As the client calls the tool. */
  readonly name: string;
  readonly item: (id: string, input: string, status: ItemStatus) => JsonRecord;
  /** Its input is the text in the arguments of a function. */
  readonly isWrapped: boolean;
}

export function callFormOf({ id: call_id, name: flat, isCustom }: Pick<ToolCallPart, 'id' | 'name' | 'isCustom'>, { request }: AnswerContext): CallForm {
  const { name, namespace, isSearch } = homeOf(request, flat);
  const named = compact({ call_id, name, namespace });
  if (isSearch === true) {
    const item: CallForm['item'] = (id, input, status) => ({ id, type: 'tool_search_call', status, execution: 'client', call_id, arguments: parseJson(input) ?? {} });
    return { kind: 'tool_search_call', name, isWrapped: false, item };
  }
  const isWrapped = isCustom !== true && isCustomTool(request, flat);
  if (isWrapped || isCustom === true) return { kind: 'custom_tool_call', name, isWrapped, item: (id, input, status) => ({ id, type: 'custom_tool_call', status, ...named, input }) };
  return { kind: 'function_call', name, isWrapped, item: (id, input, status) => ({ id, type: 'function_call', status, ...named, arguments: input }) };
}

const callPrefixes = { function_call: 'fc_', custom_tool_call: 'ctc_', tool_search_call: 'tsc_' } as const satisfies Record<CallForm['kind'], string>;

export function callId({ kind }: CallForm, { newId }: AnswerContext): string {
  return newId(callPrefixes[kind]);
}

/** The whole input of a call as the client is to have it: never empty where it is JSON. */
export function callInput({ kind, isWrapped }: CallForm, input: string): string {
  if (isWrapped) return unwrapCustomInput(input);
  return input === '' && kind !== 'custom_tool_call' ? '{}' : input;
}

export function callItem(part: ToolCallPart, context: AnswerContext): JsonRecord {
  const form = callFormOf(part, context);
  return form.item(callId(form, context), callInput(form, part.input), 'completed');
}

export function pictureItem({ mime, data }: Extract<AnswerPart, { readonly kind: 'media' }>, { newId }: AnswerContext): JsonRecord {
  const format = /^image\/(\w+)/.exec(mime)?.[1] ?? 'png';
  return { id: newId('ig_'), type: 'image_generation_call', status: 'completed', output_format: format, result: data };
}

/** An item of this dialect as it is, with the id that clients look for; nothing for another's. */
export function rawItem({ dialect: from, item }: RawPart, { newId }: AnswerContext): readonly JsonRecord[] {
  if (from !== dialect) return [];
  return [(textOf(item['id']) ?? '') === '' ? { ...item, id: newId('item_') } : item];
}
