import { isRecord, listOf, textOf, type JsonRecord } from '../ir/json.ts';

/** A schema in the form that constrained decoding takes, with what its limits count. */
export interface ClosedSchema {
  readonly schema: JsonRecord;
  readonly optionalProperties: number;
  readonly unions: number;
}

interface Tally {
  optionalProperties: number;
  unions: number;
  isLossy: boolean;
}

const formats: ReadonlySet<string> = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid']);
const kept = ['title', 'description', 'default', 'const', 'enum', 'type', 'required'] as const;
/** Limits that decoding does not enforce; the model is told them. */
const told = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength', 'pattern', 'minItems', 'maxItems', 'uniqueItems', 'minProperties', 'maxProperties', 'format', 'not'] as const;
/** Keywords without which a schema says something else. */
const inexpressible = ['patternProperties', 'prefixItems', 'if', 'dependentSchemas', 'contains', 'propertyNames', 'unevaluatedProperties', '$dynamicRef'] as const;

/**
 * Closes every object that has properties, since decoding wants `additionalProperties: false`, and writes limits it cannot
 * enforce into descriptions. Undefined where closing would change what the schema is for: maps and other open objects,
 * anything without a type, and schemas that contain themselves.
 * @see https://platform.claude.com/docs/en/build-with-claude/structured-outputs
 */
export function closeSchema(schema: JsonRecord): ClosedSchema | undefined {
  if (hasCycle(schema)) return undefined;
  const tally: Tally = { optionalProperties: 0, unions: 0, isLossy: false };
  const closed = closeNode(schema, tally);
  if (tally.isLossy || !isRecord(closed)) return undefined;
  return { schema: closed, optionalProperties: tally.optionalProperties, unions: tally.unions };
}

function closeNode(node: unknown, tally: Tally): unknown {
  if (!isRecord(node)) {
    tally.isLossy = true;
    return node;
  }
  const closed: Record<string, unknown> = {};
  for (const name of ['$defs', 'definitions']) if (isRecord(node[name])) closed[name] = closeEach(node[name], tally);
  if (textOf(node['$ref']) !== undefined) return { ...closed, $ref: node['$ref'] };
  for (const name of kept) if (node[name] !== undefined) closed[name] = node[name];
  closeAlternatives(node, closed, tally);
  if (typesOf(node).includes('object') || isRecord(node['properties'])) closeObject(node, closed, tally);
  if (isRecord(node['items'])) closed['items'] = closeNode(node['items'], tally);
  else if (node['items'] !== undefined) tally.isLossy = true;
  if (inexpressible.some((name) => node[name] !== undefined) || !['type', 'enum', 'const', 'anyOf', 'allOf'].some((name) => closed[name] !== undefined)) tally.isLossy = true;
  tellLimits(node, closed);
  return closed;
}

function closeEach(nodes: JsonRecord, tally: Tally): JsonRecord {
  return Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, closeNode(node, tally)]));
}

function closeAlternatives(node: JsonRecord, closed: Record<string, unknown>, tally: Tally): void {
  const alternatives = node['anyOf'] ?? node['oneOf'];
  if (Array.isArray(alternatives)) closed['anyOf'] = alternatives.map((each) => closeNode(each, tally));
  if (Array.isArray(node['allOf'])) closed['allOf'] = node['allOf'].map((each) => closeNode(each, tally));
  if (Array.isArray(alternatives) || typesOf(node).length > 1) tally.unions++;
}

function closeObject(node: JsonRecord, closed: Record<string, unknown>, tally: Tally): void {
  const { properties, additionalProperties } = node;
  const isOpen = additionalProperties === true || isRecord(additionalProperties) || (!isRecord(properties) && additionalProperties !== false);
  if (isOpen) tally.isLossy = true;
  if (isRecord(properties)) {
    const required = new Set(listOf(node['required']));
    tally.optionalProperties += Object.keys(properties).filter((name) => !required.has(name)).length;
    closed['properties'] = closeEach(properties, tally);
  }
  closed['additionalProperties'] = false;
}

function tellLimits(node: JsonRecord, closed: Record<string, unknown>): void {
  const limits = told.flatMap((name) => {
    const value = node[name];
    if (value === undefined) return [];
    if ((name === 'format' && typeof value === 'string' && formats.has(value)) || (name === 'minItems' && (value === 0 || value === 1))) {
      closed[name] = value;
      return [];
    }
    return [`${name}: ${JSON.stringify(value)}`];
  });
  if (limits.length > 0) closed['description'] = [textOf(node['description']), `(${limits.join(', ')})`].filter((text) => text !== undefined).join(' ');
}

function typesOf(node: JsonRecord): readonly unknown[] {
  const { type } = node;
  return Array.isArray(type) ? type : [type];
}

/** Whether following references leads back to where one came from, or nowhere. */
function hasCycle(root: JsonRecord): boolean {
  const done = new Set<string>();
  const visit = (reference: string, open: ReadonlySet<string>): boolean => {
    if (open.has(reference)) return true;
    if (done.has(reference)) return false;
    const found = resolve(root, reference);
    if (found === undefined) return true;
    const within = new Set([...open, reference]);
    const isCyclic = referencesIn(found).some((each) => visit(each, within));
    done.add(reference);
    return isCyclic;
  };
  return referencesIn(root).some((each) => visit(each, new Set(['#'])));
}

function referencesIn(node: unknown): readonly string[] {
  if (Array.isArray(node)) return node.flatMap(referencesIn);
  if (!isRecord(node)) return [];
  const own = textOf(node['$ref']);
  return [...(own === undefined ? [] : [own]), ...Object.values(node).flatMap(referencesIn)];
}

function resolve(root: JsonRecord, reference: string): unknown {
  if (!reference.startsWith('#/')) return undefined;
  let node: unknown = root;
  for (const step of reference.slice(2).split('/')) node = isRecord(node) ? node[step.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined;
  return node;
}
