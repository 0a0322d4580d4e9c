import type { Party } from '../codec.ts';
import { customAsFunction } from '../ir/custom-tools.ts';
import { compact, invalidMember, isRecord, textOf, type JsonRecord } from '../ir/json.ts';
import { fromGeminiSchema, toGeminiSchema } from '../ir/json-schema.ts';
import type { Losses } from '../ir/losses.ts';
import type { BuiltinKind, BuiltinTool, FunctionTool, IrRequest, Tool, ToolChoice } from '../ir/request.ts';
import { camelCase, pick, pickList, pickRecord } from './members.ts';

const dialect = 'gemini';
const builtins: Readonly<Record<string, BuiltinKind>> = { googleSearch: 'web_search', googleSearchRetrieval: 'web_search', urlContext: 'web_fetch', codeExecution: 'code_execution' };

export function decodeTools(tools: unknown): readonly Tool[] {
  if (tools === undefined || tools === null) return [];
  const list = Array.isArray(tools) ? tools : [tools];
  return list.flatMap((tool: unknown, index) => {
    if (!isRecord(tool)) throw invalidMember(`tools[${index}]`, 'an object');
    const own = Object.entries(tool).filter(([name, value]) => camelCase(name) !== 'functionDeclarations' && isRecord(value));
    return [
      ...pickList(tool, 'functionDeclarations').map((each, at) => decodeFunction(each, `tools[${index}].functionDeclarations[${at}]`)),
      ...own.map(([name, value]): BuiltinTool => ({ kind: 'builtin', builtin: builtins[camelCase(name)] ?? 'other', name: camelCase(name), dialect, item: { [camelCase(name)]: value } })),
    ];
  });
}

function decodeFunction(declaration: unknown, path: string): FunctionTool {
  const name = textOf(pick(declaration, 'name'));
  if (name === undefined) throw invalidMember(`${path}.name`, 'a string');
  const json = pickRecord(declaration, 'parametersJsonSchema');
  const own = pickRecord(declaration, 'parameters');
  return { kind: 'function', name, description: textOf(pick(declaration, 'description')), parameters: json ?? (own === undefined ? undefined : fromGeminiSchema(own)) };
}

export function decodeToolChoice(config: unknown): ToolChoice | undefined {
  const calling = pickRecord(config, 'functionCallingConfig');
  const mode = textOf(calling?.['mode'])?.toUpperCase();
  const names = pickList(calling, 'allowedFunctionNames').map(textOf).filter((name) => name !== undefined);
  switch (mode) {
    case 'NONE':
      return { mode: 'none' };
    case 'ANY':
      return names.length === 0 ? { mode: 'required' } : names.length === 1 && names[0] !== undefined ? { mode: 'named', name: names[0] } : { mode: 'allowed', names, isRequired: true };
    case 'AUTO':
    case 'VALIDATED':
      return names.length === 0 ? { mode: 'auto' } : { mode: 'allowed', names, isRequired: false };
    default:
      return undefined;
  }
}

export interface EncodedTools {
  readonly tools: readonly JsonRecord[] | undefined;
  readonly toolConfig: JsonRecord | undefined;
}

/** @see https://ai.google.dev/gemini-api/docs/function-calling */
export function encodeTools({ tools, toolChoice, parallelToolCalls }: IrRequest, target: Party, losses: Losses): EncodedTools {
  const functions = tools.flatMap((tool) => (tool.kind === 'function' ? [tool] : tool.kind === 'custom' ? [customAsFunction(tool)] : []));
  const own = tools.flatMap((tool) => (tool.kind === 'builtin' ? encodeBuiltin(tool, { tools, toolChoice }, losses) : []));
  if (functions.length > 0 && parallelToolCalls === false) losses.drop('parallelToolCalls');
  if (functions.length === 0 && toolChoice !== undefined && (toolChoice.mode === 'named' || toolChoice.mode === 'required') && own.length === 0) losses.refuse('toolChoice', 'no tool is left to call');
  const declared = functions.length === 0 ? [] : [{ functionDeclarations: functions.map((each) => encodeFunction(each, target, losses)) }];
  const all = [...declared, ...own];
  return { tools: all.length === 0 ? undefined : all, toolConfig: functions.length === 0 ? undefined : encodeChoice(toolChoice, losses) };
}

function encodeFunction({ name, description, parameters, strict, cache }: FunctionTool, { provider }: Party, losses: Losses): JsonRecord {
  if (!/^[a-zA-Z_][\w.:-]{0,127}$/.test(name)) return losses.refuse('tools', `function names begin with a letter and have up to 128 letters, digits and "_.:-", unlike ${JSON.stringify(name)}`);
  if (strict === true) losses.drop('strict');
  if (cache !== undefined) losses.drop('cache_control');
  const isEmpty = parameters === undefined || (Object.keys(listOrEmpty(parameters['properties'])).length === 0 && parameters['type'] === 'object' && Object.keys(parameters).every((key) => ['type', 'properties', 'additionalProperties', 'required', '$schema'].includes(key)));
  if (isEmpty) return compact({ name, description });
  // Google's agent plan serves other vendors' models too, and reads its own form of schema alone.
  return provider === 'antigravity' ? compact({ name, description, parameters: toGeminiSchema(parameters) }) : compact({ name, description, parametersJsonSchema: parameters });
}

function listOrEmpty(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

function encodeChoice(choice: ToolChoice | undefined, losses: Losses): JsonRecord | undefined {
  const config = (mode: string, names?: readonly string[]): JsonRecord => ({ functionCallingConfig: compact({ mode, allowedFunctionNames: names }) });
  switch (choice?.mode) {
    case undefined:
      return undefined;
    case 'auto':
      return config('AUTO');
    case 'none':
      return config('NONE');
    case 'required':
      return config('ANY');
    case 'named':
      return config('ANY', [choice.name]);
    case 'allowed':
      if (choice.isRequired) return config('ANY', choice.names);
      if (choice.names.length === 0) losses.drop('toolChoice');
      return choice.names.length === 0 ? config('AUTO') : config('VALIDATED', choice.names);
  }
}

const equivalents: Readonly<Partial<Record<BuiltinKind, string>>> = { web_search: 'googleSearch', web_fetch: 'urlContext', code_execution: 'codeExecution' };

function encodeBuiltin(tool: BuiltinTool, { tools, toolChoice }: Pick<IrRequest, 'tools' | 'toolChoice'>, losses: Losses): readonly JsonRecord[] {
  if (tool.dialect === dialect) return [tool.item];
  const hasFunctions = tools.some(({ kind }) => kind !== 'builtin');
  const name = equivalents[tool.builtin];
  // Most models take either functions or the vendor's own tools.
  if (name !== undefined && !hasFunctions) return [{ [name]: {} }];
  const isForced = toolChoice?.mode === 'named' && toolChoice.name === tool.name;
  if (isForced || !hasFunctions) return losses.refuse(`tools.${tool.name}`, 'it has no equivalent there');
  losses.drop(`tools.${tool.name}`);
  return [];
}

