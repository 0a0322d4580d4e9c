import { describe, expect, it } from 'vitest';
import type { Party } from '../../../../internal/dialect/codec.ts';
import type { Part } from '../../../../internal/dialect/ir/parts.ts';
import type { IrRequest, Tool, Turn } from '../../../../internal/dialect/ir/request.ts';
import { antigravity, codeAssist, encode, google, hi, older, vertex } from './fixtures.ts';

const fn = (name: string, more: object = {}): Tool => ({ kind: 'function', name, parameters: { type: 'object', properties: { a: { type: 'string' } } }, ...more });
const search: Tool = { kind: 'builtin', builtin: 'web_search', name: 'web_search_20250305', dialect: 'anthropic-messages', item: { type: 'web_search_20250305', max_uses: 3 } };
const user = (...parts: Part[]): Turn => ({ role: 'user', parts });
const text = (said: string): Part => ({ kind: 'text', text: said });
const call = (id: string, name: string, more: object = {}): Part => ({ kind: 'tool_call', id, name, input: '{"a":"b"}', ...more });
const result = (callId: string, said: string, more: object = {}): Part => ({ kind: 'tool_result', callId, parts: [{ kind: 'text', text: said }], ...more });
const signed = (vendor: string, value: string) => ({ signature: { vendor, account: undefined, value } });
const refusing = (param: string): unknown => expect.objectContaining({ code: 'unsupported_parameter', fields: { param } });
const config = (request: Partial<IrRequest>, target: Party = google): unknown => encode(request, target).body['generationConfig'];
const contents = (turns: readonly Turn[], target: Party = google): unknown => encode({ turns }, target).body['contents'];

