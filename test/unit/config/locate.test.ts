import { describe, expect, it } from 'vitest';
import { locateProblems } from '../../../internal/config/locate.ts';

const text = 'host: ""\napi-keys:\n  - one\n  - your-api-key-1\nremote-management: { secret-key: short }\n';
const placeOf = (path: string): readonly unknown[] => locateProblems(text, [{ severity: 'error', path, message: 'm' }]).map(({ line, column }) => [line, column]);

describe('a problem that knows its path alone', () => {
  it.each([
    ['host', [1, 7]],
    ['api-keys.1', [4, 5]],
    ['remote-management.secret-key', [5, 34]],
  ])('%s gets its place in the text', (path, place) => {
    expect(placeOf(path)).toEqual([place]);
  });

  it('what is not there is placed at its section, or nowhere', () => {
    expect(placeOf('remote-management.listen')).toEqual([[5, 20]]);
    expect(placeOf('port')).toEqual([[undefined, undefined]]);
    expect(placeOf('')).toEqual([[undefined, undefined]]);
  });

  it('a place that is known stays, and a text that is no YAML gives none', () => {
    expect(locateProblems(text, [{ severity: 'error', path: 'host', message: 'm', line: 9, column: 9 }])).toMatchObject([{ line: 9, column: 9 }]);
    expect(locateProblems('a: [', [{ severity: 'error', path: 'a', message: 'm' }])).toEqual([{ severity: 'error', path: 'a', message: 'm' }]);
  });
});
