import type { AnswerContext } from '../codec.ts';
import type { Choice, IrAnswer, MediaOutputPart } from '../ir/answer.ts';
import { isCustomTool, unwrapCustomInput } from '../ir/custom-tools.ts';
import { compact, memberOf, type JsonRecord } from '../ir/json.ts';
import type { TextPart, ToolCallPart } from '../ir/parts.ts';
import type { IrRequest } from '../ir/request.ts';
import { writeAnnotation, writeFinish, writeLogprobs, writeUsage } from './answer-members.ts';
import { writeSignedDetail } from './client-reasoning.ts';
import { createTextJoiner } from './joined-text.ts';
import { dataUrl } from '../openai-file-data.ts';
import { tagCallSignature, wholeArguments } from './tool-calls.ts';

/** A whole `chat.completion`. */
export function encodeAnswer(answer: IrAnswer, context: AnswerContext): JsonRecord {
  return compact({
    ...answerHead(answer, context, 'chat.completion'),
    choices: answer.choices.map((choice) => encodeChoice(choice, context)),
    usage: answer.usage === undefined ? undefined : writeUsage(answer.usage),
    service_tier: answer.serviceTier,
    system_fingerprint: answer.systemFingerprint,
  });
}

/** Of every answer's id; clients are known to look at it. */
export const idPrefix = 'chatcmpl-';

/** What an answer and each chunk of a stream begin with. */
export function answerHead({ id, model, createdSeconds }: Pick<IrAnswer, 'id' | 'model' | 'createdSeconds'>, context: AnswerContext, object: string): JsonRecord {
  return {
    id: id?.startsWith(idPrefix) === true ? id : context.newId(idPrefix),
    object,
    created: createdSeconds ?? context.nowSeconds,
    model: model ?? context.model,
  };
}

/** Whether the client knows calls in the form before `tools` alone. */
export function hasLegacyFunctions(request: IrRequest): boolean {
  return memberOf(request, 'hasLegacyFunctions') === true;
}

function encodeChoice(choice: Choice, context: AnswerContext): JsonRecord {
  const { index, parts, finish, logprobs } = choice;
  const calls = parts.filter((part) => part.kind === 'tool_call');
  const refusal = parts.map((part) => (part.kind === 'refusal' ? part.text : '')).join('');
  const legacy = hasLegacyFunctions(context.request) && calls.length === 1 ? calls[0] : undefined;
  const reason = writeFinish(finish, { hasCalls: calls.length > 0, hasRefusal: refusal !== '' });
  const { content, beginnings } = joinTexts(choice);
  const message = compact({
    role: 'assistant',
    content: parts.some(({ kind }) => kind === 'text') ? content : null,
    refusal: refusal === '' ? null : refusal,
    ...encodeReasoning(choice),
    annotations: encodeAnnotations(choice, beginnings, content.length),
    ...encodeMedia(choice, context),
    tool_calls: calls.length === 0 || legacy !== undefined ? undefined : calls.map((call) => encodeCall(call, context.request)),
    function_call: legacy === undefined ? undefined : { name: legacy.name, arguments: wholeArguments(legacy.input) },
  });
  return { index, message, logprobs: logprobs === undefined ? null : writeLogprobs(logprobs), finish_reason: legacy !== undefined && reason === 'tool_calls' ? 'function_call' : reason };
}

/** The text of the message, and where each part of it begins. */
function joinTexts({ parts }: Choice): { readonly content: string; readonly beginnings: ReadonlyMap<TextPart, number> } {
  const joiner = createTextJoiner();
  const beginnings = new Map<TextPart, number>();
  let content = '';
  for (const part of parts) {
    if (part.kind !== 'text') {
      joiner.interrupt();
      continue;
    }
    joiner.begin();
    content += joiner.before(part.text);
    beginnings.set(part, content.length);
    content += part.text;
  }
  return { content, beginnings };
}

function encodeReasoning({ parts }: Choice): JsonRecord {
  const details: JsonRecord[] = [];
  let text = '';
  for (const part of parts) {
    if (part.kind !== 'thinking') continue;
    const start = text.length;
    text += part.text;
    if (part.signature !== undefined) details.push(writeSignedDetail({ signature: part.signature, id: part.id, index: details.length, start, end: text.length }));
  }
  return compact({ reasoning_content: text === '' ? undefined : text, reasoning_details: details.length === 0 ? undefined : details });
}

function encodeAnnotations({ parts, sources }: Choice, beginnings: ReadonlyMap<TextPart, number>, contentChars: number): readonly JsonRecord[] | undefined {
  const written: (JsonRecord | undefined)[] = [];
  for (const part of parts) {
    if (part.kind !== 'text') continue;
    const from = beginnings.get(part) ?? 0;
    for (const annotation of part.annotations ?? []) written.push(writeAnnotation(annotation, from, from + part.text.length));
  }
  for (const source of sources ?? []) written.push(writeAnnotation(source, 0, contentChars));
  const annotations = written.filter((annotation) => annotation !== undefined);
  return annotations.length === 0 ? undefined : annotations;
}

function encodeMedia({ parts }: Choice, context: AnswerContext): JsonRecord {
  const media = parts.filter((part) => part.kind === 'media');
  const sound = media.find(({ mime }) => mime.startsWith('audio/'));
  const images = media.filter(({ mime }) => !mime.startsWith('audio/')).map(writeImage);
  return compact({ audio: sound === undefined ? undefined : writeSound(sound, context), images: images.length === 0 ? undefined : images });
}

/** Where OpenRouter and its like put made pictures; OpenAI's own API makes none here. */
export function writeImage({ mime, data }: MediaOutputPart, index: number): JsonRecord {
  return { type: 'image_url', image_url: { url: dataUrl({ kind: 'base64', mime, data }) }, index };
}

/** It is not kept to be referred to later. */
export function writeSound({ data, transcript }: MediaOutputPart, context: AnswerContext): JsonRecord {
  return { id: context.newId('audio_'), data, transcript: transcript ?? '', expires_at: context.nowSeconds };
}

function encodeCall({ id, name, input, isCustom, signature }: ToolCallPart, request: IrRequest): JsonRecord {
  const isWrapped = isCustom !== true && isCustomTool(request, name);
  if (isWrapped || isCustom === true) return { id, type: 'custom', custom: { name, input: isWrapped ? unwrapCustomInput(input) : input }, ...tagCallSignature(signature) };
  return { id, type: 'function', function: { name, arguments: wholeArguments(input) }, ...tagCallSignature(signature) };
}
