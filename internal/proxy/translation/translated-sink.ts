import type { DialectCodec, StreamDecoder } from '../../dialect/codec.ts';
import type { IrAnswer } from '../../dialect/ir/answer.ts';
import { createEventReader } from '../../dialect/ir/event-reader.ts';
import type { IrEvent } from '../../dialect/ir/events.ts';
import { isRecord, memberOf, parseJson } from '../../dialect/ir/json.ts';
import { replayAnswer } from '../../dialect/ir/replay.ts';
import { truncated, unreadable } from '../../dialect/stream-error.ts';
import { statusOfError, type OpeningError } from '../../dialect/stream-opening.ts';
import type { AnswerSink } from '../answer-sink.ts';
import { errorWithoutSecrets } from '../secret-guard.ts';
import { bodyOf, failureOf, maxWholeBytes, tooLarge } from './answer-faults.ts';
import { streamOutput, wholeOutput, type Output, type OutputOptions } from './write-answer.ts';

export interface TranslatedSinkOptions extends OutputOptions {
  readonly upstream: DialectCodec;
  /** What the client asked for. */
  readonly isClientStream: boolean;
  /** What the upstream sends. */
  readonly isUpstreamStream: boolean;
  /** Not to be told to the client by an error. */
  readonly secrets: readonly string[];
}

/** Of one event, and as a stream of an answer that is given whole: most of those bytes are wrapping. */
const maxUnfinishedBytes = 64 * 1024 * 1024;
const maxCollectedBytes = 2 * maxWholeBytes;

/** Takes an answer to the client in the client's dialect. Nothing is sent before the upstream has content, or for whole answers the end. */
export function createTranslatedSink(options: TranslatedSinkOptions): AnswerSink {
  const out = options.isClientStream ? streamOutput(options) : wholeOutput(options);
  return options.isUpstreamStream ? streamInput(options, out) : wholeInput(options, out);
}

function streamInput({ upstream, context, isClientStream, secrets }: TranslatedSinkOptions, out: Output): AnswerSink {
  const reader = createEventReader();
  const decoder: StreamDecoder = upstream.createStreamDecoder(context.source);
  /** `ended`: with its dialect's last mark; `broken`: left, because it goes on too long, or `unreadable`, because it is no stream of its dialect. */
  let state: 'reading' | 'ended' | 'broken' | 'unreadable' = 'reading';
  let size = 0;
  let unfinished = 0;
  let content = 0;
  const readChunk = (chunk: Buffer): readonly IrEvent[] => {
    size += chunk.length;
    const events = reader.push(chunk);
    unfinished = events.length === 0 ? unfinished + chunk.length : 0;
    if (unfinished <= maxUnfinishedBytes && (isClientStream || size <= maxCollectedBytes)) {
      const decoded = events.flatMap((event) => decoder.push(event));
      for (const event of decoded) content += sizeOf(event);
      if (content <= maxWholeBytes) return decoded;
    }
    state = 'broken';
    return [{ type: 'error', error: tooLarge }];
  };
  const decode = (read: () => readonly IrEvent[]): readonly IrEvent[] => {
    if (state !== 'reading') return [];
    try {
      const events = read().map((event) => (event.type === 'error' ? { ...event, error: errorWithoutSecrets(event.error, secrets) } : event));
      if (events.some(({ type }) => type === 'end')) state = 'ended';
      return events;
    } catch {
      // What an upstream sends that is no stream of its dialect: it ends here, as a cut one does.
      state = 'unreadable';
      return [{ type: 'error', error: truncated }];
    }
  };
  return {
    isWhole: !isClientStream,
    write: (chunk) => out.push(decode(() => readChunk(chunk))),
    end: () => {
      const rest = decode(decoder.end);
      out.push(rest);
      return out.finish(state === 'unreadable' || rest.some((event) => event.type === 'error' && event.error.code === truncated.code));
    },
    breakOff: (why) => {
      if (why !== undefined) return out.finish(true, why);
      const rest = decode(decoder.end);
      const isWhole = rest.some(({ type }) => type === 'end') || state === 'ended';
      // What broke it says more than that it is cut, as long as the client has seen nothing.
      if (isWhole || out.hasStarted()) out.push(rest);
      return out.finish(!isWhole);
    },
    hasStarted: out.hasStarted,
    failure: out.failure,
    isOver: () => state === 'broken' || state === 'unreadable' || out.isOver(),
  };
}

/** What an event adds to what is held of an answer, at either side of it: the more events, the more there is beside their text. */
function sizeOf(event: IrEvent): number {
  const each = 32;
  switch (event.type) {
    case 'delta':
      return each + event.text.length;
    case 'signature':
      return each + event.signature.value.length;
    case 'logprobs': {
      let size = each;
      for (const { token, top } of event.tokens) {
        size += 8 + token.length;
        for (const other of top) size += 8 + other.token.length;
      }
      return size;
    }
    case 'whole':
      return each + (event.content.kind === 'media' ? event.content.data.length : 0);
    default:
      return each;
  }
}

function wholeInput({ upstream, client, context, requestId, isClientStream }: TranslatedSinkOptions, out: Output): AnswerSink {
  const chunks: Buffer[] = [];
  let size = 0;
  let failure: OpeningError | undefined;
  const read = (): IrAnswer | undefined => {
    const body = parseJson(Buffer.concat(chunks).toString('utf8'));
    const error = memberOf(body, 'error');
    if (isRecord(error)) {
      const status = statusOfError(error);
      failure = { status, body: bodyOf(client.encodeError(upstream.decodeError(status, body), requestId)) };
      return undefined;
    }
    try {
      return upstream.decodeAnswer(body, context.source);
    } catch {
      failure = failureOf(client, unreadable, requestId);
      return undefined;
    }
  };
  return {
    isWhole: !isClientStream,
    write: (chunk) => {
      size += chunk.length;
      if (size > maxWholeBytes) failure ??= failureOf(client, tooLarge, requestId);
      else chunks.push(chunk);
      return true;
    },
    end: () => {
      const answer = failure === undefined ? read() : undefined;
      if (answer === undefined) return undefined;
      out.push(replayAnswer(answer));
      return out.finish(false);
    },
    breakOff: () => undefined,
    hasStarted: out.hasStarted,
    failure: () => failure ?? out.failure(),
    isOver: () => false,
  };
}
