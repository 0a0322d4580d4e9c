import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnswerContext, Party } from '../../../internal/dialect/codec.ts';
import { codecs } from '../../../internal/dialect/codecs.ts';
import { dialects, type Dialect } from '../../../internal/dialect/dialect.ts';
import { createEventReader } from '../../../internal/dialect/ir/event-reader.ts';
import { isRecord, parseJson, type JsonRecord } from '../../../internal/dialect/ir/json.ts';
import { createLosses } from '../../../internal/dialect/ir/losses.ts';
import { replayAnswer } from '../../../internal/dialect/ir/replay.ts';
import { numberTexts } from './number-texts.ts';

/*
 * What one side wrote as a number reaches the other as the same text, in each direction, whether arguments are text there or an
 * object. Texts are compared, since a parser could lose the digits on both sides alike.
 */

const pairs = dialects.flatMap((from) => dialects.map((to) => [from, to] as const));
const quoted = (text: string): string => JSON.stringify(text);

/** A request with a call, its result, and a tool whose schema has the number as a value and as a bound. */
const requests: Readonly<Record<Dialect, (args: string, schema: string, result: string) => string>> = {
  'openai-chat': (args, schema, result) =>
    `{"model":"m","messages":[{"role":"user","content":"Go."},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"pay","arguments":${quoted(args)}}}]},{"role":"tool","tool_call_id":"call_1","content":${quoted(result)}}],"tools":[{"type":"function","function":{"name":"pay","parameters":${schema}}}]}`,
  'openai-responses': (args, schema, result) =>
    `{"model":"m","input":[{"role":"user","content":"Go."},{"type":"function_call","call_id":"call_1","name":"pay","arguments":${quoted(args)}},{"type":"function_call_output","call_id":"call_1","output":${quoted(result)}}],"tools":[{"type":"function","name":"pay","parameters":${schema}}]}`,
  'anthropic-messages': (args, schema, result) =>
    `{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"Go."},{"role":"assistant","content":[{"type":"tool_use","id":"call_1","name":"pay","input":${args}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":${quoted(result)}}]}],"tools":[{"name":"pay","input_schema":${schema}}]}`,
  gemini: (args, schema, result) =>
    `{"contents":[{"role":"user","parts":[{"text":"Go."}]},{"role":"model","parts":[{"functionCall":{"id":"call_1","name":"pay","args":${args}}}]},{"role":"user","parts":[{"functionResponse":{"id":"call_1","name":"pay","response":${result}}}]}],"tools":[{"functionDeclarations":[{"name":"pay","parametersJsonSchema":${schema}}]}]}`,
};

const answers: Readonly<Record<Dialect, (args: string) => string>> = {
  'openai-chat': (args) => `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"pay","arguments":${quoted(args)}}}]},"finish_reason":"tool_calls"}]}`,
  'openai-responses': (args) => `{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"m","output":[{"id":"fc_1","type":"function_call","status":"completed","call_id":"call_1","name":"pay","arguments":${quoted(args)}}]}`,
  'anthropic-messages': (args) => `{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"call_1","name":"pay","input":${args}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}`,
  gemini: (args) => `{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"id":"call_1","name":"pay","args":${args}}}]},"finishReason":"STOP","index":0}],"modelVersion":"m","responseId":"r"}`,
};

const partyOf = (dialect: Dialect): Party => ({ dialect, account: 'a', vendor: 'v', provider: 'p', model: 'm' });

/** As text on the wire; JSON within a string is shown without its escapes. */
const plainly = (text: string): string => text.replaceAll('\\"', '"');

function recordOf(text: string): JsonRecord {
  const value = parseJson(text);
  if (!isRecord(value)) throw new TypeError(text);
  return value;
}

function contextFor(dialect: Dialect, source: Dialect): AnswerContext {
  const request = codecs[dialect].decodeRequest(recordOf(requests[dialect]('{}', '{"type":"object"}', '{"a":1}')), true);
  return { request, model: 'm', nowSeconds: 1, newId: (prefix) => `${prefix}1`, source: partyOf(source) };
}

describe.each(pairs)('from %s to %s', (from, to) => {
  it('a request keeps the numbers of calls, results and schemas', () => {
    fc.assert(
      fc.property(numberTexts, (number) => {
        const [args, result, values] = [`{"n":${number},"list":[{"x":${number}}]}`, `{"r":${number}}`, `[${number}]`];
        const body = requests[from](args, `{"type":"object","properties":{"n":{"type":"number","enum":${values},"default":${number}}}}`, result);
        const encoded = codecs[to].encodeRequest(codecs[from].decodeRequest(recordOf(body), false), partyOf(to), createLosses(to, codecs[from].nameOf, undefined));
        const written = plainly(JSON.stringify(encoded));
        for (const expected of [args, result, `"enum":${values}`, `"default":${number}`]) expect(written).toContain(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('an answer keeps the numbers of calls', () => {
    fc.assert(
      fc.property(numberTexts, (number) => {
        const args = `{"n":${number},"list":[{"x":${number}}]}`;
        const answer = codecs[from].decodeAnswer(parseJson(answers[from](args)), partyOf(from));
        expect(plainly(JSON.stringify(codecs[to].encodeAnswer(answer, contextFor(to, from))))).toContain(args);
      }),
      { numRuns: 60 },
    );
  });

  it('a stream does', () => {
    fc.assert(
      fc.property(numberTexts, (number) => {
        const args = `{"n":${number},"list":[{"x":${number}}]}`;
        const said = codecs[from].createStreamEncoder(contextFor(from, from));
        const sent = [...replayAnswer(codecs[from].decodeAnswer(parseJson(answers[from](args)), partyOf(from)))].map((event) => said.push(event)).join('');
        const decoder = codecs[from].createStreamDecoder(partyOf(from));
        const encoder = codecs[to].createStreamEncoder(contextFor(to, from));
        const events = [...createEventReader().push(Buffer.from(sent)).flatMap((event) => decoder.push(event)), ...decoder.end()];
        expect(plainly(events.map((event) => encoder.push(event)).join(''))).toContain(args);
      }),
      { numRuns: 60 },
    );
  });
});
