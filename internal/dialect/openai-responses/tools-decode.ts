import { invalidMember, isRecord, flagOf, listOf, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { BuiltinKind, BuiltinTool, Tool, ToolChoice } from '../ir/request.ts';
import { flattenNames, type FlatNames, type HomedTool } from './tool-names.ts';

const dialect = 'openai-responses';

export interface DecodedTools {
  readonly tools: readonly Tool[];
  readonly flatName: FlatNames;
}

/** A tool at its place in the body, in the group it stands in. */
interface Declared {
  readonly tool: JsonRecord;
  readonly path: string;
  readonly namespace: string | undefined;
  /** Said of the whole group; goes to its first tool. */
  readonly groupText: string | undefined;
}

/** The tools of a request: the list of that name, and those that items of the input add. A later one replaces an equal one. */
export function decodeTools(body: JsonRecord): DecodedTools {
  const declared = [...declaredIn(body['tools'], 'tools'), ...addedByItems(body['input'])];
  const callable = declared.filter(({ tool }) => isCallable(tool));
  const flatName = flattenNames(callable.map(({ namespace, tool, path }) => ({ namespace, name: nameOfTool(tool, path) })));
  const tools = new Map<string, Tool>();
  for (const each of declared) {
    const tool = decodeTool(each, flatName);
    tools.set(tool.kind === 'builtin' ? JSON.stringify(tool.item) : `${tool.name}\n`, tool);
  }
  return { tools: [...tools.values()], flatName };
}

function declaredIn(list: unknown, path: string): readonly Declared[] {
  if (list !== undefined && list !== null && !Array.isArray(list)) throw invalidMember(path, 'a list of tools');
  return listOf(list).flatMap((tool, index): readonly Declared[] => {
    const at = `${path}[${index}]`;
    if (!isRecord(tool)) throw invalidMember(at, 'a tool');
    if (tool['type'] !== 'namespace') return [{ tool, path: at, namespace: undefined, groupText: undefined }];
    const namespace = textOf(tool['name']);
    if (namespace === undefined) throw invalidMember(`${at}.name`, 'a string');
    const groupText = textOf(tool['description']);
    return declaredIn(tool['tools'], `${at}.tools`).map((member, position) => ({ ...member, namespace, groupText: position === 0 ? groupText : undefined }));
  });
}

/** `additional_tools` hold what else would be listed above; a client's own search brings what it found. */
function addedByItems(input: unknown): readonly Declared[] {
  return listOf(input).flatMap((item, index) => {
    const type = memberOf(item, 'type');
    const adds = type === 'additional_tools' || (type === 'tool_search_output' && isClientSearch(item));
    return adds ? declaredIn(memberOf(item, 'tools'), `input[${index}].tools`) : [];
  });
}

/** Whether an item or tool of a search is the client's to carry out. */
export function isClientSearch(value: unknown): boolean {
  return memberOf(value, 'execution') === 'client';
}

function isCallable(tool: JsonRecord): boolean {
  return tool['type'] === 'function' || tool['type'] === 'custom' || (tool['type'] === 'tool_search' && isClientSearch(tool));
}

function nameOfTool(tool: JsonRecord, path: string): string {
  if (tool['type'] === 'tool_search') return 'tool_search';
  const name = textOf(tool['name']);
  if (name === undefined || name === '') throw invalidMember(`${path}.name`, 'a string');
  return name;
}

function decodeTool(declared: Declared, flatName: FlatNames): Tool {
  const { tool, path, namespace, groupText } = declared;
  if (!isCallable(tool)) return decodeBuiltin(tool, path);
  const ownName = nameOfTool(tool, path);
  const name = flatName(namespace, ownName);
  const description = [groupText, textOf(tool['description'])].filter((text) => text !== undefined && text !== '').join('\n\n') || undefined;
  const home = tool['type'] === 'tool_search' ? { name: ownName, isSearch: true } : name === ownName ? undefined : { name: ownName, namespace };
  return tool['type'] === 'custom' ? customTool(tool, name, description, home) : functionTool(tool, name, description, home);
}

function functionTool(tool: JsonRecord, name: string, description: string | undefined, home: HomedTool['home']): HomedTool {
  const parameters = tool['parameters'];
  const read = { kind: 'function' as const, name, description, parameters: isRecord(parameters) ? parameters : undefined, strict: flagOf(tool['strict']) };
  return home === undefined ? read : { ...read, home };
}

function customTool(tool: JsonRecord, name: string, description: string | undefined, home: HomedTool['home']): HomedTool {
  const format = tool['format'];
  const read = { kind: 'custom' as const, name, description, format: isRecord(format) ? format : undefined };
  return home === undefined ? read : { ...read, home };
}

function decodeBuiltin(tool: JsonRecord, path: string): BuiltinTool {
  const name = textOf(tool['type']);
  if (name === undefined) throw invalidMember(`${path}.type`, 'a string');
  return { kind: 'builtin', builtin: builtinKind(name), name, dialect, item: tool };
}

function builtinKind(type: string): BuiltinKind {
  if (type.startsWith('web_search')) return 'web_search';
  return type === 'code_interpreter' ? 'code_execution' : 'other';
}

/** @see https://developers.openai.com/api/docs/guides/function-calling */
export function decodeToolChoice(choice: unknown, { tools, flatName }: DecodedTools): ToolChoice | undefined {
  if (choice === undefined || choice === null) return undefined;
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { mode: choice };
  if (!isRecord(choice)) throw invalidMember('tool_choice', '"auto", "none", "required" or an object');
  if (choice['type'] === 'allowed_tools') {
    const names = listOf(choice['tools']).map((entry, index) => chosenName(entry, `tool_choice.tools[${index}]`, flatName));
    return { mode: 'allowed', names, isRequired: choice['mode'] === 'required' };
  }
  const chosen = chosenName(choice, 'tool_choice', flatName);
  const name = tools.some((tool) => tool.name === chosen) ? chosen : nameOfSameKind(tools, chosen);
  const isCustom = choice['type'] === 'custom' || tools.some((tool) => tool.kind === 'custom' && tool.name === name);
  return { mode: 'named', name, isCustom: isCustom ? true : undefined };
}

/** One tool has several spellings (`web_search`, `web_search_preview`), and a choice may use another than the list. */
function nameOfSameKind(tools: readonly Tool[], chosen: string): string {
  const kind = builtinKind(chosen);
  return (kind === 'other' ? undefined : tools.find((tool) => tool.kind === 'builtin' && tool.builtin === kind)?.name) ?? chosen;
}

/** A vendor's own tool is chosen by its type. */
function chosenName(choice: unknown, path: string, flatName: FlatNames): string {
  const type = textOf(memberOf(choice, 'type'));
  if (type === undefined) throw invalidMember(`${path}.type`, 'a string');
  if (type !== 'function' && type !== 'custom') return type;
  const name = textOf(memberOf(choice, 'name'));
  if (name === undefined) throw invalidMember(`${path}.name`, 'a string');
  return flatName(textOf(memberOf(choice, 'namespace')), name);
}
