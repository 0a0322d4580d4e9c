import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asObject, fromGeminiSchema, toGeminiParameters, toGeminiSchema } from '../../../internal/dialect/ir/json-schema.ts';
import type { JsonRecord } from '../../../internal/dialect/ir/json.ts';
import { mergeSchemas, simplifySchema } from '../../../internal/dialect/ir/schema-references.ts';

const tree = { type: 'object', properties: { value: { type: 'string' }, next: { $ref: '#/$defs/Node' } } };

describe('a simplified schema says the same without pointing elsewhere', () => {
  it('references are copied in, and what stands beside one is heard', () => {
    const schema = { $schema: 'x', type: 'object', properties: { a: { $ref: '#/$defs/A', description: 'near', minLength: 2 }, b: { $ref: '#/definitions/B%20c' }, d: { $ref: '#/$defs/x~1y' } }, $defs: { A: { type: 'string', description: 'far', minLength: 1 }, 'x/y': true }, definitions: { 'B c': { type: 'array', items: { $ref: '#/$defs/A' } } } };
    expect(simplifySchema(schema)).toEqual({ type: 'object', properties: { a: { type: 'string', minLength: 2, description: 'near' }, b: { type: 'array', items: { type: 'string', description: 'far', minLength: 1 } }, d: { $ref: '#/$defs/x~1y' } } });
  });

  it('what contains itself stays a reference, alone on its node, with its definition', () => {
    const schema = { type: 'object', properties: { root: { $ref: '#/definitions/Node', description: 'The root.' }, plain: { $ref: '#/definitions/Leaf' } }, definitions: { Node: { type: 'object', properties: { next: { $ref: '#/definitions/Node' }, leaf: { $ref: '#/definitions/Leaf' } } }, Leaf: { type: 'number' } } };
    expect(simplifySchema(schema)).toEqual({
      type: 'object',
      properties: { root: { description: 'The root.', anyOf: [{ $ref: '#/$defs/Node' }] }, plain: { type: 'number' } },
      $defs: { Node: { type: 'object', properties: { next: { $ref: '#/$defs/Node' }, leaf: { type: 'number' } } } },
    });
  });

  it('a schema may contain itself by way of another, or of its own top', () => {
    const ring = { $ref: '#/$defs/A', $defs: { A: { properties: { b: { $ref: '#/$defs/B' } } }, B: { properties: { a: { $ref: '#/$defs/A' } } } } };
    expect(simplifySchema(ring)).toEqual({ $ref: '#/$defs/A', $defs: { A: { properties: { b: { $ref: '#/$defs/B' } } }, B: { properties: { a: { $ref: '#/$defs/A' } } } } });
    expect(simplifySchema({ properties: { self: { $ref: '#' } } })).toEqual({ properties: { self: { $ref: '#' } } });
  });

  it('allOf becomes one schema that is as narrow', () => {
    const schema = { allOf: [{ type: 'object', properties: { a: { type: 'number', minimum: 1 } }, required: ['a'] }, { properties: { a: { type: 'integer', minimum: 0, maximum: 9 }, b: { enum: [1, 2] } }, required: ['b'] }], properties: { b: { enum: [2, 3] } }, description: 'Both.' };
    expect(simplifySchema(schema)).toEqual({ type: 'object', properties: { a: { type: 'integer', minimum: 1, maximum: 9 }, b: { enum: [2] } }, required: ['a', 'b'], description: 'Both.' });
  });

  it('allOf stays where its parts cannot be said at once', () => {
    for (const schema of [{ allOf: [{ enum: [1] }, { enum: [2] }] }, { allOf: [{ anyOf: [{ type: 'string' }] }, { anyOf: [{ type: 'number' }] }] }, { allOf: [{ type: 'string' }, { type: 'number' }] }]) expect(simplifySchema(schema)).toEqual(schema);
  });

  it('a constant is a choice of one, and data that looks like a schema is data', () => {
    expect(simplifySchema({ const: null, default: { $ref: '#/x', const: 1 }, properties: { const: { const: 'a' }, $ref: { type: 'string' } } })).toEqual({ enum: [null], default: { $ref: '#/x', const: 1 }, properties: { const: { enum: ['a'] }, $ref: { type: 'string' } } });
  });

  it('a small document that describes an enormous tree is not copied out', () => {
    const $defs = Object.fromEntries(Array.from({ length: 40 }, (_, level) => [`L${level}`, level === 0 ? { type: 'string' } : { properties: { a: { $ref: `#/$defs/L${level - 1}` }, b: { $ref: `#/$defs/L${level - 1}` } } }]));
    const schema = { $ref: '#/$defs/L39', $defs };
    expect(JSON.stringify(simplifySchema(schema)).length).toBeLessThan(2_000_000);
    expect(JSON.stringify(toGeminiSchema(schema)).length).toBeLessThan(2_000_000);
  });

  it('allOf that leads back to itself ends', () => {
    const node = { $ref: '#/$defs/node' };
    const schema = { allOf: [node], $defs: { node: { type: 'object', properties: { next: { allOf: [node] } }, allOf: [node] } } };
    expect(JSON.stringify([simplifySchema(schema), toGeminiSchema(schema)]).length).toBeLessThan(4_000);
    expect(toGeminiSchema({ allOf: [{ allOf: [{ type: 'string' }] }] })).toEqual({ type: 'STRING' });
  });

  it('many references that lead everywhere are looked at for a moment only', () => {
    const names = Array.from({ length: 1_500 }, (_, index) => `D${index}`);
    const all = Object.fromEntries(names.map((name) => [name, { properties: Object.fromEntries(names.slice(0, 40).map((other) => [other, { $ref: `#/$defs/${other}` }])) }]));
    const before = performance.now();
    simplifySchema({ properties: Object.fromEntries(names.map((name) => [name, { $ref: `#/$defs/${name}` }])), $defs: all });
    expect(performance.now() - before).toBeLessThan(2_000);
  });

  it('no schema is changed by being read', () => {
    const schema = { type: 'object', properties: { a: { allOf: [{ type: 'string' }, { $ref: '#/$defs/x' }] } }, $defs: { x: { description: 'x' } } };
    const before = JSON.stringify(schema);
    expect([simplifySchema(schema), toGeminiSchema(schema)]).toHaveLength(2);
    expect(JSON.stringify(schema)).toBe(before);
  });

  it('merging is symmetric in what it allows', () => {
    expect(mergeSchemas({ additionalProperties: false }, { additionalProperties: { type: 'string' } })).toEqual({ additionalProperties: false });
    expect(mergeSchemas({ type: ['string', 'null'] }, { type: ['null', 'number'] })).toEqual({ type: 'null' });
    expect(mergeSchemas({ pattern: 'a' }, { pattern: 'b' })).toBeUndefined();
  });
});

