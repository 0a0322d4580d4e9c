import type { AnswerContext, StreamEncoder } from '../codec.ts';
import type { IrUsage } from '../ir/answer.ts';
import type { IrEvent, PartOpening } from '../ir/events.ts';
import { isCustomTool, wrapCustomInput } from '../ir/custom-tools.ts';
import type { JsonRecord } from '../ir/json.ts';
import type { Annotation, Signature } from '../ir/parts.ts';
import { createSequencer } from '../ir/sequential.ts';
import { tagSignature } from '../ir/signatures.ts';
import { createThinkingHold } from '../ir/unasked-thinking.ts';
import { mediaText, messageHead, signedBy, wantsThinking } from './answer.ts';
import { writeCitation } from './citations.ts';
import { typeOf } from './error.ts';
import { stopReasonOf } from './finish.ts';
import { writeUsage } from './usage.ts';

type EventOf<T extends IrEvent['type']> = Extract<IrEvent, { readonly type: T }>;

/** The block that is open at the client. */
interface Block {
  readonly index: number;
  readonly kind: PartOpening['kind'];
  /** The part in it has closed; the block stays open while more of its kind may still be said of it. */
  isDone: boolean;
  hasContent: boolean;
  /** What a citation is taken from. */
  readonly texts: string[];
}

/** A call that is written at once when it closes: its signature has to stand before it. */
interface HeldCall {
  readonly opening: Extract<PartOpening, { readonly kind: 'tool_call' }>;
  readonly pieces: string[];
  signature: EventOf<'signature'>['signature'] | undefined;
}

/**
 * One block is open at a time, each begun and ended, then `message_delta` and `message_stop`.
 * @see https://platform.claude.com/docs/en/build-with-claude/streaming
 */
export function createStreamEncoder(context: AnswerContext): StreamEncoder {
  const sequence = createSequencer();
  const hold = wantsThinking(context.request) ? undefined : createThinkingHold(context.request);
  const writer = new MessageWriter(context);
  const ordered = (event: IrEvent): readonly IrEvent[] => (hold === undefined ? sequence(event) : sequence(event).flatMap(hold));
  return { push: (event) => ordered(event).map((each) => writer.write(each)).join('') };
}

const blankText = { type: 'text', text: '', citations: null } as const;

function sse(type: string, data: JsonRecord): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
}

