import { floorOf, isAnyNumber, isGreater, isWhole, numberFromText, textOfNumber, type ExactNumber } from './exact-json.ts';
import { isRecord, listOf, textOf, type JsonRecord } from './json.ts';
import { mergeSchemas, simplifySchema, unrollSchema, withoutKeys } from './schema-references.ts';

/*
 * Gemini's `Schema`, a subset of OpenAPI 3.0's, and JSON Schema. https://ai.google.dev/api/caching#Schema
 */

type TypeName = 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object' | 'null';

const typeNames: ReadonlySet<unknown> = new Set<TypeName>(['string', 'number', 'integer', 'boolean', 'array', 'object', 'null']);
const numbers = ['minimum', 'maximum'] as const;
/** Keywords of Gemini's own, by the type they narrow. Whole numbers are written as text there. */
const own: Readonly<Record<TypeName, readonly string[]>> = {
  string: ['pattern', 'minLength', 'maxLength'],
  number: numbers,
  integer: numbers,
  boolean: [],
  array: ['minItems', 'maxItems'],
  object: ['minProperties', 'maxProperties', 'propertyOrdering'],
  null: [],
};
const formats: Readonly<Partial<Record<TypeName, ReadonlySet<unknown>>>> = {
  string: new Set(['date-time', 'date', 'email', 'byte', 'password']),
  number: new Set(['float', 'double']),
  integer: new Set(['int32', 'int64']),
};
/** What is written by other means, or says nothing of a value. */
const handled: ReadonlySet<string> = new Set([
  'type', 'enum', 'anyOf', 'oneOf', 'title', 'description', 'default', 'example', 'examples', 'format', 'nullable', 'properties', 'required', 'items', 'prefixItems', 'additionalProperties', 'exclusiveMinimum', 'exclusiveMaximum', '$schema', '$id',
  '$anchor', '$comment', '$defs', 'definitions', 'deprecated', 'readOnly', 'writeOnly', ...Object.values(own).flat(),
]);
/** Types that a keyword speaks of, for schemas that name none. */
const implied: readonly (readonly [TypeName, readonly string[]])[] = [
  ['object', ['properties', 'required', 'patternProperties', 'propertyNames', 'minProperties', 'maxProperties', 'additionalProperties', 'dependentRequired']],
  ['array', ['items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'contains']],
  ['string', ['pattern', 'minLength', 'maxLength', 'contentEncoding', 'contentMediaType']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
];

/** JSON Schema as a `Schema`. What that has no keyword for is written into the description, where the model reads it. */
export function toGeminiSchema(schema: JsonRecord): JsonRecord {
  return encodeNode(unrollSchema(schema, (reference) => ({ type: 'object', description: `Of the same form as ${nameOfReference(reference)}.` })));
}

/** Parameters of a function as a `Schema`; always an object. */
export function toGeminiParameters(parameters: JsonRecord | undefined): JsonRecord {
  return toGeminiSchema(parameters === undefined ? { type: 'object', properties: {} } : asObject(simplifySchema(parameters)));
}

/**
 * Parameters as an object without alternatives at its top: theirs are merged into one that allows each of them, and the description
 * tells which belong together.
 */
export function asObject(schema: JsonRecord): JsonRecord {
  const alternatives = [...listOf(schema['anyOf']), ...listOf(schema['oneOf'])].filter(isRecord);
  const rest = withoutKeys(schema, ['anyOf', 'oneOf']);
  if (alternatives.length === 0) return schema['type'] === 'object' ? schema : { ...rest, type: 'object' };
  const properties = new Map([rest, ...alternatives].flatMap((each) => (isRecord(each['properties']) ? Object.entries(each['properties']) : [])));
  const [first, ...others] = alternatives.map((each) => listOf(each['required']));
  const required = new Set([...listOf(rest['required']), ...(first ?? []).filter((name) => others.every((names) => names.includes(name)))]);
  const told = alternatives.map((each) => JSON.stringify(withoutKeys(each, ['properties', 'type', 'additionalProperties']))).join(' or ');
  return {
    ...withoutKeys(rest, ['additionalProperties']),
    type: 'object',
    ...(properties.size === 0 ? {} : { properties: Object.fromEntries(properties) }),
    ...(required.size === 0 ? {} : { required: [...required] }),
    description: join([textOf(rest['description']), `(${told})`]),
  };
}

function nameOfReference(reference: string): string {
  return reference === '#' ? 'the whole' : (reference.split('/').at(-1) ?? reference);
}

function encodeNode(node: unknown): JsonRecord {
  if (!isRecord(node)) return anyValue(undefined, true);
  const alternatives = alternativesOf(node);
  if (alternatives !== undefined) return encodeUnion(node, alternatives);
  const [type, ...more] = typesOf(node);
  const isNullable = isNullableNode(node);
  if (more.length > 0) return unite([type, ...more].map((each) => encodeTyped(withoutKeys(node, ['description']), each, isNullable)), textOf(node['description']));
  return encodeTyped(node, type, isNullable);
}

/** `anyOf`, or `oneOf`, which is read alike. */
function alternativesOf(node: JsonRecord): readonly unknown[] | undefined {
  return Array.isArray(node['anyOf']) ? listOf(node['anyOf']) : Array.isArray(node['oneOf']) ? listOf(node['oneOf']) : undefined;
}

/** What stands beside the alternatives goes into each, since nothing may stand there. */
function encodeUnion(node: JsonRecord, alternatives: readonly unknown[]): JsonRecord {
  const beside = withoutKeys(node, ['anyOf', ...(Array.isArray(node['anyOf']) ? [] : ['oneOf']), 'description', 'title', 'default', 'nullable']);
  const isNull = (each: unknown): boolean => isRecord(each) && (each['type'] === 'null' || (Array.isArray(each['enum']) && each['enum'].every((value: unknown) => value === null)));
  const rest = alternatives.filter((each) => !isNull(each)).map((each) => (isRecord(each) ? (mergeSchemas(beside, each) ?? each) : beside));
  if (rest.length === 0) return { type: 'NULL' };
  const isNullable = rest.length < alternatives.length || node['nullable'] === true;
  const encoded = rest.map(encodeNode).map((each) => (isNullable ? nullable(each) : each));
  return unite(encoded, textOf(node['description']));
}

/** `anyOf` stands alone on its node; what describes all stands on the first. */
function unite(alternatives: readonly JsonRecord[], description: string | undefined): JsonRecord {
  const [first = {}, ...others] = alternatives;
  const described = describe(first, description, true);
  return others.length === 0 ? described : { anyOf: [described, ...others] };
}

function nullable(schema: JsonRecord): JsonRecord {
  return Array.isArray(schema['anyOf']) ? { anyOf: listOf(schema['anyOf']).map((each) => (isRecord(each) ? nullable(each) : each)) } : { ...schema, nullable: true };
}

function describe(schema: JsonRecord, text: string | undefined, isBefore: boolean): JsonRecord {
  if (text === undefined || text === '') return schema;
  const { anyOf } = schema;
  if (Array.isArray(anyOf)) return { anyOf: listOf(anyOf).map((each, index) => (index === 0 && isRecord(each) ? describe(each, text, isBefore) : each)) };
  const before = textOf(schema['description']);
  return { ...schema, description: join(isBefore ? [text, before] : [before, text]) };
}

function join(texts: readonly (string | undefined)[]): string {
  return texts.filter((text) => text !== undefined && text !== '').join(' ');
}

/** Undefined as the one type: any value. */
function typesOf(node: JsonRecord): readonly (TypeName | undefined)[] {
  const stated = (Array.isArray(node['type']) ? listOf(node['type']) : [node['type']]).map((type) => (typeof type === 'string' ? type.toLowerCase() : type));
  const types = stated.filter(isTypeName).filter((type) => type !== 'null');
  if (types.length > 0) return types;
  if (stated.includes('null')) return ['null'];
  const values = listOf(node['enum']).filter((value) => value !== null);
  if (values.length > 0) return [...new Set(values.map(typeOfValue))];
  return [implied.find(([, keywords]) => keywords.some((name) => node[name] !== undefined))?.[0]];
}

function isTypeName(value: unknown): value is TypeName {
  return typeNames.has(value);
}

function typeOfValue(value: unknown): TypeName {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'boolean';
  if (isAnyNumber(value)) return isWhole(value) ? 'integer' : 'number';
  return Array.isArray(value) ? 'array' : 'object';
}

function isNullableNode(node: JsonRecord): boolean {
  const types = Array.isArray(node['type']) ? listOf(node['type']) : [];
  return node['nullable'] === true || (types.includes('null') && types.length > 1) || (listOf(node['enum']).includes(null) && types.length === 0);
}

function encodeTyped(node: JsonRecord, type: TypeName | undefined, isNullable: boolean): JsonRecord {
  if (type === undefined) return describe(anyValue(textOf(node['description']), isNullable || node['enum'] === undefined), tell(node, undefined), false);
  const kept = own[type].flatMap((name) => (node[name] === undefined ? [] : [[name, /^(?:min|max)imum$/.test(name) ? node[name] : (textOfNumber(node[name]) ?? node[name])] as const]));
  const hasFormat = formats[type]?.has(node['format']) === true;
  const members: JsonRecord = {
    type: type.toUpperCase(),
    ...(isNullable ? { nullable: true } : {}),
    ...Object.fromEntries((['title', 'description', 'default'] as const).flatMap((name) => (node[name] === undefined ? [] : [[name, node[name]]]))),
    ...exampleOf(node),
    ...(hasFormat ? { format: node['format'] } : {}),
    ...Object.fromEntries(kept),
    ...encodeBounds(node, type),
    ...encodeValues(node, type),
    ...(type === 'object' ? encodeProperties(node) : {}),
    ...(type === 'array' ? encodeItems(node) : {}),
  };
  return describe(members, tell(node, type), false);
}

function exampleOf({ example, examples }: JsonRecord): JsonRecord {
  const value = example ?? listOf(examples)[0];
  return value === undefined ? {} : { example: value };
}

/** Of whole numbers the next one is the bound. */
function encodeBounds(node: JsonRecord, type: TypeName): JsonRecord {
  if (type !== 'integer') return {};
  const { exclusiveMinimum, exclusiveMaximum, minimum, maximum } = node;
  const [above, below] = [nextWhole(exclusiveMinimum, 1n), nextWhole(exclusiveMaximum, -1n)];
  return {
    ...(above === undefined ? {} : { minimum: isAnyNumber(minimum) && isGreater(minimum, above) ? minimum : above }),
    ...(below === undefined ? {} : { maximum: isAnyNumber(maximum) && isGreater(below, maximum) ? maximum : below }),
  };
}

function nextWhole(bound: unknown, step: 1n | -1n): number | ExactNumber | undefined {
  const floor = isAnyNumber(bound) ? floorOf(bound) : undefined;
  if (floor === undefined || !isAnyNumber(bound)) return undefined;
  return numberFromText(String(step === 1n || isWhole(bound) ? floor + step : floor));
}

/** Values are written as text; of numbers that are not whole, and of truths, the description tells. */
function encodeValues(node: JsonRecord, type: TypeName): JsonRecord {
  const values = listOf(node['enum']).filter((value) => typeOfValue(value) === type);
  if (values.length === 0) return {};
  if (type === 'string') return { enum: values };
  return type === 'integer' ? { format: 'enum', enum: values.map((value) => textOfNumber(value)) } : {};
}

function encodeProperties(node: JsonRecord): JsonRecord {
  const properties = isRecord(node['properties']) ? Object.entries(node['properties']).filter(([, schema]) => schema !== false) : undefined;
  if (properties === undefined) return {};
  const names = new Set(properties.map(([name]) => name));
  const required = listOf(node['required']).filter((name) => typeof name === 'string' && names.has(name));
  return { properties: Object.fromEntries(properties.map(([name, schema]) => [name, encodeNode(schema)])), ...(required.length === 0 ? {} : { required }) };
}

/** Every list must say of what. A list with a schema a place becomes one of any of them, as long. */
function encodeItems(node: JsonRecord): JsonRecord {
  const places = Array.isArray(node['prefixItems']) ? listOf(node['prefixItems']) : listOf(node['items']);
  if (places.length === 0) return { items: encodeNode(node['items']) };
  const further = isRecord(node['prefixItems']) || Array.isArray(node['items']) ? undefined : node['items'];
  const kinds = [...places, ...(isRecord(further) ? [further] : [])].map(encodeNode);
  const distinct = [...new Map(kinds.map((kind) => [JSON.stringify(kind), kind])).values()];
  return { items: unite(distinct, undefined), ...(further === false && node['maxItems'] === undefined ? { maxItems: String(places.length) } : {}) };
}

/** A type must be named, so any of them is. */
function anyValue(description: string | undefined, isNullable: boolean): JsonRecord {
  const alternatives: readonly JsonRecord[] = [{ type: 'STRING' }, { type: 'NUMBER' }, { type: 'BOOLEAN' }, { type: 'OBJECT' }, { type: 'ARRAY', items: { type: 'STRING' } }];
  const union = unite(alternatives, join([description, 'Any value.']));
  return isNullable ? nullable(union) : union;
}

/** Keywords that have no place in a `Schema` of the type, as a remark. */
function tell(node: JsonRecord, type: TypeName | undefined): string | undefined {
  const told = Object.entries(node).filter(([name, value]) => !handled.has(name) && value !== undefined);
  const add = (name: string, isTold: boolean): void => void (isTold && told.push([name, node[name]]));
  add('format', node['format'] !== undefined && node['format'] !== 'enum' && (type === undefined || formats[type]?.has(node['format']) !== true) && (type === undefined || type in formats));
  for (const name of ['exclusiveMinimum', 'exclusiveMaximum']) add(name, node[name] !== undefined && (type === 'number' || type === undefined));
  add('enum', Array.isArray(node['enum']) && type !== 'string' && type !== 'integer');
  add('additionalProperties', type === 'object' && isRecord(node['additionalProperties']));
  add('prefixItems', type === 'array' && Array.isArray(node['prefixItems']));
  add('items', type === 'array' && Array.isArray(node['items']));
  return told.length === 0 ? undefined : `(${told.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ')})`;
}

/** Whole numbers that the API writes as text. */
const counts: ReadonlySet<string> = new Set(['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties']);

/**
 * A `Schema` as JSON Schema. Names in either spelling; what is JSON Schema already stays as it is.
 */
export function fromGeminiSchema(schema: unknown): JsonRecord {
  if (!isRecord(schema)) return {};
  const members = new Map(Object.entries(schema).map(([name, value]) => [name.startsWith('$') ? name : camelCase(name), value]));
  const type = textOf(members.get('type'))?.toLowerCase();
  const order = listOf(members.get('propertyOrdering'));
  const isEnum = textOf(members.get('format')) === 'enum';
  const out = new Map<string, unknown>();
  for (const [name, value] of members) {
    if (name === 'nullable' || name === 'propertyOrdering' || (name === 'format' && isEnum)) continue;
    const [named, read] = readMember(name, value, type, order);
    if (read !== undefined) out.set(named, read);
  }
  const plain = Object.fromEntries(out);
  return members.get('nullable') === true ? withNull(plain) : plain;
}

function readMember(name: string, value: unknown, type: string | undefined, order: readonly unknown[]): readonly [string, unknown] {
  switch (name) {
    case 'type':
      return [name, typeof value === 'string' ? (type === 'type_unspecified' ? undefined : type) : value];
    case 'properties':
      return [name, isRecord(value) ? readMap(inOrder(value, order)) : value];
    case 'defs':
    case '$defs':
    case 'definitions':
      return [name === 'defs' ? '$defs' : name, isRecord(value) ? readMap(value) : value];
    case 'ref':
      return ['$ref', textOf(value)?.replace(/^#\/defs\//, '#/$defs/')];
    case 'items':
    case 'additionalProperties':
      return [name, isRecord(value) ? fromGeminiSchema(value) : value];
    case 'anyOf':
    case 'oneOf':
    case 'allOf':
    case 'prefixItems':
      return [name, listOf(value).map(fromGeminiSchema)];
    case 'enum':
      return [name, readValues(listOf(value), type)];
    case 'example':
      return ['examples', [value]];
    default:
      return [name, counts.has(name) && typeof value === 'string' ? Number(value) : value];
  }
}

function readMap(map: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.entries(map).map(([name, schema]) => [name, fromGeminiSchema(schema)]));
}

/** JSON Schema has no word for the order; it is that of the properties themselves. */
function inOrder(properties: JsonRecord, order: readonly unknown[]): JsonRecord {
  const place = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return order.length === 0 ? properties : Object.fromEntries(Object.entries(properties).sort(([a], [b]) => place(a) - place(b)));
}

/** Values of every type are written as text there. */
function readValues(values: readonly unknown[], type: string | undefined): readonly unknown[] {
  if (type !== 'integer' && type !== 'number') return values;
  return values.map((value) => (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)) ? (numberFromText(value.trim()) ?? Number(value)) : value));
}

function withNull(schema: JsonRecord): JsonRecord {
  const { type } = schema;
  if (Object.keys(schema).length === 0) return schema;
  if (typeof type === 'string') return { ...schema, type: [type, 'null'], ...(Array.isArray(schema['enum']) ? { enum: [...listOf(schema['enum']), null] } : {}) };
  if (Array.isArray(schema['anyOf'])) return { ...schema, anyOf: [...listOf(schema['anyOf']), { type: 'null' }] };
  const { description } = schema;
  return { ...(description === undefined ? {} : { description }), anyOf: [withoutKeys(schema, ['description']), { type: 'null' }] };
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
