import type { Party } from '../codec.ts';
import type { AnswerPart, Finish, TokenLogprob } from '../ir/answer.ts';
import { isRecord, listOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Signature, ThinkingPart, ToolCallPart } from '../ir/parts.ts';
import { readAnnotations } from './annotations.ts';
import { textsOf } from './input-decode.ts';
import { readLogprobs } from './logprobs.ts';
import { flattenNames } from './tool-names.ts';

const dialect = 'openai-responses';
/** No tools are declared here: what is said of a namespace is put before the name. */
const flatName = flattenNames([]);

/** One item of an upstream's output as parts of the answer. */
export function decodeOutputItem(item: JsonRecord, source: Party): readonly AnswerPart[] {
  switch (item['type']) {
    case 'message':
      return listOf(item['content']).flatMap((part) => (isRecord(part) ? decodeContent(part) : []));
    case 'reasoning':
      return decodeReasoning(item, source);
    case 'function_call':
    case 'custom_tool_call':
      return [decodeCall(item)];
    case 'image_generation_call':
      return [decodePicture(item)];
    default:
      return typeof item['type'] === 'string' ? [{ kind: 'raw', dialect, item }] : [];
  }
}

function decodeContent(part: JsonRecord): readonly AnswerPart[] {
  if (part['type'] === 'refusal') return [{ kind: 'refusal', text: textOf(part['refusal']) ?? '' }];
  const text = textOf(part['text']);
  return text === undefined ? [] : [{ kind: 'text', text, annotations: readAnnotations(part['annotations']) }];
}

function decodeReasoning(item: JsonRecord, source: Party): readonly ThinkingPart[] {
  const content = textsOf(item['content']);
  const summary = textsOf(item['summary']);
  const text = content === '' ? summary : content;
  const signature = signatureOf(item, source);
  if (text === '' && signature === undefined) return [];
  return [{ kind: 'thinking', text, isSummary: content === '' && summary !== '' ? true : undefined, id: textOf(item['id']), signature }];
}

/** The reasoning as OpenAI encrypted it, good in the account that got it. */
export function signatureOf(item: JsonRecord, source: Party): Signature | undefined {
  const value = textOf(item['encrypted_content']) ?? '';
  return value === '' ? undefined : { vendor: source.vendor, account: source.account, value };
}

export function decodeCall(item: JsonRecord): ToolCallPart {
  const isCustom = item['type'] === 'custom_tool_call';
  const given = item[isCustom ? 'input' : 'arguments'];
  return {
    kind: 'tool_call',
    id: textOf(item['call_id']) ?? textOf(item['id']) ?? '',
    name: flatName(textOf(item['namespace']), textOf(item['name']) ?? ''),
    input: typeof given === 'string' ? given : given === undefined || given === null ? '' : JSON.stringify(given),
    isCustom: isCustom ? true : undefined,
  };
}

/** A picture made by the vendor's tool is content that other dialects know too. */
export function decodePicture(item: JsonRecord): Extract<AnswerPart, { readonly kind: 'media' | 'raw' }> {
  const data = textOf(item['result']) ?? '';
  const format = textOf(item['output_format']) ?? 'png';
  return data === '' ? { kind: 'raw', dialect, item } : { kind: 'media', mime: format === 'svg' ? 'image/svg+xml' : `image/${format}`, data };
}

/** Log probabilities of all text of an item. */
export function logprobsOf(item: JsonRecord): readonly TokenLogprob[] {
  if (item['type'] !== 'message') return [];
  return listOf(item['content']).flatMap((part) => (isRecord(part) ? readLogprobs(part['logprobs']) : []));
}

/** Why an answer ended. `reason` is that of `incomplete_details`. */
export function finishOf(status: string, reason: string | undefined, kinds: ReadonlySet<AnswerPart['kind']>): { readonly finish: Finish; readonly rawFinish: string } {
  if (status === 'completed') return { finish: kinds.has('tool_call') ? 'tool_calls' : kinds.has('refusal') ? 'refusal' : 'stop', rawFinish: status };
  const rawFinish = reason ?? status;
  if (reason === 'max_output_tokens') return { finish: 'length', rawFinish };
  return { finish: reason === 'content_filter' ? 'content_filter' : 'other', rawFinish };
}
