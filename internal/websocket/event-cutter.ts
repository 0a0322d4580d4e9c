/** Cuts the bytes of a `text/event-stream` into the data of its events, under any chunking and mostly without copying. */
export interface EventCutter {
  readonly push: (chunk: Buffer) => void;
}

const newline = 0x0a;
const carriageReturn = 0x0d;
/** Of one event, all of its lines together. The watch over the stream does not look at longer lines either. */
const maxEventBytes = 64 * 1_048_576;

/**
 * Lines end as the data plane's watch takes them to end, with or without a carriage return. An event that was not ended by a
 * blank line is never given. Of an event that is too long nothing is given: `onTooLong` is called instead, once, and nothing more is
 * taken.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export function createEventCutter(onData: (data: Buffer) => void, onTooLong: () => void): EventCutter {
  /** Of the event under way; nearly always one. */
  let lines: Buffer[] = [];
  let lineBytes = 0;
  let isOver = false;
  let carried: Buffer[] = [];
  let carriedBytes = 0;

  const endLine = (bytes: Buffer, start: number, lineEnd: number): void => {
    const end = lineEnd > start && bytes[lineEnd - 1] === carriageReturn ? lineEnd - 1 : lineEnd;
    if (start === end) {
      const [first] = lines;
      if (first === undefined) return;
      const data = lines.length === 1 ? first : Buffer.from(lines.map((line) => line.toString('latin1')).join('\n'), 'latin1');
      lines = [];
      lineBytes = 0;
      onData(data);
    } else if (isDataLine(bytes, start)) {
      lines.push(bytes.subarray(bytes[start + 5] === 0x20 ? start + 6 : start + 5, end));
      // An empty one takes room too.
      lineBytes += end - start;
    }
  };

  const isTooLong = (): boolean => {
    if (lineBytes + carriedBytes <= maxEventBytes) return false;
    isOver = true;
    lines = [];
    carried = [];
    onTooLong();
    return true;
  };

  return {
    push: (chunk) => {
      if (isOver) return;
      let from = 0;
      for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
        if (carriedBytes === 0) endLine(chunk, from, at);
        else {
          carried.push(chunk.subarray(from, at));
          const line = Buffer.concat(carried);
          carried = [];
          carriedBytes = 0;
          endLine(line, 0, line.length);
        }
        if (isTooLong()) return;
        from = at + 1;
      }
      if (from === chunk.length) return;
      carriedBytes += chunk.length - from;
      carried.push(chunk.subarray(from));
      isTooLong();
    },
  };
}

/** `data:` */
function isDataLine(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x64 && bytes[at + 1] === 0x61 && bytes[at + 2] === 0x74 && bytes[at + 3] === 0x61 && bytes[at + 4] === 0x3a;
}
