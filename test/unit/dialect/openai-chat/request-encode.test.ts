import { describe, expect, it } from 'vitest';
import { AppError } from '../../../../internal/fault/app-error.ts';
import type { Party } from '../../../../internal/dialect/codec.ts';
import type { Part } from '../../../../internal/dialect/ir/parts.ts';
import type { IrRequest, Tool, Turn } from '../../../../internal/dialect/ir/request.ts';
import { encode, imitation, openai } from './fixtures.ts';

const user = (...parts: readonly Part[]): Turn => ({ role: 'user', parts });
const text = (value: string): Part => ({ kind: 'text', text: value });
const messagesOf = (turns: readonly Turn[], target: Party = openai): unknown => encode({ turns }, target).body['messages'];

function refusalOf(request: Partial<IrRequest>, target: Party = openai): unknown {
  try {
    encode(request, target);
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'unsupported_parameter') return thrown.fields['param'];
    throw thrown;
  }
  return undefined;
}

const functionTool: Tool = { kind: 'function', name: 'f', parameters: { type: 'object' } };
const customTool: Tool = { kind: 'custom', name: 'patch', description: 'd', format: { type: 'grammar', syntax: 'lark', definition: 'start: "a"' } };
const search: Tool = { kind: 'builtin', builtin: 'web_search', name: 'web_search_20250305', dialect: 'anthropic-messages', item: { type: 'web_search_20250305', name: 'web_search', user_location: { type: 'approximate', city: 'Bern' } } };

