import type { AnswerContext } from '../codec.ts';
import type { AnswerPart, Choice, IrAnswer, MediaOutputPart } from '../ir/answer.ts';
import { compact, isRecord, parseJson, type JsonRecord } from '../ir/json.ts';
import type { Annotation, ToolCallPart } from '../ir/parts.ts';
import type { IrRequest } from '../ir/request.ts';
import { withoutUnaskedThinking } from '../ir/unasked-thinking.ts';
import { writeFinish } from './finish.ts';
import { writeGrounding } from './grounding.ts';
import { writeLogprobs } from './logprobs.ts';
import { tagMember } from './signatures.ts';
import { writeUsage } from './usage.ts';

/** A whole `GenerateContentResponse`. @see https://ai.google.dev/api/generate-content#generatecontentresponse */
export function encodeAnswer(answer: IrAnswer, context: AnswerContext): JsonRecord {
  return compact({ candidates: answer.choices.map((choice) => encodeChoice(choice, context.request)), usageMetadata: answer.usage === undefined ? undefined : writeUsage(answer.usage), ...answerHead(answer, context) });
}

/** What an answer and each event of a stream say of the whole. */
export function answerHead({ id, model }: Pick<IrAnswer, 'id' | 'model'>, context: AnswerContext): JsonRecord {
  return { modelVersion: model ?? context.model, responseId: id ?? context.newId('') };
}

/** Google shows thoughts to those that set `includeThoughts`; others read the first part as the answer. */
export function wantsThoughts({ reasoning }: IrRequest): boolean {
  return reasoning?.show !== undefined && reasoning.show !== 'none';
}

function encodeChoice({ index, parts: all, finish, sources, logprobs }: Choice, request: IrRequest): JsonRecord {
  const parts = wantsThoughts(request) ? all : withoutUnaskedThinking(all, request);
  const links: Annotation[] = [];
  let said = '';
  for (const part of parts) {
    if (part.kind === 'text') for (const annotation of part.annotations ?? []) links.push(moveLink(annotation, said.length));
    if (part.kind === 'text' || part.kind === 'refusal') said += part.text;
  }
  const written = parts.flatMap(encodePart);
  const malformed = parts.find((part) => part.kind === 'tool_call' && readArguments(part) === undefined);
  const hasRefusal = parts.some((part) => part.kind === 'refusal' && part.text !== '');
  const finishReason = writeFinish(finish, { hasRefusal, isMalformed: malformed !== undefined });
  return compact({
    content: written.length === 0 && finishReason !== 'STOP' ? undefined : { role: 'model', parts: written.length === 0 ? [{ text: '' }] : written },
    finishReason,
    finishMessage: malformed?.kind === 'tool_call' ? describeMalformed(malformed) : undefined,
    index,
    groundingMetadata: writeGrounding([...links, ...(sources ?? [])], said),
    ...writeLogprobs(logprobs ?? []),
  });
}

/** A link at its place in all of the text. */
export function moveLink(annotation: Annotation, by: number): Annotation {
  if (annotation.kind !== 'url' || annotation.start === undefined || annotation.end === undefined) return annotation;
  return { ...annotation, start: annotation.start + by, end: annotation.end + by };
}

function encodePart(part: AnswerPart): readonly JsonRecord[] {
  switch (part.kind) {
    case 'text':
      return part.text === '' && part.signature === undefined ? [] : [{ text: part.text, ...tagMember(part.signature) }];
    case 'refusal':
      return part.text === '' ? [] : [{ text: part.text }];
    case 'thinking':
      return part.text === '' && part.signature === undefined ? [] : [{ text: part.text, thought: true, ...tagMember(part.signature) }];
    case 'tool_call':
      return encodeCall(part);
    case 'media':
      return [encodeMedia(part)];
    case 'raw':
      return part.dialect === 'gemini' ? [part.item] : [];
  }
}

export function encodeMedia({ mime, data, transcript, signature }: MediaOutputPart): JsonRecord {
  return compact({ inlineData: { mimeType: mime, data }, audioTranscription: transcript === undefined ? undefined : { text: transcript }, ...tagMember(signature) });
}

/** Nothing for a call whose arguments cannot be read: the candidate ends as a malformed one. */
export function encodeCall(call: ToolCallPart): readonly JsonRecord[] {
  const args = readArguments(call);
  return args === undefined ? [] : [{ functionCall: { id: call.id, name: call.name, args }, ...tagMember(call.signature) }];
}

/** Arguments as the object they must be; undefined where they are none, such as those of a call that was cut. */
export function readArguments({ input, isCustom }: Pick<ToolCallPart, 'input' | 'isCustom'>): JsonRecord | undefined {
  if (isCustom === true) return { input };
  const value = input.trim() === '' ? {} : parseJson(input);
  if (value === null) return {};
  return isRecord(value) ? value : undefined;
}

export function describeMalformed({ name, input }: Pick<ToolCallPart, 'name' | 'input'>): string {
  return `Malformed function call: ${name}(${input})`;
}
