import { describe, expect, it } from 'vitest';
import { gemini } from '../../../../internal/dialect/gemini/codec.ts';
import { tagSignature } from '../../../../internal/dialect/ir/signatures.ts';
import { plain } from '../../../support/codec-fixtures.ts';
import { decode } from './fixtures.ts';

const user = (...parts: object[]): object => ({ role: 'user', parts });
const model = (...parts: object[]): object => ({ role: 'model', parts });

describe('a request is understood in either spelling', () => {
  const camel = {
    systemInstruction: { parts: [{ text: 'Be brief.' }] },
    contents: [user({ text: 'hi' }, { inlineData: { mimeType: 'image/png', data: 'AAAA' } }, { fileData: { fileUri: 'https://e.com/a.pdf', mimeType: 'application/pdf' } })],
    toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['a'] } },
    tools: [{ functionDeclarations: [{ name: 'a', parametersJsonSchema: { type: 'object' } }] }, { googleSearch: {} }],
    generationConfig: { maxOutputTokens: 5, topP: 0.5, topK: 3, stopSequences: ['x'], candidateCount: 2, presencePenalty: 1, frequencyPenalty: -1, responseMimeType: 'application/json', responseJsonSchema: { type: 'object' }, responseLogprobs: true, logprobs: 2, thinkingConfig: { thinkingBudget: 9, includeThoughts: true }, responseModalities: ['TEXT'] },
    serviceTier: 'flex',
  };
  const snake = {
    system_instruction: { parts: [{ text: 'Be brief.' }] },
    contents: [user({ text: 'hi' }, { inline_data: { mime_type: 'image/png', data: 'AAAA' } }, { file_data: { file_uri: 'https://e.com/a.pdf', mime_type: 'application/pdf' } })],
    tool_config: { function_calling_config: { mode: 'ANY', allowed_function_names: ['a'] } },
    tools: [{ function_declarations: [{ name: 'a', parameters_json_schema: { type: 'object' } }] }, { google_search: {} }],
    generation_config: { max_output_tokens: 5, top_p: 0.5, top_k: 3, stop_sequences: ['x'], candidate_count: 2, presence_penalty: 1, frequency_penalty: -1, response_mime_type: 'application/json', response_json_schema: { type: 'object' }, response_logprobs: true, logprobs: 2, thinking_config: { thinking_budget: 9, include_thoughts: true }, response_modalities: ['TEXT'] },
    service_tier: 'flex',
  };
  const expected = {
    turns: [
      { role: 'system', parts: [{ kind: 'text', text: 'Be brief.' }] },
      { role: 'user', parts: [{ kind: 'text', text: 'hi' }, { kind: 'image', source: { kind: 'base64', mime: 'image/png', data: 'AAAA' } }, { kind: 'file', source: { kind: 'url', url: 'https://e.com/a.pdf', mime: 'application/pdf' } }] },
    ],
    tools: [{ kind: 'function', name: 'a', parameters: { type: 'object' } }, { kind: 'builtin', builtin: 'web_search', name: 'googleSearch', dialect: 'gemini', item: { googleSearch: {} } }],
    toolChoice: { mode: 'named', name: 'a' },
    maxTokens: 5, topP: 0.5, topK: 3, stop: ['x'], n: 2, presencePenalty: 1, frequencyPenalty: -1, logprobs: { top: 2 },
    responseFormat: { kind: 'schema', schema: { type: 'object' } }, reasoning: { budgetTokens: 9, show: 'auto' }, modalities: ['text'], serviceTier: 'flex', isStream: true,
  };

  it.each([['camel case', camel], ['snake case', snake]])('in %s', (_, body) => {
    expect(plain(gemini.decodeRequest(body, true))).toEqual(expected);
  });

  it('numbers may be written as text, and null says nothing', () => {
    expect(decode({ generationConfig: { maxOutputTokens: '7', temperature: null }, safetySettings: null })).toMatchObject({ maxTokens: 7, temperature: undefined, extras: undefined });
  });
});