describe('turns', () => {
  it('instructions that lead stand on top, later ones at their place', () => {
    const { body, dropped } = encode({ turns: [{ role: 'system', parts: [text('A')] }, { role: 'developer', parts: [text('B')] }, hi, { role: 'system', parts: [text('C')] }] });
    expect(body).toEqual({ systemInstruction: { parts: [{ text: 'A' }, { text: 'B' }] }, contents: [{ role: 'user', parts: [{ text: 'hi' }, { text: 'C' }] }] });
    expect(dropped).toEqual(['system']);
    // Code Assist is sent what Gemini CLI sends.
    expect(encode({ turns: [{ role: 'system', parts: [text('A')] }, hi] }, codeAssist).body).toMatchObject({ systemInstruction: { role: 'user', parts: [{ text: 'A' }] } });
  });

  it('a model without instructions has them in front of the user’s words', () => {
    expect(encode({ turns: [{ role: 'system', parts: [text('A')] }, hi] }, { ...google, model: 'gemma-3-27b-it' }).body).toEqual({ contents: [{ role: 'user', parts: [{ text: 'A' }, { text: 'hi' }] }] });
  });

  it('results follow their calls in one content, whatever the user says meanwhile', () => {
    const turns: Turn[] = [hi, { role: 'assistant', parts: [call('1', 'f'), call('2', 'g')] }, { role: 'tool', parts: [result('1', 'one')] }, user(text('wait')), { role: 'tool', parts: [result('2', 'two', { isError: true })] }, user(text('go on'))];
    expect(contents(turns)).toEqual([
      { role: 'user', parts: [{ text: 'hi' }] },
      { role: 'model', parts: [{ functionCall: { id: '1', name: 'f', args: { a: 'b' } }, thoughtSignature: 'skip_thought_signature_validator' }, { functionCall: { id: '2', name: 'g', args: { a: 'b' } } }] },
      { role: 'user', parts: [{ functionResponse: { id: '1', name: 'f', response: { output: 'one' } } }, { functionResponse: { id: '2', name: 'g', response: { error: 'two' } } }] },
      { role: 'user', parts: [{ text: 'wait' }, { text: 'go on' }] },
    ]);
  });

  it('the result of a call that nobody made is refused', () => {
    expect(() => contents([hi, { role: 'tool', parts: [result('9', 'x')] }])).toThrow(refusing('turns[1].parts[0]'));
  });

  it.each([
    ['{"a":1}', { a: 1 }],
    ['{\n  "a": 1\n}', { a: 1 }],
    ['{"output":"x"}', { output: '{"output":"x"}' }],
    ['{"$ref":"#/x"}', { output: '{"$ref":"#/x"}' }],
    ['{"id":12345678901234567890}', { output: '{"id":12345678901234567890}' }],
    ['[1]', { output: '[1]' }],
    ['{}', { output: '{}' }],
    ['plain', { output: 'plain' }],
    ['', { output: '' }],
  ])('the result %s is written so that it reads the same', (said, response) => {
    expect(contents([{ role: 'assistant', parts: [call('1', 'f')] }, { role: 'tool', parts: [result('1', said)] }])).toMatchObject([{}, { parts: [{ functionResponse: { response } }] }]);
  });

  it('arguments are an object, whatever the model wrote', () => {
    const args = ['', 'not json', '[1]', '{"x":1}'].map((input): Part => ({ kind: 'tool_call', id: '1', name: 'f', input }));
    const custom: Part = { kind: 'tool_call', id: '1', name: 'patch', input: '*** Begin', isCustom: true };
    expect(contents([{ role: 'assistant', parts: [...args, custom] }])).toMatchObject([{ parts: [{ functionCall: { args: {} } }, { functionCall: { args: { input: 'not json' } } }, { functionCall: { args: { input: [1] } } }, { functionCall: { args: { x: 1 } } }, { functionCall: { args: { input: '*** Begin' } } }] }]);
  });

  it.each([
    ['the Gemini API', google, { id: 'toolu_1' }],
    ['the Gemini API for an older model', older, { id: 'toolu_1' }],
    ['Vertex', vertex, { id: 'toolu_1' }],
    ['Code Assist', codeAssist, { id: 'toolu_1' }],
    ['Vertex for an older model, which refuses them', { ...vertex, model: 'gemini-2.5-pro' }, {}],
  ])('ids go to %s', (_, target, id) => {
    expect(contents([{ role: 'assistant', parts: [call('toolu_1', 'f')] }, { role: 'tool', parts: [result('toolu_1', 'x')] }], target)).toMatchObject([{ parts: [{ functionCall: { name: 'f', args: { a: 'b' }, ...id } }] }, { parts: [{ functionResponse: { ...id, name: 'f' } }] }]);
    expect(JSON.stringify(contents([{ role: 'assistant', parts: [call('toolu_1', 'f')] }], target)).includes('toolu_1')).toBe('id' in id);
  });

  it('pictures in a result stand within it, and beside it for older models', () => {
    const parts: Extract<Part, { readonly kind: 'tool_result' }>['parts'] = [{ kind: 'text', text: 'see' }, { kind: 'image', source: { kind: 'base64', mime: 'image/png', data: 'AAAA' } }];
    const turns: Turn[] = [{ role: 'assistant', parts: [call('1', 'f')] }, { role: 'tool', parts: [{ kind: 'tool_result', callId: '1', parts }] }];
    const image = { inlineData: { mimeType: 'image/png', data: 'AAAA' } };
    expect(contents(turns)).toMatchObject([{}, { parts: [{ functionResponse: { response: { output: 'see' }, parts: [image] } }] }]);
    expect(contents(turns, older)).toMatchObject([{}, { parts: [{ functionResponse: { response: { output: 'see' } } }, { text: 'Files in the result of f:' }, image] }]);
  });

  it('media go as bytes or addresses, and what Google cannot take is refused by its place', () => {
    const parts: Part[] = [
      { kind: 'image', source: { kind: 'url', url: 'https://e.com/a.webp?x=1' } },
      { kind: 'file', source: { kind: 'url', url: 'https://youtu.be/abc' } },
      { kind: 'audio', source: { kind: 'base64', mime: 'audio/wav', data: 'AAAA' } },
      { kind: 'file', source: { kind: 'text', text: 'words' }, name: 'a.txt' },
      { kind: 'file', source: { kind: 'id', id: 'gs://b/a.pdf', dialect: 'gemini' } },
    ];
    expect(contents([user(...parts)])).toEqual([{ role: 'user', parts: [{ fileData: { mimeType: 'image/webp', fileUri: 'https://e.com/a.webp?x=1' } }, { fileData: { mimeType: 'video/mp4', fileUri: 'https://youtu.be/abc' } }, { inlineData: { mimeType: 'audio/wav', data: 'AAAA' } }, { text: 'a.txt\n\nwords' }, { fileData: { mimeType: 'application/pdf', fileUri: 'gs://b/a.pdf' } }] }]);
    expect(() => contents([user({ kind: 'file', source: { kind: 'id', id: 'file-1', dialect: 'openai-chat' } })])).toThrow(refusing('turns[0].parts[0]'));
    expect(() => contents([user({ kind: 'file', source: { kind: 'url', url: 'https://e.com/what' } })])).toThrow(refusing('turns[0].parts[0]'));
    expect(() => contents([user({ kind: 'image', source: { kind: 'url', url: 'file:///etc/passwd' } })])).toThrow(refusing('turns[0].parts[0]'));
  });

  it('what the user gave in another dialect’s own form is refused; what another’s tool did is left out', () => {
    const raw: Part = { kind: 'raw', dialect: 'anthropic-messages', item: { type: 'server_tool_use' } };
    expect(() => contents([user(raw)])).toThrow(refusing('turns[0].parts[0]'));
    const { body, dropped } = encode({ turns: [hi, { role: 'assistant', parts: [raw, text('done')] }, hi] });
    expect(body['contents']).toMatchObject([{}, { parts: [{ text: 'done' }] }, {}]);
    expect(dropped).toEqual(['server_tool_use']);
  });

  it('a cached prompt is named where it belongs', () => {
    expect(encode({ turns: [{ role: 'system', parts: [{ kind: 'raw', dialect: 'gemini', item: { cachedContent: 'cachedContents/a' } }] }, hi] }).body).toEqual({ contents: [{ role: 'user', parts: [{ text: 'hi' }] }], cachedContent: 'cachedContents/a' });
  });
});

