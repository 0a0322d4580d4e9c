import type { AnswerContext, StreamEncoder } from '../codec.ts';
import type { IrUsage, TokenLogprob } from '../ir/answer.ts';
import type { IrEvent } from '../ir/events.ts';
import type { JsonRecord } from '../ir/json.ts';
import { createSequencer } from '../ir/sequential.ts';
import { CallWriter } from './call-writer.ts';
import { ItemLog } from './item-log.ts';
import { mediaItems } from './media-items.ts';
import { MessageWriter } from './message-writer.ts';
import { tagItem, rawItem } from './output-items.ts';
import { ReasoningWriter } from './reasoning-writer.ts';
import { createResponseShell, outcomeOf, type ResponseState } from './response-object.ts';

type EventOf<T extends IrEvent['type']> = Extract<IrEvent, { readonly type: T }>;
type Within = Exclude<IrEvent, { readonly type: 'ping' | 'error' | 'start' | 'usage' | 'tier' }>;

/**
 * Numbered events: the response, its items one after the other, each with its content, and the response again, whole.
 * @see https://developers.openai.com/api/reference/resources/responses/streaming-events
 */
export function createStreamEncoder(context: AnswerContext): StreamEncoder {
  const sequence = createSequencer();
  const writer = new ResponseWriter(context);
  return { push: (event) => sequence(event).map((each) => writer.write(each)).join('') };
}

class ResponseWriter {
  readonly #context: AnswerContext;
  readonly #log = new ItemLog();
  #state: 'before' | 'within' | 'over' = 'before';
  #shell: ((state: ResponseState) => JsonRecord) | undefined;
  #usage: IrUsage | undefined;
  #tier: string | undefined;
  #finish: EventOf<'finish'> | undefined;
  /** The message that further text still belongs to. */
  #message: MessageWriter | undefined;
  #open: MessageWriter | ReasoningWriter | CallWriter | undefined;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  write(event: IrEvent): string {
    if (this.#state === 'over' || event.type === 'ping') return '';
    if (event.type === 'error') return this.#fail(event);
    if (event.type === 'start') return this.#start(event);
    if (event.type === 'usage') {
      this.#usage = event.usage;
      return '';
    }
    if (event.type === 'tier') {
      this.#tier = event.serviceTier;
      return '';
    }
    if (this.#state === 'before') throw new TypeError(`${event.type} before start`);
    // One answer is made at a time; a request for more was refused.
    if ('choice' in event && event.choice !== 0) return '';
    this.#within(event);
    return this.#log.take();
  }

  #within(event: Within): void {
    switch (event.type) {
      case 'open':
        this.#begin(event);
        return;
      case 'delta':
        this.#current().say(event.text);
        return;
      case 'signature':
        this.#current().sign(event.signature);
        return;
      case 'annotation':
        this.#message?.annotate(event.annotation);
        return;
      case 'logprobs':
        this.#logprobs(event.tokens);
        return;
      case 'close':
        this.#close();
        return;
      case 'whole':
        this.#whole(event.content);
        return;
      case 'finish':
        this.#finish = event;
        for (const source of event.sources ?? []) this.#message?.annotate(source);
        return;
      case 'end':
        this.#end();
    }
  }

  #start(event: EventOf<'start'>): string {
    if (this.#state !== 'before') throw new TypeError('a second start');
    this.#state = 'within';
    this.#shell = createResponseShell(event, this.#context);
    const response = this.#shell({ status: 'in_progress', output: [] });
    this.#log.event('response.created', { response });
    this.#log.event('response.in_progress', { response });
    return this.#log.take();
  }

  #begin({ opening }: EventOf<'open'>): void {
    if (this.#open !== undefined) throw new TypeError('a part opened within another');
    if (opening.kind === 'text' || opening.kind === 'refusal') {
      this.#message ??= new MessageWriter(this.#log, this.#context);
      this.#message.open(opening.kind);
      this.#open = this.#message;
      return;
    }
    this.#endMessage();
    this.#open = opening.kind === 'thinking' ? new ReasoningWriter(this.#log, this.#context, opening) : new CallWriter(this.#log, this.#context, opening);
  }

  #current(): MessageWriter | ReasoningWriter | CallWriter {
    if (this.#open === undefined) throw new TypeError('nothing is open');
    return this.#open;
  }

  #logprobs(tokens: readonly TokenLogprob[]): void {
    if (this.#open === this.#message) this.#message?.logprobs(tokens);
  }

  #close(): void {
    this.#current().close();
    this.#open = undefined;
  }

  #endMessage(): void {
    this.#message?.end();
    this.#message = undefined;
  }

  #whole(content: EventOf<'whole'>['content']): void {
    this.#endMessage();
    const items = content.kind === 'raw' ? rawItem(content, this.#context) : [...(content.signature === undefined ? [] : [tagItem(content.signature, this.#context)]), ...mediaItems(content, this.#context)];
    for (const item of items) if (item['type'] !== 'message') this.#log.wholeItem(item);
    if (content.kind === 'media' && content.transcript !== undefined && items.some((item) => item['type'] === 'message')) this.#speak(content.transcript);
  }

  /** What is said in a sound, as a message of its own: clients show what comes in deltas. */
  #speak(text: string): void {
    const message = new MessageWriter(this.#log, this.#context);
    message.open('text');
    message.say(text);
    message.end();
  }

  #end(): void {
    this.#endMessage();
    this.#state = 'over';
    const output = this.#log.items();
    const outcome = outcomeOf(this.#finish?.finish, output);
    const response = this.#respond({ ...outcome, output, usage: this.#usage, serviceTier: this.#tier });
    this.#log.event(outcome.status === 'incomplete' ? 'response.incomplete' : outcome.status === 'failed' ? 'response.failed' : 'response.completed', { response });
  }

  #fail({ error }: EventOf<'error'>): string {
    const hasBegun = this.#state === 'within';
    this.#state = 'over';
    const stated = { code: error.code, message: error.message };
    const output = [...this.#log.items(), ...((this.#open ?? this.#message)?.soFar() ?? [])];
    // OpenAI sends both, the response last: its library raises by the first alone, and Codex reads the second alone, which it takes for the vendor's own verdict and not for a lost stream.
    this.#log.event('error', { ...stated, param: null, error: { type: error.type, ...stated, param: null } });
    if (hasBegun && error.code !== 'stream_truncated') this.#log.event('response.failed', { response: this.#respond({ status: 'failed', error: stated, output, usage: this.#usage, serviceTier: this.#tier }) });
    return this.#log.take();
  }

  #respond(state: ResponseState): JsonRecord {
    if (this.#shell === undefined) throw new TypeError('no start');
    return this.#shell(state);
  }
}
