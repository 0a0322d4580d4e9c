import type { Party, StreamDecoder } from '../codec.ts';
import type { IrEvent } from '../ir/events.ts';
import { isRecord, listOf, memberOf, numberOf, parseJson, textOf, type JsonRecord } from '../ir/json.ts';
import { replayPart } from '../ir/replay.ts';
import { truncated } from '../stream-error.ts';
import { redactedOf, signatureOf } from './answer-decode.ts';
import { readCitations } from './citations.ts';
import { readStreamError } from './error.ts';
import { readFinish, readRefusal } from './finish.ts';
import { jsonToolName } from './json-tool.ts';
import { mergeUsage, readTier, readUsage, toUsage, type StatedUsage } from './usage.ts';

/** A block that has begun and not ended. */
interface OpenBlock {
  readonly part: number;
  readonly kind: 'text' | 'thinking' | 'tool_call' | 'raw';
  readonly item: JsonRecord;
  /** Units of text so far, for citations. */
  length: number;
  readonly citations: unknown[];
  /** Pieces of a vendor tool's input. */
  readonly pieces: string[];
  hasInput: boolean;
  hasSignature: boolean;
}

/** @see https://platform.claude.com/docs/en/build-with-claude/streaming */
export function createStreamDecoder(source: Party): StreamDecoder {
  const decoder = new MessageStream(source);
  return {
    push: ({ event, data }) => {
      const payload = parseJson(data);
      return isRecord(payload) ? decoder.take(textOf(payload['type']) ?? event, payload) : [];
    },
    end: () => decoder.end(),
  };
}

class MessageStream {
  readonly #source: Party;
  readonly #open = new Map<number, OpenBlock>();
  #nextPart = 0;
  #hasBegun = false;
  #isOver = false;
  #usage: StatedUsage | undefined;
  /** As last stated, and as the start said it. */
  #tier: string | undefined;
  #firstTier: string | undefined;
  #stopReason: string | undefined;
  #stopSequence: string | undefined;
  #refusal: string | undefined;
  #hasCalls = false;
  #hasJsonAnswer = false;

  constructor(source: Party) {
    this.#source = source;
  }

