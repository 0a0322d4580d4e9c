import { customAsFunction } from '../ir/custom-tools.ts';
import { compact, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { BuiltinTool, FunctionTool, IrRequest, Tool, ToolChoice } from '../ir/request.ts';
import { equivalentTool } from './builtin-tools.ts';
import { writeMarker } from './markers.ts';
import type { ModelTraits } from './model-traits.ts';
import { closeSchema } from './schema.ts';
import { toInputSchema } from './tool-schema.ts';

/** What all strict tools of one request may have together. */
const strictLimits = { tools: 20, optionalProperties: 24, unions: 16 } as const;

export interface ToolPlan {
  readonly tools: readonly JsonRecord[] | undefined;
  readonly toolChoice: JsonRecord | undefined;
  /** The model must call one. */
  readonly isForced: boolean;
}

/**
 * Tools and the choice among them. `calledNames`: tools that earlier turns called; where the request has none of its own they
 * are declared and barred, since calls in the conversation are refused without declared tools.
 */
export function encodeTools(request: Pick<IrRequest, 'tools' | 'toolChoice' | 'parallelToolCalls'>, calledNames: ReadonlySet<string>, traits: ModelTraits, losses: Losses): ToolPlan {
  const { toolChoice, parallelToolCalls } = request;
  const offered = request.tools.filter((tool) => isOffered(tool, toolChoice));
  const strictSchemas = planStrict(offered, traits);
  const tools = offered.flatMap((tool) => encodeTool(tool, request, strictSchemas, traits, losses));
  const isForced = toolChoice !== undefined && (toolChoice.mode === 'required' || toolChoice.mode === 'named' || (toolChoice.mode === 'allowed' && toolChoice.isRequired));
  if (isForced && tools.length === 0) return losses.refuse('toolChoice', 'no tool is left to call');
  if (isForced && !traits.takesForcedTools) return losses.refuse('toolChoice', 'the model cannot be made to call a tool');
  if (tools.length === 0) return calledNames.size === 0 ? { tools: undefined, toolChoice: undefined, isForced } : { tools: [...calledNames].map((name) => ({ name, input_schema: { type: 'object' } })), toolChoice: { type: 'none' }, isForced };
  return { tools, toolChoice: encodeChoice(toolChoice, request.tools, parallelToolCalls), isForced };
}

function isOffered(tool: Tool, choice: ToolChoice | undefined): boolean {
  return choice?.mode !== 'allowed' || choice.names.includes(tool.name);
}

function encodeChoice(choice: ToolChoice | undefined, tools: readonly Tool[], parallelToolCalls: boolean | undefined): JsonRecord | undefined {
  if (choice?.mode === 'none') return { type: 'none' };
  const disable = parallelToolCalls === false ? { disable_parallel_tool_use: true } : {};
  if (choice?.mode === 'named') return { type: 'tool', name: wireName(choice.name, tools), ...disable };
  if (choice?.mode === 'required' || (choice?.mode === 'allowed' && choice.isRequired)) return { type: 'any', ...disable };
  return choice === undefined && parallelToolCalls !== false ? undefined : { type: 'auto', ...disable };
}

/** A vendor's own tool is called by what stands for it. */
function wireName(name: string, tools: readonly Tool[]): unknown {
  const tool = tools.find((each) => each.kind === 'builtin' && each.name === name);
  if (tool?.kind !== 'builtin') return name;
  return tool.dialect === 'anthropic-messages' ? (tool.item['name'] ?? name) : (equivalentTool(tool)?.['name'] ?? name);
}

function encodeTool(tool: Tool, request: Pick<IrRequest, 'tools' | 'toolChoice'>, strictSchemas: ReadonlyMap<string, JsonRecord>, traits: ModelTraits, losses: Losses): readonly JsonRecord[] {
  switch (tool.kind) {
    case 'builtin':
      return encodeBuiltin(tool, request, traits, losses);
    case 'custom':
      return [encodeFunction(customAsFunction(tool), strictSchemas, losses)];
    case 'function':
      return [encodeFunction(tool, strictSchemas, losses)];
  }
}

function encodeFunction({ name, description, parameters, strict, cache }: FunctionTool, strictSchemas: ReadonlyMap<string, JsonRecord>, losses: Losses): JsonRecord {
  if (!/^[\w-]{1,128}$/.test(name)) return losses.refuse('tools', `tool names have up to 128 letters, digits, "_" and "-", unlike ${JSON.stringify(name)}`);
  const strictSchema = strict === true ? strictSchemas.get(name) : undefined;
  if (strict === true && strictSchema === undefined) losses.drop('strict');
  return compact({ name, description, input_schema: strictSchema ?? toInputSchema(parameters), strict: strictSchema === undefined ? undefined : true, cache_control: writeMarker(cache) });
}

/** The schemas of strict tools, by name. None where the request's strict tools are more than the API compiles, or one of them is open. */
function planStrict(tools: readonly Tool[], traits: ModelTraits): ReadonlyMap<string, JsonRecord> {
  const schemas = new Map<string, JsonRecord>();
  const sum = { tools: 0, optionalProperties: 0, unions: 0 };
  for (const tool of tools) {
    if (tool.kind !== 'function' || tool.strict !== true) continue;
    const closed = traits.takesSchemas ? closeSchema(toInputSchema(tool.parameters)) : undefined;
    if (closed === undefined) return new Map();
    sum.tools++;
    sum.optionalProperties += closed.optionalProperties;
    sum.unions += closed.unions;
    schemas.set(tool.name, closed.schema);
  }
  const isWithin = sum.tools <= strictLimits.tools && sum.optionalProperties <= strictLimits.optionalProperties && sum.unions <= strictLimits.unions;
  return isWithin ? schemas : new Map();
}

function encodeBuiltin(tool: BuiltinTool, { tools, toolChoice }: Pick<IrRequest, 'tools' | 'toolChoice'>, traits: ModelTraits, losses: Losses): readonly JsonRecord[] {
  if (tool.dialect === 'anthropic-messages') return [tool.item];
  const equivalent = traits.isClaude ? equivalentTool(tool) : undefined;
  if (equivalent !== undefined) return [equivalent];
  const isForced = toolChoice?.mode === 'named' && toolChoice.name === tool.name;
  const hasOthers = tools.some((other) => other.kind !== 'builtin' || (traits.isClaude && equivalentTool(other) !== undefined));
  if (isForced || !hasOthers) return losses.refuse(`tools.${tool.name}`, 'it has no equivalent there');
  losses.drop(`tools.${tool.name}`);
  return [];
}
