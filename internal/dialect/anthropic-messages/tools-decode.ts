import { flagOf, invalidMember, isRecord, textOf, type JsonRecord } from '../ir/json.ts';
import type { BuiltinKind, Tool, ToolChoice } from '../ir/request.ts';
import { readMarker } from './markers.ts';

const known: ReadonlySet<string> = new Set(['type', 'name', 'description', 'input_schema', 'strict', 'cache_control']);

/** `note` is told the members that have no place in the internal form. */
export function decodeTools(tools: unknown, note: (name: string) => void): readonly Tool[] {
  if (tools === undefined || tools === null) return [];
  if (!Array.isArray(tools)) throw invalidMember('tools', 'a list');
  return tools.map((tool: unknown, index) => decodeTool(tool, `tools[${index}]`, note));
}

function decodeTool(tool: unknown, path: string, note: (name: string) => void): Tool {
  if (!isRecord(tool)) throw invalidMember(path, 'an object');
  const type = textOf(tool['type']);
  if (type !== undefined && type !== 'custom') return { kind: 'builtin', builtin: kindOf(type), name: type, dialect: 'anthropic-messages', item: tool };
  const name = textOf(tool['name']);
  const parameters = tool['input_schema'];
  if (name === undefined) throw invalidMember(`${path}.name`, 'a string');
  if (parameters !== undefined && !isRecord(parameters)) throw invalidMember(`${path}.input_schema`, 'a JSON Schema object');
  for (const [member, value] of Object.entries(tool)) if (!known.has(member) && value !== null && value !== false) note(`tools.${member}`);
  return { kind: 'function', name, description: textOf(tool['description']), parameters, strict: flagOf(tool['strict']), cache: readMarker(tool) };
}

function kindOf(type: string): BuiltinKind {
  const found = /^(web_search|web_fetch|code_execution)_\d+$/.exec(type)?.[1];
  return found === 'web_search' || found === 'web_fetch' || found === 'code_execution' ? found : 'other';
}

export interface DecodedToolChoice {
  readonly toolChoice: ToolChoice | undefined;
  readonly parallelToolCalls: boolean | undefined;
}

export function decodeToolChoice(choice: unknown): DecodedToolChoice {
  if (choice === undefined || choice === null) return { toolChoice: undefined, parallelToolCalls: undefined };
  if (!isRecord(choice)) throw invalidMember('tool_choice', 'an object');
  return { toolChoice: readChoice(choice), parallelToolCalls: choice['disable_parallel_tool_use'] === true ? false : undefined };
}

function readChoice(choice: JsonRecord): ToolChoice {
  switch (choice['type']) {
    case 'auto':
    case 'none':
      return { mode: choice['type'] };
    case 'any':
      return { mode: 'required' };
    case 'tool': {
      const name = textOf(choice['name']);
      if (name === undefined) throw invalidMember('tool_choice.name', 'a string');
      return { mode: 'named', name };
    }
    default:
      throw invalidMember('tool_choice.type', '"auto", "any", "tool" or "none"');
  }
}
