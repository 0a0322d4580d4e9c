import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeForeign, escapeJsonLine } from '../../../internal/log/escape.ts';

const dangerous = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;

describe('foreign text', () => {
  it.each([
    ['\u001b[31mred\u0007', String.raw`\x1b[31mred\x07`],
    ['two\r\nlines\t', String.raw`two\r\nlines\t`],
    ['\u009b2J\u007f', String.raw`\x9b2J\x7f`],
    ['abc\u202etxt.exe', String.raw`abc\u202etxt.exe`],
    ['\ud800 alone', String.raw`\ud800 alone`],
    ['plain, ünïcode, 模型, 🙂, \u200d', 'plain, ünïcode, 模型, 🙂, \u200d'],
  ])('%j is shown as %j', (text, shown) => {
    expect(escapeForeign(text)).toBe(shown);
  });

  it('is cut where a limit is given', () => {
    expect(escapeForeign('abcdef', 3)).toBe('abc…');
    expect(escapeForeign('abc', 3)).toBe('abc');
  });

  it('never leaves a control or bidirectional character, whatever it held', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeForeign(text)).not.toMatch(dangerous);
      }),
    );
  });

  it('in a JSON line is escaped without changing the value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const line = escapeJsonLine(JSON.stringify(value));
        expect(line).not.toMatch(dangerous);
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
