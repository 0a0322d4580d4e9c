import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dialects, type Dialect } from '../../internal/dialect/dialect.ts';
import { decodeStream, encodeStream, names, readScenario } from './corpus.ts';

/** Where a stream's bytes may be cut: every byte of short ones, each event's edges and every 17th byte of long ones. */
function cutsOf(events: readonly string[]): readonly number[] {
  const length = Buffer.byteLength(events.join(''));
  if (length < 1_500) return Array.from({ length }, (_, at) => at);
  const edges = events.map((_, at) => Buffer.byteLength(events.slice(0, at).join('')));
  return [...new Set([...edges.flatMap((edge) => [edge - 1, edge, edge + 1]), ...Array.from({ length: Math.floor(length / 17) }, (_, at) => at * 17)])].filter((cut) => cut >= 0 && cut < length);
}

/** Bytes after which a stream is whole: what follows its terminal mark is not waited for. */
function completeAt(dialect: Dialect, events: readonly string[]): number {
  const text = events.join('');
  const end = Buffer.byteLength(text);
  // `[DONE]` counts once it stands there; events need the blank line that ends them.
  return dialect === 'openai-chat' ? Buffer.byteLength(text.slice(0, text.lastIndexOf('[DONE]') + 6)) : end;
}

describe('a stream of the corpus that is cut', () => {
  it.each(names)('%s: reads as an error, never as a whole answer', (name) => {
    const scenario = readScenario(name);
    for (const dialect of dialects) {
      const events = scenario.stream[dialect] ?? [];
      if (decodeStream(scenario, dialect, events, 1 << 20).at(-1)?.type !== 'end') continue;
      const bytes = Buffer.from(events.join(''));
      for (const cut of cutsOf(events)) {
        if (cut >= completeAt(dialect, events) || (dialect === 'gemini' && cut >= bytes.lastIndexOf('\r\n\r\n'))) continue;
        const read = decodeStream(scenario, dialect, [bytes.subarray(0, cut).toString('latin1')], 1 << 20);
        expect(read.at(-1)?.type, `${dialect} at ${cut}`).toBe('error');
      }
    }
  });
});

describe('a translated stream that is cut makes the real SDK raise', () => {
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

  /** Each client's own way of waiting for a whole answer. */
  const read: Readonly<Record<Dialect, () => Promise<unknown>>> = {
    'openai-chat': () => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'k', maxRetries: 0 }).chat.completions.stream({ model: 'm', messages: [] }).finalChatCompletion(),
    'openai-responses': () => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'k', maxRetries: 0 }).responses.stream({ model: 'm', input: 'x' }).finalResponse(),
    'anthropic-messages': () => new Anthropic({ baseURL: url, apiKey: 'k', maxRetries: 0 }).messages.stream({ model: 'm', max_tokens: 9, messages: [] }).finalMessage(),
    gemini: async () => {
      for await (const chunk of await new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: url } }).models.generateContentStream({ model: 'm', contents: 'x' })) if (chunk.candidates?.[0]?.finishReason !== undefined) return chunk;
      throw new Error('no finish reason');
    },
  };

  const subjects = names.filter((name) => /-(?:plain-text|parallel-tools|effort|thinking-level)\.json$/.test(name));
  it.each(subjects.flatMap((name) => dialects.map((client) => [name, client] as const)))('%s, as the client of %s reads it', async (name, client) => {
    const scenario = readScenario(name);
    for (const upstream of dialects) {
      const events = scenario.stream[upstream] ?? [];
      for (let whole = 0; whole < events.length; whole++) {
        const decoded = decodeStream(scenario, upstream, events.slice(0, whole), 1 << 20);
        if (decoded.at(-1)?.type === 'end') continue;
        body = encodeStream(scenario, upstream, client, decoded).join('');
        await expect(read[client](), `${upstream} after ${whole} events`).rejects.toThrow();
      }
      body = encodeStream(scenario, upstream, client, decodeStream(scenario, upstream, events, 1 << 20)).join('');
      await expect(read[client](), `${upstream}, whole`).resolves.toBeDefined();
    }
  });
});
