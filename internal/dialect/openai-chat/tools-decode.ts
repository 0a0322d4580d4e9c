import { flagOf, invalidMember, isRecord, listOf, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { BuiltinKind, BuiltinTool, CustomTool, FunctionTool, Tool, ToolChoice } from '../ir/request.ts';
import { readRecord } from '../ir/request-members.ts';

const dialect = 'openai-chat';

/** The tools of a request: `tools`, the older `functions`, and the search that `web_search_options` asks for. */
export function decodeTools(body: JsonRecord): readonly Tool[] {
  const options = readRecord(body, 'web_search_options');
  const search: readonly BuiltinTool[] = options === undefined ? [] : [{ kind: 'builtin', builtin: 'web_search', name: 'web_search_options', dialect, item: options }];
  return [
    ...readList(body, 'tools').map((tool, index) => decodeTool(tool, `tools[${index}]`)),
    ...readList(body, 'functions').map((tool, index) => decodeFunction(tool, `functions[${index}]`)),
    ...search,
  ];
}

function readList(body: JsonRecord, name: string): readonly unknown[] {
  const list = body[name];
  if (list !== undefined && list !== null && !Array.isArray(list)) throw invalidMember(name, 'a list');
  return listOf(list);
}

function decodeTool(tool: unknown, path: string): Tool {
  const type = textOf(memberOf(tool, 'type'));
  if (!isRecord(tool) || (type === undefined && !isRecord(tool['function']))) throw invalidMember(`${path}.type`, 'a string');
  // Some clients mix in the form of the Responses API, which has no such level.
  const isFlat = typeof tool['name'] === 'string' && (type === 'function' ? tool['function'] : tool['custom']) === undefined;
  if (type === undefined || type === 'function') return { ...(isFlat ? decodeFunction(tool, path) : decodeFunction(tool['function'], `${path}.function`)), cache: isRecord(tool['cache_control']) ? { ttl: textOf(tool['cache_control']['ttl']) } : undefined };
  if (type === 'custom') return isFlat ? decodeCustom(tool, path) : decodeCustom(tool['custom'], `${path}.custom`);
  return { kind: 'builtin', builtin: builtinKind(type), name: type, dialect, item: tool };
}

/** Vendors that imitate the API put tools of their own into the list. */
function builtinKind(type: string): BuiltinKind {
  if (type.startsWith('web_search')) return 'web_search';
  return type === 'code_interpreter' ? 'code_execution' : 'other';
}

function decodeFunction(value: unknown, path: string): FunctionTool {
  const parameters = memberOf(value, 'parameters');
  return {
    kind: 'function',
    name: requireName(value, path),
    description: textOf(memberOf(value, 'description')),
    parameters: isRecord(parameters) ? parameters : undefined,
    strict: flagOf(memberOf(value, 'strict')),
  };
}

function decodeCustom(value: unknown, path: string): CustomTool {
  return { kind: 'custom', name: requireName(value, path), description: textOf(memberOf(value, 'description')), format: decodeFormat(memberOf(value, 'format')) };
}

/** Here a grammar stands one level deeper than in the Responses API, whose form the internal one is. */
function decodeFormat(format: unknown): JsonRecord | undefined {
  if (!isRecord(format)) return undefined;
  const { grammar, ...rest } = format;
  return isRecord(grammar) ? { ...rest, ...grammar } : format;
}

export function decodeToolChoice(choice: unknown): ToolChoice | undefined {
  switch (choice) {
    case undefined:
    case null:
      return undefined;
    case 'auto':
    case 'none':
    case 'required':
      return { mode: choice };
    case 'any':
      return { mode: 'required' };
    default:
      return decodeNamedChoice(choice);
  }
}

function decodeNamedChoice(choice: unknown): ToolChoice {
  switch (memberOf(choice, 'type')) {
    case 'function':
      return { mode: 'named', name: requireName(memberOf(choice, 'function'), 'tool_choice.function') };
    case 'custom':
      return { mode: 'named', name: requireName(memberOf(choice, 'custom'), 'tool_choice.custom'), isCustom: true };
    case 'allowed_tools': {
      const allowed = memberOf(choice, 'allowed_tools');
      const names = listOf(memberOf(allowed, 'tools')).map((tool, index) => requireName(memberOf(tool, 'function') ?? memberOf(tool, 'custom'), `tool_choice.allowed_tools.tools[${index}]`));
      return { mode: 'allowed', names, isRequired: memberOf(allowed, 'mode') === 'required' };
    }
    default:
      throw invalidMember('tool_choice', '"auto", "none", "required" or an object that names a tool');
  }
}

/** The older `function_call`, which goes with `functions`. */
export function decodeLegacyChoice(choice: unknown): ToolChoice | undefined {
  if (choice === undefined || choice === null) return undefined;
  if (choice === 'auto' || choice === 'none') return { mode: choice };
  return { mode: 'named', name: requireName(choice, 'function_call') };
}

function requireName(value: unknown, path: string): string {
  const name = textOf(memberOf(value, 'name'));
  if (name === undefined || name === '') throw invalidMember(`${path}.name`, 'a string');
  return name;
}
