import type { Dialect } from './dialect.ts';
import { readUsage, valueAfterName, type StatedUsage } from './token-usage.ts';

/**
 * Watches a streamed answer go by without changing, delaying or parsing it: whether its dialect's terminal mark came,
 * what usage it states, which response id it carries. JSON is parsed only for the few lines that matter, most of them
 * once the stream has ended.
 */
export interface StreamWatch {
  readonly push: (chunk: Buffer) => void;
  /** The dialect's terminal mark, or the upstream's own error event, has gone by. */
  readonly isComplete: () => boolean;
  /** The upstream ended the stream with an error event of its own. */
  readonly hasFailed: () => boolean;
  /** Undefined when the stream states none. */
  readonly usage: () => StatedUsage | undefined;
  /** Id of the stored response, Responses dialect only. */
  readonly responseId: () => string | undefined;
  /** Events with data so far. */
  readonly eventCount: () => number;
  /** True when the last byte so far ended a line that ended an event, so that a further event may follow at once. */
  readonly isBetweenEvents: () => boolean;
}

/** A line longer than this is not looked at; the watch stays right for all lines that carry a mark. */
const maxLineBytes = 16 * 1024 * 1024;
const newline = 0x0a;

/** What a dialect makes of one `data:` payload. */
interface LineReader {
  readonly read: (payload: Buffer) => void;
  readonly isComplete: () => boolean;
  readonly hasFailed: () => boolean;
  readonly usage: () => StatedUsage | undefined;
  readonly responseId: () => string | undefined;
}

/** Watches `text/event-stream` bytes of a dialect. */
export function watchEventStream(dialect: Dialect): StreamWatch {
  const reader = lineReader(dialect);
  let carried: Buffer[] = [];
  let carriedBytes = 0;
  let events = 0;
  let isLineEmpty = true;
  let wasLineEmpty = true;

  const endLine = (line: Buffer): void => {
    const isBlank = line.length === 0 || (line.length === 1 && line[0] === 0x0d);
    wasLineEmpty = isBlank;
    isLineEmpty = true;
    // "data:" – the space after the colon is optional. https://html.spec.whatwg.org/multipage/server-sent-events.html
    if (line[0] !== 0x64 || line[1] !== 0x61 || line[2] !== 0x74 || line[3] !== 0x61 || line[4] !== 0x3a) return;
    events++;
    reader.read(line.subarray(line[5] === 0x20 ? 6 : 5));
  };

  return {
    push: (chunk) => {
      let from = 0;
      for (;;) {
        const at = chunk.indexOf(newline, from);
        if (at < 0) break;
        const piece = chunk.subarray(from, at);
        if (carriedBytes === 0) endLine(piece);
        else {
          carried.push(piece);
          endLine(carriedBytes + piece.length > maxLineBytes ? Buffer.alloc(1) : Buffer.concat(carried));
          carried = [];
          carriedBytes = 0;
        }
        from = at + 1;
      }
      if (from < chunk.length) {
        isLineEmpty = false;
        carriedBytes += chunk.length - from;
        if (carriedBytes <= maxLineBytes) carried.push(chunk.subarray(from));
        else carried = [];
      }
    },
    isComplete: reader.isComplete,
    hasFailed: reader.hasFailed,
    usage: reader.usage,
    responseId: reader.responseId,
    eventCount: () => events,
    isBetweenEvents: () => isLineEmpty && wasLineEmpty,
  };
}

/** Watches Gemini's streamed JSON array (`streamGenerateContent` without `alt=sse`). */
export function watchGeminiArray(): StreamWatch {
  let tail: Buffer = Buffer.alloc(0);
  let hasMark = false;
  let hasFailed = false;
  let chunks = 0;
  return {
    push: (chunk) => {
      chunks++;
      const seen = Buffer.concat([tail, chunk]);
      if (seen.includes('"finishReason"') || seen.includes('"blockReason"')) hasMark = true;
      if (seen.includes('"error"')) hasFailed = true;
      tail = Buffer.from(seen.subarray(Math.max(0, seen.length - 16_384)));
    },
    isComplete: () => (hasMark || hasFailed) && tail.toString('latin1').trimEnd().endsWith(']'),
    hasFailed: () => hasFailed,
    usage: () => {
      const at = tail.lastIndexOf('"usageMetadata"');
      return at < 0 ? undefined : readUsage('gemini', valueAfterName(tail, at + 15));
    },
    responseId: () => undefined,
    eventCount: () => chunks,
    isBetweenEvents: () => false,
  };
}

