import type { AnswerContext, Party } from '../codec.ts';
import type { AnswerPart, Choice, IrAnswer } from '../ir/answer.ts';
import { createCollector } from '../ir/collect.ts';
import { compact, isRecord, parseJson, type JsonRecord } from '../ir/json.ts';
import { tagSignature } from '../ir/signatures.ts';
import type { Signature, ToolCallPart } from '../ir/parts.ts';
import { writeFinish } from './finish.ts';
import { writeGrounding } from './grounding.ts';
import { writeLogprobs } from './logprobs.ts';
import { AnswerDecoder } from './stream-decode.ts';
import { writeUsage } from './usage.ts';

/** A whole answer is read as a stream of one event, so that both follow the same rules. */
export function decodeAnswer(body: unknown, source: Party): IrAnswer {
  if (!isRecord(body) || (!Array.isArray(body['candidates']) && !isRecord(body['promptFeedback']))) throw new TypeError('the upstream answered with no candidates');
  const decoder = new AnswerDecoder(source);
  const collector = createCollector();
  for (const event of [...decoder.take(body), ...decoder.end()]) collector.push(event);
  const result = collector.result();
  if (result?.ok !== true) throw new TypeError('the upstream answered with no whole answer');
  return result.answer;
}

/** @see https://ai.google.dev/api/generate-content#generatecontentresponse */
export function encodeAnswer(answer: IrAnswer, context: AnswerContext): JsonRecord {
  const { choices, usage } = answer;
  return compact({ candidates: choices.map((choice) => encodeCandidate(choice)), usageMetadata: usage === undefined ? undefined : writeUsage(usage), ...headOf(answer, context) });
}

export function headOf({ id, model }: Pick<IrAnswer, 'id' | 'model'>, context: AnswerContext): JsonRecord {
  return { modelVersion: model ?? context.model, responseId: id ?? context.newId('') };
}

function encodeCandidate({ index, parts, finish, sources, logprobs }: Choice): JsonRecord {
  const text = parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');
  let before = 0;
  const placed = parts.flatMap((part) => {
    if (part.kind !== 'text') return [];
    const offset = before;
    before += part.text.length;
    return (part.annotations ?? []).map((annotation) => (annotation.kind === 'url' && annotation.start !== undefined && annotation.end !== undefined ? { ...annotation, start: annotation.start + offset, end: annotation.end + offset } : annotation));
  });
  return compact({
    content: { role: 'model', parts: parts.flatMap(encodePart) },
    finishReason: writeFinish(finish),
    index,
    groundingMetadata: writeGrounding([...placed, ...(sources ?? [])], text),
    logprobsResult: logprobs === undefined ? undefined : writeLogprobs(logprobs),
  });
}

export function encodePart(part: AnswerPart): readonly JsonRecord[] {
  switch (part.kind) {
    case 'text':
      return part.text === '' && part.signature === undefined ? [] : [compact({ text: part.text, thoughtSignature: tagOf(part.signature) })];
    case 'refusal':
      return [{ text: part.text }];
    case 'thinking':
      return part.text === '' && part.signature === undefined ? [] : [compact({ text: part.text, thought: true, thoughtSignature: tagOf(part.signature) })];
    case 'tool_call':
      return [encodeCall(part)];
    case 'media':
      return [compact({ inlineData: { mimeType: part.mime, data: part.data }, thoughtSignature: tagOf(part.signature) }), ...(part.transcript === undefined ? [] : [{ text: part.transcript }])];
    case 'raw':
      return part.dialect === 'gemini' ? [part.item] : [];
  }
}

export function encodeCall({ id, name, input, signature }: Pick<ToolCallPart, 'id' | 'name' | 'input' | 'signature'>): JsonRecord {
  const value = parseJson(input === '' ? '{}' : input);
  return compact({ functionCall: { id, name, args: isRecord(value) ? value : { input: value ?? input } }, thoughtSignature: tagOf(signature) });
}

export function tagOf(signature: Signature | undefined): string | undefined {
  return signature === undefined ? undefined : tagSignature(signature);
}
