import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../internal/dialect/anthropic-messages/codec.ts';
import type { JsonRecord } from '../../../../internal/dialect/ir/json.ts';
import type { BuiltinTool, FunctionTool, IrRequest } from '../../../../internal/dialect/ir/request.ts';
import { answerOf, anthropic, block, claude, encode, end, imitation, start } from './fixtures.ts';

const tool = (name: string, parameters?: JsonRecord, more: Partial<FunctionTool> = {}): FunctionTool => ({ kind: 'function', name, parameters, ...more });
const toolsOf = (request: Partial<IrRequest>, target = anthropic): unknown => encode(request, target).body['tools'];
const refusal = (param: string): object => expect.objectContaining({ code: 'unsupported_parameter', fields: { param } });
const object = (properties: JsonRecord, more: JsonRecord = {}): JsonRecord => ({ type: 'object', properties, ...more });

describe('functions', () => {
  it('have an object for input, always', () => {
    expect(toolsOf({ tools: [tool('a'), tool('b', {}), tool('c', object({ x: { type: 'string' } })), tool('d', { type: ['object', 'null'] })] })).toEqual([
      { name: 'a', input_schema: { type: 'object', properties: {} } },
      { name: 'b', input_schema: { type: 'object' } },
      { name: 'c', input_schema: object({ x: { type: 'string' } }) },
      { name: 'd', input_schema: { type: 'object' } },
    ]);
  });

  it('alternatives at the top become one object that allows each of them', () => {
    const variants = [object({ a: { type: 'string' }, k: { const: 1 } }, { required: ['a', 'k'] }), object({ b: { type: 'number' }, k: { const: 2 } }, { required: ['b', 'k'] })];
    expect(toolsOf({ tools: [tool('a', { description: 'd', anyOf: variants, additionalProperties: false })] })).toEqual([
      { name: 'a', input_schema: { description: 'd', type: 'object', properties: { a: { type: 'string' }, b: { type: 'number' }, k: { const: 2 } }, required: ['k'] } },
    ]);
    expect(toolsOf({ tools: [tool('a', { allOf: variants })] })).toMatchObject([{ input_schema: { required: ['a', 'k', 'b'] } }]);
  });

  it('keep what they are called, described and marked with', () => {
    expect(toolsOf({ tools: [tool('a', object({}), { description: 'D.', cache: { ttl: '24h' } })] })).toEqual([{ name: 'a', description: 'D.', input_schema: object({}), cache_control: { type: 'ephemeral' } }]);
  });

  it('names that the API refuses are refused by name', () => {
    expect(() => toolsOf({ tools: [tool('a.b')] })).toThrow(refusal('tools'));
  });
});

describe('strict functions', () => {
  const closed = object({ a: { type: 'string', maxLength: 5 } }, { required: ['a'] });

  it('are strict there too, closed, with limits told', () => {
    expect(encode({ tools: [tool('f', closed, { strict: true })] })).toEqual({ body: expect.objectContaining({ tools: [{ name: 'f', strict: true, input_schema: object({ a: { type: 'string', description: '(maxLength: 5)' } }, { required: ['a'], additionalProperties: false }) }] }), dropped: [] });
  });

  it.each<[string, readonly FunctionTool[]]>([
    ['more of them than are compiled', Array.from({ length: 21 }, (_, index) => tool(`f${index}`, closed, { strict: true }))],
    ['an open object', [tool('f', object({ a: { type: 'object' } }), { strict: true })]],
    ['too many optional properties', [tool('f', object(Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`p${index}`, { type: 'string' }]))), { strict: true })]],
  ])('%s: strictness is left out and told, the tools stay', (_, tools) => {
    const { body, dropped } = encode({ tools });
    expect(dropped).toEqual(['strict']);
    expect(body['tools']).toHaveLength(tools.length);
    expect(JSON.stringify(body)).not.toContain('"strict"');
  });

  it('older models and imitations are not asked for it', () => {
    for (const target of [claude('claude-sonnet-4-20250514'), imitation]) expect(encode({ tools: [tool('f', closed, { strict: true })] }, target)).toMatchObject({ body: { tools: [{ name: 'f', input_schema: closed }] }, dropped: ['strict'] });
  });
});

