import { memberOf, textOf } from '../ir/json.ts';
import type { CustomTool, FunctionTool, IrRequest } from '../ir/request.ts';
import { sha256Hex } from '../../secret/digest.ts';

/*
 * Tools may stand in a `namespace`; a call then states namespace and name apart, and clients look it up by both. Other
 * dialects know one flat name. The tool carries what the client calls it.
 * https://developers.openai.com/api/docs/guides/function-calling
 */

/** How a client of this dialect names a tool in its calls. */
export interface ToolHome {
  readonly name: string;
  readonly namespace?: string | undefined;
  /** The client searches its tools itself; a call is a `tool_search_call`. */
  readonly isSearch?: boolean | undefined;
}

/** A tool with its home, for those whose calls are not named as the tool is. */
export type HomedTool = (FunctionTool | CustomTool) & { readonly home?: ToolHome | undefined };

export interface QualifiedName {
  readonly namespace: string | undefined;
  readonly name: string;
}

/** The longest name that all dialects take. */
const maxNameLength = 64;
const hashLength = 10;

/** Names that stand in no group: `functions` is where clients put what has none, and a deferred tool alone is its own group. */
function isPlain({ namespace, name }: QualifiedName): boolean {
  return namespace === undefined || namespace === '' || namespace === 'functions' || namespace === name;
}

/** The flat name of a declared tool, or of one that only history still knows. */
export type FlatNames = (namespace: string | undefined, name: string) => string;

/** Gives each declared tool a name of its own; the same names give the same result in every turn. */
export function flattenNames(declared: readonly QualifiedName[]): FlatNames {
  const flatByKey = new Map<string, string>();
  const keysByName = new Map<string, Set<string>>();
  const taken = new Set<string>();
  for (const qualified of [...declared.filter(isPlain), ...declared.filter((each) => !isPlain(each))]) {
    const key = keyOf(qualified);
    if (flatByKey.has(key)) continue;
    const joined = joinName(qualified);
    const flat = taken.has(joined) ? shortenName(joined, key) : joined;
    taken.add(flat);
    flatByKey.set(key, flat);
    keysByName.set(qualified.name, (keysByName.get(qualified.name) ?? new Set<string>()).add(key));
  }
  return (namespace, name) => {
    const qualified = { namespace, name };
    const known = flatByKey.get(keyOf(qualified));
    if (known !== undefined) return known;
    const [only, ...more] = keysByName.get(name) ?? [];
    const isLoneName = isPlain(qualified) && only !== undefined && more.length === 0;
    return (isLoneName ? flatByKey.get(only) : undefined) ?? joinName(qualified);
  };
}

function keyOf(qualified: QualifiedName): string {
  return isPlain(qualified) ? qualified.name : `${qualified.namespace ?? ''}\n${qualified.name}`;
}

function joinName(qualified: QualifiedName): string {
  const { namespace = '', name } = qualified;
  if (isPlain(qualified)) return name;
  const separator = namespace.endsWith('_') || name.startsWith('_') ? '' : '__';
  const joined = `${namespace}${separator}${name}`.replaceAll(/[^a-zA-Z0-9_-]/g, '_');
  return joined.length <= maxNameLength ? joined : shortenName(joined, keyOf(qualified));
}

function shortenName(joined: string, key: string): string {
  return `${joined.slice(0, maxNameLength - hashLength - 1)}_${sha256Hex(key).slice(0, hashLength)}`;
}

/** What the client calls a tool; its own name for one that the request does not have. */
export function homeOf(request: Pick<IrRequest, 'tools'>, name: string): ToolHome {
  const tool = request.tools.find((each) => each.kind !== 'builtin' && each.name === name);
  const home = memberOf(tool, 'home');
  const ownName = textOf(memberOf(home, 'name'));
  return ownName === undefined ? { name } : { name: ownName, namespace: textOf(memberOf(home, 'namespace')), isSearch: memberOf(home, 'isSearch') === true };
}