describe('contents', () => {
  it('a bare text, a single content and a single part are taken as the SDKs take them', () => {
    expect(decode({ contents: 'hello' }).turns).toEqual([{ role: 'user', parts: [{ kind: 'text', text: 'hello' }] }]);
    expect(decode({ contents: { parts: { text: 'hello' } }, systemInstruction: 'Be brief.' }).turns).toEqual([{ role: 'system', parts: [{ kind: 'text', text: 'Be brief.' }] }, { role: 'user', parts: [{ kind: 'text', text: 'hello', signature: undefined }] }]);
  });

  it('calls without ids are answered in order, and get the same ids each time', () => {
    const body = { contents: [user({ text: 'go' }), model({ functionCall: { name: 'a.b', args: { x: 1 } } }, { functionCall: { name: 'a.b', args: { x: 2 } } }, { functionCall: { name: 'c' } }), user({ functionResponse: { name: 'c', response: { output: 'C' } } }, { functionResponse: { name: 'a.b', response: { output: 'first' } } }, { functionResponse: { name: 'a.b', response: { output: 'second' } } })] };
    expect(plain(decode(body).turns.slice(1))).toEqual([
      { role: 'assistant', parts: [{ kind: 'tool_call', id: 'call_0_a_b', name: 'a.b', input: '{"x":1}' }, { kind: 'tool_call', id: 'call_1_a_b', name: 'a.b', input: '{"x":2}' }, { kind: 'tool_call', id: 'call_2_c', name: 'c', input: '{}' }] },
      { role: 'tool', parts: [{ kind: 'tool_result', callId: 'call_2_c', name: 'c', parts: [{ kind: 'text', text: 'C' }] }, { kind: 'tool_result', callId: 'call_0_a_b', name: 'a.b', parts: [{ kind: 'text', text: 'first' }] }, { kind: 'tool_result', callId: 'call_1_a_b', name: 'a.b', parts: [{ kind: 'text', text: 'second' }] }] },
    ]);
    expect(plain(decode(body))).toEqual(plain(decode(body)));
  });

  it('ids decide where there are some, and a result whose call has none still finds it', () => {
    const turns = decode({ contents: [model({ functionCall: { id: 'x', name: 'a' } }, { functionCall: { name: 'a' } }), { role: 'function', parts: [{ functionResponse: { id: 'made-up', name: 'a', response: {} } }, { functionResponse: { id: 'x', name: 'a', response: {} } }] }] }).turns;
    expect(turns[1]?.parts.map((part) => (part.kind === 'tool_result' ? part.callId : ''))).toEqual(['call_1_a', 'x']);
  });

  it('a result of no call is refused by its place', () => {
    expect(() => decode({ contents: [user({ functionResponse: { name: 'a', response: {} } })] })).toThrow(expect.objectContaining({ code: 'invalid_request', fields: { param: 'contents[0].parts[0].functionResponse' } }));
  });

  it.each([
    [{ output: 'fine' }, 'fine', undefined],
    [{ result: { a: 1 } }, '{"a":1}', undefined],
    [{ error: 'no' }, 'no', true],
    [{ name: 'f', content: 'of the AI SDK' }, 'of the AI SDK', undefined],
    [{ name: 'f', error: 'broken' }, 'broken', true],
    [{ content: [{ type: 'text', text: 'MCP' }] }, '{"content":[{"type":"text","text":"MCP"}]}', undefined],
    [{ temperature: 20, unit: 'C' }, '{"temperature":20,"unit":"C"}', undefined],
  ])('the response %j is the result %s', (response, text, isError) => {
    const turns = decode({ contents: [model({ functionCall: { id: 'x', name: 'f' } }), user({ functionResponse: { id: 'x', name: 'f', response } })] }).turns;
    expect(turns[1]?.parts).toEqual([{ kind: 'tool_result', callId: 'x', name: 'f', parts: [{ kind: 'text', text }], isError }]);
  });

  it('pictures within a result are part of it', () => {
    const parts = [{ inlineData: { mimeType: 'image/png', data: 'AAAA' } }];
    const turns = decode({ contents: [model({ functionCall: { id: 'x', name: 'f' } }), user({ functionResponse: { id: 'x', name: 'f', response: { output: 'see' }, parts } }, { text: 'and?' })] }).turns;
    expect(plain(turns.slice(1))).toEqual([
      { role: 'tool', parts: [{ kind: 'tool_result', callId: 'x', name: 'f', parts: [{ kind: 'text', text: 'see' }, { kind: 'image', source: { kind: 'base64', mime: 'image/png', data: 'AAAA' } }] }] },
      { role: 'user', parts: [{ kind: 'text', text: 'and?' }] },
    ]);
  });

  it('an answer kept piece by piece is one turn again, with the signature on what it signed', () => {
    const tag = tagSignature({ vendor: 'anthropic', account: 'acc', value: 'sig' });
    const pieces = [{ text: 'h', thought: true }, { text: 'm', thought: true }, { text: '', thought: true, thoughtSignature: tag }, { text: 'Hel' }, { text: 'lo' }, { text: '' }];
    const turns = decode({ contents: [user({ text: 'hi' }), ...pieces.map((part) => model(part))] }).turns;
    expect(plain(turns.slice(1))).toEqual([{ role: 'assistant', parts: [{ kind: 'thinking', text: 'hm', isSummary: true, signature: { vendor: 'anthropic', account: 'acc', value: 'sig' } }, { kind: 'text', text: 'Hello' }] }]);
  });

  it('parts within one content stay apart', () => {
    expect(plain(decode({ contents: [model({ text: 'a' }, { text: 'b' })] }).turns)).toEqual([{ role: 'assistant', parts: [{ kind: 'text', text: 'a' }, { kind: 'text', text: 'b' }] }]);
  });

  it('a signature of Google’s own is Google’s; its word for none is none', () => {
    const [turn] = decode({ contents: [model({ functionCall: { name: 'a' }, thoughtSignature: 'c2ln' }, { functionCall: { name: 'b' }, thought_signature: 'skip_thought_signature_validator' })] }).turns;
    expect(turn?.parts.map((part) => (part.kind === 'tool_call' ? part.signature : part))).toEqual([{ vendor: 'google', account: undefined, value: 'c2ln' }, undefined]);
  });

  it('what only Gemini knows is kept as it is: code it ran, a section of a video, a cached prompt', () => {
    const items = [{ executableCode: { language: 'PYTHON', code: '1' } }, { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '1' } }, { fileData: { fileUri: 'https://youtu.be/x', mimeType: 'video/mp4' }, videoMetadata: { startOffset: '3s' } }];
    const { turns } = decode({ contents: [model(...items)], cachedContent: 'cachedContents/abc' });
    expect(turns).toEqual([{ role: 'system', parts: [{ kind: 'raw', dialect: 'gemini', item: { cachedContent: 'cachedContents/abc' } }] }, { role: 'assistant', parts: items.map((item) => ({ kind: 'raw', dialect: 'gemini', item })) }]);
  });

  it('what was uploaded to Google is known there alone', () => {
    const uris = ['https://generativelanguage.googleapis.com/v1beta/files/abc', 'gs://bucket/a.mp4', 'https://youtu.be/x'];
    const [turn] = decode({ contents: [user(...uris.map((fileUri) => ({ fileData: { fileUri, mimeType: 'video/mp4' } })))] }).turns;
    expect(turn?.parts.map((part) => (part.kind === 'file' ? part.source.kind : part))).toEqual(['id', 'id', 'url']);
  });

  it.each([
    [{ contents: undefined }, 'contents'],
    [{ contents: [1] }, 'contents[0]'],
    [{ contents: [{ role: 'assistant', parts: [] }] }, 'contents[0].role'],
    [{ contents: [{ parts: [1] }] }, 'contents[0].parts[0]'],
    [{ tools: [1] }, 'tools[0]'],
    [{ tools: [{ functionDeclarations: [{}] }] }, 'tools[0].functionDeclarations[0].name'],
    [{ generationConfig: { topP: 'much' } }, 'generationConfig.topP'],
    [{ generationConfig: { stopSequences: [1] } }, 'generationConfig.stopSequences'],
    [{ generationConfig: { thinkingConfig: { thinkingLevel: 'EXTREME' } } }, 'generationConfig.thinkingConfig.thinkingLevel'],
    [{ toolConfig: { functionCallingConfig: { mode: 'SOME' } } }, 'toolConfig.functionCallingConfig.mode'],
    [{ generationConfig: [] }, 'generationConfig'],
  ])('%j is refused by the name of %s', (body, param) => {
    expect(() => decode(body)).toThrow(expect.objectContaining({ code: 'invalid_request', fields: { param } }));
  });
});