describe('the choice', () => {
  const tools = [tool('a'), tool('b')];
  it.each<[Partial<IrRequest>, unknown]>([
    [{}, undefined],
    [{ toolChoice: { mode: 'auto' } }, { type: 'auto' }],
    [{ toolChoice: { mode: 'none' }, parallelToolCalls: false }, { type: 'none' }],
    [{ toolChoice: { mode: 'required' } }, { type: 'any' }],
    [{ toolChoice: { mode: 'named', name: 'a' }, parallelToolCalls: false }, { type: 'tool', name: 'a', disable_parallel_tool_use: true }],
    [{ parallelToolCalls: false }, { type: 'auto', disable_parallel_tool_use: true }],
    [{ parallelToolCalls: true }, undefined],
    [{ toolChoice: { mode: 'allowed', names: ['b'], isRequired: true } }, { type: 'any' }],
    [{ toolChoice: { mode: 'allowed', names: ['b'], isRequired: false } }, { type: 'auto' }],
  ])('%j', (request, choice) => {
    expect(encode({ tools, ...request }).body['tool_choice']).toEqual(choice);
  });

  it('tools that are not allowed are not offered', () => {
    expect(toolsOf({ tools, toolChoice: { mode: 'allowed', names: ['b'], isRequired: false } })).toMatchObject([{ name: 'b' }]);
  });

  it('nothing is said of it without tools, and what cannot be had is refused', () => {
    expect(encode({ toolChoice: { mode: 'auto' }, parallelToolCalls: false }).body).not.toHaveProperty('tool_choice');
    expect(() => encode({ toolChoice: { mode: 'required' } })).toThrow(refusal('toolChoice'));
  });
});

describe('vendors’ own tools', () => {
  const builtin = (kind: BuiltinTool['builtin'], name: string, item: JsonRecord = {}): BuiltinTool => ({ kind: 'builtin', builtin: kind, name, dialect: 'openai-responses', item });

  it('go to Anthropic’s equivalents, with where and for whom', () => {
    expect(toolsOf({ tools: [builtin('web_search', 'web_search', { filters: { allowed_domains: ['a.example'] }, user_location: { type: 'approximate', city: 'Bern', country: null } }), builtin('web_fetch', 'urlContext'), builtin('code_execution', 'code_interpreter')] })).toEqual([
      { type: 'web_search_20250305', name: 'web_search', allowed_domains: ['a.example'], user_location: { type: 'approximate', city: 'Bern' } },
      { type: 'web_fetch_20250910', name: 'web_fetch' },
      { type: 'code_execution_20250825', name: 'code_execution' },
    ]);
  });

  it('are called by what stands for them', () => {
    expect(encode({ tools: [builtin('web_search', 'web_search_preview')], toolChoice: { mode: 'named', name: 'web_search_preview' } }).body['tool_choice']).toEqual({ type: 'tool', name: 'web_search' });
  });

  it('without an equivalent are left out and told while others remain', () => {
    expect(encode({ tools: [builtin('other', 'file_search'), tool('a')] })).toMatchObject({ body: { tools: [{ name: 'a' }] }, dropped: ['tools.file_search'] });
  });

  it('without an equivalent are refused where they are alone or forced', () => {
    expect(() => encode({ tools: [builtin('other', 'file_search')] })).toThrow(refusal('tools.file_search'));
    expect(() => encode({ tools: [builtin('other', 'file_search'), tool('a')], toolChoice: { mode: 'named', name: 'file_search' } })).toThrow(refusal('tools.file_search'));
    expect(() => encode({ tools: [builtin('web_search', 'web_search')] }, imitation)).toThrow(refusal('tools.web_search'));
  });

  it('of Anthropic’s own are put back as they came', () => {
    const item = { type: 'memory_20250818', name: 'memory' };
    expect(toolsOf({ tools: [{ kind: 'builtin', builtin: 'other', name: 'memory_20250818', dialect: 'anthropic-messages', item }] })).toEqual([item]);
  });
});