class MessageWriter {
  readonly #context: AnswerContext;
  #state: 'before' | 'within' | 'over' = 'before';
  #blocks = 0;
  #block: Block | undefined;
  /** A part that has said nothing yet. It becomes a block with its first word: blank blocks, sent back, are refused. */
  #unsaid: 'text' | 'refusal' | 'thinking' | undefined;
  #held: HeldCall | undefined;
  #usage: IrUsage | undefined;
  #finish: EventOf<'finish'> | undefined;
  #hasCalls = false;
  #hasRefusal = false;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  write(event: IrEvent): string {
    if (this.#state === 'over') return '';
    if (event.type === 'tier') return '';
    if (event.type === 'ping') return this.#state === 'before' ? '' : sse('ping', {});
    if (event.type === 'error') return this.#fail(event);
    if (event.type === 'start') return this.#start(event);
    if (event.type === 'usage') {
      this.#usage = event.usage;
      return '';
    }
    if (this.#state === 'before') throw new TypeError(`${event.type} before start`);
    // One answer is made at a time; a request for more was refused.
    if ('choice' in event && event.choice !== 0) return '';
    return this.#within(event);
  }

  #within(event: Exclude<IrEvent, { readonly type: 'ping' | 'error' | 'start' | 'usage' | 'tier' }>): string {
    switch (event.type) {
      case 'open':
        return this.#open(event.opening);
      case 'delta':
        return this.#delta(event.text);
      case 'signature':
        return this.#sign(event);
      case 'annotation':
        return this.#cite(event.annotation);
      case 'logprobs':
        return '';
      case 'close':
        return this.#close();
      case 'whole':
        return this.#whole(event.content);
      case 'finish':
        this.#finish = event;
        return (event.sources ?? []).map((source) => this.#cite(source)).join('');
      case 'end':
        return this.#end();
    }
  }

  #start(event: EventOf<'start'>): string {
    if (this.#state !== 'before') throw new TypeError('a second start');
    this.#state = 'within';
    return sse('message_start', { message: { ...messageHead(event, this.#context), usage: writeUsage(this.#usage) } });
  }

  #open(opening: PartOpening): string {
    if ((this.#block !== undefined && !this.#block.isDone) || this.#held !== undefined || this.#unsaid !== undefined) throw new TypeError('a part opened within another');
    if (opening.kind !== 'tool_call') {
      this.#unsaid = opening.kind;
      return '';
    }
    this.#hasCalls = true;
    const isHeld = this.#context.source.dialect === 'gemini' || opening.isCustom === true || isCustomTool(this.#context.request, opening.name);
    if (!isHeld) return this.#beginCall(opening);
    this.#held = { opening, pieces: [], signature: undefined };
    return '';
  }

  #beginCall({ id, name }: HeldCall['opening']): string {
    return this.#begin('tool_call', { type: 'tool_use', id, name, input: {} });
  }

  #beginUnsaid(): string {
    const kind = this.#unsaid;
    this.#unsaid = undefined;
    if (kind === undefined) return '';
    if (kind === 'refusal') this.#hasRefusal = true;
    return this.#begin(kind, kind === 'thinking' ? { type: 'thinking', thinking: '', signature: '' } : blankText);
  }

  #begin(kind: Block['kind'], block: JsonRecord): string {
    const stopped = this.#stop();
    this.#block = { index: this.#blocks++, kind, isDone: false, hasContent: false, texts: [] };
    return stopped + sse('content_block_start', { index: this.#block.index, content_block: block });
  }

  #stop(): string {
    const block = this.#block;
    this.#block = undefined;
    return block === undefined ? '' : sse('content_block_stop', { index: block.index });
  }

  #deltaOf(block: Block, delta: JsonRecord): string {
    return sse('content_block_delta', { index: block.index, delta });
  }

  #delta(text: string): string {
    if (this.#held !== undefined) {
      this.#held.pieces.push(text);
      return '';
    }
    if (text === '') return '';
    const begun = this.#beginUnsaid();
    const block = this.#current();
    block.hasContent = true;
    switch (block.kind) {
      case 'text':
      case 'refusal':
        block.texts.push(text);
        return begun + this.#deltaOf(block, { type: 'text_delta', text });
      case 'thinking':
        return begun + this.#deltaOf(block, { type: 'thinking_delta', thinking: text });
      case 'tool_call':
        return begun + this.#deltaOf(block, { type: 'input_json_delta', partial_json: text });
    }
  }

  #sign({ signature }: EventOf<'signature'>): string {
    if (this.#held !== undefined) {
      this.#held.signature = signature;
      return '';
    }
    const { value } = signature;
    if (this.#unsaid === 'text') return wantsThinking(this.#context.request) ? this.#beginSigned(signature) : '';
    if (this.#unsaid === 'thinking' && value === '') return '';
    const begun = this.#beginUnsaid();
    const block = this.#current();
    // There is no field on a text that has begun, and Google does not ask for its signature back.
    return block.kind === 'thinking' ? begun + this.#deltaOf(block, { type: 'signature_delta', signature: tagSignature(signature) }) : begun;
  }

  /** The block before what another vendor signed. */
  #beginSigned(signature: Signature | undefined): string {
    return signedBy(signature).map((block) => this.#begin('thinking', block) + this.#stop()).join('');
  }

  #cite(annotation: Annotation): string {
    const block = this.#block;
    if (block?.kind !== 'text' || this.#unsaid !== undefined) return '';
    const citation = writeCitation(annotation, block.texts.join(''));
    return citation === undefined ? '' : this.#deltaOf(block, { type: 'citations_delta', citation });
  }

  #close(): string {
    const held = this.#held;
    if (held !== undefined) {
      this.#held = undefined;
      return this.#writeCall(held);
    }
    if (this.#unsaid !== undefined) {
      this.#unsaid = undefined;
      return '';
    }
    const block = this.#current();
    block.isDone = true;
    // Links may still be told of the last text.
    if (block.kind === 'text') return '';
    const input = block.kind === 'tool_call' && !block.hasContent ? this.#deltaOf(block, { type: 'input_json_delta', partial_json: '{}' }) : '';
    return input + this.#stop();
  }

  #writeCall({ opening, pieces, signature }: HeldCall): string {
    const text = pieces.join('');
    const isCustom = opening.isCustom === true && !isCustomTool(this.#context.request, opening.name);
    return [this.#beginSigned(signature), this.#beginCall(opening), this.#delta(isCustom ? wrapCustomInput(text) : text), this.#close()].join('');
  }

  #whole(content: EventOf<'whole'>['content']): string {
    if (content.kind === 'raw') return content.dialect === 'anthropic-messages' ? this.#begin('tool_call', content.item) + this.#stop() : '';
    return [this.#beginSigned(content.signature), this.#begin('text', blankText), this.#delta(mediaText(content)), this.#stop()].join('');
  }

  #current(): Block {
    if (this.#block === undefined || this.#block.isDone) throw new TypeError('nothing is open');
    return this.#block;
  }

  #end(): string {
    this.#state = 'over';
    const { finish, stopSequence } = this.#finish ?? { finish: 'other', stopSequence: undefined };
    const delta = { stop_reason: stopReasonOf(finish, { hasCalls: this.#hasCalls, hasRefusal: this.#hasRefusal }), stop_sequence: finish === 'stop_sequence' ? (stopSequence ?? null) : null };
    return [this.#stop(), sse('message_delta', { delta, usage: writeUsage(this.#usage) }), sse('message_stop', {})].join('');
  }

  #fail({ error }: EventOf<'error'>): string {
    this.#state = 'over';
    return sse('error', { error: { type: typeOf(error), message: error.message, code: error.code } });
  }
}
