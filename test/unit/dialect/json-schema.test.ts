import { describe, expect, it } from 'vitest';
import { fromGeminiSchema, toGeminiSchema } from '../../../internal/dialect/ir/json-schema.ts';

describe('JSON Schema as Gemini’s Schema', () => {
  it.each<[string, object, object]>([
    ['types are upper case', { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] }, { type: 'OBJECT', properties: { a: { type: 'INTEGER' } }, required: ['a'] }],
    ['null among types is nullable', { type: ['string', 'null'] }, { type: 'STRING', nullable: true }],
    ['several types are alternatives', { type: ['string', 'number'] }, { anyOf: [{ type: 'STRING' }, { type: 'NUMBER' }] }],
    ['a null alternative is nullable', { anyOf: [{ type: 'string', description: 'x' }, { type: 'null' }] }, { type: 'STRING', description: 'x', nullable: true }],
    ['oneOf is anyOf', { oneOf: [{ type: 'string' }, { type: 'boolean' }] }, { anyOf: [{ type: 'STRING' }, { type: 'BOOLEAN' }] }],
    ['a constant is an enum of one', { const: 'flat' }, { type: 'STRING', enum: ['flat'] }],
    ['values that are no text are told', { type: 'integer', enum: [1, 2] }, { type: 'INTEGER', description: 'One of [1,2].' }],
    ['references are followed', { $ref: '#/$defs/a', $defs: { a: { type: 'string' } } }, { type: 'STRING' }],
    ['a reference keeps what is said beside it', { $ref: '#/$defs/a', description: 'mine', $defs: { a: { type: 'string', description: 'its' } } }, { type: 'STRING', description: 'mine' }],
    ['allOf is one schema', { allOf: [{ type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }, { properties: { b: { type: 'string' } }, required: ['b'] }] }, { type: 'OBJECT', properties: { a: { type: 'STRING' }, b: { type: 'STRING' } }, required: ['a', 'b'] }],
    ['limits keep their names, counts are texts', { type: 'array', items: { type: 'string', pattern: 'a+', minLength: 2 }, maxItems: 3 }, { type: 'ARRAY', maxItems: '3', items: { type: 'STRING', pattern: 'a+', minLength: '2' } }],
    ['what has no word is told in the description', { type: 'number', exclusiveMinimum: 0, multipleOf: 5, description: 'A step.' }, { type: 'NUMBER', description: 'A step. (exclusiveMinimum: 0; multipleOf: 5)' }],
    ['a list without items is one of anything', { type: 'array' }, { type: 'ARRAY', items: {} }],
  ])('%s', (_, schema, expected) => {
    expect(toGeminiSchema({ ...schema })).toEqual(expected);
  });

  it('a schema that contains itself ends', () => {
    const tree = { type: 'object', properties: { next: { $ref: '#' }, all: { type: 'array', items: { $ref: '#/$defs/node' } } }, $defs: { node: { type: 'object', properties: { child: { $ref: '#/$defs/node' } } } } };
    expect(JSON.stringify(toGeminiSchema(tree)).length).toBeLessThan(2_000);
    expect(JSON.stringify(toGeminiSchema(tree))).not.toContain('$ref');
  });

  it('no schema is changed by being read', () => {
    const schema = { type: 'object', properties: { a: { allOf: [{ type: 'string' }, { description: 'x' }] } } };
    const before = JSON.stringify(schema);
    toGeminiSchema(schema);
    expect(JSON.stringify(schema)).toBe(before);
  });
});

describe('Gemini’s Schema as JSON Schema', () => {
  it.each<[string, object, object]>([
    ['types are lower case', { type: 'OBJECT', properties: { a: { type: 'ARRAY', items: { type: 'STRING' }, minItems: '1' } } }, { type: 'object', properties: { a: { type: 'array', items: { type: 'string' }, minItems: 1 } } }],
    ['nullable is a type among others', { type: 'STRING', nullable: true, enum: ['a'] }, { type: ['string', 'null'], enum: ['a', null] }],
    ['snake case is read too', { type: 'ARRAY', max_items: 3, any_of: [{ type: 'STRING' }] }, { type: 'array', maxItems: 3, anyOf: [{ type: 'string' }] }],
    ['the order of properties is no schema', { type: 'OBJECT', properties: {}, propertyOrdering: ['b', 'a'] }, { type: 'object', properties: {} }],
  ])('%s', (_, schema, expected) => {
    expect(fromGeminiSchema(schema)).toEqual(expected);
  });

  it.each([{ type: 'OBJECT', properties: { a: { type: 'STRING', nullable: true, description: 'x' } }, required: ['a'] }, { type: 'ARRAY', items: { type: 'INTEGER', minimum: 1 }, maxItems: '4' }, { anyOf: [{ type: 'STRING' }, { type: 'NUMBER' }] }])('there and back is the same: %j', (schema) => {
    expect(toGeminiSchema(fromGeminiSchema(schema))).toEqual(schema);
  });
});

describe('a schema that goes round or is larger than it looks', () => {
  it('ends, through allOf too', () => {
    const node = { $ref: '#/$defs/node' };
    const schema = { allOf: [node], $defs: { node: { type: 'object', properties: { next: { allOf: [node] } }, allOf: [node] } } };
    expect(JSON.stringify(toGeminiSchema(schema)).length).toBeLessThan(4_000);
  });

  it('stays within bounds, however often its references are named', () => {
    const levels = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`l${at}`, { type: 'object', properties: { a: { $ref: `#/$defs/l${at + 1}` }, b: { $ref: `#/$defs/l${at + 1}` }, c: { $ref: `#/$defs/l${at + 1}` } } }]));
    expect(JSON.stringify(toGeminiSchema({ $ref: '#/$defs/l0', $defs: { ...levels, l20: { type: 'string' } } })).length).toBeLessThan(2_000_000);
  });

  it.each<[object, object]>([
    [{ anyOf: [{ type: 'string' }, {}] }, { anyOf: [{ type: 'STRING' }, {}] }],
    [{ const: null }, { nullable: true }],
    [{ allOf: [{ type: 'object', properties: { x: { type: 'string' } } }, { properties: { x: { minLength: 3 } } }] }, { type: 'OBJECT', properties: { x: { type: 'STRING', minLength: '3' } } }],
    [{ allOf: [{ allOf: [{ type: 'string' }] }] }, { type: 'STRING' }],
  ])('%j', (schema, expected) => {
    expect(toGeminiSchema({ ...schema })).toEqual(expected);
  });
});
