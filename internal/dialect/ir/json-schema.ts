import { isRecord, listOf, textOf, type JsonRecord } from './json.ts';

/*
 * Gemini's `Schema` is a subset of OpenAPI 3.0's; JSON Schema says the same in other words. @see https://ai.google.dev/api/caching#Schema
 */

/** Of Gemini's `Schema` and JSON Schema alike. */
const shared = ['title', 'description', 'default', 'format', 'minimum', 'maximum', 'pattern', 'enum', 'required', 'example'] as const;
/** Numbers that the API may write as text. */
const counts = ['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties'] as const;

/** A Gemini `Schema` as JSON Schema. What is JSON Schema already stays as it is. */
export function fromGeminiSchema(schema: unknown): JsonRecord {
  if (!isRecord(schema)) return {};
  const out: Record<string, unknown> = {};
  const type = textOf(schema['type']);
  if (type !== undefined && type !== 'TYPE_UNSPECIFIED') out['type'] = type.toLowerCase();
  else if (Array.isArray(schema['type'])) out['type'] = schema['type'];
  for (const name of Object.keys(schema)) {
    const value = schema[name];
    if (name === 'type' || name === 'nullable' || name === 'propertyOrdering' || name === 'property_ordering') continue;
    out[camel(name)] = fromMember(camel(name), value);
  }
  return schema['nullable'] === true ? withNull(out) : out;
}

function fromMember(name: string, value: unknown): unknown {
  switch (name) {
    case 'properties':
    case '$defs':
    case 'definitions':
      return isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fromGeminiSchema(each)])) : value;
    case 'items':
    case 'additionalProperties':
      return isRecord(value) ? fromGeminiSchema(value) : value;
    case 'anyOf':
    case 'oneOf':
    case 'allOf':
    case 'prefixItems':
      return listOf(value).map(fromGeminiSchema);
    default:
      return counts.some((count) => count === name) && typeof value === 'string' ? Number(value) : value;
  }
}

function camel(name: string): string {
  return name.startsWith('$') ? name : name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function withNull(schema: Readonly<Record<string, unknown>>): JsonRecord {
  const { type } = schema;
  if (typeof type === 'string') return { ...schema, type: [type, 'null'], ...(Array.isArray(schema['enum']) ? { enum: [...listOf(schema['enum']), null] } : {}) };
  return { anyOf: [schema, { type: 'null' }] };
}

/** How far references are followed; a schema that contains itself ends as a plain object there. */
const maxDepth = 24;
/** Nodes that one schema may become by following references. */
const maxNodes = 5_000;

/** A schema on its way: what its references refer to, which are being followed, and how much it has become. */
interface Walk {
  readonly root: JsonRecord;
  readonly open: ReadonlySet<string>;
  readonly depth: number;
  readonly tally: { nodes: number };
}

/** JSON Schema as Gemini's `Schema`. What it has no word for is told in the description, so that the model still reads it. */
export function toGeminiSchema(schema: JsonRecord): JsonRecord {
  return toNode(schema, { root: schema, open: new Set(), depth: 0, tally: { nodes: 0 } });
}

function toNode(node: unknown, walk: Walk): JsonRecord {
  if (!isRecord(node)) return node === false ? { type: 'STRING', description: 'No value is allowed here.' } : {};
  if (++walk.tally.nodes > maxNodes) return again(node);
  const reference = textOf(node['$ref']);
  if (reference !== undefined) {
    const found = follow(reference, walk);
    return found === undefined ? again(node) : toNode({ ...found, ...without(node, '$ref') }, deeper(walk, reference));
  }
  const { merged, inner } = mergeAllOf(node, walk);
  const next = (each: unknown): JsonRecord => toNode(each, deeper(inner));
  const { type, isNullable, alternatives } = typeOf(merged);
  const out: Record<string, unknown> = {};
  if (type !== undefined) out['type'] = type.toUpperCase();
  if (isNullable) out['nullable'] = true;
  for (const name of shared) if (merged[name] !== undefined) out[name] = merged[name];
  for (const name of counts) if (typeof merged[name] === 'number') out[name] = String(merged[name]);
  writeValues(merged, out);
  if (isRecord(merged['properties'])) out['properties'] = Object.fromEntries(Object.entries(merged['properties']).map(([name, each]) => [name, next(each)]));
  if (merged['items'] !== undefined) out['items'] = next(merged['items']);
  else if (type === 'array') out['items'] = {};
  const union = alternatives ?? unionOf(merged);
  if (union !== undefined) writeUnion(union, next, out);
  tellRest(merged, out);
  return out;
}

function again(node: JsonRecord): JsonRecord {
  return { type: 'OBJECT', description: textOf(node['description']) ?? 'The same form again.' };
}

function follow(reference: string, { root, open, depth }: Walk): JsonRecord | undefined {
  const found = open.has(reference) || depth > maxDepth ? undefined : resolve(root, reference);
  return isRecord(found) ? found : undefined;
}

function deeper(walk: Walk, reference?: string): Walk {
  return { ...walk, depth: walk.depth + 1, open: reference === undefined ? walk.open : new Set([...walk.open, reference]) };
}

function without(record: JsonRecord, name: string): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
}

