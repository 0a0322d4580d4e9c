import type { Party, StreamDecoder } from '../codec.ts';
import type { IrUsage } from '../ir/answer.ts';
import type { IrEvent } from '../ir/events.ts';
import { isRecord, listOf, memberOf, numberOf, parseJson, textOf, type JsonRecord } from '../ir/json.ts';
import { truncated, unreadable, type StreamError } from '../stream-error.ts';
import { sha256Hex } from '../../secret/digest.ts';
import { createCandidateDecoder, type CandidateDecoder } from './candidate-decode.ts';
import { streamErrorIn } from './error.ts';
import { reasonOf } from './finish.ts';
import { readUsage } from './usage.ts';

/** There is no terminal event: every candidate that began must have its `finishReason` (security rule 16). */
export function createStreamDecoder(source: Party): StreamDecoder {
  const decoder = createResponseDecoder(source);
  return {
    push: ({ data }) => {
      const text = data.trim();
      // Some imitations end like OpenAI's streams.
      if (text === '' || text === '[DONE]') return [];
      const payload = parseJson(text);
      return isRecord(payload) ? decoder.push(payload) : decoder.fail(unreadable);
    },
    end: decoder.end,
  };
}

/** Reads `GenerateContentResponse`s: the pieces of a stream, or the one that is all. */
export interface ResponseDecoder {
  readonly push: (response: JsonRecord) => readonly IrEvent[];
  readonly fail: (error: StreamError) => readonly IrEvent[];
  readonly end: () => readonly IrEvent[];
}

export function createResponseDecoder(source: Party): ResponseDecoder {
  const candidates = new Map<number, CandidateDecoder>();
  let start: Extract<IrEvent, { readonly type: 'start' }> | undefined;
  let answerId = '';
  let usage: IrUsage | undefined;
  let serviceTier: string | undefined;
  let blockReason: string | undefined;
  let isOver = false;

  const fail = (error: StreamError): readonly IrEvent[] => {
    if (isOver) return [];
    isOver = true;
    return [{ type: 'error', error }];
  };
  const begin = (response: JsonRecord): readonly IrEvent[] => {
    if (start !== undefined) return [];
    start = readStart(response);
    // Answers without an id differ at least in their first piece, which counts the prompt.
    answerId = start.id ?? sha256Hex(JSON.stringify(response));
    return [start, ...(usage === undefined ? [] : [{ type: 'usage', usage } as const])];
  };
  const candidateOf = (index: number): CandidateDecoder => {
    const known = candidates.get(index);
    if (known !== undefined) return known;
    const fresh = createCandidateDecoder(index, source, answerId);
    candidates.set(index, fresh);
    return fresh;
  };
  const finishAll = (): readonly IrEvent[] | undefined => {
    const begun = [...candidates].sort(([a], [b]) => a - b).map(([, candidate]) => candidate);
    if (blockReason === undefined && (begun.length === 0 || begun.some((candidate) => !candidate.isFinished()))) return undefined;
    // A prompt that was blocked is answered by nothing.
    return begun.length === 0 ? [{ type: 'finish', choice: 0, finish: 'content_filter', rawFinish: blockReason }] : begun.flatMap((candidate) => candidate.finish(blockReason));
  };

  return {
    fail,
    push: (response) => {
      if (isOver) return [];
      const error = streamErrorIn(response);
      if (error !== undefined) return fail(error);
      usage = readUsage(response['usageMetadata']) ?? usage;
      serviceTier = tierOf(response) ?? serviceTier;
      blockReason ??= reasonOf(memberOf(response['promptFeedback'], 'blockReason'));
      return [...begin(response), ...listOf(response['candidates']).flatMap((candidate, position) => (isRecord(candidate) ? candidateOf(numberOf(candidate['index']) ?? position).push(candidate) : []))];
    },
    end: () => {
      if (isOver) return [];
      const finishes = finishAll();
      if (finishes === undefined) return fail(truncated);
      isOver = true;
      const tier = serviceTier === undefined || serviceTier === start?.serviceTier ? [] : [{ type: 'tier', serviceTier } as const];
      return [...tier, ...finishes, ...(usage === undefined ? [] : [{ type: 'usage', usage } as const]), { type: 'end' }];
    },
  };
}

function readStart(response: JsonRecord): Extract<IrEvent, { readonly type: 'start' }> {
  const createdMs = Date.parse(textOf(response['createTime']) ?? '');
  return {
    type: 'start',
    id: textOf(response['responseId']) || undefined,
    model: textOf(response['modelVersion']) || undefined,
    createdSeconds: Number.isNaN(createdMs) ? undefined : Math.floor(createdMs / 1_000),
    serviceTier: tierOf(response),
  };
}

function tierOf(response: JsonRecord): string | undefined {
  return textOf(memberOf(response['usageMetadata'], 'serviceTier'));
}