describe('signatures', () => {
  const said: Part[] = [{ kind: 'thinking', text: 'hm', ...signed('google', 'c2ln') }, { kind: 'thinking', text: 'other', ...signed('anthropic', 'x') }, { kind: 'thinking', text: 'silent', ...signed('google', '') }, { kind: 'text', text: 'Hi', ...signed('google', 'dGV4dA==') }, call('1', 'f', signed('google', 'Y2FsbA=='))];

  it('go back to Google byte for byte; thinking that is not Google’s stays behind', () => {
    expect(contents([hi, { role: 'assistant', parts: said }])).toMatchObject([{}, { parts: [{ text: 'hm', thought: true, thoughtSignature: 'c2ln' }, { text: 'Hi', thoughtSignature: 'dGV4dA==' }, { functionCall: { name: 'f' }, thoughtSignature: 'Y2FsbA==' }] }]);
  });

  it('a turn of which nothing remains is left out', () => {
    expect(contents([hi, { role: 'assistant', parts: [{ kind: 'thinking', text: 'other', ...signed('anthropic', 'x') }] }, hi])).toEqual([{ role: 'user', parts: [{ text: 'hi' }, { text: 'hi' }] }]);
  });

  it('the first call of a step that Google did not make says so, to models that insist on a signature', () => {
    const turns: Turn[] = [hi, { role: 'assistant', parts: [call('1', 'f', signed('anthropic', 'x')), call('2', 'g')] }, { role: 'tool', parts: [result('1', 'a'), result('2', 'b')] }, { role: 'assistant', parts: [call('3', 'f', signed('google', 'Y2FsbA=='))] }];
    const marks = (target: Party): readonly unknown[] => JSON.stringify(contents(turns, target)).match(/"thoughtSignature":"[^"]*"/g) ?? [];
    expect(marks(google)).toEqual(['"thoughtSignature":"skip_thought_signature_validator"', '"thoughtSignature":"Y2FsbA=="']);
    expect(marks(older)).toEqual(['"thoughtSignature":"Y2FsbA=="']);
  });
});

