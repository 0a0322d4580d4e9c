import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dialect } from '../../../internal/dialect/dialect.ts';
import { watchEventStream, watchGeminiArray } from '../../../internal/dialect/stream-watch.ts';

const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const event = (type: string, more: object = {}): string => `event: ${type}\n${data({ type, ...more })}`;

/** A whole stream of each dialect, and what it states. */
const streams: readonly { readonly dialect: Dialect; readonly text: string; readonly usage: object }[] = [
  {
    dialect: 'openai-chat',
    text: `${data({ choices: [{ delta: { content: 'say "usage":{"prompt_tokens":9} and [DONE]' } }], usage: null })}${data({ choices: [], usage: { prompt_tokens: 7, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 2 }, prompt_tokens_details: { cached_tokens: 3 } } })}data: [DONE]\n\n`,
    usage: { input: 7, output: 5, reasoning: 2, cached: 3 },
  },
  {
    dialect: 'openai-responses',
    text: `${event('response.created', { response: { id: 'resp_1', error: null } })}${event('response.output_text.delta', { delta: 'response.completed "error"' })}${event('response.completed', { response: { id: 'resp_1', usage: { input_tokens: 7, output_tokens: 5, output_tokens_details: { reasoning_tokens: 2 }, input_tokens_details: { cached_tokens: 3 } } } })}`,
    usage: { input: 7, output: 5, reasoning: 2, cached: 3 },
  },
  {
    dialect: 'anthropic-messages',
    text: `${event('message_start', { message: { usage: { input_tokens: 4, cache_read_input_tokens: 3, output_tokens: 1 } } })}${event('content_block_delta', { delta: { text: 'message_stop' } })}${event('message_delta', { usage: { output_tokens: 5 } })}${event('message_stop')}`,
    usage: { input: 7, output: 5, reasoning: 0, cached: 3 },
  },
  {
    dialect: 'gemini',
    text: `${data({ candidates: [{ content: {} }], usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 1 } })}${data({ candidates: [{ finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 3, thoughtsTokenCount: 2, cachedContentTokenCount: 3 } })}`,
    usage: { input: 7, output: 5, reasoning: 2, cached: 3 },
  },
];

/** Text of ten bytes in an event as each dialect has it, beside much that is none. */
const contents: readonly { readonly dialect: Dialect; readonly name: string; readonly event: string; readonly bytes: number }[] = [
  { dialect: 'openai-chat', name: 'text', event: data({ id: 'chatcmpl-1', object: 'chat.completion.chunk', system_fingerprint: 'fp_0123456789', choices: [{ index: 0, delta: { role: 'assistant', content: '0123456789' }, finish_reason: null }] }), bytes: 10 },
  { dialect: 'openai-chat', name: 'reasoning beside text', event: data({ choices: [{ delta: { content: '01234', reasoning_content: '56789' } }] }), bytes: 10 },
  { dialect: 'openai-chat', name: 'a call', event: data({ choices: [{ delta: { tool_calls: [{ index: 0, id: 'call_0123456789', type: 'function', function: { name: 'a_name', arguments: '{"a":"b"}' } }] } }] }), bytes: JSON.stringify('{"a":"b"}').length - 2 },
  { dialect: 'openai-chat', name: 'completions', event: data({ id: 'cmpl-1', object: 'text_completion', choices: [{ text: '0123456789', index: 0 }] }), bytes: 10 },
  { dialect: 'openai-chat', name: 'several choices', event: data({ choices: [{ delta: { content: '01234' } }, { index: 1, delta: { content: '56789' } }] }), bytes: 10 },
  { dialect: 'openai-chat', name: 'with spaces', event: 'data: {"choices": [{"delta": {"role": "assistant", "content": "0123456789"}}]}\n\n', bytes: 10 },
  { dialect: 'openai-chat', name: 'nothing', event: data({ choices: [{ delta: { content: null } }, { delta: {} }] }), bytes: 0 },
  { dialect: 'openai-responses', name: 'text', event: event('response.output_text.delta', { item_id: 'msg_0123456789', delta: '0123456789' }), bytes: 10 },
  { dialect: 'openai-responses', name: 'what repeats it', event: event('response.output_text.done', { text: '0123456789' }), bytes: 0 },
  { dialect: 'anthropic-messages', name: 'text', event: event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: '0123456789' } }), bytes: 10 },
  { dialect: 'anthropic-messages', name: 'thinking', event: event('content_block_delta', { index: 0, delta: { type: 'thinking_delta', thinking: '01234\n6789' } }), bytes: 11 },
  { dialect: 'anthropic-messages', name: 'a call', event: event('content_block_delta', { index: 0, delta: { type: 'input_json_delta', partial_json: '0123456789' } }), bytes: 10 },
  { dialect: 'gemini', name: 'text', event: data({ candidates: [{ content: { parts: [{ text: '01234' }, { text: '56789' }], role: 'model' } }] }), bytes: 10 },
];

