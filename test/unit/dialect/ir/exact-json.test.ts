import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { floorOf, isExactNumber, isGreater, numberFromText, parseExact, textOfNumber } from '../../../../internal/dialect/ir/exact-json.ts';
import { isRecord, listOf, numberOf, parseJson } from '../../../../internal/dialect/ir/json.ts';
import { mergeSchemas } from '../../../../internal/dialect/ir/schema-references.ts';
import { fromGeminiSchema, toGeminiSchema } from '../../../../internal/dialect/ir/json-schema.ts';
import { numberTexts } from '../number-texts.ts';

const again = (text: string): string => JSON.stringify(parseExact(text));

describe('parseExact', () => {
  it.each(['12345678901234567890', '-9007199254740993', '0.12345678901234567890', '98765432109876543210.00', '1e400', '1E5', '-1.5e-7', '-0', '10000000000000000000000'])('%s is written as it was read', (text) => {
    expect(again(text)).toBe(text);
    expect(again(`{"a":[${text},"${text}",{"b":${text}}],"c":1}`)).toBe(`{"a":[${text},"${text}",{"b":${text}}],"c":1}`);
    expect(again(` [ ${text} , 1 ]\n`)).toBe(`[${text},1]`);
  });

  it('ordinary numbers are numbers, also where they stand beside others', () => {
    expect(listOf(parseExact('[1, 0, 1.5, 9007199254740992, 0.1234567890123456, 1e400]')).slice(0, 5)).toEqual([1, 0, 1.5, 9_007_199_254_740_992, 0.123_456_789_012_345_6]);
  });

  it('digits inside strings change nothing', () => {
    const value = { text: 'at 12345678901234567890: 1e400, -0 "\\\\" 1e5', '\\"12345678901234567890': [': 1e400'] };
    expect(parseExact(JSON.stringify(value))).toEqual(value);
  });

  it('"__proto__" is a member like others, and of two members the last counts', () => {
    expect(again('{"__proto__":{"a":1e400},"b":1}')).toBe('{"__proto__":{"a":1e400},"b":1}');
    expect(again('{"a":1e400,"b":2,"a":3}')).toBe('{"a":3,"b":2}');
    expect(again('{"a":3,"a":1e400}')).toBe('{"a":1e400}');
  });

  it.each(['', '{"a":1e400', '[1e400,]', '{"a" 1e400}', '01e400', '1e', '[1e400] 2', '{"a":+1e400}', '.1e400'])('%s is refused', (text) => {
    expect(() => parseExact(text)).toThrow(SyntaxError);
    expect(parseJson(text)).toBeUndefined();
  });

  it('reads any JSON as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), fc.constantFrom(undefined, 1, '\t'), (text, indent) => {
        const written = JSON.stringify([JSON.parse(text), 'beside'], undefined, indent);
        // The other reader is asked by a number that only it can give back.
        expect(again(`${written.slice(0, -1)},1e400]`)).toBe(`${JSON.stringify(JSON.parse(written)).slice(0, -1)},1e400]`);
      }),
    );
  });

  it('gives back the text of every number', () => {
    fc.assert(
      fc.property(fc.array(numberTexts, { maxLength: 5 }), (numbers) => {
        expect(again(`[${numbers.join(', ')}]`)).toBe(`[${numbers.join(',')}]`);
      }),
    );
  });
});

describe('a number that keeps its text', () => {
  const large = parseExact('12345678901234567890');

  it('is no object, and counts as a number where one is asked for', () => {
    expect(isExactNumber(large)).toBe(true);
    expect(isRecord(large)).toBe(false);
    expect(numberOf(parseExact('1e3'))).toBe(1000);
    expect(numberOf(parseExact('1e400'))).toBeUndefined();
    expect(textOfNumber(large)).toBe('12345678901234567890');
    expect(isExactNumber({ rawJSON: '1' })).toBe(false);
  });

  it('is compared and rounded by its digits', () => {
    const [a, b] = ['12345678901234567890', '12345678901234567891'].map((text) => numberFromText(text) ?? 0);
    expect(isGreater(b ?? 0, a ?? 0)).toBe(true);
    expect(isGreater(a ?? 0, b ?? 0)).toBe(false);
    expect([12.5, -12.5, 3, numberFromText('-12345678901234567890.5') ?? 0, numberFromText('1e3') ?? 0, numberFromText('1e400') ?? 0].map(floorOf)).toEqual([12n, -13n, 3n, -12_345_678_901_234_567_891n, 1000n, undefined]);
  });
});

describe('schemas', () => {
  const written = (schema: string): string => JSON.stringify(toGeminiSchema(recordOf(schema)));

  it('keep large bounds and values in Gemini’s form', () => {
    expect(written('{"type":"integer","minimum":-9223372036854775809,"maximum":18446744073709551615}')).toBe('{"type":"INTEGER","minimum":-9223372036854775809,"maximum":18446744073709551615}');
    expect(written('{"type":"integer","exclusiveMinimum":18446744073709551615,"exclusiveMaximum":99999999999999999999}')).toBe('{"type":"INTEGER","minimum":18446744073709551616,"maximum":99999999999999999998}');
    expect(written('{"type":"integer","exclusiveMinimum":1.5,"exclusiveMaximum":4.5}')).toBe('{"type":"INTEGER","minimum":2,"maximum":4}');
    expect(written('{"type":"integer","exclusiveMinimum":1,"minimum":5,"exclusiveMaximum":9,"maximum":9}')).toBe('{"type":"INTEGER","minimum":5,"maximum":8}');
    expect(written('{"enum":[12345678901234567890,1]}')).toBe('{"type":"INTEGER","format":"enum","enum":["12345678901234567890","1"]}');
    expect(written('{"const":12345678901234567890}')).toContain('"enum":["12345678901234567890"]');
    expect(written('{"type":"number","enum":[0.12345678901234567890]}')).toContain('(enum: [0.12345678901234567890])');
    expect(written('{"type":"string","maxLength":1e2}')).toContain('"maxLength":"1e2"');
  });

  it('and back', () => {
    expect(JSON.stringify(fromGeminiSchema({ type: 'INTEGER', format: 'enum', enum: ['12345678901234567890', '7'] }))).toBe('{"type":"integer","enum":[12345678901234567890,7]}');
  });

  it('are merged by the digits of their bounds', () => {
    expect(JSON.stringify(mergeSchemas(recordOf('{"minimum":12345678901234567891}'), recordOf('{"minimum":12345678901234567890}')))).toBe('{"minimum":12345678901234567891}');
    expect(JSON.stringify(mergeSchemas(recordOf('{"maximum":12345678901234567891}'), recordOf('{"maximum":12345678901234567890}')))).toBe('{"maximum":12345678901234567890}');
    expect(JSON.stringify(mergeSchemas(recordOf('{"enum":[12345678901234567891,1]}'), recordOf('{"enum":[12345678901234567890,1]}')))).toBe('{"enum":[1]}');
    expect(JSON.stringify(mergeSchemas(recordOf('{"description":1e400}'), recordOf('{"description":"two"}')))).toBe('{"description":"1e400 two"}');
  });
});

function recordOf(text: string): Readonly<Record<string, unknown>> {
  const value = parseExact(text);
  return isRecord(value) ? value : {};
}