describe('the form of the answer', () => {
  const format = (schema: JsonRecord): Partial<IrRequest> => ({ responseFormat: { kind: 'schema', schema, name: 'n', strict: true } });
  const schemaOf = (schema: JsonRecord): unknown => encode(format(schema)).body['output_config'];

  it('a schema is asked for by decoding, its objects closed, at every depth', () => {
    const nested = object({ list: { type: 'array', items: object({ a: { type: ['string', 'null'] } }) }, ref: { $ref: '#/$defs/d' } }, { $schema: 'x', $defs: { d: object({ b: { enum: ['x', 'y'] } }, { additionalProperties: false }) } });
    expect(schemaOf(nested)).toEqual({
      format: {
        type: 'json_schema',
        schema: object({ list: { type: 'array', items: object({ a: { type: ['string', 'null'] } }, { additionalProperties: false }) }, ref: { $ref: '#/$defs/d' } }, { additionalProperties: false, $defs: { d: object({ b: { enum: ['x', 'y'] } }, { additionalProperties: false }) } }),
      },
    });
  });

  it('limits that decoding does not know are told to the model, and alternatives are any of them', () => {
    expect(schemaOf(object({ n: { type: 'integer', minimum: 1, maximum: 5, description: 'N.' }, d: { type: 'string', format: 'date' }, r: { type: 'string', format: 'regex' }, l: { type: 'array', items: { type: 'string' }, minItems: 1 }, o: { oneOf: [{ type: 'string' }, { type: 'null' }] } }))).toMatchObject({
      format: { schema: { properties: { n: { type: 'integer', description: 'N. (minimum: 1, maximum: 5)' }, d: { format: 'date' }, r: { description: '(format: "regex")' }, l: { minItems: 1 }, o: { anyOf: [{ type: 'string' }, { type: 'null' }] } } } },
    });
  });

  it.each<[string, JsonRecord]>([
    ['maps', object({ m: { type: 'object', additionalProperties: { type: 'number' } } })],
    ['open objects', object({ m: { type: 'object', properties: {}, additionalProperties: true } })],
    ['objects without properties', object({ m: { type: 'object' } })],
    ['values of any type', object({ m: {} })],
    ['recursion', object({ next: { $ref: '#' } })],
    ['recursion through definitions', object({ a: { $ref: '#/$defs/a' } }, { $defs: { a: object({ b: { anyOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] } }) } })],
    ['tuples', object({ t: { type: 'array', prefixItems: [{ type: 'string' }] } })],
    ['too many optional properties', object(Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`p${index}`, { type: 'string' }])))],
  ])('%s go by the input of a forced tool, unchanged', (_, schema) => {
    const { body } = encode(format(schema));
    expect(body).toMatchObject({ tools: [{ name: 'keyward_json_answer', input_schema: schema }], tool_choice: { type: 'tool', name: 'keyward_json_answer', disable_parallel_tool_use: true } });
    expect(body).not.toHaveProperty('output_config');
  });

  it('JSON without a schema goes the same way, with reasoning switched off where it is a habit', () => {
    expect(encode({ responseFormat: { kind: 'json' } }, claude('claude-sonnet-5')).body).toMatchObject({ tools: [{ name: 'keyward_json_answer', input_schema: { type: 'object' } }], thinking: { type: 'disabled' } });
  });

  it('models before schemas, and imitations, are given the schema as that tool’s', () => {
    for (const target of [claude('claude-sonnet-4-20250514'), imitation]) expect(encode(format(object({ a: { type: 'string' } })), target).body).toMatchObject({ tools: [{ name: 'keyward_json_answer', input_schema: object({ a: { type: 'string' } }) }] });
  });

  it('is refused by name where neither way is open', () => {
    expect(() => encode({ responseFormat: { kind: 'json' }, tools: [tool('a')] })).toThrow(refusal('responseFormat'));
    expect(() => encode({ responseFormat: { kind: 'json' }, reasoning: { effort: 'low' } })).toThrow(refusal('responseFormat'));
    expect(() => encode({ responseFormat: { kind: 'json' } }, claude('claude-opus-5-5'))).toThrow(refusal('responseFormat'));
    expect(() => encode(format({ type: 'array', items: {} }))).toThrow(refusal('responseFormat'));
  });

  it('goes with tools and reasoning where decoding takes the schema', () => {
    expect(encode({ ...format(object({ a: { type: 'string' } })), tools: [tool('a')], reasoning: { effort: 'low' } }, claude('claude-opus-5-5')).body).toMatchObject({ tools: [{ name: 'a' }], output_config: { effort: 'low', format: { type: 'json_schema' } } });
  });

  it('the call of that tool comes back as the answer’s text, whole or streamed', () => {
    const call = { type: 'tool_use', id: 'toolu_1', name: 'keyward_json_answer', input: {} };
    const expected = [{ index: 0, parts: [{ kind: 'text', text: '{"a": 1}' }], finish: 'stop', rawFinish: 'tool_use' }];
    const streamed = answerOf([start, ...block(0, call, { type: 'input_json_delta', partial_json: '' }, { type: 'input_json_delta', partial_json: '{"a":' }, { type: 'input_json_delta', partial_json: ' 1}' }), ...end('tool_use')]);
    expect(streamed.choices).toMatchObject(expected);
    const whole = anthropicMessages.decodeAnswer({ type: 'message', content: [{ ...call, input: { a: 1 } }], stop_reason: 'tool_use' }, anthropic);
    expect(whole.choices).toMatchObject([{ parts: [{ kind: 'text', text: '{"a":1}' }], finish: 'stop' }]);
  });
});
