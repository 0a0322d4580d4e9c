import { contentBytesIn } from './content-bytes.ts';
import type { Dialect } from './dialect.ts';
import { isRecord, parseJson, type JsonRecord } from './ir/json.ts';
import { readUsage, type StatedUsage } from './token-usage.ts';

/**
 * Watches a streamed answer go by without changing, delaying or parsing it: whether its dialect's terminal mark came,
 * what usage it states, which response id it carries. JSON is parsed only for the few lines that matter, most of them
 * once the stream has ended.
 */
export interface StreamWatch {
  readonly push: (chunk: Buffer) => void;
  /** The dialect's terminal mark, or the upstream's own error event, has gone by in a form that clients read. */
  readonly isComplete: () => boolean;
  /** The upstream ended the stream with an error event of its own. */
  readonly hasFailed: () => boolean;
  /** Undefined when the stream states none. */
  readonly usage: () => StatedUsage | undefined;
  /** Ids of what the upstream keeps: the response, and its items behind `item:`. Responses dialect only. */
  readonly storedIds: () => readonly string[];
  /** The whole response of the terminal event; Responses dialect only, undefined until it came and for failures. */
  readonly response: () => JsonRecord | undefined;
  /** Events with data so far. */
  readonly eventCount: () => number;
  /** Bytes of generated text so far, as JSON writes them; nothing of what is around it. */
  readonly contentBytes: () => number;
  /** True when the last byte so far ended a line that ended an event, so that a further event may follow at once. */
  readonly isBetweenEvents: () => boolean;
  /** True when the last byte so far ended a line, or an array's element. */
  readonly isBetweenParts: () => boolean;
}

/** A line longer than this is not looked at; the watch stays right for all lines that carry a mark. */
const maxLineBytes = 16 * 1024 * 1024;
const newline = 0x0a;

/** What a dialect makes of one `data:` payload. */
interface LineReader {
  /** Texts of which at least one stands in every payload that `read` would make something of. */
  readonly marks: readonly Buffer[];
  readonly read: (payload: Buffer) => void;
  readonly isComplete: () => boolean;
  readonly hasFailed: () => boolean;
  readonly usage: () => StatedUsage | undefined;
  readonly storedIds: () => readonly string[];
  readonly response?: () => JsonRecord | undefined;
}