function resolve(root: JsonRecord, reference: string): unknown {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return undefined;
  let node: unknown = root;
  for (const step of reference.slice(2).split('/')) node = isRecord(node) ? node[step.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  return node;
}

/** All of several schemas at once: their properties together, those of one name all of theirs, later words before earlier ones. */
function mergeAllOf(node: JsonRecord, walk: Walk): { readonly merged: JsonRecord; readonly inner: Walk } {
  if (!Array.isArray(node['allOf']) || walk.depth > maxDepth) return { merged: without(node, 'allOf'), inner: walk };
  let inner = deeper(walk);
  const all = listOf(node['allOf']).filter(isRecord).map((each) => {
    const reference = textOf(each['$ref']);
    const found = reference === undefined ? each : { ...follow(reference, inner), ...without(each, '$ref') };
    if (reference !== undefined) inner = deeper(inner, reference);
    const nested = mergeAllOf(found, inner);
    inner = nested.inner;
    return nested.merged;
  });
  const schemas = [...all, without(node, 'allOf')];
  const merged: Record<string, unknown> = {};
  for (const schema of schemas) Object.assign(merged, schema);
  const properties = new Map<string, unknown[]>();
  for (const schema of schemas) for (const [name, each] of Object.entries(isRecord(schema['properties']) ? schema['properties'] : {})) properties.set(name, [...(properties.get(name) ?? []), each]);
  if (properties.size > 0) merged['properties'] = Object.fromEntries([...properties].map(([name, forms]) => [name, forms.length === 1 ? forms[0] : { allOf: forms }]));
  const required = [...new Set(schemas.flatMap(({ required: each }) => listOf(each)))];
  if (required.length > 0) merged['required'] = required;
  return { merged, inner };
}

interface NodeType {
  readonly type: string | undefined;
  readonly isNullable: boolean;
  /** One schema a type, where several remain. */
  readonly alternatives: readonly JsonRecord[] | undefined;
}

function typeOf(node: JsonRecord): NodeType {
  const stated = Array.isArray(node['type']) ? node['type'].map(textOf) : [textOf(node['type'])];
  const types = stated.filter((type) => type !== undefined && type !== 'null');
  const isNullable = stated.includes('null') || node['nullable'] === true || listOf(node['enum']).includes(null);
  if (types.length > 1) return { type: undefined, isNullable, alternatives: types.map((type) => ({ ...(type === 'array' && isRecord(node['items']) ? { items: node['items'] } : {}), type })) };
  const implied = isRecord(node['properties']) ? 'object' : node['items'] === undefined ? undefined : 'array';
  return { type: types[0] ?? implied, isNullable, alternatives: undefined };
}

/** `enum` lists texts there; other values become texts only where the type is text, else they are told. */
function writeValues(node: JsonRecord, out: Record<string, unknown>): void {
  const values = node['const'] === undefined ? (Array.isArray(node['enum']) ? node['enum'] : undefined) : [node['const']];
  if (values === undefined) return;
  const texts = values.filter((value) => value !== null);
  if (texts.length < values.length) out['nullable'] = true;
  if (texts.length === 0) return;
  if (texts.every((value) => typeof value === 'string')) {
    out['enum'] = texts;
    out['type'] ??= 'STRING';
    return;
  }
  delete out['enum'];
  out['description'] = describe(out['description'], `One of ${JSON.stringify(values)}.`);
  out['type'] ??= typeof texts[0] === 'boolean' ? 'BOOLEAN' : 'NUMBER';
}

function unionOf(node: JsonRecord): readonly unknown[] | undefined {
  for (const name of ['anyOf', 'oneOf']) if (Array.isArray(node[name])) return listOf(node[name]);
  return undefined;
}

function writeUnion(alternatives: readonly unknown[], next: (each: unknown) => JsonRecord, out: Record<string, unknown>): void {
  const isNull = (each: unknown): boolean => isRecord(each) && (each['type'] === 'null' || each['const'] === null);
  const rest = alternatives.filter((each) => !isNull(each)).map(next);
  if (rest.length < alternatives.length) out['nullable'] = true;
  const [only] = rest;
  if (rest.length === 1 && only !== undefined) Object.assign(out, { ...only, ...(out['description'] === undefined ? {} : { description: out['description'] }) });
  else if (rest.length > 1) out['anyOf'] = rest;
}

/** Keywords that narrow a value and have no word there. */
const told = ['exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'uniqueItems', 'not', 'contains', 'prefixItems', 'patternProperties', 'propertyNames', 'dependentRequired', 'dependentSchemas', 'if', 'then', 'else', 'contentEncoding', 'contentMediaType'] as const;

function tellRest(node: JsonRecord, out: Record<string, unknown>): void {
  const rest = told.flatMap((name) => (node[name] === undefined || node[name] === false ? [] : [`${name}: ${JSON.stringify(node[name])}`]));
  if (isRecord(node['additionalProperties'])) rest.push(`further properties: ${JSON.stringify(node['additionalProperties'])}`);
  if (rest.length > 0) out['description'] = describe(out['description'], `(${rest.join('; ')})`);
}

function describe(before: unknown, more: string): string {
  return typeof before === 'string' && before !== '' ? `${before} ${more}` : more;
}