describe('what is said of tools and answers', () => {
  it.each([
    [{ mode: 'AUTO' }, { mode: 'auto' }],
    [{ mode: 'NONE' }, { mode: 'none' }],
    [{ mode: 'any' }, { mode: 'required' }],
    [{ mode: 'ANY', allowedFunctionNames: ['a', 'b'] }, { mode: 'allowed', names: ['a', 'b'], isRequired: true }],
    [{ mode: 'VALIDATED' }, { mode: 'auto' }],
    [{ mode: 'VALIDATED', allowedFunctionNames: ['a'] }, { mode: 'allowed', names: ['a'], isRequired: false }],
    [{ mode: 'MODE_UNSPECIFIED' }, undefined],
  ])('%j is the choice %j', (functionCallingConfig, choice) => {
    expect(decode({ toolConfig: { functionCallingConfig } }).toolChoice).toEqual(choice);
  });

  it('parameters in Gemini’s own form become JSON Schema, and the form of a result is told', () => {
    const declaration = { name: 'f', description: 'Does it.', parameters: { type: 'OBJECT', properties: { n: { type: 'INTEGER', nullable: true } } }, response: { type: 'STRING' } };
    expect(decode({ tools: [{ functionDeclarations: [declaration] }] }).tools).toEqual([{ kind: 'function', name: 'f', description: 'Does it.\n\nIts result has the JSON Schema {"type":"string"}', parameters: { type: 'object', properties: { n: { type: ['integer', 'null'] } } } }]);
  });

  it('each of Google’s own tools has its kind', () => {
    const tools: readonly object[] = [{ google_search_retrieval: {} }, { urlContext: {}, codeExecution: {} }, { googleMaps: {} }, { constructor: {} }];
    expect(decode({ tools }).tools.map((tool) => (tool.kind === 'builtin' ? [tool.name, tool.builtin] : tool))).toEqual([['googleSearchRetrieval', 'web_search'], ['urlContext', 'web_fetch'], ['codeExecution', 'code_execution'], ['googleMaps', 'other'], ['constructor', 'other']]);
  });

  it.each([
    [{ thinkingLevel: 'HIGH', includeThoughts: true }, { effort: 'high', show: 'auto' }],
    [{ thinkingLevel: 'minimal' }, { effort: 'minimal', show: undefined }],
    [{ thinkingBudget: -1 }, { budgetTokens: -1, show: undefined }],
    [{ thinkingBudget: 0, includeThoughts: false }, { budgetTokens: 0, show: 'none' }],
    [{ thinkingLevel: 'THINKING_LEVEL_UNSPECIFIED' }, undefined],
  ])('%j is the reasoning %j', (thinkingConfig, reasoning) => {
    expect(decode({ generationConfig: { thinkingConfig } }).reasoning).toEqual(reasoning);
  });

  it('members without a place are kept by their paths', () => {
    const body = { safetySettings: [{ category: 'X' }], labels: { a: 'b' }, generationConfig: { speechConfig: { voice: 1 }, topK: 1 }, toolConfig: { retrievalConfig: { languageCode: 'de' } } };
    expect(decode(body).extras).toEqual({ dialect: 'gemini', members: { safetySettings: [{ category: 'X' }], labels: { a: 'b' }, 'generationConfig.speechConfig': { voice: 1 }, 'toolConfig.retrievalConfig': { languageCode: 'de' } } });
  });
});