describe('tools', () => {
  it('functions are declared in JSON Schema, with what Google does not follow written out', () => {
    const parameters = { $schema: 'x', type: 'object', properties: { a: { $ref: '#/$defs/A', description: 'mine' }, b: { const: 'x' } }, $defs: { A: { type: 'string', description: 'theirs' } } };
    expect(encode({ tools: [{ kind: 'function', name: 'f', description: 'd', parameters }] }).body['tools']).toEqual([{ functionDeclarations: [{ name: 'f', description: 'd', parametersJsonSchema: { type: 'object', properties: { a: { type: 'string', description: 'mine' }, b: { enum: ['x'] } } } }] }]);
  });

  it('a service that reads no JSON Schema gets Gemini’s own form', () => {
    expect(encode({ tools: [fn('f'), { kind: 'function', name: 'g' }] }, antigravity).body['tools']).toEqual([{ functionDeclarations: [{ name: 'f', parameters: { type: 'OBJECT', properties: { a: { type: 'STRING' } } } }, { name: 'g', parameters: { type: 'OBJECT', properties: {} } }] }]);
  });

  it('parameters are an object also where the schema offers several', () => {
    const parameters = { anyOf: [{ type: 'object', properties: { a: { type: 'string' } }, required: ['a', 'c'] }, { properties: { b: {} }, required: ['b', 'c'] }] };
    expect(encode({ tools: [{ kind: 'function', name: 'f', parameters }] }).body['tools']).toEqual([{ functionDeclarations: [{ name: 'f', parametersJsonSchema: { type: 'object', properties: { a: { type: 'string' }, b: {} }, required: ['c'], description: '({"required":["a","c"]} or {"required":["b","c"]})' } }] }]);
  });

  it('free-form tools become functions with one text', () => {
    expect(encode({ tools: [{ kind: 'custom', name: 'patch' }] }).body['tools']).toMatchObject([{ functionDeclarations: [{ name: 'patch', parametersJsonSchema: { properties: { input: { type: 'string' } } } }] }]);
  });

  it.each([
    [{ mode: 'auto' }, { mode: 'AUTO' }],
    [{ mode: 'none' }, { mode: 'NONE' }],
    [{ mode: 'required' }, { mode: 'ANY' }],
    [{ mode: 'named', name: 'f' }, { mode: 'ANY', allowedFunctionNames: ['f'] }],
    [{ mode: 'allowed', names: ['f'], isRequired: true }, { mode: 'ANY', allowedFunctionNames: ['f'] }],
    [{ mode: 'allowed', names: ['f'], isRequired: false }, { mode: 'VALIDATED', allowedFunctionNames: ['f'] }],
    [{ mode: 'allowed', names: [], isRequired: false }, { mode: 'NONE' }],
  ] as const)('the choice %j is %j', (toolChoice, functionCallingConfig) => {
    expect(encode({ tools: [fn('f'), fn('g')], toolChoice }).body['toolConfig']).toEqual({ functionCallingConfig });
  });

  it('calls that must keep to their schema are asked for as such', () => {
    expect(encode({ tools: [fn('f', { strict: true })] })).toMatchObject({ body: { toolConfig: { functionCallingConfig: { mode: 'VALIDATED' } } }, dropped: [] });
    expect(encode({ tools: [fn('f', { strict: false })] }).body['toolConfig']).toBeUndefined();
  });

  it('a choice that cannot be had is refused', () => {
    expect(() => encode({ tools: [fn('f')], toolChoice: { mode: 'named', name: 'web_search' } })).toThrow(refusing('toolChoice'));
    expect(() => encode({ tools: [search], toolChoice: { mode: 'required' } })).toThrow(refusing('toolChoice'));
    expect(() => encode({ toolChoice: { mode: 'required' } })).toThrow(refusing('toolChoice'));
    expect(() => encode({ tools: [fn('1x')] })).toThrow(refusing('tools'));
  });

  it('one call at a time cannot be asked for, and is listed', () => {
    expect(encode({ tools: [fn('f')], parallelToolCalls: false }).dropped).toEqual(['parallelToolCalls']);
    expect(encode({ parallelToolCalls: false }).dropped).toEqual([]);
  });

  it('another vendor’s search is Google’s where it stands alone', () => {
    expect(encode({ tools: [search] })).toEqual({ body: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }], tools: [{ googleSearch: {} }] }, dropped: ['tools.web_search_20250305.max_uses'] });
    expect(encode({ tools: [search], toolChoice: { mode: 'none' } }).body['tools']).toBeUndefined();
  });

  it('beside functions it is left out and listed, or refused where it is forced', () => {
    expect(encode({ tools: [fn('f'), search] })).toMatchObject({ body: { tools: [{ functionDeclarations: [{ name: 'f' }] }] }, dropped: ['tools.web_search_20250305'] });
    expect(() => encode({ tools: [fn('f'), search], toolChoice: { mode: 'named', name: 'web_search_20250305' } })).toThrow(refusing('tools.web_search_20250305'));
  });

  it('Vertex runs both together', () => {
    expect(encode({ tools: [fn('f'), search] }, vertex).body).toMatchObject({ tools: [{ functionDeclarations: [{ name: 'f' }] }, { googleSearch: {} }], toolConfig: { functionCallingConfig: { mode: 'VALIDATED' } } });
  });

  it('bounds on what may be searched are kept or refused, never forgotten', () => {
    const bounded = (item: object): Tool => ({ kind: 'builtin', builtin: 'web_search', name: 'web_search', dialect: 'openai-responses', item: { type: 'web_search', ...item } });
    expect(() => encode({ tools: [bounded({ filters: { allowed_domains: ['e.com'] } })] })).toThrow(refusing('tools.web_search'));
    expect(() => encode({ tools: [bounded({ blocked_domains: ['e.com'] })] })).toThrow(refusing('tools.web_search'));
    expect(encode({ tools: [bounded({ blocked_domains: ['e.com'] })] }, vertex).body['tools']).toEqual([{ googleSearch: { excludeDomains: ['e.com'] } }]);
  });

  it('a tool without an equivalent is left out while another remains, and refused alone', () => {
    const maker: Tool = { kind: 'builtin', builtin: 'other', name: 'image_generation', dialect: 'openai-responses', item: { type: 'image_generation' } };
    expect(encode({ tools: [maker, search] })).toMatchObject({ body: { tools: [{ googleSearch: {} }] }, dropped: ['tools.image_generation', 'tools.web_search_20250305.max_uses'] });
    expect(() => encode({ tools: [maker] })).toThrow(refusing('tools.image_generation'));
  });
});

