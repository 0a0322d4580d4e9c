import { AppError } from '../../fault/app-error.ts';
import type { AnswerContext, Party } from '../codec.ts';
import type { AnswerPart, Choice, IrAnswer } from '../ir/answer.ts';
import { isRecord, listOf, memberOf, numberOf, textOf, type JsonRecord } from '../ir/json.ts';
import { mediaItems } from './media-items.ts';
import { decodeOutputItem, finishOf, logprobsOf } from './output-decode.ts';
import { callItem, messageItem, rawItem, reasoningItem, refusalContent, tagItem, textContent } from './output-items.ts';
import { createResponseShell, outcomeOf } from './response-object.ts';
import { decodeUsage } from './usage.ts';

/** An upstream's response object. One that failed is no answer: `upstream_error`. */
export function decodeAnswer(body: unknown, source: Party): IrAnswer {
  if (!isRecord(body) || !Array.isArray(body['output'])) throw new TypeError('no response object');
  const status = textOf(body['status']) ?? 'completed';
  if (status === 'failed' || status === 'cancelled') throw new AppError('upstream_error', { cause: body['error'] });
  const items = body['output'].filter(isRecord);
  const parts = items.flatMap((item) => decodeOutputItem(item, source));
  const logprobs = items.flatMap(logprobsOf);
  const choice: Choice = {
    index: 0,
    parts,
    ...finishOf(status, textOf(memberOf(body['incomplete_details'], 'reason')), new Set(parts.map(({ kind }) => kind))),
    logprobs: logprobs.length === 0 ? undefined : logprobs,
  };
  return { ...headOf(body), choices: [choice], usage: decodeUsage(body['usage']) };
}

/** What a response object says of itself, whole or at the head of a stream. */
export function headOf(response: unknown): Pick<IrAnswer, 'id' | 'model' | 'createdSeconds' | 'serviceTier'> {
  return {
    id: textOf(memberOf(response, 'id')),
    model: textOf(memberOf(response, 'model')),
    createdSeconds: numberOf(memberOf(response, 'created_at')),
    serviceTier: textOf(memberOf(response, 'service_tier')),
  };
}

/** The answer as a whole response object. */
export function encodeAnswer(answer: IrAnswer, context: AnswerContext): JsonRecord {
  const [choice] = answer.choices;
  const output = choice === undefined ? [] : encodeOutput(choice, context);
  return createResponseShell(answer, context)({ ...outcomeOf(choice?.finish, output), output, usage: answer.usage });
}

function encodeOutput({ parts, logprobs, sources }: Choice, context: AnswerContext): readonly JsonRecord[] {
  const items: JsonRecord[] = [];
  let content: JsonRecord[] = [];
  const endMessage = (): void => {
    if (content.length > 0) items.push(messageItem(context.newId('msg_'), content, 'completed'));
    content = [];
  };
  const firstText = parts.findIndex(({ kind }) => kind === 'text');
  const lastText = parts.findLastIndex(({ kind }) => kind === 'text');
  for (const [index, part] of parts.entries()) {
    if ((part.kind === 'text' || part.kind === 'tool_call') && part.signature !== undefined) {
      endMessage();
      items.push(tagItem(part.signature, context));
    }
    if (part.kind === 'text') content.push(textContent(part.text, [...(part.annotations ?? []), ...(index === lastText ? (sources ?? []) : [])], index === firstText ? (logprobs ?? []) : []));
    else if (part.kind === 'refusal') content.push(refusalContent(part.text));
    else {
      endMessage();
      items.push(...encodeItem(part, context));
    }
  }
  endMessage();
  return items;
}

function encodeItem(part: Exclude<AnswerPart, { readonly kind: 'text' | 'refusal' }>, context: AnswerContext): readonly JsonRecord[] {
  switch (part.kind) {
    case 'thinking':
      return [reasoningItem(part, context)];
    case 'tool_call':
      return [callItem(part, context)];
    case 'media':
      return mediaItems(part, context);
    case 'raw':
      return rawItem(part, context);
  }
}

export function itemsOf(response: unknown): readonly JsonRecord[] {
  return listOf(memberOf(response, 'output')).filter(isRecord);
}
