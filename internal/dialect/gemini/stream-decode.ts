import type { Party, StreamDecoder } from '../codec.ts';
import type { IrEvent } from '../ir/events.ts';
import { isRecord, listOf, memberOf, numberOf, parseJson, textOf, type JsonRecord } from '../ir/json.ts';
import { sha256Hex } from '../../secret/digest.ts';
import { CandidateDecoder } from './candidate-decode.ts';
import { streamErrorOf, truncated } from './error.ts';
import { readUsage } from './usage.ts';

/** There is no terminal event: every candidate that began has to have its `finishReason` (security rule 16). */
export function createStreamDecoder(source: Party): StreamDecoder {
  const answer = new AnswerDecoder(source);
  return {
    push: ({ data }) => {
      const payload = parseJson(data);
      return isRecord(payload) ? answer.take(payload) : [];
    },
    end: () => answer.end(),
  };
}

/** Follows an answer through its events; a whole answer is one. */
export class AnswerDecoder {
  readonly #source: Party;
  readonly #candidates = new Map<number, CandidateDecoder>();
  #hasBegun = false;
  #isOver = false;
  #isBlocked = false;
  #blockReason: string | undefined;
  #seed = '';
  #usage: IrEvent | undefined;

  constructor(source: Party) {
    this.#source = source;
  }

  take(payload: JsonRecord): readonly IrEvent[] {
    if (this.#isOver) return [];
    if (isRecord(payload['error'])) {
      this.#isOver = true;
      return [{ type: 'error', error: streamErrorOf(payload) }];
    }
    const events: IrEvent[] = [...this.#begin(payload)];
    this.#blockReason ??= textOf(memberOf(payload['promptFeedback'], 'blockReason'));
    if (this.#blockReason !== undefined) this.#isBlocked = true;
    for (const candidate of listOf(payload['candidates'])) {
      if (!isRecord(candidate)) continue;
      const index = numberOf(candidate['index']) ?? 0;
      events.push(...this.#candidate(index).take(candidate));
    }
    const usage = readUsage(payload['usageMetadata']);
    if (usage !== undefined) this.#usage = { type: 'usage', usage };
    return events;
  }

  end(): readonly IrEvent[] {
    if (this.#isOver) return [];
    this.#isOver = true;
    const candidates = [...this.#candidates.values()];
    const isComplete = candidates.length > 0 ? candidates.every(({ isFinished }) => isFinished) : this.#isBlocked;
    if (!isComplete && !this.#isBlocked) return [{ type: 'error', error: truncated() }];
    const finishes = candidates.length > 0 ? candidates.flatMap((candidate) => candidate.finish(this.#blockReason)) : [{ type: 'finish', choice: 0, finish: 'content_filter', rawFinish: this.#blockReason } as const];
    return [...finishes, ...(this.#usage === undefined ? [] : [this.#usage]), { type: 'end' }];
  }

  #begin(payload: JsonRecord): readonly IrEvent[] {
    if (this.#hasBegun) return [];
    this.#hasBegun = true;
    const id = textOf(payload['responseId']);
    this.#seed = id ?? sha256Hex(JSON.stringify(payload));
    return [{ type: 'start', id, model: textOf(payload['modelVersion']), createdSeconds: secondsOf(payload['createTime']) }];
  }

  #candidate(index: number): CandidateDecoder {
    const known = this.#candidates.get(index);
    if (known !== undefined) return known;
    const fresh = new CandidateDecoder(index, this.#source, this.#seed);
    this.#candidates.set(index, fresh);
    return fresh;
  }
}

function secondsOf(time: unknown): number | undefined {
  const ms = Date.parse(textOf(time) ?? '');
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1_000);
}
