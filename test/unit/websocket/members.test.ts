import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrayOf, withMembers } from '../../../internal/websocket/members.ts';

const change = (text: string, changes: Readonly<Record<string, string | undefined>>): string => withMembers(Buffer.from(text), new Map(Object.entries(changes).map(([name, value]) => [name, value === undefined ? undefined : Buffer.from(value)]))).toString('utf8');

describe('withMembers', () => {
  it('leaves out, replaces and adds; what is not named stays byte for byte', () => {
    expect(change(' { "type" : "x" , "a": [1.0, { "type":"y" }],\n"b":"\\u00e9" } ', { type: undefined, b: 'true', c: '{}' })).toBe('{"a": [1.0, { "type":"y" }],"b":true,"c":{}}');
    expect(change('{}', { a: undefined })).toBe('{}');
    expect(change('{"a":1}', { a: undefined })).toBe('{}');
    expect(change('{}', { a: '1' })).toBe('{"a":1}');
  });

  it('knows a name however it is spelled', () => {
    expect(change('{"\\u0074ype":1,"t\\"x":2}', { type: undefined })).toBe('{"t\\"x":2}');
  });

  it('gives what removing and setting members of the parsed object would give', () => {
    const name = fc.constantFrom('type', 'input', 'model', 'a', 'ä', 'with "quote"', '');
    fc.assert(
      fc.property(fc.dictionary(name, fc.jsonValue({ maxDepth: 3 })), fc.array(fc.tuple(name, fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined }))), fc.constantFrom(undefined, 1, '\t'), (object, changes, space) => {
        const wanted = new Map<string, unknown>(Object.entries(object));
        for (const [member, value] of new Map(changes)) {
          if (value === undefined) wanted.delete(member);
          else wanted.set(member, value);
        }
        const bytes = withMembers(Buffer.from(JSON.stringify(object, null, space)), new Map([...new Map(changes)].map(([member, value]) => [member, value === undefined ? undefined : Buffer.from(JSON.stringify(value))])));
        const parsed: unknown = JSON.parse(bytes.toString('utf8'));
        expect(new Map(Object.entries(Object(parsed)))).toEqual(new Map([...wanted].map(([member, value]): [string, unknown] => [member, JSON.parse(JSON.stringify(value))])));
      }),
    );
  });
});

it('arrayOf joins lists, empty ones among them', () => {
  expect(arrayOf([]).toString()).toBe('[]');
  expect(arrayOf(['', '1,2', '', '{"a":1}', ''].map((text) => Buffer.from(text))).toString()).toBe('[1,2,{"a":1}]');
});