describe('the content of a stream', () => {
  it.each(contents)('of $dialect is measured without what is around it, under any chunking: $name', ({ dialect, event: one, bytes }) => {
    const stream = Buffer.from(one.repeat(3));
    for (let cut = 0; cut < stream.length; cut++) {
      const watch = watchEventStream(dialect);
      watch.push(stream.subarray(0, cut));
      watch.push(stream.subarray(cut));
      expect(watch.contentBytes(), `cut at ${cut}`).toBe(3 * bytes);
    }
  });

  it('of Gemini’s array too', () => {
    const watch = watchGeminiArray();
    const stream = Buffer.from(`[${JSON.stringify({ candidates: [{ content: { parts: [{ text: '0123456789' }] } }] })},\n{"candidates":[]}]`);
    watch.push(stream.subarray(0, 30));
    watch.push(stream.subarray(30));
    expect(watch.contentBytes()).toBe(10);
  });

  it('is measured in one pass, however deep what holds it is nested', () => {
    const watch = watchEventStream('openai-chat');
    watch.push(Buffer.from(`data: ${'{"delta":'.repeat(500_000)}\n\n`));
    expect(watch.contentBytes()).toBe(0);
  }, 5_000);

  it('that is cut, or no JSON, ends where its line ends', () => {
    const watch = watchEventStream('openai-chat');
    watch.push(Buffer.from('data: {"delta":{"content":"0123\ndata: {"delta":["\ndata: {"delta":\n\n'));
    expect(watch.contentBytes()).toBeLessThan(10);
  });
});

describe.each(streams)('watching a $dialect stream', ({ dialect, text, usage }) => {
  it('finds its end and its usage under any chunking', () => {
    const bytes = Buffer.from(text);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 40 }), (cuts) => {
        const watch = watchEventStream(dialect);
        let from = 0;
        for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
          watch.push(bytes.subarray(from, cut));
          from = cut;
        }
        expect([watch.isComplete(), watch.hasFailed(), watch.isBetweenEvents()]).toEqual([true, false, true]);
        expect(watch.usage()).toEqual(usage);
      }),
    );
  });

  it('is not complete when cut at any byte before its terminal mark', () => {
    const bytes = Buffer.from(text);
    const mark = dialect === 'gemini' ? bytes.lastIndexOf('\n\n') : bytes.length - 2;
    for (let cut = 0; cut < mark; cut++) {
      const watch = watchEventStream(dialect);
      watch.push(bytes.subarray(0, cut));
      expect(watch.isComplete(), `cut at ${cut}`).toBe(false);
    }
  });

  it('works with CRLF line ends', () => {
    const watch = watchEventStream(dialect);
    watch.push(Buffer.from(text.replaceAll('\n', '\r\n')));
    expect(watch.isComplete()).toBe(true);
    expect(watch.usage()).toEqual(usage);
  });
});

describe('the end of a stream', () => {
  it.each([
    ['openai-chat', data({ error: { message: 'overloaded' } })],
    ['openai-responses', event('error', { message: 'overloaded' })],
    ['openai-responses', event('response.failed', { response: {} })],
    ['anthropic-messages', event('error', { error: { type: 'overloaded_error' } })],
    ['gemini', data({ error: { code: 503 } })],
  ] as const)('an upstream error event ends a %s stream as failed, not as truncated', (dialect, text) => {
    const watch = watchEventStream(dialect);
    watch.push(Buffer.from(text));
    expect([watch.isComplete(), watch.hasFailed()]).toEqual([true, true]);
  });

  it('a blocked Gemini prompt is a whole answer', () => {
    const watch = watchEventStream('gemini');
    watch.push(Buffer.from(data({ promptFeedback: { blockReason: 'SAFETY' } })));
    expect(watch.isComplete()).toBe(true);
  });

  it('the response id is known from the first event on', () => {
    const watch = watchEventStream('openai-responses');
    watch.push(Buffer.from(event('response.created', { response: { id: 'resp_7' } })));
    expect(watch.storedIds()).toEqual(['resp_7']);
    watch.push(Buffer.from(event('response.completed', { response: { id: 'resp_7', output: [{ id: 'rs_1' }, { id: 'msg_1' }] } })));
    expect(watch.storedIds()).toEqual(['resp_7', 'item:rs_1', 'item:msg_1']);
  });

  it("Gemini's streamed array ends with its bracket, after a finish reason", () => {
    const watch = watchGeminiArray();
    watch.push(Buffer.from('[{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":2,"candidatesTokenCount":1}}'));
    expect(watch.isComplete()).toBe(false);
    watch.push(Buffer.from('\n]\n'));
    expect(watch.isComplete()).toBe(true);
    expect(watch.usage()).toMatchObject({ input: 2, output: 1 });
  });
});

describe('streams of images and audio', () => {
  it.each(['image_generation.completed', 'image_edit.completed', 'transcript.text.done', 'speech.audio.done'])('end with %s, in whatever chunk it comes', (type) => {
    for (const mark of [data({ type, usage: null }), `data: {"type": "${type}"}\n\n`]) {
      const watch = watchEventStream('openai-chat');
      watch.push(Buffer.from(data({ type: 'image_generation.partial_image', text: `it is .completed" or ${type}` })));
      expect(watch.isComplete()).toBe(false);
      watch.push(Buffer.from(mark));
      expect(watch.isComplete()).toBe(true);
    }
  });
});
