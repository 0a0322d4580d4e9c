import { describe, expect, it } from 'vitest';
import type { IrAnswer } from '../../../../internal/dialect/ir/answer.ts';
import { listOf, type JsonRecord } from '../../../../internal/dialect/ir/json.ts';
import { replayAnswer } from '../../../../internal/dialect/ir/replay.ts';
import type { IrRequest } from '../../../../internal/dialect/ir/request.ts';
import { openaiResponses } from '../../../../internal/dialect/openai-responses/codec.ts';
import { anthropic, contextOf, decode, encode, encodeEvents, eventsIn, recordOf } from './fixtures.ts';

const parameters = { type: 'object', properties: { city: { type: 'string' } } };
const namespace = { type: 'namespace', name: 'mcp__github', description: 'GitHub.', tools: [{ type: 'function', name: 'create_issue', description: 'Creates.', parameters, strict: false }, { type: 'custom', name: 'query' }] };

const names = (request: IrRequest): readonly string[] => request.tools.map(({ name }) => name);

/** The items that a client gets for calls of these names, whole and streamed. */
function called(request: IrRequest, ...calls: readonly { readonly name: string; readonly input?: string }[]): readonly unknown[] {
  const parts = calls.map(({ name, input }, index) => ({ kind: 'tool_call' as const, id: `c${index}`, name, input: input ?? '{}' }));
  const answer: IrAnswer = { choices: [{ index: 0, parts, finish: 'tool_calls' }] };
  const whole = listOf(openaiResponses.encodeAnswer(answer, contextOf(request, anthropic))['output']).map(recordOf);
  const last = recordOf(eventsIn(encodeEvents(replayAnswer(answer), contextOf(request, anthropic))).at(-1)?.['response']);
  const withoutId = (item: JsonRecord): unknown => ({ ...item, id: undefined });
  expect(listOf(last['output']).map(recordOf).map(withoutId)).toEqual(whole.map(withoutId));
  return whole.map(withoutId);
}

describe('tools', () => {
  it('functions, free-form tools and the vendor’s own are told apart', () => {
    const code = { type: 'code_interpreter', container: { type: 'auto' } };
    expect(decode({ tools: [{ type: 'function', name: 'f', description: 'd', parameters, strict: true }, { type: 'custom', name: 'c', format: { type: 'text' } }, { type: 'web_search_preview' }, { type: 'web_search_2025_08_26' }, code, { type: 'image_generation' }] }).tools).toEqual([
      { kind: 'function', name: 'f', description: 'd', parameters, strict: true },
      { kind: 'custom', name: 'c', format: { type: 'text' } },
      { kind: 'builtin', builtin: 'web_search', name: 'web_search_preview', dialect: 'openai-responses', item: { type: 'web_search_preview' } },
      { kind: 'builtin', builtin: 'web_search', name: 'web_search_2025_08_26', dialect: 'openai-responses', item: { type: 'web_search_2025_08_26' } },
      { kind: 'builtin', builtin: 'code_execution', name: 'code_interpreter', dialect: 'openai-responses', item: code },
      { kind: 'builtin', builtin: 'other', name: 'image_generation', dialect: 'openai-responses', item: { type: 'image_generation' } },
    ]);
  });

  it.each([
    ['auto', { mode: 'auto' }],
    [{ type: 'function', name: 'f' }, { mode: 'named', name: 'f' }],
    [{ type: 'custom', name: 'c' }, { mode: 'named', name: 'c', isCustom: true }],
    [{ type: 'web_search' }, { mode: 'named', name: 'web_search_preview' }],
    [{ type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'f' }, { type: 'web_search_preview' }] }, { mode: 'allowed', names: ['f', 'web_search_preview'], isRequired: true }],
  ])('the choice %j is read', (choice, expected) => {
    const tools = [{ type: 'function', name: 'f', parameters }, { type: 'custom', name: 'c' }, { type: 'web_search_preview' }];
    expect(decode({ tools, tool_choice: choice }).toolChoice).toEqual(expected);
  });
});

