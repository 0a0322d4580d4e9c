import { describe, expect, it } from 'vitest';
import { collect } from '../../../support/codec-fixtures.ts';
import { answerOf, added, completed, created, decodeEvents, done, errorOf, irUsage, message, openai } from './fixtures.ts';
import { openaiResponses } from '../../../../internal/dialect/openai-responses/codec.ts';

const textDelta = (output_index: number, delta: string, more: object = {}): object => ({ type: 'response.output_text.delta', item_id: 'msg_1', output_index, content_index: 0, delta, ...more });
const call = (more: object = {}): object => ({ type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'f', arguments: '', status: 'in_progress', ...more });
const argumentsDelta = (output_index: number, delta: string): object => ({ type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index, delta });
const partsOf = (...events: readonly (object | string)[]): unknown => answerOf([created, ...events]).choices[0]?.parts;
const text = (said: string): object => ({ kind: 'text', text: said });
const called = (input: string): object => ({ kind: 'tool_call', id: 'c1', name: 'f', input });

describe('a whole stream', () => {
  it('is the answer it tells', () => {
    const reasoning = { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'one' }, { type: 'summary_text', text: 'two' }], encrypted_content: 'gAAA' };
    const answer = answerOf([
      created, { ...created, type: 'response.in_progress' },
      added(0, { ...reasoning, summary: [] }),
      { type: 'response.reasoning_summary_part.added', item_id: 'rs_1', output_index: 0, summary_index: 0, part: { type: 'summary_text', text: '' } },
      { type: 'response.reasoning_summary_text.delta', item_id: 'rs_1', output_index: 0, summary_index: 0, delta: 'one' },
      { type: 'response.reasoning_summary_text.done', item_id: 'rs_1', output_index: 0, summary_index: 0, text: 'one' },
      { type: 'response.reasoning_summary_text.delta', item_id: 'rs_1', output_index: 0, summary_index: 1, delta: 'tw' },
      { type: 'response.reasoning_summary_text.delta', item_id: 'rs_1', output_index: 0, summary_index: 1, delta: 'o' },
      done(0, reasoning),
      added(1, { ...message('msg_1'), status: 'in_progress' }),
      { type: 'response.content_part.added', item_id: 'msg_1', output_index: 1, content_index: 0, part: { type: 'output_text', text: '', annotations: [] } },
      textDelta(1, 'Hel', { logprobs: [{ token: 'Hel', logprob: -1, bytes: [72], top_logprobs: [] }] }), textDelta(1, 'lo'),
      { type: 'response.output_text.annotation.added', item_id: 'msg_1', output_index: 1, content_index: 0, annotation_index: 0, annotation: { type: 'url_citation', url: 'https://x.test', title: 't', start_index: 0, end_index: 2 } },
      { type: 'response.output_text.done', item_id: 'msg_1', output_index: 1, content_index: 0, text: 'Hello' },
      { type: 'response.content_part.done', item_id: 'msg_1', output_index: 1, content_index: 0, part: { type: 'output_text', text: 'Hello', annotations: [{ type: 'url_citation', url: 'https://x.test', title: 't', start_index: 0, end_index: 2 }] } },
      done(1, message('msg_1', 'Hello')),
      added(2, call()), argumentsDelta(2, '{"x"'), argumentsDelta(2, ':1}'),
      { type: 'response.function_call_arguments.done', item_id: 'fc_1', output_index: 2, arguments: '{"x":1}' },
      done(2, call({ arguments: '{"x":1}' })),
      added(3, { type: 'custom_tool_call', id: 'ctc_1', call_id: 'c2', name: 'g', input: '' }),
      { type: 'response.custom_tool_call_input.delta', item_id: 'ctc_1', output_index: 3, delta: 'free' },
      done(3, { type: 'custom_tool_call', id: 'ctc_1', call_id: 'c2', name: 'g', input: 'free' }),
      completed([reasoning, message('msg_1', 'Hello'), call({ arguments: '{"x":1}' }), { type: 'custom_tool_call', id: 'ctc_1', call_id: 'c2', name: 'g', input: 'free' }]),
    ]);
    expect(answer).toEqual({
      id: 'resp_1', model: 'gpt-5.6', createdSeconds: 1_790_000_001, serviceTier: 'default', usage: irUsage,
      choices: [{
        index: 0, finish: 'tool_calls', rawFinish: 'completed', logprobs: [{ token: 'Hel', logprob: -1, bytes: [72], top: [] }],
        parts: [
          { kind: 'thinking', text: 'one\n\ntwo', isSummary: true, id: 'rs_1', signature: { vendor: 'openai', account: 'acc-1', value: 'gAAA' } },
          { kind: 'text', text: 'Hello', annotations: [{ kind: 'url', url: 'https://x.test', title: 't', start: 0, end: 2 }] },
          called('{"x":1}'),
          { kind: 'tool_call', id: 'c2', name: 'g', input: 'free', isCustom: true },
        ],
      }],
    });
  });

  it('tells what comes as it comes', () => {
    const events = decodeEvents([created, added(0, message('msg_1')), textDelta(0, 'a')]);
    expect(events.slice(0, 3)).toMatchObject([{ type: 'start', id: 'resp_1' }, { type: 'open', part: 0, opening: { kind: 'text' } }, { type: 'delta', part: 0, text: 'a' }]);
  });

  it('a sign of life is one', () => {
    expect(decodeEvents([created, { type: 'keepalive', sequence_number: 3 }, { type: 'response.unheard_of', output_index: 0 }, 'data that is no JSON', completed()]).map(({ type }) => type)).toEqual(['start', 'ping', 'tier', 'finish', 'usage', 'end']);
  });
});