  take(type: string, payload: JsonRecord): readonly IrEvent[] {
    if (this.#isOver) return [];
    switch (type) {
      case 'message_start':
        return this.#begin(payload['message']);
      case 'content_block_start':
        return [...this.#begin(undefined), ...this.#openBlock(indexOf(payload), isRecord(payload['content_block']) ? payload['content_block'] : {})];
      case 'content_block_delta':
        return [...this.#begin(undefined), ...this.#delta(indexOf(payload), isRecord(payload['delta']) ? payload['delta'] : {})];
      case 'content_block_stop':
        return this.#closeBlock(indexOf(payload));
      case 'message_delta':
        return this.#messageDelta(payload);
      case 'message_stop':
        return this.#finish();
      case 'ping':
        return [{ type: 'ping' }];
      case 'error':
        this.#isOver = true;
        return [{ type: 'error', error: readStreamError(payload) }];
      default:
        return [];
    }
  }

  end(): readonly IrEvent[] {
    if (this.#isOver) return [];
    this.#isOver = true;
    return [{ type: 'error', error: truncated }];
  }

  #begin(message: unknown): readonly IrEvent[] {
    if (this.#hasBegun) return [];
    this.#hasBegun = true;
    this.#firstTier = readTier(memberOf(message, 'usage'));
    const start: IrEvent = { type: 'start', id: textOf(memberOf(message, 'id')), model: textOf(memberOf(message, 'model')), serviceTier: this.#firstTier };
    return [start, ...this.#count(memberOf(message, 'usage'))];
  }

  #count(usage: unknown): readonly IrEvent[] {
    const stated = readUsage(usage);
    this.#tier = readTier(usage) ?? this.#tier;
    if (stated === undefined) return [];
    this.#usage = mergeUsage(this.#usage, stated);
    return this.#usage === undefined ? [] : [{ type: 'usage', usage: toUsage(this.#usage) }];
  }

  #openBlock(index: number, item: JsonRecord): readonly IrEvent[] {
    const before = this.#closeBlock(index);
    const part = this.#nextPart++;
    const block: OpenBlock = { part, kind: kindOf(item), item, length: 0, citations: [], pieces: [], hasInput: false, hasSignature: false };
    this.#open.set(index, block);
    const place = { choice: 0, part } as const;
    switch (block.kind) {
      case 'text': {
        if (item['type'] === 'tool_use') this.#hasJsonAnswer = true;
        const text = textOf(item['text']) ?? '';
        block.length += text.length;
        return [...before, { type: 'open', ...place, opening: { kind: 'text' } }, ...(text === '' ? [] : [{ type: 'delta', ...place, text } as const])];
      }
      case 'thinking':
        return [...before, { type: 'open', ...place, opening: { kind: 'thinking' } }, ...this.#openThinking(block)];
      case 'tool_call':
        this.#hasCalls = true;
        return [...before, { type: 'open', ...place, opening: { kind: 'tool_call', id: textOf(item['id']) ?? '', name: textOf(item['name']) ?? '' } }];
      case 'raw':
        return before;
    }
  }

  #openThinking(block: OpenBlock): readonly IrEvent[] {
    const { item, part } = block;
    if (item['type'] === 'redacted_thinking') {
      block.hasSignature = true;
      return [{ type: 'signature', choice: 0, part, signature: redactedOf(item['data'], this.#source) }];
    }
    const text = textOf(item['thinking']) ?? '';
    return text === '' ? [] : [{ type: 'delta', choice: 0, part, text }];
  }

  #delta(index: number, delta: JsonRecord): readonly IrEvent[] {
    // Servers that imitate the API leave out a block's beginning at times, or go on in one of another kind.
    const isFitting = fits(this.#open.get(index)?.kind, delta['type']);
    const opened = isFitting ? [] : this.#openBlock(index, impliedBlock(delta));
    const block = this.#open.get(index);
    return block === undefined ? opened : [...opened, ...this.#readDelta(block, delta)];
  }

  #readDelta(block: OpenBlock, delta: JsonRecord): readonly IrEvent[] {
    const place = { choice: 0, part: block.part } as const;
    const say = (text: string | undefined): readonly IrEvent[] => (text === undefined || text === '' ? [] : [{ type: 'delta', ...place, text }]);
    switch (delta['type']) {
      case 'text_delta': {
        const text = textOf(delta['text']);
        block.length += text?.length ?? 0;
        return say(text);
      }
      case 'input_json_delta': {
        const text = textOf(delta['partial_json']);
        if (text !== undefined && text !== '') block.hasInput = true;
        if (block.kind === 'raw' && text !== undefined) block.pieces.push(text);
        return block.kind === 'raw' || block.kind === 'thinking' ? [] : say(text);
      }
      case 'thinking_delta':
        return say(textOf(delta['thinking']));
      case 'signature_delta':
        block.hasSignature = true;
        return [{ type: 'signature', ...place, signature: signatureOf(delta['signature'], this.#source) }];
      case 'citations_delta':
        block.citations.push(delta['citation']);
        return [];
      default:
        return [];
    }
  }

  #closeBlock(index: number): readonly IrEvent[] {
    const block = this.#open.get(index);
    if (block === undefined) return [];
    this.#open.delete(index);
    const { part, kind, item } = block;
    const place = { choice: 0, part } as const;
    if (kind === 'raw') return [{ type: 'whole', ...place, content: { kind: 'raw', dialect: 'anthropic-messages', item: wholeItem(block) } }];
    const rest: IrEvent[] = [];
    // Some servers give a call's input with its beginning, in one piece.
    const isCall = item['type'] === 'tool_use';
    if (isCall && !block.hasInput) rest.push({ type: 'delta', ...place, text: JSON.stringify(item['input'] ?? {}) });
    for (const annotation of readCitations([...listOf(item['citations']), ...block.citations], block.length) ?? []) rest.push({ type: 'annotation', ...place, annotation });
    if (kind === 'thinking' && !block.hasSignature) rest.push({ type: 'signature', ...place, signature: signatureOf(item['signature'], this.#source) });
    return [...rest, { type: 'close', ...place }];
  }

  #messageDelta(payload: JsonRecord): readonly IrEvent[] {
    const { delta } = payload;
    this.#stopReason = textOf(memberOf(delta, 'stop_reason')) ?? this.#stopReason;
    this.#stopSequence = textOf(memberOf(delta, 'stop_sequence')) ?? this.#stopSequence;
    this.#refusal = readRefusal(memberOf(delta, 'stop_details')) ?? this.#refusal;
    return [...this.#begin(undefined), ...this.#count(payload['usage'])];
  }

  #finish(): readonly IrEvent[] {
    this.#isOver = true;
    const closed = [...this.#open.keys()].flatMap((index) => this.#closeBlock(index));
    const stated = this.#stopReason === undefined ? (this.#hasCalls ? 'tool_calls' : 'stop') : readFinish(this.#stopReason);
    const finish = this.#hasJsonAnswer && !this.#hasCalls && stated === 'tool_calls' ? 'stop' : stated;
    const refused = this.#refusal === undefined ? [] : replayPart(0, { kind: 'refusal', text: this.#refusal }, this.#nextPart++);
    const tier: readonly IrEvent[] = this.#tier === undefined || this.#tier === this.#firstTier ? [] : [{ type: 'tier', serviceTier: this.#tier }];
    return [...this.#begin(undefined), ...closed, ...refused, ...tier, { type: 'finish', choice: 0, finish, rawFinish: this.#stopReason, stopSequence: this.#stopSequence }, { type: 'end' }];
  }
}

function indexOf(payload: JsonRecord): number {
  return numberOf(payload['index']) ?? 0;
}

function kindOf(item: JsonRecord): OpenBlock['kind'] {
  switch (item['type']) {
    case 'text':
      return 'text';
    case 'thinking':
    case 'redacted_thinking':
      return 'thinking';
    case 'tool_use':
      return item['name'] === jsonToolName ? 'text' : 'tool_call';
    default:
      return 'raw';
  }
}

/** Whether a block takes the delta. One of input alone cannot begin a call, whose name it does not say. */
function fits(kind: OpenBlock['kind'] | undefined, type: unknown): boolean {
  switch (type) {
    case 'text_delta':
      return kind === 'text';
    case 'thinking_delta':
    case 'signature_delta':
      return kind === 'thinking';
    default:
      return true;
  }
}

function impliedBlock({ type }: JsonRecord): JsonRecord {
  return type === 'thinking_delta' || type === 'signature_delta' ? { type: 'thinking', thinking: '' } : { type: 'text', text: '' };
}

function wholeItem({ item, pieces }: OpenBlock): JsonRecord {
  const input = pieces.length === 0 ? undefined : parseJson(pieces.join(''));
  return input === undefined ? item : { ...item, input };
}
