import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import OpenAI from 'openai';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asClient, clientKey, dialectCases, geminiArray, geminiArrayPath, startFourDialects, type DialectCase, type FourDialects } from '../../support/four-dialects.ts';
import { send } from '../../support/raw-http.ts';

let rig: FourDialects;
beforeAll(async () => {
  rig = await startFourDialects();
});
afterAll(() => rig.stop());

type End = 'clean' | 'reset';

/** Answers with these bytes, in two pieces, and ends there. */
function answerCut(bytes: Buffer, end: End, headers: Record<string, string> = {}): void {
  rig.upstream.setScript((_, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
    const half = bytes.length >> 1;
    res.write(bytes.subarray(0, half));
    setImmediate(() => {
      if (end === 'clean') res.end(bytes.subarray(half));
      else res.write(bytes.subarray(half), () => res.socket?.resetAndDestroy());
    });
  });
}

const ask = ({ streamPath, streamBody }: Pick<DialectCase, 'streamPath' | 'streamBody'>) => send(rig.daemon.url, { method: 'POST', path: streamPath, headers: asClient, body: JSON.stringify(streamBody) });

/** The offset behind which nothing of the answer is missing: the whole terminal event, with the line end its dialect needs. */
function completeAt({ dialect, events }: DialectCase): number {
  const whole = Buffer.byteLength(events.join(''));
  switch (dialect) {
    case 'openai-chat':
    case 'anthropic-messages':
      // The last line holds no content; its line end is enough.
      return whole - 1;
    case 'openai-responses':
    case 'gemini':
      return whole;
  }
}

/** Cuts all over the stream, denser at its end. */
function cutsOf(length: number): readonly number[] {
  const cuts = new Set<number>();
  for (let at = 1; at < length; at += 13) cuts.add(at);
  for (let at = Math.max(1, length - 24); at < length; at++) cuts.add(at);
  return [...cuts];
}

const errorMarks = { 'openai-chat': '"code":"stream_truncated"', 'openai-responses': 'event: error\ndata: {"type":"error"', 'anthropic-messages': 'event: error\ndata: {"type":"error"', gemini: '"reason":"stream_truncated"' } as const;

/** Where the first event with content is whole. */
function contentAt({ events }: DialectCase): number {
  const first = events.findIndex((event) => event.includes('Hel') && !event.includes('in_progress'));
  return events.slice(0, first + 1).join('').length;
}

