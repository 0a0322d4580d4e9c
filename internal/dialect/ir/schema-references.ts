import { isDeepStrictEqual } from 'node:util';
import { isAnyNumber, isGreater, type ExactNumber } from './exact-json.ts';
import { isRecord, listOf, textOf, type JsonRecord } from './json.ts';

/*
 * JSON Schema without what few vendors follow: references are copied in, `allOf` is merged, `const` is an `enum` of one. Nothing
 * that narrows a value is lost by it.
 */

/** A small document can describe an enormous tree; beyond this many nodes references stay references. */
const maxCopiedNodes = 5_000;
/** So much is looked at to find out which references lead back to themselves. */
const maxVisitedNodes = 200_000;

const single: ReadonlySet<string> = new Set(['items', 'additionalItems', 'additionalProperties', 'unevaluatedItems', 'unevaluatedProperties', 'contains', 'propertyNames', 'not', 'if', 'then', 'else', 'contentSchema']);
const lists: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems']);
const maps: ReadonlySet<string> = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions']);
/** Said of a schema, not of its values: where two speak, the nearer one is heard. */
const annotations: ReadonlySet<string> = new Set(['description', 'title', 'default', 'examples', '$comment', 'deprecated', 'readOnly', 'writeOnly']);

/** The same schema; what contains itself stays a reference, with its definition below `$defs`. */
export function simplifySchema(schema: JsonRecord): JsonRecord {
  const left = new Set<string>();
  const copy = createCopier(schema, (reference) => {
    left.add(reference);
    return { $ref: reference.replace(/^#\/definitions\//, '#/$defs/') };
  });
  const simple = copy(withoutKeys(schema, ['$schema', '$defs', 'definitions']));
  const definitions = new Map<string, JsonRecord>();
  // Copying a definition may leave further references, which the set then holds too.
  for (const reference of left) {
    const [, place, name] = /^#\/(\$defs|definitions)\/([^/]+)/.exec(reference) ?? [];
    const found = place === undefined || name === undefined || definitions.has(name) ? undefined : resolve(schema, `#/${place}/${name}`);
    if (name !== undefined && isRecord(found)) definitions.set(name, copy(found));
  }
  return definitions.size === 0 ? simple : { ...simple, $defs: Object.fromEntries(definitions) };
}

/** As above without any reference: `stub` stands for what contains itself, or is not to be found. */
export function unrollSchema(schema: JsonRecord, stub: (reference: string) => JsonRecord): JsonRecord {
  return createCopier(schema, stub)(withoutKeys(schema, ['$schema', '$defs', 'definitions']));
}

function createCopier(root: JsonRecord, stub: (reference: string) => JsonRecord): (node: JsonRecord) => JsonRecord {
  const isCyclic = createCycleTest(root);
  let copied = 0;

  const copyAny = (node: unknown): unknown => (isRecord(node) ? copy(node) : Array.isArray(node) ? node.map(copyAny) : node);
  const copyMember = (name: string, value: unknown): unknown => {
    if (single.has(name) || lists.has(name)) return copyAny(value);
    return maps.has(name) && isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copyAny(each)])) : value;
  };
  const copy = (node: JsonRecord): JsonRecord => {
    copied++;
    const reference = textOf(node['$ref']);
    if (reference !== undefined) return follow(reference, withoutKeys(node, ['$ref']));
    const members = Object.entries(node).map(([name, value]) => [name, copyMember(name, value)] as const);
    return withEnum(withoutAllOf(Object.fromEntries(members)));
  };
  const follow = (reference: string, beside: JsonRecord): JsonRecord => {
    const found = copied > maxCopiedNodes || isCyclic(reference) ? undefined : resolve(root, reference);
    const target = isRecord(found) ? copy(found) : stub(reference);
    const own = copy(beside);
    if (Object.keys(own).length === 0) return target;
    // Gemini takes nothing beside a reference.
    if ('$ref' in target) return { ...own, anyOf: [target] };
    return mergeSchemas(withoutKeys(target, Object.keys(own).filter((name) => annotations.has(name))), own) ?? { allOf: [target, own] };
  };
  return copy;
}

/** Whether following references from one leads back to it. Where that takes too long to tell, it counts as doing so. */
function createCycleTest(root: JsonRecord): (reference: string) => boolean {
  const answers = new Map<string, boolean>();
  const targets = new Map<string, readonly string[]>();
  let visited = 0;

  const referencesIn = (node: unknown): readonly string[] => {
    if (visited++ > maxVisitedNodes || typeof node !== 'object' || node === null) return [];
    const own = isRecord(node) ? textOf(node['$ref']) : undefined;
    return [...(own === undefined ? [] : [own]), ...Object.values(node).flatMap(referencesIn)];
  };
  const targetsOf = (reference: string): readonly string[] => {
    const found = targets.get(reference) ?? referencesIn(resolve(root, reference));
    targets.set(reference, found);
    return found;
  };
  const leadsBack = (reference: string): boolean => {
    const reached = new Set<string>();
    const open = [reference];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const each of targetsOf(next)) {
        if (each === reference || reference.startsWith(`${each}/`) || each === '#') return true;
        if (!reached.has(each)) open.push(each);
        reached.add(each);
      }
      visited += reached.size;
      if (visited > maxVisitedNodes) return true;
    }
    return false;
  };
  return (reference) => {
    const answer = answers.get(reference) ?? leadsBack(reference);
    answers.set(reference, answer);
    return answer;
  };
}

