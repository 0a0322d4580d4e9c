import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dialects, type Dialect } from '../../../internal/dialect/dialect.ts';
import { createEventReader } from '../../../internal/dialect/ir/event-reader.ts';
import type { IrEvent } from '../../../internal/dialect/ir/events.ts';
import { bytesOf, decodeStream, encodeStream, names, readScenario, type Scenario } from '../../golden/corpus.ts';

/** What a decoder made of a stream that ended after so many bytes: the same for all bytes that end no further event. */
function prefixesOf(scenario: Scenario, dialect: Dialect): readonly { readonly cut: number; readonly events: readonly IrEvent[] }[] {
  const bytes = bytesOf(scenario.stream[dialect] ?? []);
  const reader = createEventReader();
  let events = decodeStream(scenario, dialect, Buffer.alloc(0));
  return Array.from({ length: bytes.length + 1 }, (_, cut) => {
    const hasEnded = cut > 0 && reader.push(bytes.subarray(cut - 1, cut)).length > 0;
    if (hasEnded) events = decodeStream(scenario, dialect, bytes.subarray(0, cut));
    return { cut, events };
  });
}

const endOf = (events: readonly IrEvent[]): string | undefined => events.at(-1)?.type;

describe('a stream that is cut at any byte', () => {
  it.each(names)('%s: reads as an error, never as a whole answer', (name) => {
    const scenario = readScenario(name);
    for (const dialect of dialects) {
      const prefixes = prefixesOf(scenario, dialect);
      const whole = prefixes.at(-1);
      const ends = prefixes.filter(({ events }) => endOf(events) === 'end');
      for (const { cut, events } of prefixes) expect(['end', 'error'], `${dialect} at ${cut}`).toContain(endOf(events));
      // Only what holds the mark of the end is whole, and then it says all that the stream says.
      for (const { cut, events } of ends) expect(events.filter(({ type }) => type !== 'usage'), `${dialect} at ${cut}`).toEqual(whole?.events.filter(({ type }) => type !== 'usage'));
      expect(ends.length, dialect).toBeLessThanOrEqual(1);
    }
  });
});

describe('a translated stream', () => {
  let server: Server;
  let url: string;
  let body = '';
  beforeAll(async () => {
    server = createServer((req, res) => {
      req.resume().on('end', () => res.writeHead(200, { 'content-type': 'text/event-stream' }).end(body));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const openai = (): OpenAI => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'k', maxRetries: 0 });
  const anthropic = (): Anthropic => new Anthropic({ baseURL: url, apiKey: 'k', maxRetries: 0 });
  const notEnded = (): never => {
    throw new Error('no end');
  };
  /** Each client's ways of reading a stream to its end: put together by the library, and event by event as agents do. */
  const ways: Readonly<Record<Dialect, readonly (() => Promise<unknown>)[]>> = {
    'openai-chat': [
      () => openai().chat.completions.stream({ model: 'm', messages: [] }).finalChatCompletion(),
      async () => {
        for await (const { choices } of await openai().chat.completions.create({ model: 'm', messages: [], stream: true })) if ((choices[0]?.finish_reason ?? null) !== null) return choices;
        return notEnded();
      },
    ],
    'openai-responses': [
      () => openai().responses.stream({ model: 'm', input: 'x' }).finalResponse(),
      async () => {
        for await (const event of await openai().responses.create({ model: 'm', input: 'x', stream: true })) if (event.type === 'response.completed' || event.type === 'response.incomplete') return event;
        return notEnded();
      },
    ],
    'anthropic-messages': [
      () => anthropic().messages.stream({ model: 'm', max_tokens: 9, messages: [] }).finalMessage(),
      async () => {
        for await (const event of await anthropic().messages.create({ model: 'm', max_tokens: 9, messages: [], stream: true })) if (event.type === 'message_delta' && event.delta.stop_reason !== null) return event;
        return notEnded();
      },
    ],
    gemini: [
      async () => {
        for await (const chunk of await new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: url } }).models.generateContentStream({ model: 'm', contents: 'x' })) if (chunk.candidates?.[0]?.finishReason !== undefined) return chunk;
        return notEnded();
      },
    ],
  };

  const subjects = names.filter((name) => /-(?:plain-text|parallel-tools|custom-tool|reasoning|response-of-many-items)\.json$/.test(name));

  it.each(subjects.flatMap((name) => dialects.map((client) => [name, client] as const)))('%s, cut at any byte, makes the library of %s raise', async (name, client) => {
    const scenario = readScenario(name);
    for (const upstream of dialects) {
      const translated = new Map(prefixesOf(scenario, upstream).map(({ cut, events }) => [encodeStream(scenario, upstream, client, events), { cut, end: endOf(events) }] as const));
      for (const [text, { cut, end }] of translated) {
        body = text;
        const readings = await Promise.allSettled(ways[client].map((way) => way()));
        expect(readings.map(({ status }) => status), `${upstream} up to ${cut}`).toEqual(ways[client].map(() => (end === 'end' ? 'fulfilled' : 'rejected')));
      }
    }
  });

  it.each(dialects)('an error in the middle makes the library of %s raise, or tells it that the answer failed', async (client) => {
    for (const name of names.filter((each) => /-(?:error-in-a-stream|error-at-once|cut-stream|cut-in-a-call|no-last-mark)\.json$/.test(each))) {
      const scenario = readScenario(name);
      for (const upstream of dialects) {
        body = encodeStream(scenario, upstream, client, decodeStream(scenario, upstream, bytesOf(scenario.stream[upstream] ?? [])));
        for (const way of ways[client]) {
          const answer = await way().catch(() => 'raised');
          expect(typeof answer === 'object' && answer !== null && 'status' in answer ? answer.status : answer, `${name}, ${upstream}`).toBeOneOf(['raised', 'failed']);
        }
      }
    }
  });
});