describe('JSON Schema in Gemini’s own form', () => {
  it.each<[string, JsonRecord, JsonRecord]>([
    ['types in capitals, counts as text', { type: 'array', items: { type: 'integer', minimum: 1 }, minItems: 1, maxItems: 3 }, { type: 'ARRAY', items: { type: 'INTEGER', minimum: 1 }, minItems: '1', maxItems: '3' }],
    ['a type or null', { type: ['string', 'null'], minLength: 1 }, { type: 'STRING', nullable: true, minLength: '1' }],
    ['several types', { type: ['string', 'integer'], description: 'D', maxLength: 3, maximum: 9 }, { anyOf: [{ type: 'STRING', description: 'D', maxLength: '3' }, { type: 'INTEGER', maximum: 9 }] }],
    ['alternatives with null', { anyOf: [{ type: 'string' }, { type: 'null' }], description: 'D' }, { type: 'STRING', nullable: true, description: 'D' }],
    ['null among several', { oneOf: [{ type: 'string' }, { type: 'number' }, { type: 'null' }] }, { anyOf: [{ type: 'STRING', nullable: true }, { type: 'NUMBER', nullable: true }] }],
    ['what stands beside alternatives', { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } }, anyOf: [{ required: ['a'] }, { required: ['b'] }] }, { anyOf: [{ type: 'OBJECT', properties: { a: { type: 'STRING' }, b: { type: 'STRING' } }, required: ['a'] }, { type: 'OBJECT', properties: { a: { type: 'STRING' }, b: { type: 'STRING' } }, required: ['b'] }] }],
    ['choices of text', { enum: ['a', 'b'] }, { type: 'STRING', enum: ['a', 'b'] }],
    ['choices of numbers', { type: 'integer', enum: [1, 2] }, { type: 'INTEGER', format: 'enum', enum: ['1', '2'] }],
    ['choices of several types', { enum: ['a', 1, null] }, { anyOf: [{ type: 'STRING', nullable: true, enum: ['a'] }, { type: 'INTEGER', nullable: true, format: 'enum', enum: ['1'] }] }],
    ['a constant', { const: 'x' }, { type: 'STRING', enum: ['x'] }],
    ['a constant truth', { const: true }, { type: 'BOOLEAN', description: '(enum: [true])' }],
    ['formats it has', { type: 'string', format: 'date-time' }, { type: 'STRING', format: 'date-time' }],
    ['formats it has not', { type: 'string', format: 'uri', description: 'D' }, { type: 'STRING', description: 'D (format: "uri")' }],
    ['bounds that exclude whole numbers', { type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 10 }, { type: 'INTEGER', minimum: 1, maximum: 9 }],
    ['bounds that exclude others', { type: 'number', exclusiveMinimum: 0 }, { type: 'NUMBER', description: '(exclusiveMinimum: 0)' }],
    ['keywords it has not', { type: 'string', contentEncoding: 'base64', not: { enum: ['x'] } }, { type: 'STRING', description: '(contentEncoding: "base64", not: {"enum":["x"]})' }],
    ['maps', { type: 'object', additionalProperties: { type: 'number' } }, { type: 'OBJECT', description: '(additionalProperties: {"type":"number"})' }],
    ['closed objects', { type: 'object', properties: { a: { type: 'string' } }, required: ['a', 'gone'], additionalProperties: false }, { type: 'OBJECT', properties: { a: { type: 'STRING' } }, required: ['a'] }],
    ['examples', { type: 'string', examples: ['x', 'y'], default: 'z', title: 'T' }, { type: 'STRING', title: 'T', default: 'z', example: 'x' }],
    ['no type but what implies it', { properties: { a: { minimum: 1 } } }, { type: 'OBJECT', properties: { a: { type: 'NUMBER', minimum: 1 } } }],
    ['nothing but null', { type: 'null' }, { type: 'NULL' }],
  ])('%s', (_, schema, written) => {
    expect(toGeminiSchema(schema)).toEqual(written);
  });

  it('lists with a schema a place become lists of any of them, as long', () => {
    expect(toGeminiSchema({ type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], items: false })).toEqual({ type: 'ARRAY', items: { anyOf: [{ type: 'STRING' }, { type: 'NUMBER' }] }, maxItems: '2', description: '(prefixItems: [{"type":"string"},{"type":"number"}])' });
  });

  it('every list says of what, and every value has a type', () => {
    const any = { anyOf: [{ type: 'STRING', nullable: true, description: 'Any value.' }, { type: 'NUMBER', nullable: true }, { type: 'BOOLEAN', nullable: true }, { type: 'OBJECT', nullable: true }, { type: 'ARRAY', nullable: true, items: { type: 'STRING' } }] };
    expect(toGeminiSchema({ type: 'array' })).toEqual({ type: 'ARRAY', items: any });
    expect(toGeminiSchema({ type: 'object', properties: { a: true, b: false } })).toEqual({ type: 'OBJECT', properties: { a: any } });
  });

  it('a schema that contains itself ends where it does, and the model is told', () => {
    expect(toGeminiSchema({ ...tree, $defs: { Node: tree } })).toEqual({ type: 'OBJECT', properties: { value: { type: 'STRING' }, next: { type: 'OBJECT', description: 'Of the same form as Node.' } } });
  });

  it('parameters are one object', () => {
    expect(toGeminiParameters(undefined)).toEqual({ type: 'OBJECT', properties: {} });
    expect(toGeminiParameters({ oneOf: [{ type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }, { type: 'object', properties: { b: { type: 'string' } } }] })).toEqual({ type: 'OBJECT', description: '({"required":["a"]} or {})', properties: { a: { type: 'STRING' }, b: { type: 'STRING' } } });
    expect(asObject({ properties: {} })).toEqual({ properties: {}, type: 'object' });
  });
});

