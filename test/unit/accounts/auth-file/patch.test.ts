import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeMembers } from '../../../../internal/accounts/auth-file/patch.ts';

const set = (text: string, ...changes: readonly (readonly [string, string | undefined])[]): string =>
  changeMembers(text, changes.map(([path, json]) => {
    const [first = '', ...rest] = path.split('.');
    return { path: [first, ...rest], json };
  }));

describe('changing members of a JSON text', () => {
  it('a value is exchanged in its place', () => {
    expect(set('{ "a" :1,\n\t"b":  2 }', ['a', '"x"'])).toBe('{ "a" :"x",\n\t"b":  2 }');
  });

  it.each([
    ['{}', '{"n": 1}'],
    ['{"a":0}', '{"a":0,"n":1}'],
    ['{"a": 0}', '{"a": 0,"n": 1}'],
    ['{"a": 0, "b": 0}', '{"a": 0, "b": 0, "n": 1}'],
    ['{\n  "a": 0\n}\n', '{\n  "a": 0,\n  "n": 1\n}\n'],
    ['{\r\n\t"a":0,\r\n\t"b" : 0\r\n}', '{\r\n\t"a":0,\r\n\t"b" : 0,\r\n\t"n" : 1\r\n}'],
  ])('a new member is spaced as its neighbours: %j', (before, after) => {
    expect(set(before, ['n', '1'])).toBe(after);
  });

  it('members above a new one are made', () => {
    expect(set('{"a":0}', ['t.u.v', '1'])).toBe('{"a":0,"t":{"u":{"v":1}}}');
    expect(set('{"t":{"u":0}}', ['t.v', '1'])).toBe('{"t":{"u":0,"v":1}}');
  });

  it.each([
    ['{"a":1}', 'a', '{}'],
    ['{ "a": 1 }', 'a', '{  }'],
    ['{\n  "a": 1,\n  "b": 2\n}', 'a', '{\n  "b": 2\n}'],
    ['{\n  "a": 1,\n  "b": 2\n}', 'b', '{\n  "a": 1\n}'],
    ['{"a":{"x":1,"y":2},"b":3}', 'a.y', '{"a":{"x":1},"b":3}'],
    ['{"a":1}', 'b', '{"a":1}'],
  ])('a member goes with its comma: %j less %s', (before, path, after) => {
    expect(set(before, [path, undefined])).toBe(after);
  });

  it('a list or text in the way of a new member is a bug of the caller', () => {
    expect(() => set('{"t":[]}', ['t.v', '1'])).toThrow(TypeError);
    expect(() => set('[]', ['v', '1'])).toThrow(TypeError);
  });

  // Text, spacing and all, of members that nobody here knows: long numbers, escapes and odd names as they are written.
  const gap = fc.constantFrom('', ' ', '\n  ', '\r\n\t');
  const value = fc.oneof(
    fc.json({ maxDepth: 2 }),
    fc.constantFrom('12345678901234567890123', '1.0', '1e3', '-0', String.raw`"\u0041\/"`, '[ 1 ,2]', '{ "x" : { } }', 'null'),
  );
  const name = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('weird name', '__proto__', 'constructor', 'x-y')).filter((text) => text !== 'n' && text !== 'm');
  const members = fc.uniqueArray(fc.record({ name, value, before: gap, colon: fc.constantFrom(':', ': ', ' : ') }), { selector: (member) => member.name, maxLength: 6 });
  const write = (parts: readonly { readonly name: string; readonly value: string; readonly before: string; readonly colon: string }[], end: string): string =>
    `{${parts.map((part) => `${part.before}${JSON.stringify(part.name)}${part.colon}${part.value}`).join(',')}${end}}`;

  it('whatever else stands in the file keeps its bytes', () => {
    fc.assert(
      fc.property(members, gap, fc.nat(6), fc.jsonValue(), (parts, end, at, next) => {
        const own = { name: 'n', value: '"old"', before: ' ', colon: ':' };
        const withOwn = [...parts.slice(0, at), own, ...parts.slice(at)];
        const json = JSON.stringify(next);
        expect(set(write(withOwn, end), ['n', json])).toBe(write(withOwn.map((part) => (part === own ? { ...own, value: json } : part)), end));
        // A new one changes nothing before it, and goes without a trace.
        const text = write(parts, end);
        const added = set(text, ['m', json]);
        expect(JSON.parse(added)).toEqual({ ...JSON.parse(text), m: JSON.parse(json) });
        expect(set(added, ['m', undefined])).toBe(text);
      }),
      { numRuns: 300 },
    );
  });
});