function lineReader(dialect: Dialect): LineReader {
  switch (dialect) {
    case 'openai-chat':
      return readChatLines();
    case 'openai-responses':
      return readResponsesLines();
    case 'anthropic-messages':
      return readMessagesLines();
    case 'gemini':
      return readGeminiLines();
  }
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** A top-level `error` object in the payload: the upstream's own error, in the form OpenAI and Gemini send it. */
function isErrorPayload(payload: Buffer): boolean {
  return payload.includes('"error"') && typeof (memberOf(parse(payload), 'error') ?? undefined) === 'object';
}

const doneMark = Buffer.from('[DONE]');
/** Streams of images and audio name their end in the payload's type. */
const mediaMarks = ['image_generation.completed', 'image_edit.completed', 'transcript.text.done', 'speech.audio.done'] as const;

function readChatLines(): LineReader {
  let isDone = false;
  let hasFailed = false;
  let stated: Buffer | undefined;
  return {
    read: (payload) => {
      if (payload.length <= 8 && payload.subarray(0, 6).equals(doneMark)) {
        isDone = true;
        return;
      }
      if (hasObjectMember(payload, '"usage"')) stated = payload;
      if (isErrorPayload(payload)) hasFailed = true;
      if (mediaMarks.some((mark) => payload.includes(mark)) && mediaMarks.some((mark) => memberOf(parse(payload), 'type') === mark)) isDone = true;
    },
    isComplete: () => isDone || hasFailed,
    hasFailed: () => hasFailed,
    usage: () => (stated === undefined ? undefined : readUsage('openai-chat', memberOf(parse(stated), 'usage'))),
    responseId: () => undefined,
  };
}

/** Whether the payload has a member of that name whose value is an object; `"usage":null` in every chunk is common. */
function hasObjectMember(payload: Buffer, quotedName: string): boolean {
  let at = payload.indexOf(quotedName);
  if (at < 0) return false;
  at += quotedName.length;
  while (payload[at] === 0x20 || payload[at] === 0x3a) at++;
  return payload[at] === 0x7b;
}

const responsesEnds = ['response.completed', 'response.failed', 'response.incomplete'] as const;

function readResponsesLines(): LineReader {
  let isDone = false;
  let hasFailed = false;
  let usage: StatedUsage | undefined;
  let responseId: string | undefined;
  return {
    read: (payload) => {
      if (responseId === undefined && payload.includes('"response.created"')) {
        const id = memberOf(memberOf(parse(payload), 'response'), 'id');
        if (typeof id === 'string') responseId = id;
        return;
      }
      const mayEnd = responsesEnds.some((name) => payload.includes(name)) || payload.includes('"error"');
      if (!mayEnd) return;
      const event = parse(payload);
      const type = memberOf(event, 'type');
      if (responsesEnds.some((name) => name === type)) {
        isDone = true;
        hasFailed = type === 'response.failed';
        usage = readUsage('openai-responses', memberOf(memberOf(event, 'response'), 'usage'));
      } else if (type === 'error') {
        isDone = true;
        hasFailed = true;
      }
    },
    isComplete: () => isDone,
    hasFailed: () => hasFailed,
    usage: () => usage,
    responseId: () => responseId,
  };
}

function readMessagesLines(): LineReader {
  let isDone = false;
  let hasFailed = false;
  let first: Buffer | undefined;
  let last: Buffer | undefined;
  return {
    read: (payload) => {
      if (payload.includes('"usage"')) {
        if (first === undefined && payload.includes('"message_start"')) first = payload;
        else last = payload;
      }
      // Both end events are short; text that mentions them stands in strings, whose type differs.
      if (payload.length <= 4_096 && payload.includes('message_stop') && memberOf(parse(payload), 'type') === 'message_stop') isDone = true;
      if (payload.includes('"error"') && memberOf(parse(payload), 'type') === 'error') {
        isDone = true;
        hasFailed = true;
      }
    },
    isComplete: () => isDone,
    hasFailed: () => hasFailed,
    usage: () => {
      const start = first === undefined ? undefined : readUsage('anthropic-messages', memberOf(memberOf(parse(first), 'message'), 'usage'));
      const end = last === undefined ? undefined : readUsage('anthropic-messages', memberOf(parse(last), 'usage'));
      if (start === undefined || end === undefined) return end ?? start;
      // message_delta's counts are cumulative; input may be stated in the first event only.
      return { input: Math.max(start.input, end.input), output: end.output, reasoning: end.reasoning, cached: Math.max(start.cached, end.cached) };
    },
    responseId: () => undefined,
  };
}

function readGeminiLines(): LineReader {
  let hasMark = false;
  let hasFailed = false;
  let stated: Buffer | undefined;
  return {
    read: (payload) => {
      if (payload.includes('"usageMetadata"')) stated = payload;
      // No terminal event exists: the last chunk's finishReason (or a blocked prompt) is the mark (security rule 16).
      if (payload.includes('"finishReason"') || payload.includes('"blockReason"')) hasMark = true;
      if (isErrorPayload(payload)) hasFailed = true;
    },
    isComplete: () => hasMark || hasFailed,
    hasFailed: () => hasFailed,
    usage: () => (stated === undefined ? undefined : readUsage('gemini', memberOf(parse(stated), 'usageMetadata'))),
    responseId: () => undefined,
  };
}