describe('steps that are missing', () => {
  it('text that only its end tells is told', () => {
    expect(partsOf(added(0, message('msg_1')), { type: 'response.output_text.done', item_id: 'msg_1', output_index: 0, content_index: 0, text: 'all', logprobs: [{ token: 'all', logprob: -1, bytes: [97], top_logprobs: [] }] }, completed())).toEqual([text('all')]);
    expect(partsOf({ type: 'response.content_part.done', item_id: 'msg_1', output_index: 0, content_index: 0, part: { type: 'output_text', text: 'all' } }, completed())).toEqual([text('all')]);
    expect(partsOf(done(0, message('msg_1', 'a', 'b')), completed())).toEqual([text('a'), text('b')]);
  });

  it('probabilities and links that only the end tells are told once', () => {
    const logprobs = [{ token: 'a', logprob: -1, bytes: [97], top_logprobs: [] }];
    const part = { type: 'output_text', text: 'a', annotations: [{ type: 'url_citation', url: 'https://x.test', title: 't', start_index: 0, end_index: 1 }], logprobs };
    const [choice] = answerOf([created, textDelta(0, 'a'), { type: 'response.output_text.done', item_id: 'msg_1', output_index: 0, content_index: 0, text: 'a', logprobs }, { type: 'response.content_part.done', output_index: 0, content_index: 0, part }, done(0, { ...message('msg_1'), content: [part] }), completed()]).choices;
    expect(choice?.logprobs).toHaveLength(1);
    expect(choice?.parts).toMatchObject([{ annotations: [{ url: 'https://x.test' }] }]);
  });

  it('arguments that only an end tells are told', () => {
    expect(partsOf(added(0, call()), { type: 'response.function_call_arguments.done', item_id: 'fc_1', output_index: 0, arguments: '{"x":1}' }, completed())).toEqual([called('{"x":1}')]);
    expect(partsOf(added(0, call()), done(0, call({ arguments: '{"x":1}' })), completed())).toEqual([called('{"x":1}')]);
    expect(partsOf(done(0, call({ arguments: '{"x":1}' })), completed())).toEqual([called('{"x":1}')]);
    expect(partsOf(completed([call({ arguments: '{"x":1}' })]))).toEqual([called('{"x":1}')]);
  });

  it('arguments that the beginning tells are told once, streamed again or not', () => {
    const beginning = added(0, call({ arguments: '{"x":1}' }));
    expect(partsOf(beginning, completed())).toEqual([called('{"x":1}')]);
    expect(partsOf(beginning, argumentsDelta(0, '{"x":'), argumentsDelta(0, '1}'), done(0, call({ arguments: '{"x":1}' })), completed())).toEqual([called('{"x":1}')]);
  });

  it('a call whose name comes last is told with all of its arguments', () => {
    expect(partsOf(added(0, call({ name: '' })), argumentsDelta(0, '{"x"'), argumentsDelta(0, ':1}'), done(0, call({ arguments: '' })), completed())).toEqual([called('{"x":1}')]);
  });

  it('reasoning that only its end tells is told, and so is what is encrypted alone', () => {
    const encrypted = { vendor: 'openai', account: 'acc-1', value: 'gAAA' };
    expect(partsOf({ type: 'response.reasoning_summary_text.done', item_id: 'rs_1', output_index: 0, summary_index: 0, text: 'one' }, done(0, { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'one' }, { type: 'summary_text', text: 'two' }], encrypted_content: 'gAAA' }), completed())).toEqual([{ kind: 'thinking', text: 'one\n\ntwo', isSummary: true, id: 'rs_1', signature: encrypted }]);
    expect(partsOf(added(0, { type: 'reasoning', id: 'rs_1', summary: [] }), done(0, { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' }), done(1, message('m', 'x')), completed())).toEqual([{ kind: 'thinking', text: '', id: 'rs_1', signature: encrypted }, text('x')]);
  });

  it('reasoning that is told twice, as itself and as a summary, is one part', () => {
    expect(partsOf({ type: 'response.reasoning_text.delta', item_id: 'rs_1', output_index: 0, content_index: 0, delta: 'all' }, { type: 'response.reasoning_summary_text.delta', item_id: 'rs_1', output_index: 0, summary_index: 0, delta: 'short' }, completed())).toEqual([{ kind: 'thinking', text: 'all', id: 'rs_1' }]);
  });

  it('what is open when the response ends is ended, with what the end adds', () => {
    expect(partsOf(textDelta(0, 'Hel'), added(1, call()), argumentsDelta(1, '{"x"'), completed([message('msg_1', 'Hello'), call({ arguments: '{"x":1}' })]))).toEqual([text('Hello'), called('{"x":1}')]);
    expect(partsOf(textDelta(0, 'Hel'), completed())).toEqual([text('Hel')]);
  });

  it('events without a place belong to the item that is being told', () => {
    expect(partsOf({ type: 'response.output_text.delta', delta: 'a' }, { type: 'response.output_text.delta', delta: 'b' }, { type: 'response.function_call_arguments.delta', item_id: 'fc_1', delta: '{}' }, { type: 'response.output_item.done', item: call({ arguments: '{}' }) }, completed())).toEqual([text('ab'), called('{}')]);
  });

  it('a stream without a beginning begins', () => {
    expect(answerOf([textDelta(0, 'x'), completed()]).choices[0]?.parts).toEqual([text('x')]);
    expect(answerOf([completed([message('m', 'x')])])).toMatchObject({ id: 'resp_1', model: 'gpt-5.6' });
  });
});

describe('an end that differs from what was streamed', () => {
  it('what was streamed counts', () => {
    expect(partsOf(textDelta(0, 'streamed'), done(0, message('msg_1', 'another')), completed([message('msg_1', 'a third')]))).toEqual([text('streamed')]);
  });

  it('what never was streamed is added, at whatever place and under whatever id it stands', () => {
    const reasoning = { type: 'reasoning', id: 'rs_9', summary: [{ type: 'summary_text', text: 's' }] };
    expect(partsOf(textDelta(0, 'x'), done(0, message('msg_1', 'x')), completed([reasoning, message('msg_9', 'x'), call({ id: 'fc_9', arguments: '{}' })]))).toEqual([text('x'), { kind: 'thinking', text: 's', isSummary: true, id: 'rs_9' }, called('{}')]);
    expect(partsOf(done(0, reasoning), done(1, message('msg_1', 'x')), completed([message('msg_9', 'x')]))).toEqual([{ kind: 'thinking', text: 's', isSummary: true, id: 'rs_9' }, text('x')]);
  });

  it('calls are known by their ids', () => {
    const second = call({ id: 'fc_2', call_id: 'c2', arguments: '{"y":2}' });
    expect(partsOf(done(0, call({ arguments: '{}' })), completed([second, call({ arguments: '{}' })]))).toEqual([called('{}'), { kind: 'tool_call', id: 'c2', name: 'f', input: '{"y":2}' }]);
  });

  it('a free-form call that the end tells as a function’s is the same call', () => {
    const free = { type: 'custom_tool_call', call_id: 'c1', name: 'f', input: 'free' };
    expect(partsOf(added(0, { ...free, input: '' }), done(0, free), completed([{ type: 'function_call', call_id: 'c1', name: 'f' }]))).toEqual([{ ...called('free'), isCustom: true }]);
  });

  it('items that are all given the same place are told apart', () => {
    expect(partsOf(added(0, message('msg_1')), textDelta(0, 'x'), done(0, message('msg_1', 'x')), added(0, call()), argumentsDelta(0, '{}'), done(0, call({ arguments: '{}' })), added(0, call({ call_id: 'c2' })), argumentsDelta(0, '{}'), done(0, call({ call_id: 'c2', arguments: '{}' })), completed())).toEqual([text('x'), called('{}'), { kind: 'tool_call', id: 'c2', name: 'f', input: '{}' }]);
  });

  it('items of the vendor’s tools come once', () => {
    const search = { type: 'web_search_call', id: 'ws_1', status: 'completed' };
    expect(partsOf(added(0, search), { type: 'response.web_search_call.searching', item_id: 'ws_1', output_index: 0 }, done(0, search), completed([search]))).toEqual([{ kind: 'raw', dialect: 'openai-responses', item: search }]);
    expect(partsOf(added(0, search), completed([search]))).toEqual([{ kind: 'raw', dialect: 'openai-responses', item: search }]);
  });

  it('ids that change from event to event do not double anything', () => {
    expect(partsOf(added(0, message('a1')), textDelta(0, 'x', { item_id: 'a2' }), done(0, message('a3', 'x')), completed([message('a4', 'x')]))).toEqual([text('x')]);
  });
});

describe('ends', () => {
  it('a bound that was met is said', () => {
    expect(answerOf([created, textDelta(0, 'x'), { type: 'response.incomplete', response: { incomplete_details: { reason: 'max_output_tokens' }, output: [] } }]).choices[0]).toMatchObject({ finish: 'length', rawFinish: 'max_output_tokens' });
    expect(answerOf([created, { type: 'response.incomplete', response: {} }]).choices[0]).toMatchObject({ finish: 'other' });
  });

  it('a cut stream ends in an error, never in a made-up end', () => {
    expect(errorOf([created, textDelta(0, 'x')])).toMatchObject({ code: 'stream_truncated', status: 502 });
    expect(errorOf([created, textDelta(0, 'x'), '[DONE]'])).toMatchObject({ code: 'stream_truncated' });
    expect(errorOf([])).toMatchObject({ code: 'stream_truncated' });
  });

  it.each([
    [{ type: 'response.failed', response: { error: { code: 'rate_limit_exceeded', message: 'slow' } } }, { code: 'rate_limit_exceeded', message: 'slow', type: 'rate_limit_error', status: 429 }],
    [{ type: 'response.failed', response: { status: 'failed', error: null } }, { code: 'upstream_error', status: 502 }],
    [{ type: 'error', code: 'server_error', message: 'down', param: null }, { code: 'server_error', message: 'down', type: 'api_error', status: 500 }],
    [{ type: 'error', error: { type: 'invalid_request_error', code: 'context_length_exceeded', message: 'long' } }, { code: 'context_length_exceeded', message: 'long', type: 'invalid_request_error', status: 400 }],
    [{ error: { message: 'bare', type: 'server_error' } }, { message: 'bare', status: 500 }],
    [{ detail: 'bare' }, { message: 'bare', status: 502 }],
  ])('%j is the upstream’s error, and nothing comes after it', (event, expected) => {
    const events = decodeEvents([created, textDelta(0, 'x'), event, textDelta(0, 'y'), completed()]);
    expect(events.at(-1)).toMatchObject({ type: 'error', error: expected });
    expect(events.filter(({ type }) => type === 'error')).toHaveLength(1);
  });

  it('nothing is told after the end', () => {
    const decoder = openaiResponses.createStreamDecoder(openai);
    decoder.push({ event: 'response.completed', data: JSON.stringify(completed()) });
    expect([decoder.push({ event: '', data: JSON.stringify(textDelta(0, 'x')) }), decoder.end()]).toEqual([[], []]);
  });

  it('an event is known by its name where its data has no type', () => {
    const decoder = openaiResponses.createStreamDecoder(openai);
    const events = [...decoder.push({ event: 'response.output_text.delta', data: '{"output_index":0,"delta":"x"}' }), ...decoder.push({ event: 'response.completed', data: '{"response":{}}' })];
    expect(collect(events)).toMatchObject({ ok: true, answer: { choices: [{ parts: [text('x')], finish: 'stop' }] } });
  });
});