/** Watches `text/event-stream` bytes of a dialect. */
export function watchEventStream(dialect: Dialect): StreamWatch {
  const reader = lineReader(dialect);
  let carried: Buffer[] = [];
  let carriedBytes = 0;
  let events = 0;
  let content = 0;
  let isLineEmpty = true;
  let wasLineEmpty = true;
  /** The blank line that ends the mark's own event has come; without it a client's parser drops that event. */
  let isMarkDelivered = false;

  const endLine = (line: Buffer): void => {
    const isBlank = line.length === 0 || (line.length === 1 && line[0] === 0x0d);
    wasLineEmpty = isBlank;
    isLineEmpty = true;
    if (isBlank && reader.isComplete()) isMarkDelivered = true;
    // "data:" – the space after the colon is optional. https://html.spec.whatwg.org/multipage/server-sent-events.html
    if (line[0] !== 0x64 || line[1] !== 0x61 || line[2] !== 0x74 || line[3] !== 0x61 || line[4] !== 0x3a) return;
    events++;
    content += contentBytesIn(line, dialect);
    reader.read(line.subarray(line[5] === 0x20 ? 6 : 5));
  };

  return {
    push: (chunk) => {
      // Nearly every chunk holds whole lines and no mark: it is passed without cutting it up.
      if (carriedBytes === 0 && chunk[chunk.length - 1] === newline && !reader.isComplete() && !hasMark(chunk, reader.marks)) {
        events += countDataLines(chunk);
        content += contentBytesIn(chunk, dialect);
        isLineEmpty = true;
        wasLineEmpty = endsWithBlankLine(chunk);
        return;
      }
      let from = 0;
      for (;;) {
        const at = chunk.indexOf(newline, from);
        if (at < 0) break;
        const piece = chunk.subarray(from, at);
        if (carriedBytes === 0) endLine(piece);
        else {
          carried.push(piece);
          const isTooLong = carriedBytes + piece.length > maxLineBytes;
          if (isTooLong) content += carriedBytes + piece.length;
          endLine(isTooLong ? Buffer.alloc(1) : Buffer.concat(carried));
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
    isComplete: () => {
      if (!reader.isComplete()) return false;
      switch (dialect) {
        case 'openai-chat':
        case 'anthropic-messages':
          return true;
        case 'openai-responses':
          // The last event holds the whole answer.
          return isMarkDelivered;
        case 'gemini':
          // The last event holds text, and more events may follow it.
          return isMarkDelivered && isLineEmpty && wasLineEmpty;
      }
    },
    hasFailed: reader.hasFailed,
    usage: reader.usage,
    storedIds: reader.storedIds,
    response: () => reader.response?.(),
    eventCount: () => events,
    contentBytes: () => content,
    isBetweenEvents: () => isLineEmpty && wasLineEmpty,
    isBetweenParts: () => isLineEmpty,
  };
}

function hasMark(chunk: Buffer, marks: readonly Buffer[]): boolean {
  for (const mark of marks) if (chunk.includes(mark)) return true;
  return false;
}

const dataLine = Buffer.from('\ndata:');

function countDataLines(chunk: Buffer): number {
  let count = chunk.indexOf('data:') === 0 ? 1 : 0;
  for (let at = chunk.indexOf(dataLine); at >= 0; at = chunk.indexOf(dataLine, at + dataLine.length)) count++;
  return count;
}

/** For a chunk that begins and ends with a line. */
function endsWithBlankLine(chunk: Buffer): boolean {
  const last = chunk.length - 1;
  if (chunk[last - 1] !== 0x0d) return last === 0 || chunk[last - 1] === newline;
  return last === 1 || chunk[last - 2] === newline;
}

/**
 * Watches Gemini's streamed JSON array (`streamGenerateContent` without `alt=sse`): its elements are what the events of
 * the other form carry, and the closing bracket must have come.
 */
export function watchGeminiArray(): StreamWatch {
  const reader = readGeminiLines();
  let element: Buffer[] = [];
  let elementBytes = 0;
  let depth = 0;
  let isArray = false;
  let isInString = false;
  let isEscaped = false;
  let hasEnded = false;
  let chunks = 0;
  let content = 0;

  const endElement = (last: Buffer): void => {
    if (elementBytes + last.length <= maxLineBytes) {
      const whole = Buffer.concat([...element, last]);
      content += contentBytesIn(whole, 'gemini');
      reader.read(whole);
    } else content += elementBytes + last.length;
    element = [];
    elementBytes = 0;
  };

  return {
    push: (chunk) => {
      chunks++;
      let from = 0;
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at];
        if (isInString) {
          if (isEscaped) isEscaped = false;
          else if (byte === 0x5c) isEscaped = true;
          else if (byte === 0x22) isInString = false;
        } else if (byte === 0x22) isInString = true;
        else if (byte === 0x7b || byte === 0x5b) {
          depth++;
          if (depth === 1) isArray = byte === 0x5b;
          if (depth === 2) from = at;
        } else if (byte === 0x7d || byte === 0x5d) {
          depth--;
          if (depth === 1) endElement(chunk.subarray(from, at + 1));
          // An error before the first element is an object of its own.
          if (depth === 0) hasEnded = true;
        }
      }
      if (depth < 2) return;
      elementBytes += chunk.length - from;
      if (elementBytes <= maxLineBytes) element.push(chunk.subarray(from));
      else element = [];
    },
    isComplete: () => hasEnded && depth === 0 && reader.isComplete(),
    hasFailed: reader.hasFailed,
    usage: reader.usage,
    storedIds: () => none,
    response: () => undefined,
    eventCount: () => chunks,
    contentBytes: () => content,
    isBetweenEvents: () => false,
    isBetweenParts: () => depth === 0 || (depth === 1 && isArray),
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

const marksOf = (...texts: readonly string[]): readonly Buffer[] => texts.map((text) => Buffer.from(text));

const doneMark = Buffer.from('[DONE]');
/** Streams of images and audio name their end in the payload's type. */
const mediaMarks = ['image_generation.completed', 'image_edit.completed', 'transcript.text.done', 'speech.audio.done'] as const;

/** The media's by how they end: each text that is looked for costs every chunk a search. */
const chatMarks = marksOf('[DONE]', '"usage"', '"error"', '.completed"', '.done"');

function readChatLines(): LineReader {
  let isDone = false;
  let hasFailed = false;
  let stated: Buffer | undefined;
  return {
    marks: chatMarks,
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
    storedIds: () => none,
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

const none: readonly string[] = [];
const maxIds = 256;

/** How the id of an output item is told from a response's. */
export const itemIdPrefix = 'item:';

/** The id of a response object, and those of its output items behind `item:`. */
export function idsOfResponse(response: unknown): readonly string[] {
  const output = memberOf(response, 'output');
  const items = (Array.isArray(output) ? output : []).map((item) => memberOf(item, 'id')).filter((id) => typeof id === 'string');
  const id = memberOf(response, 'id');
  return [...(typeof id === 'string' ? [id] : []), ...items.map((item) => `${itemIdPrefix}${item}`)].slice(0, maxIds);
}

const responsesEnds = ['response.completed', 'response.failed', 'response.incomplete'] as const;

const responsesMarks = marksOf('"response.created"', ...responsesEnds, '"error"');

function readResponsesLines(): LineReader {
  let isDone = false;
  let hasFailed = false;
  let usage: StatedUsage | undefined;
  let storedIds: readonly string[] = none;
  let complete: JsonRecord | undefined;
  return {
    marks: responsesMarks,
    read: (payload) => {
      if (storedIds.length === 0 && payload.includes('"response.created"')) {
        storedIds = idsOfResponse(memberOf(parse(payload), 'response'));
        return;
      }
      const mayEnd = responsesEnds.some((name) => payload.includes(name)) || payload.includes('"error"');
      if (!mayEnd) return;
      // What is kept of it keeps its numbers.
      const event = parseJson(payload.toString('utf8'));
      const type = memberOf(event, 'type');
      if (responsesEnds.some((name) => name === type)) {
        isDone = true;
        hasFailed = type === 'response.failed';
        const response = memberOf(event, 'response');
        if (!hasFailed && isRecord(response)) complete = response;
        usage = readUsage('openai-responses', memberOf(response, 'usage'));
        storedIds = [...new Set([...storedIds, ...idsOfResponse(response)])];
      } else if (type === 'error') {
        isDone = true;
        hasFailed = true;
      }
    },
    isComplete: () => isDone,
    hasFailed: () => hasFailed,
    usage: () => usage,
    storedIds: () => storedIds,
    response: () => complete,
  };
}

const messagesMarks = marksOf('"usage"', 'message_stop', '"error"');

function readMessagesLines(): LineReader {
  let isDone = false;
  let hasFailed = false;
  let first: Buffer | undefined;
  let last: Buffer | undefined;
  return {
    marks: messagesMarks,
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
    storedIds: () => none,
  };
}

const geminiMarks = marksOf('"usageMetadata"', '"finishReason"', '"blockReason"', '"index"', '"error"');

/**
 * No terminal event exists: the mark is a finishReason of every candidate that was begun, or a blocked prompt (security
 * rule 16). The names are looked for in their places, as a tool call's arguments may hold the same ones.
 */
function readGeminiLines(): LineReader {
  const begun = new Set<number>();
  const finished = new Set<number>();
  let isBlocked = false;
  let hasFailed = false;
  let stated: Buffer | undefined;

  const readCandidates = (payload: Buffer): void => {
    const event = parse(payload);
    const candidates: unknown = memberOf(event, 'candidates');
    if (typeof memberOf(memberOf(event, 'promptFeedback'), 'blockReason') === 'string') isBlocked = true;
    if (!Array.isArray(candidates)) return;
    for (const candidate of candidates) {
      const stated = memberOf(candidate, 'index');
      const index = typeof stated === 'number' ? stated : 0;
      begun.add(index);
      const reason = memberOf(candidate, 'finishReason');
      if (typeof reason === 'string' && reason !== '' && reason !== 'FINISH_REASON_UNSPECIFIED') finished.add(index);
    }
  };

  return {
    marks: geminiMarks,
    read: (payload) => {
      if (payload.includes('"usageMetadata"')) stated = payload;
      if (payload.includes('"finishReason"') || payload.includes('"blockReason"') || hasFurtherCandidate(payload)) readCandidates(payload);
      if (isErrorPayload(payload)) hasFailed = true;
    },
    isComplete: () => hasFailed || isBlocked || (finished.size > 0 && finished.size === begun.size),
    hasFailed: () => hasFailed,
    usage: () => (stated === undefined ? undefined : readUsage('gemini', memberOf(parse(stated), 'usageMetadata'))),
    storedIds: () => none,
  };
}

/** Whether the payload may speak of a candidate beside the first, so that it must be parsed. */
function hasFurtherCandidate(payload: Buffer): boolean {
  for (let at = payload.indexOf('"index"'); at >= 0; at = payload.indexOf('"index"', at)) {
    at += 7;
    while (payload[at] === 0x20 || payload[at] === 0x3a) at++;
    if (payload[at] !== 0x30) return true;
  }
  return false;
}
