import type { Dialect } from '../../internal/dialect/dialect.ts';
import { isRecord, textOf, type JsonRecord } from '../../internal/dialect/ir/json.ts';

/** What a vendor refuses and the simulator lets pass: each rule is one that real requests of agents have broken elsewhere. */
export const brokenRules: Readonly<Record<Dialect, (body: JsonRecord) => readonly string[]>> = {
  'anthropic-messages': (body) => {
    const turns = recordsIn(body['messages']);
    const budget = Number(recordOf(body['thinking'])['budget_tokens'] ?? 0);
    return [
      ...nameFaults(recordsIn(body['tools']).map(({ name }) => name), /^[a-zA-Z0-9_-]{1,128}$/),
      ...(budget < Number(body['max_tokens']) ? [] : [`budget_tokens ${budget} is not below max_tokens`]),
      ...turns.flatMap((turn, at) => {
        const results = at + 1 < turns.length ? idsIn(turns[at + 1], 'tool_result', 'tool_use_id') : [];
        return missing(idsIn(turn, 'tool_use', 'id'), results).map((id) => `no tool_result follows tool_use ${id}`);
      }),
      ...turns.flatMap(({ content }) => recordsIn(content)).filter(({ type, text }) => type === 'text' && text === '').map(() => 'a text block is empty'),
      ...turns.flatMap(({ content }) => recordsIn(content)).filter(({ type, signature }) => type === 'thinking' && (textOf(signature) ?? '') === '').map(() => 'a thinking block has no signature'),
    ];
  },
  'openai-chat': (body) => {
    const turns = recordsIn(body['messages']);
    return [
      ...nameFaults(recordsIn(body['tools']).map((tool) => recordOf(tool['function'])['name']), /^[a-zA-Z0-9_-]{1,64}$/),
      ...turns.flatMap(({ tool_calls: calls }, at) => {
        const following = turns.slice(at + 1);
        const end = following.findIndex(({ role }) => role !== 'tool');
        const answered = following.slice(0, end === -1 ? undefined : end).map(({ tool_call_id: id }) => textOf(id) ?? '');
        return missing(recordsIn(calls).map(({ id }) => textOf(id) ?? ''), answered).map((id) => `no tool message follows call ${id}`);
      }),
    ];
  },
  'openai-responses': (body) => {
    const items = recordsIn(body['input']);
    const ids = (suffix: string): readonly string[] => items.filter(({ type }) => textOf(type)?.endsWith(suffix) === true).map(({ call_id: id }) => textOf(id) ?? '');
    return [
      ...nameFaults(recordsIn(body['tools']).filter(({ type }) => type === 'function' || type === 'custom').map(({ name }) => name), /^[a-zA-Z0-9_-]{1,64}$/),
      ...missing(ids('_call'), ids('_call_output')).map((id) => `call ${id} has no output`),
      ...missing(ids('_call_output'), ids('_call')).map((id) => `output ${id} has no call`),
    ];
  },
  gemini: (body) => {
    const turns = recordsIn(body['contents']);
    const names = recordsIn(body['tools']).flatMap(({ functionDeclarations }) => recordsIn(functionDeclarations)).map(({ name }) => name);
    return [
      ...nameFaults(names, /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/),
      ...turns.flatMap((turn, at) => {
        const calls = partsOf(turn).filter((part) => isRecord(part['functionCall']));
        const answers = at + 1 < turns.length ? partsOf(turns[at + 1]).filter((part) => isRecord(part['functionResponse'])) : [];
        return [
          ...(calls.length === answers.length || calls.length === 0 ? [] : [`${calls.length} calls are followed by ${answers.length} responses`]),
          // Gemini 3: the first call of a step is signed, if only with the word for "I have no signature".
          ...(calls[0] === undefined || textOf(calls[0]['thoughtSignature']) !== undefined ? [] : ['the first call of a turn has no thoughtSignature']),
        ];
      }),
    ];
  },
};

function recordOf(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

function recordsIn(value: unknown): readonly JsonRecord[] {
  return Array.isArray(value) ? value.filter((each) => isRecord(each)) : [];
}

function partsOf(turn: JsonRecord | undefined): readonly JsonRecord[] {
  return recordsIn(turn?.['parts']);
}

function idsIn(turn: JsonRecord | undefined, type: string, member: string): readonly string[] {
  return recordsIn(turn?.['content']).filter((block) => block['type'] === type).map((block) => textOf(block[member]) ?? '');
}

function missing(wanted: readonly string[], present: readonly string[]): readonly string[] {
  return wanted.filter((id) => !present.includes(id));
}

function nameFaults(names: readonly unknown[], allowed: RegExp): readonly string[] {
  return names.flatMap((name, at) => [
    ...(allowed.test(textOf(name) ?? '') ? [] : [`tool name ${JSON.stringify(name)} is not allowed`]),
    ...(names.indexOf(name) === at ? [] : [`tool name ${JSON.stringify(name)} stands twice`]),
  ]);
}
