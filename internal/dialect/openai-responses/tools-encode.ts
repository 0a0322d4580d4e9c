import { compact, isRecord, listOf, memberOf, textOf, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { BuiltinTool, IrRequest, Tool, ToolChoice } from '../ir/request.ts';

const dialect = 'openai-responses';

/** The tools, and how they may be called; members are left out where there is nothing to say. */
export function encodeTools(request: IrRequest, losses: Losses): JsonRecord {
  const encoded = request.tools.map((tool) => ({ tool, item: encodeTool(tool, losses) }));
  const carried = encoded.filter(({ item }) => item !== undefined);
  for (const { tool, item } of encoded) {
    if (item !== undefined) continue;
    if (carried.length === 0 || isForced(request.toolChoice, tool.name)) losses.refuse(`tools.${tool.name}`, 'only its own vendor runs this tool');
    losses.drop(`tools.${tool.name}`);
  }
  if (carried.length === 0) return {};
  return compact({
    tools: carried.map(({ item }) => item),
    tool_choice: encodeToolChoice(request.toolChoice, carried.map(({ tool }) => tool)),
    parallel_tool_calls: request.parallelToolCalls,
  });
}

function isForced(choice: ToolChoice | undefined, name: string): boolean {
  if (choice?.mode === 'named') return choice.name === name;
  return choice?.mode === 'allowed' && choice.isRequired && choice.names.every((each) => each === name);
}

/** Undefined where this dialect has nothing like the tool. */
function encodeTool(tool: Tool, losses: Losses): JsonRecord | undefined {
  return tool.kind === 'builtin' && tool.dialect !== dialect ? equivalentOf(tool, losses) : encodeOwnTool(tool);
}

/** A tool in the form that clients of this dialect send; undefined for another vendor's own. */
export function encodeOwnTool(tool: Tool): JsonRecord | undefined {
  switch (tool.kind) {
    case 'function':
      // Strictness is on where it is not named, and a schema must be made for it.
      return compact({ type: 'function', name: tool.name, description: tool.description, parameters: tool.parameters ?? { type: 'object', properties: {} }, strict: tool.strict ?? false });
    case 'custom':
      return compact({ type: 'custom', name: tool.name, description: tool.description, format: tool.format });
    case 'builtin':
      return tool.dialect === dialect ? tool.item : undefined;
  }
}

function equivalentOf({ builtin, item, name }: BuiltinTool, losses: Losses): JsonRecord | undefined {
  switch (builtin) {
    case 'web_search':
      return encodeWebSearch(item, name, losses);
    case 'code_execution':
      return { type: 'code_interpreter', container: { type: 'auto' } };
    case 'web_fetch':
    case 'other':
      return undefined;
  }
}

/** @see https://developers.openai.com/api/docs/guides/tools-web-search */
function encodeWebSearch(item: JsonRecord, name: string, losses: Losses): JsonRecord {
  const allowed = listOf(item['allowed_domains'] ?? memberOf(item['filters'], 'allowed_domains')).map(textOf);
  for (const member of ['blocked_domains', 'max_uses']) if (item[member] !== undefined && item[member] !== null) losses.drop(`tools.${name}.${member}`);
  const place = memberOf(item['user_location'], 'approximate') ?? item['user_location'];
  return compact({
    type: 'web_search',
    filters: allowed.length === 0 ? undefined : { allowed_domains: allowed },
    search_context_size: textOf(item['search_context_size']),
    user_location: isRecord(place) ? { ...place, type: 'approximate' } : undefined,
  });
}

export function encodeToolChoice(choice: ToolChoice | undefined, tools: readonly Tool[]): unknown {
  switch (choice?.mode) {
    case undefined:
      return undefined;
    case 'auto':
    case 'none':
    case 'required':
      return choice.mode;
    case 'named':
      return chooseTool(choice.name, choice.isCustom === true, tools);
    case 'allowed':
      return { type: 'allowed_tools', mode: choice.isRequired ? 'required' : 'auto', tools: choice.names.map((name) => chooseTool(name, false, tools)) };
  }
}

function chooseTool(name: string, isCustom: boolean, tools: readonly Tool[]): JsonRecord {
  const tool = tools.find((each) => each.name === name);
  if (tool?.kind === 'builtin') {
    const item = tool.dialect === dialect ? tool.item : { type: tool.builtin === 'code_execution' ? 'code_interpreter' : 'web_search' };
    return compact({ type: item['type'], server_label: item['server_label'] });
  }
  return { type: isCustom || tool?.kind === 'custom' ? 'custom' : 'function', name };
}
