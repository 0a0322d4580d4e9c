import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endOfValue, placeOf, scanObject } from '../../../internal/dialect/json-scan.ts';

const wanted = new Set(['model', 'stream']);
const scan = (text: string) => scanObject(Buffer.from(text), wanted);

describe('scanning a JSON object', () => {
  it('agrees with JSON.parse on what is JSON, for any value in any layout', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'), (object, indent) => {
        expect(scanObject(Buffer.from(JSON.stringify(object, null, indent)), new Set()).ok).toBe(true);
      }),
    );
  });

  it('agrees with JSON.parse on what is not JSON, for any damaged text', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), fc.nat(), fc.constantFrom('', '"', '{', '}', ',', '\\', '0', 'x', '\n', ':'), (object, at, put) => {
        const text = JSON.stringify(object);
        const place = at % (text.length + 1);
        const damaged = Buffer.from(text.slice(0, place) + put + text.slice(place + 1)).toString('utf8');
        let isJson = true;
        try {
          isJson = typeof JSON.parse(damaged) === 'object';
        } catch {
          isJson = false;
        }
        expect(scanObject(Buffer.from(damaged), new Set()).ok).toBe(isJson);
      }),
      { numRuns: 2_000 },
    );
  });

  it('tells where a top-level value stands, and not where a nested one of that name does', () => {
    const text = '{"input":{"model":"inner"}, "model" : "outer" ,"stream":true}';
    const result = scan(text);
    const range = result.ok ? result.members.get('model') : undefined;
    expect(range && text.slice(range.start, range.end)).toBe('"outer"');
  });

  it('sees through an escaped member name', () => {
    const result = scan(String.raw`{"mod\u0065l":"m"}`);
    expect(result.ok && result.members.has('model')).toBe(true);
  });

  it('refuses a member that Keyward decides on twice, however it is spelled', () => {
    expect(scan(String.raw`{"model":"cheap","mod\u0065l":"dear"}`)).toMatchObject({ ok: false, fault: { kind: 'duplicate', detail: 'model' } });
  });

  it('lets other members repeat', () => {
    expect(scan('{"a":1,"a":2}').ok).toBe(true);
  });

  it('refuses nesting beyond 256 levels, and takes 256', () => {
    const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    expect(scan(nested(256)).ok).toBe(true);
    expect(scan(nested(257))).toMatchObject({ ok: false, fault: { kind: 'depth' } });
  });

  it('refuses what is no object, and anything after it', () => {
    expect(scan('[]')).toMatchObject({ ok: false, fault: { kind: 'not_object' } });
    expect(scan('{} x')).toMatchObject({ ok: false, fault: { kind: 'syntax', offset: 3 } });
  });

  it('names line and column of the first wrong byte', () => {
    const bytes = Buffer.from('{\n  "a": nope\n}');
    const result = scanObject(bytes, wanted);
    expect(result.ok ? undefined : placeOf(bytes, result.fault.offset)).toEqual({ line: 2, column: 9 });
  });

  it('finds the end of a value and says when it is cut', () => {
    expect(endOfValue(Buffer.from(' {"a":[1,2]} '), 0)).toBe(12);
    expect(endOfValue(Buffer.from('{"a":[1,2'), 0)).toBe(-1);
  });
});
