import { compact, invalidMember, isRecord, listOf, textOf, type JsonRecord } from '../ir/json.ts';

/** A request's `input` as items. Throws `invalid_request` for one that is neither text nor a list of objects. */
export function inputItemsOf(body: JsonRecord): readonly JsonRecord[] {
  const { input } = body;
  if (input === undefined || input === null) return [];
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] }];
  if (!Array.isArray(input)) throw invalidMember('input', 'a string or a list of items');
  return input.map((item, index) => {
    if (!isRecord(item)) throw invalidMember(`input[${index}]`, 'an item');
    return item;
  });
}

/** Items with references (an id, with or without the type) replaced by what `find` knows under it; unknown ones stay. */
export function resolveReferences(items: readonly JsonRecord[], find: (id: string) => JsonRecord | undefined): readonly JsonRecord[] {
  return items.flatMap((item) => {
    const isReference = item['type'] === 'item_reference' || ((item['type'] ?? item['role'] ?? undefined) === undefined && item['id'] !== undefined);
    const found = isReference ? find(textOf(item['id']) ?? '') : undefined;
    return found === undefined ? [item] : outputAsInput([found]);
  });
}

/**
 * The items of an answer as items of the input that goes on from it, at an upstream that kept nothing: without the ids it
 * would look for, and without reasoning that only it could have known.
 */
export function outputAsInput(output: readonly JsonRecord[]): readonly JsonRecord[] {
  return output.map(asInput).filter((item) => item !== undefined);
}

function asInput(item: JsonRecord): JsonRecord | undefined {
  switch (item['type']) {
    case 'message':
      return compact({ type: 'message', role: 'assistant', content: listOf(item['content']).filter(isRecord).map(contentAsInput), phase: item['phase'] ?? undefined });
    case 'reasoning':
      if ((textOf(item['encrypted_content']) ?? '') === '') return undefined;
      return compact({ type: 'reasoning', summary: listOf(item['summary']), content: listOf(item['content']).length === 0 ? undefined : item['content'], encrypted_content: item['encrypted_content'] });
    case 'function_call':
    case 'custom_tool_call':
    case 'tool_search_call':
    case 'web_search_call':
      return without(item, ['id', 'created_by', 'parsed_arguments', ...(item['type'] === 'web_search_call' || item['type'] === 'tool_search_call' ? [] : ['status'])]);
    default:
      // Some refer to each other by id (approvals, pictures to edit), and are whole with it.
      return item;
  }
}

function contentAsInput(part: JsonRecord): JsonRecord {
  return without(part, ['logprobs', 'parsed']);
}

function without(record: JsonRecord, names: readonly string[]): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));
}