describe('Gemini’s own form as JSON Schema', () => {
  it.each<[string, unknown, JsonRecord]>([
    ['capitals and counts', { type: 'ARRAY', items: { type: 'STRING' }, min_items: '1', maxItems: 2 }, { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 2 }],
    ['nullable', { type: 'STRING', nullable: true, enum: ['a'] }, { type: ['string', 'null'], enum: ['a', null] }],
    ['nullable alternatives', { any_of: [{ type: 'STRING' }], nullable: true }, { anyOf: [{ type: 'string' }, { type: 'null' }] }],
    ['nullable without a type', { nullable: true }, {}],
    ['choices of numbers', { type: 'INTEGER', format: 'enum', enum: ['1', '2'] }, { type: 'integer', enum: [1, 2] }],
    ['an order', { type: 'OBJECT', properties: { a: { type: 'STRING' }, b: { type: 'STRING' } }, propertyOrdering: ['b', 'a'] }, { type: 'object', properties: { b: { type: 'string' }, a: { type: 'string' } } }],
    ['an example', { type: 'STRING', example: 'x' }, { type: 'string', examples: ['x'] }],
    ['no type', { type: 'TYPE_UNSPECIFIED', description: 'D' }, { description: 'D' }],
    ['references', { ref: '#/defs/A', defs: { A: { type: 'STRING' } } }, { $ref: '#/$defs/A', $defs: { A: { type: 'string' } } }],
    ['JSON Schema', { type: ['string', 'null'], properties: { snake_case: { $ref: '#/$defs/x' } }, additionalProperties: false }, { type: ['string', 'null'], properties: { snake_case: { $ref: '#/$defs/x' } }, additionalProperties: false }],
  ])('%s', (_, schema, read) => {
    expect(fromGeminiSchema(schema)).toEqual(read);
  });

  it('the order of properties is kept', () => {
    expect(Object.keys(Object(fromGeminiSchema({ properties: { a: {}, b: {}, c: {} }, property_ordering: ['c', 'a'] })['properties']))).toEqual(['c', 'a', 'b']);
  });
});

