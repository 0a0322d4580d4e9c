import type { DialectCodec, Party } from '../../internal/dialect/codec.ts';
import type { IrAnswer } from '../../internal/dialect/ir/answer.ts';
import { createCollector } from '../../internal/dialect/ir/collect.ts';
import { createEventReader } from '../../internal/dialect/ir/event-reader.ts';
import type { IrEvent } from '../../internal/dialect/ir/events.ts';
import type { StreamError } from '../../internal/dialect/stream-error.ts';

/** Without members that are undefined. */
export function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** What events come to. */
export function collect(events: readonly IrEvent[]): { readonly ok: true; readonly answer: IrAnswer } | { readonly ok: false; readonly error: StreamError } {
  const collector = createCollector();
  for (const event of events) collector.push(event);
  const result = collector.result();
  if (result === undefined) throw new TypeError('the stream came to no end');
  return result;
}

/** The answer that events come to. */
export function answerIn(events: readonly IrEvent[]): IrAnswer {
  const result = collect(events);
  if (!result.ok) throw new TypeError(`the stream failed: ${result.error.message}`);
  return result.answer;
}

/** Events as an upstream sends them, as objects; text is data as it stands. */
export function decodeAll(codec: DialectCodec, data: readonly (object | string)[], source: Party): readonly IrEvent[] {
  const decoder = codec.createStreamDecoder(source);
  return [...data.flatMap((each) => decoder.push({ event: '', data: typeof each === 'string' ? each : JSON.stringify(each) })), ...decoder.end()];
}

/** The events of a stream that comes in pieces of these sizes, over and over; undefined for one piece. */
export function decodeBytes(codec: DialectCodec, bytes: Buffer, source: Party, sizes: readonly number[] = [bytes.length]): readonly IrEvent[] {
  const reader = createEventReader();
  const decoder = codec.createStreamDecoder(source);
  const events: IrEvent[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    for (const event of reader.push(bytes.subarray(at, at + size))) events.push(...decoder.push(event));
    at += size;
  }
  return [...events, ...decoder.end()];
}