describe('messages for an upstream', () => {
  it("assistant turns that follow each other are one message, so that results come right after their calls", () => {
    const turns: readonly Turn[] = [
      { role: 'assistant', parts: [text('a')] },
      { role: 'assistant', parts: [{ kind: 'tool_call', id: 'c1', name: 'f', input: '{}' }] },
      { role: 'assistant', parts: [{ kind: 'tool_call', id: 'c2', name: 'f', input: '' }] },
      { role: 'tool', parts: [{ kind: 'tool_result', callId: 'c1', parts: [{ kind: 'text', text: 'x' }] }, { kind: 'tool_result', callId: 'c2', parts: [] }] },
    ];
    expect(messagesOf(turns)).toEqual([
      { role: 'assistant', content: 'a', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }, { id: 'c2', type: 'function', function: { name: 'f', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: 'c1', content: 'x' },
      { role: 'tool', tool_call_id: 'c2', content: '' },
    ]);
  });

  it('imitations get text as one text, and `system` for `developer`', () => {
    const turns: readonly Turn[] = [{ role: 'developer', parts: [text('a'), text('b')] }, user(text('c'), text('d')), { role: 'assistant', parts: [text('e'), text('f'), { kind: 'refusal', text: 'g' }] }];
    expect(messagesOf(turns, imitation)).toEqual([{ role: 'system', content: 'a\n\nb' }, { role: 'user', content: 'c\n\nd' }, { role: 'assistant', content: 'efg' }]);
    expect(messagesOf(turns)).toEqual([
      { role: 'developer', content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }] },
      { role: 'user', content: [{ type: 'text', text: 'c' }, { type: 'text', text: 'd' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'e' }, { type: 'text', text: 'f' }, { type: 'refusal', refusal: 'g' }] },
    ]);
  });

  it('pictures that a tool gave follow all results as the user’s', () => {
    const image: Extract<Part, { kind: 'image' }> = { kind: 'image', source: { kind: 'base64', mime: 'image/png', data: 'AAAA' } };
    const turns: readonly Turn[] = [
      { role: 'assistant', parts: [{ kind: 'tool_call', id: 'c1', name: 'f', input: '{}' }, { kind: 'tool_call', id: 'c2', name: 'f', input: '{}' }] },
      { role: 'tool', parts: [{ kind: 'tool_result', callId: 'c1', parts: [image] }] },
      { role: 'tool', parts: [{ kind: 'tool_result', callId: 'c2', parts: [{ kind: 'text', text: 'x' }] }] },
      user(text('go on')),
    ];
    expect(messagesOf(turns)).toMatchObject([
      { role: 'assistant' },
      { role: 'tool', tool_call_id: 'c1', content: 'The result follows below.' },
      { role: 'tool', tool_call_id: 'c2', content: 'x' },
      { role: 'user', content: [{ type: 'text', text: 'Result of the tool call c1:' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
      { role: 'user', content: 'go on' },
    ]);
  });

  it('documents given as text are text, and what cannot be taken is refused by its place', () => {
    expect(messagesOf([user({ kind: 'file', source: { kind: 'text', text: 'body' }, name: 'notes' })])).toEqual([{ role: 'user', content: 'notes\n\nbody' }]);
    const refused: readonly (readonly [Part, Party])[] = [
      [{ kind: 'file', source: { kind: 'url', url: 'https://example.com/a.pdf' } }, imitation],
      [{ kind: 'file', source: { kind: 'id', id: 'file_1', dialect: 'anthropic-messages' } }, openai],
      [{ kind: 'file', source: { kind: 'base64', mime: 'video/mp4', data: 'AA' } }, openai],
      [{ kind: 'audio', source: { kind: 'base64', mime: 'audio/flac', data: 'AA' } }, openai],
      [{ kind: 'audio', source: { kind: 'url', url: 'https://example.com/a.mp3' } }, imitation],
      [{ kind: 'image', source: { kind: 'id', id: 'file_1', dialect: 'gemini' } }, openai],
      [{ kind: 'raw', dialect: 'anthropic-messages', item: { type: 'container_upload' } }, openai],
    ];
    for (const [part, target] of refused) expect(refusalOf({ turns: [user(text('a'), part)] }, target)).toBe('turns[0].parts[1]');
    expect(messagesOf([user({ kind: 'file', source: { kind: 'base64', mime: 'video/mp4', data: 'AA' } })], imitation)).toEqual([{ role: 'user', content: [{ type: 'video_url', video_url: { url: 'data:video/mp4;base64,AA' } }] }]);
  });

  it("what another vendor's tool did is left out and listed; a reference to what it keeps is refused", () => {
    const raw = (item: { readonly type: string }): Part => ({ kind: 'raw', dialect: 'openai-responses', item });
    const turns: readonly Turn[] = [{ role: 'assistant', parts: [raw({ type: 'web_search_call' }), text('found')] }];
    expect(encode({ turns })).toMatchObject({ body: { messages: [{ role: 'assistant', content: 'found' }] }, dropped: ['web_search_call'] });
    expect(refusalOf({ turns: [{ role: 'assistant', parts: [raw({ type: 'item_reference' })] }] })).toBe('turns[0].parts[0]');
  });

  it('cache markers become breakpoints where the model takes them, and are listed once elsewhere', () => {
    const turns = [user({ kind: 'text', text: 'a', cache: { ttl: '1h' } }, { kind: 'text', text: 'b', cache: {} })];
    expect(encode({ turns }, openai)).toMatchObject({ dropped: [], body: { messages: [{ content: [{ text: 'a', prompt_cache_breakpoint: { mode: 'explicit' } }, { text: 'b', prompt_cache_breakpoint: { mode: 'explicit' } }] }] } });
    expect(encode({ turns }, { ...openai, model: 'gpt-5.5' })).toMatchObject({ dropped: ['cache_control'], body: { messages: [{ content: [{ text: 'a' }, { text: 'b' }] }] } });
    expect(encode({ turns }, imitation)).toMatchObject({ dropped: ['cache_control'], body: { messages: [{ content: 'a\n\nb' }] } });
  });
});

describe('members for an upstream', () => {
  it('the bound of the answer has the name that the upstream knows', () => {
    expect(encode({ maxTokens: 9 }, openai).body).toMatchObject({ max_completion_tokens: 9 });
    expect(encode({ maxTokens: 9 }, openai).body).not.toHaveProperty('max_tokens');
    expect(encode({ maxTokens: 9 }, imitation).body).toMatchObject({ max_tokens: 9 });
    expect(encode({ maxTokens: 9 }, { ...imitation, provider: 'openai' }).body).toMatchObject({ max_completion_tokens: 9 });
  });

  it('a stream always asks for usage, and only a stream does', () => {
    expect(encode({ isStream: true }, imitation).body).toMatchObject({ stream: true, stream_options: { include_usage: true } });
    expect(encode({}, imitation).body).toEqual({ messages: [{ role: 'user', content: 'hi' }] });
  });

  it('imitations are spared what only OpenAI knows, and the client is told', () => {
    const request: Partial<IrRequest> = { metadata: { a: 'b' }, userId: 'u', serviceTier: 'flex', promptCacheKey: 'k', promptCacheRetention: '24h', verbosity: 'low', store: true, topK: 3 };
    expect(encode(request, openai)).toMatchObject({ body: { metadata: { a: 'b' }, safety_identifier: 'u', service_tier: 'flex', prompt_cache_key: 'k', prompt_cache_retention: '24h', verbosity: 'low', store: true }, dropped: ['topK'] });
    const { body, dropped } = encode(request, imitation);
    expect(body).toEqual({ messages: [{ role: 'user', content: 'hi' }], user: 'u' });
    expect(dropped).toEqual(['topK', 'metadata', 'serviceTier', 'promptCacheKey', 'promptCacheRetention', 'verbosity', 'store']);
    expect(encode({ store: false, modalities: ['text'], parallelToolCalls: true, tools: [functionTool] }, imitation)).toMatchObject({ dropped: [] });
  });

  it('a name of the end user that is too long is left out and listed', () => {
    expect(encode({ userId: 'u'.repeat(129) })).toMatchObject({ dropped: ['userId'] });
  });

  it('a stated effort is sent as it is; a budget becomes an effort that every model has', () => {
    const effort = (reasoning: IrRequest['reasoning'], target: Party): unknown => encode({ reasoning }, target).body['reasoning_effort'];
    expect(effort({ effort: 'xhigh' }, openai)).toBe('xhigh');
    expect(effort({ budgetTokens: 31_999 }, openai)).toBe('high');
    expect(effort({ budgetTokens: 100 }, openai)).toBe('low');
    expect(effort({ budgetTokens: -1 }, openai)).toBeUndefined();
    expect(effort({ budgetTokens: 0 }, openai)).toBe('none');
    expect(effort({ budgetTokens: 0 }, { ...openai, model: 'gpt-5-mini' })).toBe('minimal');
    expect(effort({ budgetTokens: 0 }, { ...openai, model: 'o3' })).toBe('low');
    expect(encode({ reasoning: { budgetTokens: 0 } }, imitation)).toMatchObject({ dropped: ['reasoning'] });
    expect(encode({ reasoning: { effort: 'high' } }, { ...openai, model: 'gpt-4o' })).toEqual({ body: { messages: [{ role: 'user', content: 'hi' }] }, dropped: ['reasoning'] });
  });

  it('models that refuse sampling by name are not told its defaults', () => {
    expect(encode({ temperature: 1, topP: 1 }, openai).body).toEqual({ messages: [{ role: 'user', content: 'hi' }] });
    expect(encode({ temperature: 1, topP: 1 }, imitation).body).toMatchObject({ temperature: 1, top_p: 1 });
    expect(encode({ temperature: 0.5 }, openai).body).toMatchObject({ temperature: 0.5 });
  });

  it('what would change the answer is refused by name', () => {
    expect(refusalOf({ stop: ['a', 'b', 'c', 'd', 'e'] })).toBe('stop');
    expect(refusalOf({ modalities: ['image'] })).toBe('modalities');
    expect(refusalOf({ modalities: ['audio'] }, imitation)).toBe('modalities');
    expect(encode({ modalities: ['text', 'image'] }, imitation).body).toMatchObject({ modalities: ['text', 'image'] });
  });

  it('further members are sent to the same dialect alone', () => {
    expect(encode({ extras: { dialect: 'openai-chat', members: { prediction: { type: 'content', content: 'x' } } } })).toMatchObject({ body: { prediction: { content: 'x' } }, dropped: [] });
    expect(encode({ extras: { dialect: 'gemini', members: { safetySettings: [] } } })).toMatchObject({ dropped: ['safetySettings'] });
  });
});

describe('tools for an upstream', () => {
  it('a free-form tool is a function for imitations, its calls too', () => {
    const turns: readonly Turn[] = [{ role: 'assistant', parts: [{ kind: 'tool_call', id: 'c', name: 'patch', input: 'x', isCustom: true }] }];
    const toolChoice = { mode: 'named', name: 'patch', isCustom: true } as const;
    expect(encode({ turns, tools: [customTool], toolChoice }, openai).body).toEqual({
      messages: [{ role: 'assistant', content: null, tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'patch', input: 'x' } }] }],
      tools: [{ type: 'custom', custom: { name: 'patch', description: 'd', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'start: "a"' } } } }],
      tool_choice: { type: 'custom', custom: { name: 'patch' } },
    });
    expect(encode({ turns, tools: [customTool], toolChoice }, imitation).body).toMatchObject({
      messages: [{ tool_calls: [{ id: 'c', type: 'function', function: { name: 'patch', arguments: '{"input":"x"}' } }] }],
      tools: [{ type: 'function', function: { name: 'patch', parameters: { required: ['input'] } } }],
      tool_choice: { type: 'function', function: { name: 'patch' } },
    });
  });

  it('imitations are offered only the tools that may be called', () => {
    const request: Partial<IrRequest> = { tools: [functionTool, { kind: 'function', name: 'g' }], toolChoice: { mode: 'allowed', names: ['g'], isRequired: true } };
    expect(encode(request, imitation).body).toMatchObject({ tools: [{ function: { name: 'g' } }], tool_choice: 'required' });
    expect(encode(request, openai).body).toMatchObject({ tools: [{}, {}], tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'g' } }] } } });
  });

  it('another vendor’s search becomes OpenAI’s for models that have it', () => {
    expect(encode({ tools: [search] }, { ...openai, model: 'gpt-5-search-api' }).body).toMatchObject({ web_search_options: { user_location: { type: 'approximate', approximate: { city: 'Bern' } } } });
    expect(encode({ tools: [search, functionTool] }, openai)).toMatchObject({ body: { tools: [{ function: { name: 'f' } }] }, dropped: ['tools.web_search_20250305'] });
  });

  it('a vendor’s own tool without an equivalent is refused when it is the only one or is forced', () => {
    expect(refusalOf({ tools: [search] }, imitation)).toBe('tools.web_search_20250305');
    expect(refusalOf({ tools: [search, functionTool], toolChoice: { mode: 'named', name: search.name } }, imitation)).toBe('tools.web_search_20250305');
    const bounded: Tool = { ...search, item: { ...search.item, allowed_domains: ['example.com'] } };
    expect(refusalOf({ tools: [bounded] }, { ...openai, model: 'gpt-5-search-api' })).toBe('tools.web_search_20250305');
  });
});
