import { entryOf, invalidMember, isRecord, type JsonRecord } from '../ir/json.ts';
import { fromGeminiSchema } from '../ir/json-schema.ts';
import type { BuiltinKind, BuiltinTool, FunctionTool, Tool, ToolChoice } from '../ir/request.ts';
import { camelMembers, pickRecord, pickText, pickTexts, readText } from './members.ts';

const dialect = 'gemini';

const kinds: Readonly<Record<string, BuiltinKind>> = {
  googleSearch: 'web_search',
  googleSearchRetrieval: 'web_search',
  enterpriseWebSearch: 'web_search',
  urlContext: 'web_fetch',
  codeExecution: 'code_execution',
};

/** Each entry may hold functions and any of Google's own tools. */
export function decodeTools(tools: unknown): readonly Tool[] {
  if (tools === undefined || tools === null) return [];
  const list: readonly unknown[] = Array.isArray(tools) ? tools : [tools];
  return list.flatMap((tool, index) => {
    if (!isRecord(tool)) throw invalidMember(`tools[${index}]`, 'an object');
    return camelMembers(tool).flatMap(([name, value]): readonly Tool[] => (name === 'functionDeclarations' ? decodeFunctions(value, `tools[${index}].functionDeclarations`) : [decodeBuiltin(name, value)]));
  });
}

function decodeBuiltin(name: string, value: unknown): BuiltinTool {
  return { kind: 'builtin', builtin: entryOf(kinds, name) ?? 'other', name, dialect, item: { [name]: value } };
}

function decodeFunctions(declarations: unknown, path: string): readonly FunctionTool[] {
  if (!Array.isArray(declarations)) throw invalidMember(path, 'a list');
  return declarations.map((declaration: unknown, index) => decodeFunction(declaration, `${path}[${index}]`));
}

function decodeFunction(declaration: unknown, path: string): FunctionTool {
  const name = isRecord(declaration) ? readText(declaration, 'name', path) : undefined;
  if (name === undefined) throw invalidMember(`${path}.name`, 'a string');
  const own = pickRecord(declaration, 'parameters');
  return { kind: 'function', name, description: describe(declaration), parameters: pickRecord(declaration, 'parametersJsonSchema') ?? (own === undefined ? undefined : fromGeminiSchema(own)) };
}

/** What a function gives back has no place of its own elsewhere. */
function describe(declaration: unknown): string | undefined {
  const response = pickRecord(declaration, 'response');
  const result = pickRecord(declaration, 'responseJsonSchema') ?? (response === undefined ? undefined : fromGeminiSchema(response));
  const texts = [pickText(declaration, 'description'), result === undefined ? undefined : `Its result has the JSON Schema ${JSON.stringify(result)}`].filter((text) => text !== undefined);
  return texts.length === 0 ? undefined : texts.join('\n\n');
}

export function decodeToolChoice(config: JsonRecord | undefined): ToolChoice | undefined {
  const calling = pickRecord(config, 'functionCallingConfig');
  const names = pickTexts(calling, 'allowedFunctionNames');
  const [name] = names;
  switch (pickText(calling, 'mode')?.toUpperCase()) {
    case undefined:
    case 'MODE_UNSPECIFIED':
      return undefined;
    case 'NONE':
      return { mode: 'none' };
    case 'ANY':
      if (name === undefined) return { mode: 'required' };
      return names.length === 1 ? { mode: 'named', name } : { mode: 'allowed', names, isRequired: true };
    case 'AUTO':
    case 'VALIDATED':
      return name === undefined ? { mode: 'auto' } : { mode: 'allowed', names, isRequired: false };
    default:
      throw invalidMember('toolConfig.functionCallingConfig.mode', '"AUTO", "ANY", "NONE" or "VALIDATED"');
  }
}

/** What else a client says of its tools. */
export function otherToolConfig(config: JsonRecord | undefined): readonly (readonly [string, unknown])[] {
  return camelMembers(config ?? {}).filter(([name]) => name !== 'functionCallingConfig');
}