describe('namespaces', () => {
  it('become flat names that all dialects take; the group’s description goes to its first tool', () => {
    const request = decode({ tools: [namespace, { type: 'function', name: 'shell', parameters }] });
    expect(request.tools).toMatchObject([{ kind: 'function', name: 'mcp__github__create_issue', description: 'GitHub.\n\nCreates.' }, { kind: 'custom', name: 'mcp__github__query' }, { kind: 'function', name: 'shell' }]);
  });

  it('a call comes back under the name and namespace that the client looks it up by', () => {
    const request = decode({ tools: [namespace, { type: 'function', name: 'shell', parameters }] });
    expect(called(request, { name: 'mcp__github__create_issue' }, { name: 'mcp__github__query', input: '{"input":"select 1"}' }, { name: 'shell' })).toEqual([
      { type: 'function_call', status: 'completed', call_id: 'c0', name: 'create_issue', namespace: 'mcp__github', arguments: '{}' },
      { type: 'custom_tool_call', status: 'completed', call_id: 'c1', name: 'query', namespace: 'mcp__github', input: 'select 1' },
      { type: 'function_call', status: 'completed', call_id: 'c2', name: 'shell', arguments: '{}' },
    ]);
  });

  it('history and choice find the tool, with its namespace or by its own name', () => {
    const call = { type: 'function_call', call_id: 'c', name: 'create_issue', arguments: '{}' };
    const request = decode({ tools: [namespace], tool_choice: { type: 'function', name: 'create_issue', namespace: 'mcp__github' }, input: [{ ...call, namespace: 'mcp__github' }, call] });
    expect(request.turns[0]?.parts).toMatchObject([{ name: 'mcp__github__create_issue' }, { name: 'mcp__github__create_issue' }]);
    expect(request.toolChoice).toEqual({ mode: 'named', name: 'mcp__github__create_issue' });
  });

  it('the group `functions` is no group', () => {
    const request = decode({ input: [{ type: 'additional_tools', role: 'developer', tools: [{ type: 'namespace', name: 'functions', description: '', tools: [{ type: 'custom', name: 'exec' }, { type: 'function', name: 'wait', parameters }] }, { type: 'web_search' }] }, { role: 'user', content: 'x' }] });
    expect(request.tools).toMatchObject([{ kind: 'custom', name: 'exec' }, { kind: 'function', name: 'wait' }, { kind: 'builtin', builtin: 'web_search' }]);
    expect(request.turns).toHaveLength(1);
    expect(called(request, { name: 'wait' })).toEqual([{ type: 'function_call', status: 'completed', call_id: 'c0', name: 'wait', arguments: '{}' }]);
  });

  it('names that would be the same, or too long, stay apart and find back', () => {
    const long = 'x'.repeat(60);
    const group = (name: string, ...tools: readonly string[]): object => ({ type: 'namespace', name, description: '', tools: tools.map((each) => ({ type: 'function', name: each, parameters })) });
    const request = decode({ tools: [group('a', 'b__c'), group('a__b', 'c'), group(long, 'one', 'two'), { type: 'function', name: 'a__b__c', parameters }, group('we.ird', 'n')] });
    const flat = names(request);
    expect(new Set(flat).size).toBe(6);
    for (const name of flat) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(called(request, ...flat.map((name) => ({ name }))).map((item) => [recordOf(item)['namespace'], recordOf(item)['name']])).toEqual([['a', 'b__c'], ['a__b', 'c'], [long, 'one'], [long, 'two'], [undefined, 'a__b__c'], ['we.ird', 'n']]);
  });

  it('the same tools have the same names in every turn', () => {
    const body = { tools: [namespace, { ...namespace, name: 'x'.repeat(64) }] };
    expect(names(decode(body))).toEqual(names(decode(body)));
  });
});

