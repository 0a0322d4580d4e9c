import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { watchEventStream, watchGeminiArray } from '../../../internal/dialect/stream-watch.ts';
import { createUnwrapper, type AnswerEnvelope } from '../../../internal/proxy/unwrap-answer.ts';

/** All that comes out when `bytes` go in cut at the given places. */
function unwrap(envelope: AnswerEnvelope, bytes: Buffer, cuts: readonly number[] = []): string {
  const unwrapper = createUnwrapper(envelope);
  const places = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  const out = places.slice(1).map((to, index) => unwrapper.push(bytes.subarray(places[index] ?? 0, to)) ?? Buffer.from('TOO LONG'));
  return Buffer.concat([...out, unwrapper.end()]).toString('utf8');
}
const inner = (text: string, more: object = {}): string => JSON.stringify({ candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0, ...more }] });
const finished = { finishReason: 'STOP' };
const wrapped = (content: string): string => `{"response":${content},"traceId":"t\\"}","responseMetadata":{"response":1}}`;
const cutEverywhere = (bytes: Buffer): readonly number[] => Array.from({ length: bytes.length }, (_, index) => index);

describe('a whole answer', () => {
  const odd = '{ "candidates" : [ { "content": {"parts":[{"text":"a \\"response\\": {\\u00e9é"}]} } ],\n "x": 1.0e5 }';

  it('comes out of its envelope byte for byte, whatever stands beside it', () => {
    expect(unwrap('whole', Buffer.from(`{ "traceId": "t", "response" : ${odd} , "z": [1] }`))).toBe(odd);
  });

  it.each([['{"error":{"code":403,"status":"PERMISSION_DENIED"}}'], ['{"totalTokens":31}'], ['{"response":null}'], ['not JSON {"response":{}}'], ['[{"response":{}}]'], ['']])('without an envelope passes as it is: %s', (text) => {
    expect(unwrap('whole', Buffer.from(text))).toBe(text);
  });

  it('under any chunking is the same', () => {
    const bytes = Buffer.from(wrapped(odd));
    fc.assert(fc.property(fc.array(fc.nat(bytes.length)), (cuts) => unwrap('whole', bytes, cuts) === odd));
  });
});

describe('a stream of events', () => {
  const events = `data: ${wrapped(inner('Grüße "data: x"\\n'))}\r\n\r\n: ping\r\n\r\ndata:${wrapped(inner('b'))}\r\n\r\nevent: x\r\ndata: ${wrapped(inner('c', finished))}\r\n\r\n`;
  const plain = `data: ${inner('Grüße "data: x"\\n')}\r\n\r\n: ping\r\n\r\ndata: ${inner('b')}\r\n\r\nevent: x\r\ndata: ${inner('c', finished)}\r\n\r\n`;

  it('comes out of its envelopes cut at every byte', () => {
    const bytes = Buffer.from(events);
    expect(unwrap('events', bytes)).toBe(plain);
    expect(unwrap('events', bytes, cutEverywhere(bytes))).toBe(plain);
  });

  it('is the same under any chunking and any text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 4 }), fc.array(fc.nat(2_000)), fc.constantFrom('\n', '\r\n'), (texts, cuts, newline) => {
        const bytes = Buffer.from(texts.map((text) => `data: ${wrapped(inner(text))}${newline}${newline}`).join(''));
        const expected = texts.map((text) => `data: ${inner(text)}${newline}${newline}`).join('');
        expect(unwrap('events', bytes, cuts.filter((cut) => cut <= bytes.length))).toBe(expected);
      }),
    );
  });

  it('goes on event by event, none waits for the next', () => {
    const unwrapper = createUnwrapper('events');
    expect(unwrapper.push(Buffer.from(`data: ${wrapped(inner('a'))}\n\n`))?.toString()).toBe(`data: ${inner('a')}\n\n`);
    expect(unwrapper.push(Buffer.from(`: ping\n`))?.toString()).toBe(': ping\n');
  });

  it('that spreads an event over several lines becomes one line of the same JSON', () => {
    const pretty = JSON.stringify({ response: JSON.parse(inner('a\nb', finished)), traceId: 't' }, null, 2);
    const out = unwrap('events', Buffer.from(`${pretty.split('\n').map((line) => `data: ${line}`).join('\n')}\n\n`));
    expect(out).toMatch(/^data: [^\n]*\n\n$/);
    expect(JSON.parse(out.slice(6))).toEqual(JSON.parse(inner('a\nb', finished)));
  });

  it('carries errors on as they came', () => {
    const error = 'data: {"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}\n\n';
    expect(unwrap('events', Buffer.from(error))).toBe(error);
  });

  it('cut anywhere never looks complete', () => {
    const bytes = Buffer.from(events);
    for (let end = 0; end < bytes.length; end++) {
      const watch = watchEventStream('gemini');
      watch.push(Buffer.from(unwrap('events', bytes.subarray(0, end))));
      expect(watch.isComplete(), `${end} bytes`).toBe(false);
    }
    const watch = watchEventStream('gemini');
    watch.push(Buffer.from(unwrap('events', bytes)));
    expect(watch.isComplete()).toBe(true);
  });

  it('with an event beyond all bounds is given up', () => {
    const unwrapper = createUnwrapper('events');
    const megabyte = Buffer.alloc(1_048_576, 0x61);
    expect(Array.from({ length: 65 }, () => unwrapper.push(megabyte)).at(-1)).toBeUndefined();
  });
});

describe('a stream as an array', () => {
  const events = Buffer.from(`data: ${wrapped(inner('a'))}\n\n: ping\n\ndata: ${wrapped(inner('b', finished))}\n\n`);

  it('holds what was inside the events, cut at every byte', () => {
    const out = unwrap('array', events, cutEverywhere(events));
    expect(out).toBe(`[${inner('a')},\r\n${inner('b', finished)}\n]`);
    expect(JSON.parse(out)).toEqual([JSON.parse(inner('a')), JSON.parse(inner('b', finished))]);
  });

  it('is left open when the upstream ended early, at any byte', () => {
    for (let end = 0; end < events.length - 1; end++) {
      const out = unwrap('array', events.subarray(0, end));
      expect(out, `${end} bytes`).not.toContain('"STOP"');
      expect(out.endsWith(']'), `${end} bytes`).toBe(false);
      const watch = watchGeminiArray();
      watch.push(Buffer.from(out));
      expect(watch.isComplete(), `${end} bytes`).toBe(false);
    }
  });

  it('ends with the upstream\'s own error', () => {
    expect(JSON.parse(unwrap('array', Buffer.from(`data: ${wrapped(inner('a'))}\n\ndata: {"error":{"code":500}}\n\n`)))).toEqual([JSON.parse(inner('a')), { error: { code: 500 } }]);
  });
});
