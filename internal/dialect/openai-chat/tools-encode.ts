import type { Party } from '../codec.ts';
import { customAsFunction } from '../ir/custom-tools.ts';
import { compact, isRecord, listOf, memberOf, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { BuiltinTool, CustomTool, FunctionTool, IrRequest, Tool, ToolChoice } from '../ir/request.ts';
import type { Encoding } from './content-encode.ts';
import { isOpenAi, takesWebSearch } from './model-traits.ts';

const dialect = 'openai-chat';

/** `tools`, `tool_choice`, `parallel_tool_calls` and `web_search_options`; each is left out where there is nothing to say. */
export function encodeTools(request: IrRequest, encoding: Encoding): JsonRecord {
  const { target } = encoding;
  const offered = narrow(request.tools, request.toolChoice, target);
  const carried = offered.filter((tool) => tool.kind !== 'builtin' || tool.dialect === dialect);
  const search = encodeForeign(offered, carried, request.toolChoice, encoding);
  const options = search ?? carried.find(isSearchOptions)?.item;
  const listed = carried.filter((tool) => !isSearchOptions(tool)).map((tool) => encodeTool(tool, encoding));
  if (listed.length === 0) return compact({ web_search_options: options });
  return compact({
    tools: listed,
    tool_choice: encodeChoice(request.toolChoice, request.tools, target),
    // True is what they do where it is not said.
    parallel_tool_calls: request.parallelToolCalls === true && !isOpenAi(target) ? undefined : request.parallelToolCalls,
    web_search_options: options,
  });
}

/** Imitations know no `allowed_tools`: they are offered those alone. */
function narrow(tools: readonly Tool[], choice: ToolChoice | undefined, target: Party): readonly Tool[] {
  if (choice?.mode !== 'allowed' || isOpenAi(target)) return tools;
  return tools.filter(({ name }) => choice.names.includes(name));
}

function isSearchOptions(tool: Tool): tool is BuiltinTool {
  return tool.kind === 'builtin' && tool.name === 'web_search_options';
}

/** Other vendors' own tools: their search as `web_search_options`, the others left out or refused. */
function encodeForeign(offered: readonly Tool[], carried: readonly Tool[], choice: ToolChoice | undefined, { target, losses }: Encoding): JsonRecord | undefined {
  let options: JsonRecord | undefined;
  for (const tool of offered) {
    if (tool.kind !== 'builtin' || tool.dialect === dialect) continue;
    const search = tool.builtin === 'web_search' && takesWebSearch(target) ? encodeSearch(tool, losses) : undefined;
    options ??= search;
    if (search !== undefined) continue;
    const isForced = choice?.mode === 'named' && choice.name === tool.name;
    if (isForced || carried.length === 0) losses.refuse(`tools.${tool.name}`, 'it has no such tool of its own');
    losses.drop(`tools.${tool.name}`);
  }
  return options;
}

/** Undefined where the search is bounded to some sites, which cannot be said. */
function encodeSearch({ item, name }: BuiltinTool, losses: Losses): JsonRecord | undefined {
  const bounds = [item['allowed_domains'], item['blocked_domains'], memberOf(item['filters'], 'allowed_domains')];
  if (bounds.some((list) => listOf(list).length > 0)) return undefined;
  if (item['max_uses'] !== undefined && item['max_uses'] !== null) losses.drop(`tools.${name}.max_uses`);
  const place = item['user_location'];
  const { type: _type, ...approximate } = isRecord(place) ? place : {};
  return compact({ search_context_size: item['search_context_size'], user_location: isRecord(place) ? { type: 'approximate', approximate: place['approximate'] ?? approximate } : undefined });
}

function encodeTool(tool: Tool, encoding: Encoding): JsonRecord {
  switch (tool.kind) {
    case 'function':
      return encodeFunction(tool, encoding);
    case 'custom':
      return isOpenAi(encoding.target) ? encodeCustom(tool) : encodeFunction(customAsFunction(tool), encoding);
    case 'builtin':
      return tool.item;
  }
}

function encodeFunction({ name, description, parameters, strict, cache }: FunctionTool, { losses }: Encoding): JsonRecord {
  if (cache !== undefined) losses.drop('cache_control');
  return { type: 'function', function: compact({ name, description, parameters, strict }) };
}

function encodeCustom({ name, description, format }: CustomTool): JsonRecord {
  const { type, ...grammar } = format ?? {};
  return { type: 'custom', custom: compact({ name, description, format: type === 'grammar' ? { type, grammar } : format }) };
}

function encodeChoice(choice: ToolChoice | undefined, tools: readonly Tool[], target: Party): unknown {
  switch (choice?.mode) {
    case undefined:
      return undefined;
    case 'auto':
    case 'none':
    case 'required':
      return choice.mode;
    case 'named':
      return nameTool(choice.name, choice.isCustom === true, tools, target);
    case 'allowed': {
      const mode = choice.isRequired ? 'required' : 'auto';
      if (!isOpenAi(target)) return mode;
      return { type: 'allowed_tools', allowed_tools: { mode, tools: choice.names.map((name) => nameTool(name, false, tools, target)) } };
    }
  }
}

function nameTool(name: string, isCustom: boolean, tools: readonly Tool[], target: Party): JsonRecord {
  const isFree = isOpenAi(target) && (isCustom || tools.some((tool) => tool.kind === 'custom' && tool.name === name));
  return isFree ? { type: 'custom', custom: { name } } : { type: 'function', function: { name } };
}