/** RFC 6901, in a fragment. */
function resolve(root: JsonRecord, reference: string): unknown {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return undefined;
  let node: unknown = root;
  for (const step of reference.slice(2).split('/')) {
    const name = decodeStep(step);
    node = Array.isArray(node) ? node[Number(name)] : isRecord(node) && Object.hasOwn(node, name) ? node[name] : undefined;
  }
  return node;
}

function decodeStep(step: string): string {
  const plain = step.replaceAll('~1', '/').replaceAll('~0', '~');
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}

function withEnum(schema: JsonRecord): JsonRecord {
  return 'const' in schema ? { ...withoutKeys(schema, ['const']), enum: [schema['const']] } : schema;
}

/** `allOf` stays where its parts contradict each other, or both offer alternatives. */
function withoutAllOf(schema: JsonRecord): JsonRecord {
  if (!Array.isArray(schema['allOf'])) return schema;
  let merged: JsonRecord | undefined = {};
  for (const part of [...listOf(schema['allOf']), withoutKeys(schema, ['allOf'])]) merged = merged === undefined || !isRecord(part) || '$ref' in part ? undefined : mergeSchemas(merged, part);
  return merged ?? schema;
}

/** One schema for what is valid against both; undefined where that cannot be said by one. */
export function mergeSchemas(a: JsonRecord, b: JsonRecord): JsonRecord | undefined {
  const merged = new Map(Object.entries(a));
  for (const [name, value] of Object.entries(b)) {
    const before = merged.get(name);
    const both = before === undefined || isDeepStrictEqual(before, value) ? value : mergeMember(name, before, value);
    if (both === undefined) return undefined;
    merged.set(name, both);
  }
  return Object.fromEntries(merged);
}

function mergeMember(name: string, a: unknown, b: unknown): unknown {
  switch (name) {
    case 'properties':
    case 'patternProperties':
      return isRecord(a) && isRecord(b) ? mergeMaps(a, b) : undefined;
    case 'items':
      return isRecord(a) && isRecord(b) ? mergeSchemas(a, b) : undefined;
    case 'additionalProperties':
      return mergeFurther(a, b);
    case 'required':
      return [...new Set([...listOf(a), ...listOf(b)])];
    case 'type':
      return mergeTypes(a, b);
    case 'enum': {
      const values = listOf(a).filter((value) => listOf(b).some((other) => isDeepStrictEqual(value, other)));
      return values.length === 0 ? undefined : values;
    }
    case 'description':
      return `${textOf(a) ?? JSON.stringify(a)} ${textOf(b) ?? JSON.stringify(b)}`;
    default:
      return annotations.has(name) ? b : mergeBounds(name, a, b);
  }
}

function mergeMaps(a: JsonRecord, b: JsonRecord): JsonRecord | undefined {
  const merged = new Map(Object.entries(a));
  for (const [name, value] of Object.entries(b)) {
    const before = merged.get(name);
    const both = before === undefined ? value : isRecord(before) && isRecord(value) ? mergeSchemas(before, value) : undefined;
    if (both === undefined) return undefined;
    merged.set(name, both);
  }
  return Object.fromEntries(merged);
}

function mergeFurther(a: unknown, b: unknown): unknown {
  if (a === false || b === false) return false;
  if (a === true || b === true) return a === true ? b : a;
  return isRecord(a) && isRecord(b) ? mergeSchemas(a, b) : undefined;
}

function mergeTypes(a: unknown, b: unknown): unknown {
  const [first, second] = [a, b].map((type) => (Array.isArray(type) ? type : [type]));
  const shared = (first ?? []).filter((type) => second?.includes(type) === true || (type === 'integer' && second?.includes('number') === true));
  const narrowed = (second ?? []).filter((type) => type === 'integer' && first?.includes('number') === true && !shared.includes(type));
  const types = [...shared, ...narrowed];
  return types.length <= 1 ? types[0] : types;
}

function mergeBounds(name: string, a: unknown, b: unknown): number | ExactNumber | undefined {
  if (!isAnyNumber(a) || !isAnyNumber(b)) return undefined;
  if (/^(?:min|exclusiveMin)/.test(name)) return isGreater(a, b) ? a : b;
  return /^(?:max|exclusiveMax)/.test(name) ? (isGreater(a, b) ? b : a) : undefined;
}

export function withoutKeys(record: JsonRecord, names: readonly string[]): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));
}
