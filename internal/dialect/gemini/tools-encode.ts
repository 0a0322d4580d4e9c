import { customAsFunction } from '../ir/custom-tools.ts';
import { compact, listOf, type JsonRecord } from '../ir/json.ts';
import { asObject, toGeminiParameters } from '../ir/json-schema.ts';
import type { Losses } from '../ir/losses.ts';
import type { BuiltinKind, BuiltinTool, FunctionTool, IrRequest, ToolChoice } from '../ir/request.ts';
import { simplifySchema } from '../ir/schema-references.ts';
import type { ModelTraits } from './model-traits.ts';

export interface EncodedTools {
  readonly tools: readonly JsonRecord[] | undefined;
  readonly functionCallingConfig: JsonRecord | undefined;
}

type ToolWish = Pick<IrRequest, 'tools' | 'toolChoice' | 'parallelToolCalls'>;

/** @see https://ai.google.dev/gemini-api/docs/function-calling */
export function encodeTools(wish: ToolWish, traits: ModelTraits, losses: Losses): EncodedTools {
  const { tools, toolChoice, parallelToolCalls } = wish;
  const functions = tools.flatMap((tool) => (tool.kind === 'function' ? [tool] : tool.kind === 'custom' ? [customAsFunction(tool)] : []));
  const builtins = tools.flatMap((tool) => (tool.kind === 'builtin' ? [tool] : []));
  const own = encodeBuiltins(builtins, functions.length > 0, wish, traits, losses);
  if (functions.length === 0) {
    if (isForced(toolChoice)) losses.refuse('toolChoice', own.length === 0 ? 'no tool is left to call' : 'none of its own tools can be made to run');
    return { tools: own.length === 0 ? undefined : own, functionCallingConfig: undefined };
  }
  // How many calls an answer has is the model's to decide.
  if (parallelToolCalls === false) losses.drop('parallelToolCalls');
  return {
    tools: [{ functionDeclarations: functions.map((each) => encodeFunction(each, traits, losses)) }, ...own],
    functionCallingConfig: encodeChoice(toolChoice, functions, own.length > 0, losses),
  };
}

function isForced(choice: ToolChoice | undefined): boolean {
  return choice?.mode === 'required' || choice?.mode === 'named' || (choice?.mode === 'allowed' && choice.isRequired);
}

/** The mode of calling concerns functions alone, so that what must not run is not offered. */
function offeredBuiltins(builtins: readonly BuiltinTool[], choice: ToolChoice | undefined): readonly BuiltinTool[] {
  if (choice?.mode === 'none') return [];
  return choice?.mode === 'allowed' ? builtins.filter(({ name }) => choice.names.includes(name)) : builtins;
}

function encodeFunction({ name, description, parameters, cache }: FunctionTool, { takesJsonSchema }: ModelTraits, losses: Losses): JsonRecord {
  if (!/^[a-zA-Z_][\w.:-]{0,127}$/.test(name)) return losses.refuse('tools', `function names begin with a letter and have up to 128 letters, digits and "_.:-", unlike ${JSON.stringify(name)}`);
  if (cache !== undefined) losses.drop('cache_control');
  if (!takesJsonSchema) return compact({ name, description, parameters: toGeminiParameters(parameters) });
  return compact({ name, description, parametersJsonSchema: parameters === undefined ? undefined : asObject(simplifySchema(parameters)) });
}

function encodeChoice(choice: ToolChoice | undefined, functions: readonly FunctionTool[], isMixed: boolean, losses: Losses): JsonRecord | undefined {
  // Calls that keep to their schema are what `strict` asks for; beside its own tools no other mode is taken.
  const free = isMixed || functions.some(({ strict }) => strict === true) ? 'VALIDATED' : 'AUTO';
  const known = (names: readonly string[]): readonly string[] => names.filter((name) => functions.some((each) => each.name === name));
  switch (choice?.mode) {
    case undefined:
      return free === 'AUTO' ? undefined : { mode: free };
    case 'auto':
      return { mode: free };
    case 'none':
      return { mode: 'NONE' };
    case 'required':
      return { mode: 'ANY' };
    case 'named':
      if (known([choice.name]).length === 0) return losses.refuse('toolChoice', `no function is named ${JSON.stringify(choice.name)}`);
      return { mode: 'ANY', allowedFunctionNames: [choice.name] };
    case 'allowed': {
      const names = known(choice.names);
      if (names.length === 0 && choice.isRequired) return losses.refuse('toolChoice', 'none of the allowed tools is a function');
      // An empty list would allow all.
      return names.length === 0 ? { mode: 'NONE' } : { mode: choice.isRequired ? 'ANY' : 'VALIDATED', allowedFunctionNames: names };
    }
  }
}

const equivalents: Readonly<Partial<Record<BuiltinKind, string>>> = { web_search: 'googleSearch', web_fetch: 'urlContext', code_execution: 'codeExecution' };

/** Google's own as they are, others' as what comes nearest. One without that is left out while another tool remains. */
function encodeBuiltins(builtins: readonly BuiltinTool[], hasFunctions: boolean, { toolChoice }: ToolWish, traits: ModelTraits, losses: Losses): readonly JsonRecord[] {
  const offered = offeredBuiltins(builtins, toolChoice).map((tool) => ({ tool, encoded: encodeBuiltin(tool, hasFunctions, traits) }));
  const hasOthers = hasFunctions || offered.some(({ encoded }) => encoded !== undefined);
  const written: JsonRecord[] = [];
  for (const { tool, encoded } of offered) {
    const { name, item, dialect } = tool;
    if (encoded === undefined) {
      if (!hasOthers || (toolChoice?.mode === 'named' && toolChoice.name === name)) losses.refuse(`tools.${name}`, hasFunctions ? 'it does not run beside functions there' : 'it has no equivalent there');
      losses.drop(`tools.${name}`);
      continue;
    }
    if (dialect !== 'gemini') for (const member of softOptions) if (item[member] !== undefined && item[member] !== null) losses.drop(`tools.${name}.${member}`);
    if (!written.some((each) => Object.keys(each)[0] === Object.keys(encoded)[0])) written.push(encoded);
  }
  return written;
}

const softOptions = ['max_uses', 'user_location', 'search_context_size'] as const;

function encodeBuiltin(tool: BuiltinTool, hasFunctions: boolean, traits: ModelTraits): JsonRecord | undefined {
  if (tool.dialect === 'gemini') return tool.item;
  const name = equivalents[tool.builtin];
  const options = name === undefined || (hasFunctions && !traits.takesMixedTools) ? undefined : encodeOptions(tool, traits);
  return name === undefined || options === undefined ? undefined : { [name]: options };
}

/** Undefined where the client bounds what may be looked at in a way that cannot be said. */
function encodeOptions({ builtin, item }: BuiltinTool, { isVertex }: ModelTraits): JsonRecord | undefined {
  const filters = [item, item['filters']];
  const domains = (name: string): readonly unknown[] => filters.flatMap((each) => listOf(typeof each === 'object' && each !== null ? Reflect.get(each, name) : undefined));
  const [allowed, blocked] = [domains('allowed_domains'), domains('blocked_domains')];
  if (allowed.length > 0 || (blocked.length > 0 && !(isVertex && builtin === 'web_search'))) return undefined;
  return blocked.length === 0 ? {} : { excludeDomains: blocked };
}