/** What both forms can say. */
const { schema: schemas } = fc.letrec<{ schema: JsonRecord }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ type: fc.constant('string'), description: fc.string({ minLength: 1 }), minLength: fc.nat(9), format: fc.constantFrom('date-time', 'email') }, { requiredKeys: ['type'] }),
    fc.record({ type: fc.constant('string'), enum: fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 3 }) }),
    fc.record({ type: fc.constantFrom('number', 'integer'), minimum: fc.integer(), maximum: fc.integer() }, { requiredKeys: ['type'] }),
    fc.record({ type: fc.constant('integer'), enum: fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 3 }) }),
    fc.constant({ type: 'boolean' }),
    fc.constant({ type: ['string', 'null'] }),
    fc.record({ type: fc.constant('array'), items: tie('schema') }),
    fc.record({ type: fc.constant('object'), properties: fc.dictionary(fc.string({ minLength: 1, maxLength: 4 }).filter((name) => name !== '__proto__'), tie('schema'), { maxKeys: 3, noNullPrototype: true }) }),
    fc.uniqueArray(tie('schema'), { minLength: 2, maxLength: 3, selector: (each) => JSON.stringify(each) }).filter((each) => each.every((one) => !('anyOf' in one) && !Array.isArray(one['type']))).map((anyOf) => ({ anyOf })),
  ),
}));

describe('there and back', () => {
  it('a schema that both forms can say comes out as it went in', () => {
    fc.assert(fc.property(schemas, (schema) => {
      expect(fromGeminiSchema(JSON.parse(JSON.stringify(toGeminiSchema(schema))))).toEqual(schema);
      expect(simplifySchema(schema)).toEqual(schema);
    }), { numRuns: 500 });
  });

  it('no schema, however odd, stops the translation', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom('properties', 'items', 'anyOf', 'allOf', 'type', 'enum', '$ref', 'required', 'additionalProperties'), (value, keyword) => {
      const schema = { type: 'object', properties: { a: { [keyword]: value } }, [keyword]: value };
      expect(() => [toGeminiParameters(schema), simplifySchema(schema), fromGeminiSchema(schema)]).not.toThrow();
    }), { numRuns: 500 });
  });
});
