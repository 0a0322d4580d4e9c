import { scanObject } from '../dialect/json-scan.ts';
import { watchEventStream } from '../dialect/stream-watch.ts';

/**
 * How an enveloped answer is handed on: `whole` JSON, a stream of `events`, or such a stream as the JSON `array` that
 * Gemini streams to clients that do not ask for events.
 */
export type AnswerEnvelope = 'whole' | 'events' | 'array';

/** Takes the envelope off an answer as it comes, under any chunking. The bytes inside stay as they are. */
export interface AnswerUnwrapper {
  /** What can go on now, often nothing. Undefined: a single piece is larger than `maxPieceBytes`. */
  readonly push: (chunk: Buffer) => Buffer | undefined;
  /** What is left once the upstream has ended cleanly. */
  readonly end: () => Buffer;
}

/** An event, or a whole answer, is held back until it is complete. Images make the largest. */
const maxPieceBytes = 64 * 1024 * 1024;
const nothing = Buffer.alloc(0);
const newline = 0x0a;

export function createUnwrapper(envelope: AnswerEnvelope): AnswerUnwrapper {
  switch (envelope) {
    case 'whole':
      return unwrapWhole();
    case 'events':
      return unwrapEvents(keepEvents());
    case 'array':
      return unwrapEvents(eventsToArray());
  }
}

const members: ReadonlySet<string> = new Set(['response']);

/** The object behind `response`; the bytes themselves where there is none: errors and counts have no envelope. */
function contentOf(bytes: Buffer): Buffer {
  const scan = scanObject(bytes, members);
  const range = scan.ok ? scan.members.get('response') : undefined;
  return range === undefined || bytes[range.start] !== 0x7b ? bytes : bytes.subarray(range.start, range.end);
}

function unwrapWhole(): AnswerUnwrapper {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    push: (chunk) => {
      size += chunk.length;
      chunks.push(chunk);
      return size > maxPieceBytes ? undefined : nothing;
    },
    end: () => contentOf(Buffer.concat(chunks)),
  };
}

/** What becomes of the lines and events of a stream; each method gives the bytes that go on. */
interface EventForm {
  /** A line that holds no data: a comment, a field, or the blank one that ends an event. */
  readonly line: (line: Buffer) => Buffer;
  /** An event's data, its envelope taken off; `terminator` as the upstream writes it. */
  readonly data: (content: Buffer, terminator: Buffer) => Buffer;
  readonly end: () => Buffer;
}

const dataField = Buffer.from('data: ');
const space = Buffer.from(' ');

/** @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
function unwrapEvents(form: EventForm): AnswerUnwrapper {
  let carried: Buffer[] = [];
  let carriedBytes = 0;
  /** Data lines of the event under way. Line breaks between them can only be white space of the JSON, so a space does. */
  let data: Buffer[] = [];
  let terminator: Buffer = nothing;

  const endData = (): Buffer => {
    if (data.length === 0) return nothing;
    const payload = Buffer.concat(data.flatMap((piece, index) => (index === 0 ? [piece] : [space, piece])));
    data = [];
    return form.data(contentOf(payload), terminator);
  };
  const endLine = (line: Buffer): readonly Buffer[] => {
    const breakBytes = line[line.length - 2] === 0x0d ? 2 : 1;
    const text = line.subarray(0, line.length - breakBytes);
    if (text.length === 0) return [endData(), form.line(line)];
    if (text.indexOf('data:') !== 0) return [form.line(line)];
    // The space after the colon is optional.
    data.push(text.subarray(text[5] === 0x20 ? 6 : 5));
    terminator = line.subarray(line.length - breakBytes);
    return [];
  };

  return {
    push: (chunk) => {
      const out: Buffer[] = [];
      let from = 0;
      for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
        out.push(...endLine(Buffer.concat([...carried, chunk.subarray(from, at + 1)])));
        carried = [];
        carriedBytes = 0;
        from = at + 1;
      }
      if (from < chunk.length) {
        carried.push(chunk.subarray(from));
        carriedBytes += chunk.length - from;
      }
      return carriedBytes + data.reduce((sum, piece) => sum + piece.length, 0) > maxPieceBytes ? undefined : Buffer.concat(out);
    },
    // A line that was cut is no data: whoever watches the stream sees that its end is missing.
    end: () => Buffer.concat([endData(), form.end()]),
  };
}

function keepEvents(): EventForm {
  return { line: (line) => line, data: (content, terminator) => Buffer.concat([dataField, content, terminator]), end: () => nothing };
}

/** The bracket that makes the array look whole comes only after the dialect's own end (security rule 16). */
function eventsToArray(): EventForm {
  const watch = watchEventStream('gemini');
  let hasBegun = false;
  return {
    line: () => nothing,
    data: (content) => {
      watch.push(Buffer.concat([dataField, content, Buffer.from('\n\n')]));
      const before = Buffer.from(hasBegun ? ',\r\n' : '[');
      hasBegun = true;
      return Buffer.concat([before, content]);
    },
    end: () => (watch.isComplete() ? Buffer.from('\n]') : nothing),
  };
}
