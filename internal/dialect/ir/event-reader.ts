import { createParser } from 'eventsource-parser';
import type { ServerEvent } from './events.ts';

/** Cuts the bytes of a `text/event-stream` into events, under any chunking. An event that was not ended by a blank line is never given. */
export interface EventReader {
  readonly push: (chunk: Buffer) => readonly ServerEvent[];
}

/** @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream */
export function createEventReader(): EventReader {
  const decoder = new TextDecoder();
  let found: ServerEvent[] = [];
  const parser = createParser({ onEvent: ({ event, data }) => void found.push({ event: event ?? '', data }) });
  return {
    push: (chunk) => {
      found = [];
      parser.feed(decoder.decode(chunk, { stream: true }));
      return found;
    },
  };
}