describe('how much it thinks', () => {
  const pro = { ...google, model: 'gemini-2.5-pro' };
  it.each([
    ['gemini-3.8-flash', { effort: 'none' }, { thinkingLevel: 'LOW' }],
    ['gemini-3.5-flash', { effort: 'none' }, { thinkingLevel: 'MINIMAL' }],
    ['gemini-3.1-pro-preview', { effort: 'minimal' }, { thinkingLevel: 'LOW' }],
    ['gemini-3.8-flash', { effort: 'medium' }, { thinkingLevel: 'MEDIUM' }],
    ['gemini-4-hydrogen', { effort: 'max' }, { thinkingLevel: 'HIGH' }],
    ['gemini-3.8-flash', { budgetTokens: 8_000, show: 'auto' }, { thinkingLevel: 'MEDIUM', includeThoughts: true }],
    ['gemini-3.8-flash', { budgetTokens: -1, show: 'none' }, { includeThoughts: false }],
    ['gemini-flash-latest', { effort: 'high' }, { thinkingLevel: 'HIGH' }],
    ['gemini-2.5-flash', { effort: 'none' }, { thinkingBudget: 0 }],
    ['gemini-2.5-pro', { effort: 'none' }, { thinkingBudget: 128 }],
    ['gemini-2.5-flash', { effort: 'max' }, { thinkingBudget: 24_576 }],
    ['gemini-2.5-pro', { budgetTokens: 31_999 }, { thinkingBudget: 31_999 }],
    ['gemini-2.5-flash', { budgetTokens: -1 }, { thinkingBudget: -1 }],
    ['claude-sonnet-4-6-thinking', { budgetTokens: 40_000, show: 'detailed' }, { thinkingBudget: 40_000, includeThoughts: true }],
  ] as const)('%s asked for %j is told %j', (model, reasoning, thinkingConfig) => {
    expect(config({ reasoning }, { ...google, model })).toEqual({ thinkingConfig });
  });

  it.each([
    ['gemini-2.5-flash', { effort: 'high' }, 4_000, 3_000, ['reasoning']],
    ['gemini-2.5-flash', { budgetTokens: 8_000 }, 4_000, 3_000, ['reasoning']],
    ['gemini-2.5-flash', { budgetTokens: 3_999 }, 4_000, 3_999, []],
    ['gemini-2.5-flash', { effort: 'low' }, 4_000, 1_024, []],
    ['gemini-2.5-flash', { budgetTokens: -1 }, 4_000, -1, []],
    ['gemini-2.5-flash', { effort: 'none' }, 4_000, 0, []],
    ['gemini-2.5-pro', { effort: 'low' }, 100, 128, ['reasoning']],
    ['gemini-2.5-pro', { budgetTokens: 31_999 }, 64_000, 31_999, []],
  ] as const)('%s asked for %j within %i tokens thinks with %i of them', (model, reasoning, maxTokens, thinkingBudget, dropped) => {
    const { body, dropped: listed } = encode({ reasoning, maxTokens }, { ...google, model });
    expect(body['generationConfig']).toMatchObject({ thinkingConfig: { thinkingBudget } });
    expect(listed).toEqual(dropped);
  });

  it('a model that does not think is not told, and the wish is listed', () => {
    expect(encode({ reasoning: { effort: 'high' } }, { ...google, model: 'gemini-2.0-flash' })).toEqual({ body: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }, dropped: ['reasoning'] });
    expect(encode({ reasoning: { effort: 'none', show: 'none' } }, { ...google, model: 'gemma-3-27b-it' }).dropped).toEqual([]);
  });

  it('a model without a name is one of the current ones', () => {
    const { model: _, ...unnamed } = pro;
    expect(config({ reasoning: { effort: 'low' } }, unnamed)).toEqual({ thinkingConfig: { thinkingLevel: 'LOW' } });
  });
});