describe('rule 16: a stream without its end never looks whole', () => {
  it.each(dialectCases)('$dialect: cut anywhere, by a clean end or a reset, it ends in an error event of its own and a broken connection', async (called) => {
    const bytes = Buffer.from(called.events.join(''));
    for (const end of ['clean', 'reset'] as const) {
      for (const cut of cutsOf(completeAt(called))) {
        answerCut(bytes.subarray(0, cut), end);
        const answer = await ask(called);
        const text = answer.body.toString();
        const shown = `${end} at ${cut}: ${text.slice(-200)}`;
        if (answer.status === 200) {
          expect(answer.isComplete, shown).toBe(false);
          expect(text.startsWith(bytes.toString('utf8', 0, cut)) || end === 'reset', shown).toBe(true);
          // The error stands in an event of its own, whatever was cut before it.
          expect(text.trimEnd().split(/\r?\n\r?\n/).at(-1), shown).toMatch(/^\n?(?:event: error\n)?data: \{/);
          expect(text, shown).toContain(errorMarks[called.dialect]);
          // Before there is content nothing has been sent, and an error has a status.
        } else expect([answer.status, cut < contentAt(called) || end === 'reset'], shown).toEqual([502, true]);
      }
    }
  });

  it.each(dialectCases)('$dialect: whole, it passes byte for byte and ends cleanly', async (called) => {
    const bytes = Buffer.from(called.events.join(''));
    answerCut(bytes, 'clean');
    const answer = await ask(called);
    expect([answer.isComplete, answer.body.equals(bytes)]).toEqual([true, true]);
  });

  it.each(dialectCases)('$dialect: an upstream that answers 200 and not a byte more is 502', async (called) => {
    for (const end of ['clean', 'reset'] as const) {
      answerCut(Buffer.alloc(0), end);
      expect((await ask(called)).status).toBe(502);
    }
  });

  it('a Gemini array cut anywhere breaks the connection; whole, it passes', async () => {
    const called = { streamPath: geminiArrayPath, streamBody: { contents: [] } };
    const bytes = Buffer.from(geminiArray);
    const json = { 'content-type': 'application/json' };
    for (const end of ['clean', 'reset'] as const) {
      for (const cut of cutsOf(geminiArray.lastIndexOf(']') + 1)) {
        answerCut(bytes.subarray(0, cut), end, json);
        const answer = await ask(called);
        expect(answer.isComplete && answer.status === 200, `${end} at ${cut}`).toBe(false);
      }
    }
    answerCut(bytes, 'clean', json);
    const whole = await ask(called);
    expect([whole.isComplete, whole.body.equals(bytes)]).toEqual([true, true]);
  });

  it('Gemini: a finish reason in a tool call’s arguments, or of one candidate among two, is no end', async () => {
    const called = dialectCases[3];
    if (called === undefined) throw new Error('no case');
    const event = (candidates: readonly object[]): string => `data: ${JSON.stringify({ candidates })}\n\n`;
    const notEnded = [
      event([{ content: { parts: [{ functionCall: { name: 'f', args: { finishReason: 'STOP', blockReason: 'x', error: {} } } }] } }]),
      event([{ index: 0, content: { parts: [{ text: 'a' }] } }, { index: 1, content: { parts: [{ text: 'b' }] } }]) + event([{ index: 0, finishReason: 'STOP' }]),
      event([{ index: 1, content: { parts: [{ text: 'b' }] } }]) + event([{ finishReason: 'STOP' }]),
      event([{ content: { parts: [{ text: 'a' }] }, finishReason: null }]),
      event([{ content: { parts: [{ text: 'a' }] }, finishReason: 'FINISH_REASON_UNSPECIFIED' }]),
    ];
    for (const text of notEnded) {
      answerCut(Buffer.from(text), 'clean');
      expect((await ask(called)).isComplete, text).toBe(false);
    }
    for (const text of [`${notEnded[1]}${event([{ index: 1, finishReason: 'MAX_TOKENS' }])}`, 'data: {"promptFeedback":{"blockReason":"SAFETY"}}\n\n']) {
      answerCut(Buffer.from(text), 'clean');
      expect((await ask(called)).isComplete, text).toBe(true);
    }
  });

  it.each(dialectCases)('$dialect: text that mentions the terminal mark is not the mark', async (called) => {
    const mention = JSON.stringify('data: [DONE] {"type":"message_stop"} event: response.completed "finishReason":"STOP" {"error":{}}');
    const first = { 'openai-chat': `data: {"choices":[{"delta":{"content":${mention}}}]}\n\n`, 'openai-responses': `event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":${mention}}\n\n`, 'anthropic-messages': `event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":${mention}}}\n\n`, gemini: `data: {"candidates":[{"content":{"parts":[{"text":${mention}}]}}]}\n\n` }[called.dialect];
    answerCut(Buffer.from(first), 'clean');
    expect((await ask(called)).isComplete).toBe(false);
  });

  it.each([['gzip', gzipSync], ['br', brotliCompressSync], ['zstd', zstdCompressSync], ['deflate', deflateSync]] as const)('an upstream that codes its stream as %s all the same is watched too: whole it passes decoded, cut it fails', async (coding, code) => {
    for (const called of dialectCases) {
      const text = Buffer.from(called.events.join(''));
      answerCut(code(text), 'clean', { 'content-encoding': coding });
      const whole = await ask(called);
      expect([whole.isComplete, whole.body.toString(), whole.headers['content-encoding']]).toEqual([true, text.toString(), undefined]);
      // Cut before coding, and cut after it; checksums at the end are not content.
      const half = code(text).subarray(0, code(text).length >> 1);
      for (const bytes of [code(text.subarray(0, text.length - 30)), half]) {
        answerCut(bytes, 'clean', { 'content-encoding': coding });
        const cut = await ask(called);
        expect(cut.isComplete && cut.status === 200, called.dialect).toBe(false);
      }
      answerCut(half, 'reset', { 'content-encoding': coding });
      const reset = await ask(called);
      expect(reset.isComplete && reset.status === 200, called.dialect).toBe(false);
    }
  });

  it('a stream in a coding Keyward does not know is 502', async () => {
    for (const called of dialectCases) {
      answerCut(Buffer.from(called.events.join('')), 'clean', { 'content-encoding': 'compress' });
      expect((await ask(called)).status).toBe(502);
    }
  });
});

const messages = [{ role: 'user' as const, content: 'hi' }];

/** How each vendor's own client reads a stream to its end: the text it hands over as whole. */
const readers = {
  'openai-chat': async () => {
    const client = new OpenAI({ baseURL: `${rig.daemon.url}/v1`, apiKey: clientKey, maxRetries: 0, logLevel: 'off' });
    let text = '';
    for await (const chunk of await client.chat.completions.create({ model: 'gpt-4o', messages, stream: true })) text += chunk.choices[0]?.delta.content ?? '';
    return text;
  },
  'openai-responses': async () => {
    const client = new OpenAI({ baseURL: `${rig.daemon.url}/v1`, apiKey: clientKey, maxRetries: 0, logLevel: 'off' });
    let text = '';
    for await (const event of await client.responses.create({ model: 'gpt-4o', input: 'hi', stream: true })) if (event.type === 'response.completed') text = 'Hello.';
    if (text === '') throw new Error('the stream ended without response.completed');
    return text;
  },
  'anthropic-messages': async () => {
    const client = new Anthropic({ baseURL: rig.daemon.url, apiKey: clientKey, maxRetries: 0, logLevel: 'off' });
    const message = await client.messages.stream({ model: 'claude-x', max_tokens: 16, messages }).finalMessage();
    return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  },
  gemini: async () => {
    const client = new GoogleGenAI({ apiKey: clientKey, httpOptions: { baseUrl: rig.daemon.url } });
    let text = '';
    for await (const chunk of await client.models.generateContentStream({ model: 'gemini-2.5-flash', contents: 'hi' })) text += chunk.text ?? '';
    return text;
  },
} as const;

describe('rule 16: the vendors’ own clients never return a part as the whole', () => {
  it.each(dialectCases)('$dialect: they raise at every cut, and return the whole when it is whole', async (called) => {
    const bytes = Buffer.from(called.events.join(''));
    const limit = completeAt(called);
    for (const end of ['clean', 'reset'] as const) {
      for (let cut = 1; cut < limit; cut += 31) {
        answerCut(bytes.subarray(0, cut), end);
        const outcome = await readers[called.dialect]().then(
          (text) => `returned ${JSON.stringify(text)}`,
          () => 'raised',
        );
        expect(outcome, `${end} at ${cut}`).toBe('raised');
      }
    }
    answerCut(bytes, 'clean');
    expect(await readers[called.dialect]()).toBe('Hello.');
  });
});