describe('a search that the client carries out', () => {
  const search = { type: 'tool_search', execution: 'client', description: 'Finds tools.', parameters };
  const found = { type: 'tool_search_output', call_id: 'c1', execution: 'client', status: 'completed', tools: [namespace] };
  const request = decode({ tools: [search], input: [{ type: 'tool_search_call', call_id: 'c1', execution: 'client', status: 'completed', arguments: { query: 'issue' } }, found] });

  it('is a function, and what it found can be called', () => {
    expect(names(request)).toEqual(['tool_search', 'mcp__github__create_issue', 'mcp__github__query']);
    expect(request.turns).toEqual([
      { role: 'assistant', parts: [{ kind: 'tool_call', id: 'c1', name: 'tool_search', input: '{"query":"issue"}' }] },
      { role: 'tool', parts: [{ kind: 'tool_result', callId: 'c1', parts: [{ kind: 'text', text: 'These tools can be called now: mcp__github__create_issue, mcp__github__query' }] }] },
    ]);
  });

  it('a call of it comes back as a search', () => {
    expect(called(request, { name: 'tool_search', input: '{"query":"x"}' })).toEqual([{ type: 'tool_search_call', status: 'completed', execution: 'client', call_id: 'c0', arguments: { query: 'x' } }]);
  });

  it('one that OpenAI carries out is a tool of its own', () => {
    expect(decode({ tools: [{ type: 'tool_search' }] }).tools).toMatchObject([{ kind: 'builtin', builtin: 'other', name: 'tool_search' }]);
  });
});

describe('tools for an upstream', () => {
  const f = { kind: 'function' as const, name: 'f' };
  const builtin = (kind: 'web_search' | 'web_fetch' | 'code_execution' | 'other', item: object, name: string = kind): IrRequest['tools'][number] => ({ kind: 'builtin', builtin: kind, name, dialect: 'anthropic-messages', item: { ...item } });

  it('strictness is said, since it is on where it is not', () => {
    expect(encode({ tools: [f] }).body['tools']).toEqual([{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false }]);
  });

  it('another vendor’s search becomes this one’s', () => {
    const { body, dropped } = encode({ tools: [builtin('web_search', { type: 'web_search_20250305', allowed_domains: ['a.test'], max_uses: 3, user_location: { type: 'approximate', city: 'Bern' } }), builtin('code_execution', {})], toolChoice: { mode: 'named', name: 'web_search' } });
    expect(body).toMatchObject({ tools: [{ type: 'web_search', filters: { allowed_domains: ['a.test'] }, user_location: { type: 'approximate', city: 'Bern' } }, { type: 'code_interpreter', container: { type: 'auto' } }], tool_choice: { type: 'web_search' } });
    expect(dropped).toEqual(['tools.web_search.max_uses']);
  });

  it('one without a like is left out while others remain', () => {
    const { body, dropped } = encode({ tools: [f, builtin('web_fetch', {})] });
    expect(body['tools']).toHaveLength(1);
    expect(dropped).toEqual(['tools.web_fetch']);
  });

  it('it is refused where it is the only one, or forced', () => {
    expect(() => encode({ tools: [builtin('other', {}, 'bash')] })).toThrow('"tools.bash" cannot be honoured');
    expect(() => encode({ tools: [f, builtin('other', {}, 'bash')], toolChoice: { mode: 'named', name: 'bash' } })).toThrow('"tools.bash" cannot be honoured');
  });

  it('choices name kinds', () => {
    const tools: IrRequest['tools'] = [f, { kind: 'custom', name: 'c' }];
    expect(encode({ tools, toolChoice: { mode: 'allowed', names: ['f', 'c'], isRequired: true } }).body['tool_choice']).toEqual({ type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'f' }, { type: 'custom', name: 'c' }] });
    expect(encode({ tools, toolChoice: { mode: 'required' } }).body['tool_choice']).toBe('required');
    expect(encode({ tools: [], toolChoice: { mode: 'none' } }).body).not.toHaveProperty('tool_choice');
  });
});