describe('what else is asked', () => {
  it('goes into generationConfig under its names', () => {
    const request: Partial<IrRequest> = { maxTokens: 5, temperature: 1.5, topP: 0.5, topK: 4, frequencyPenalty: 1, presencePenalty: -1, seed: 7, stop: ['a'], n: 2, logprobs: { top: 3 }, modalities: ['text', 'image'] };
    expect(config(request)).toEqual({ maxOutputTokens: 5, temperature: 1.5, topP: 0.5, topK: 4, frequencyPenalty: 1, presencePenalty: -1, seed: 7, stopSequences: ['a'], candidateCount: 2, responseLogprobs: true, logprobs: 3, responseModalities: ['TEXT', 'IMAGE'] });
  });

  it.each([
    [{ kind: 'text' }, { responseMimeType: 'text/plain' }],
    [{ kind: 'json' }, { responseMimeType: 'application/json' }],
    [{ kind: 'schema', schema: { type: 'object', properties: { a: { const: 1 } } }, name: 's', description: 'D', strict: true }, { responseMimeType: 'application/json', responseJsonSchema: { type: 'object', description: 'D', properties: { a: { enum: [1] } } } }],
  ] as const)('the format %j is %j', (responseFormat, written) => {
    expect(config({ responseFormat })).toEqual(written);
  });

  it('a schema is Gemini’s own where JSON Schema is not read', () => {
    expect(config({ responseFormat: { kind: 'schema', schema: { type: 'object', properties: { a: { type: 'string' } } } } }, antigravity)).toEqual({ responseMimeType: 'application/json', responseSchema: { type: 'OBJECT', properties: { a: { type: 'STRING' } } } });
  });

  it('JSON beside functions is refused for models that give none', () => {
    expect(() => encode({ tools: [fn('f')], responseFormat: { kind: 'json' } }, older)).toThrow(refusing('responseFormat'));
    expect(config({ tools: [fn('f')], responseFormat: { kind: 'json' } })).toEqual({ responseMimeType: 'application/json' });
  });

  it('a bound beyond the model’s own is the model’s own', () => {
    expect(config({ maxTokens: 128_000 })).toEqual({ maxOutputTokens: 65_536 });
    expect(config({ maxTokens: 128_000 }, { ...google, model: 'gemini-4-carbon' })).toEqual({ maxOutputTokens: 128_000 });
  });

  it.each([
    [{ logitBias: { 5: 1 } }, 'logitBias'],
    [{ stop: ['1', '2', '3', '4', '5', '6'] }, 'stop'],
    [{ n: 9 }, 'n'],
    [{ temperature: 2.1 }, 'temperature'],
    [{ topP: 1.1 }, 'topP'],
    [{ modalities: ['video'] }, 'modalities'],
    [{ modalities: ['audio'], extras: { dialect: 'openai-chat' as const, members: { audio: { voice: 'alloy' } } } }, 'modalities'],
  ])('%j is refused', (request, param) => {
    expect(() => encode(request)).toThrow(refusing(param));
  });

  it('what does not change the answer is left out and listed', () => {
    const request: Partial<IrRequest> = { metadata: { a: 'b' }, userId: 'u', promptCacheKey: 'k', promptCacheRetention: '24h', verbosity: 'low', store: true, seed: 2 ** 40, serviceTier: 'scale', extras: { dialect: 'openai-chat', members: { prediction: {} } }, turns: [{ role: 'user', name: 'ann', parts: [{ kind: 'text', text: 'hi', cache: {} }, { kind: 'image', source: { kind: 'base64', mime: 'image/png', data: 'AAAA' }, detail: 'high' }] }] };
    const { body, dropped } = encode(request);
    expect(body).toEqual({ contents: [{ role: 'user', parts: [{ text: 'hi' }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }] }] });
    expect([...dropped].sort()).toEqual(['cache_control', 'detail', 'metadata', 'name', 'prediction', 'promptCacheKey', 'promptCacheRetention', 'seed', 'serviceTier', 'store', 'userId', 'verbosity']);
    expect(encode({ store: false, serviceTier: 'auto' }).dropped).toEqual([]);
  });

  it.each([['flex', google, 'flex'], ['default', google, 'standard'], ['priority', vertex, undefined]])('the tier %s', (serviceTier, target, written) => {
    expect(encode({ serviceTier }, target).body['serviceTier']).toBe(written);
  });

  it('penalties are kept from the models that refuse them', () => {
    expect(encode({ frequencyPenalty: 1, presencePenalty: 0 }, older)).toMatchObject({ body: { contents: [{}] }, dropped: ['frequencyPenalty'] });
    expect(config({ frequencyPenalty: 1 }, { ...older, provider: 'vertex' })).toEqual({ frequencyPenalty: 1 });
  });
});
