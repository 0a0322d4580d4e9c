import { describe, expect, it } from 'vitest';
import { applyEdits } from '../../../internal/config/edit.ts';
import type { ConfigEdit } from '../../../internal/config/ports.ts';

const set = (path: ConfigEdit['path'], value: unknown): ConfigEdit => ({ kind: 'set', path, value });
const remove = (...path: readonly (string | number)[]): ConfigEdit => ({ kind: 'delete', path });
const append = (path: ConfigEdit['path'], value: unknown): ConfigEdit => ({ kind: 'append', path, value });

describe('edits leave everything else as it was', () => {
  it.each<[string, string, ConfigEdit, string]>([
    ['quotes and aligned comments stay', "host: '127.0.0.1'   # bind\n", set(['host'], '0.0.0.0'), "host: '0.0.0.0'   # bind\n"],
    ['a plain text that needs quotes gets them', 'secret: abc # c\n', set(['secret'], 'yes'), 'secret: "yes" # c\n'],
    ['a number takes a number’s place', 'port:   8317\r\n', set(['port'], 1), 'port:   1\r\n'],
    ['an empty list becomes lines, its comment stays', 'api-keys: []  # none yet\nport: 1\n', append(['api-keys'], 'k'), 'api-keys:  # none yet\n  - "k"\nport: 1\n'],
    ['an absent list is made', 'port: 1\n', append(['api-keys'], 'k'), 'port: 1\napi-keys:\n  - "k"\n'],
    ['a list without a value is made', 'api-keys: # mine\nport: 1\n', append(['api-keys'], 'k'), 'api-keys: # mine\n  - "k"\nport: 1\n'],
    ['lists that are not indented stay so', "api-keys:\n- 'a'\nport: 1\n", append(['api-keys'], 'b'), "api-keys:\n- 'a'\n- 'b'\nport: 1\n"],
    ['indentation of four stays so', 'tls:\n    enable: true\n', set(['routing'], { strategy: 'fill-first' }), 'tls:\n    enable: true\nrouting:\n    strategy: "fill-first"\n'],
    ['a flow list grows within its brackets', 'api-keys: ["a", "b"] # c\n', append(['api-keys'], 'c'), 'api-keys: ["a", "b", "c"] # c\n'],
    ['a flow list over lines keeps them', 'api-keys: [\n  "a", # first\n  "b", # second\n]\n', remove('api-keys', 0), 'api-keys: [\n  "b", # second\n]\n'],
    ['an item goes with the comment on its line, not with its neighbour’s', 'api-keys:\n  # about a\n  - a # mine\n  # about b\n  - b\n', remove('api-keys', 0), 'api-keys:\n  # about a\n  # about b\n  - b\n'],
    ['the last item leaves an empty list', 'api-keys:\n  - a # mine\nport: 1\n', remove('api-keys', 0), 'api-keys: []\nport: 1\n'],
    ['the first member of an entry goes, its dash stays', 'x:\n  - api-key: a\n    prefix: p\n', remove('x', 0, 'api-key'), 'x:\n  - prefix: p\n'],
    ['a section gets its member at its end', 'routing:\n  strategy: rr\n\n# next\nport: 1\n', set(['routing', 'session-affinity'], true), 'routing:\n  strategy: rr\n  session-affinity: true\n\n# next\nport: 1\n'],
    ['a text over lines is one value', 'note: |\n  one\n  two\nport: 1\n', set(['note'], 'three'), 'note: "three"\nport: 1\n'],
    ['a file without a last line end', 'port: 1', set(['debug'], true), 'port: 1\ndebug: true\n'],
    ['comments at the end stay above a new setting', 'port: 1\n# routing:\n#   strategy: rr\n', set(['debug'], true), 'port: 1\n# routing:\n#   strategy: rr\ndebug: true\n'],
    ['an end mark stays last', 'port: 1\n...\n', set(['debug'], true), 'port: 1\ndebug: true\n...\n'],
    ['an empty file', '# nothing\n', set(['debug'], true), '# nothing\ndebug: true\n'],
    ['an unknown key stays', 'x-mine: {a: [1,2]}   # odd\nport: 1\n', set(['port'], 2), 'x-mine: {a: [1,2]}   # odd\nport: 2\n'],
    ['a whole list that shrinks in the middle', 'api-keys:\n  - a # 1\n  - b # 2\n  - c # 3\n', set(['api-keys'], ['a', 'c']), 'api-keys:\n  - a # 1\n  - c # 3\n'],
    ['one field of a whole entry', 'x:\n  - {api-key: a, prefix: p} # 1\n', set(['x'], [{ 'api-key': 'a', prefix: 'q' }]), 'x:\n  - {api-key: a, prefix: q} # 1\n'],
  ])('%s', (_what, before, edit, after) => {
    expect(applyEdits(before, [edit])).toBe(after);
  });
});

describe('anchors', () => {
  it('the users of an anchor keep their value when its owner gets another', () => {
    expect(applyEdits('a: &k "one" # owner\nb: *k\nc: [*k]\n', [set(['a'], 'two')])).toBe('a: &k "two" # owner\nb: "one"\nc: ["one"]\n');
  });

  it('a user gets its own value, the owner and the other users keep theirs', () => {
    expect(applyEdits('a: &k "one"\nb: *k # mine\nc: *k\n', [set(['b'], 'two')])).toBe('a: &k "one"\nb: "two" # mine\nc: *k\n');
  });

  it('a change below an alias is written out there', () => {
    expect(applyEdits('a: &k {x: 1, z: 2}\nb: *k\n', [set(['b', 'x'], 3)])).toBe('a: &k {x: 1, z: 2}\nb:\n  x: 3\n  z: 2\n');
  });

  it('an inherited member is overridden where it is set, and the base stays', () => {
    const before = 'base: &b\n  x: 1\nuser:\n  <<: *b\n  y: 2\n';
    expect(applyEdits(before, [set(['user', 'x'], 9)])).toBe('base: &b\n  x: 1\nuser:\n  <<: *b\n  y: 2\n  x: 9\n');
  });

  it('deleting an inherited member takes it from this section alone', () => {
    const after = applyEdits('base: &b\n  x: 1\n  z: 3\nuser:\n  <<: *b\n  y: 2\nport: 1 # keep\n', [remove('user', 'x')]);
    expect(after).toContain('base: &b\n  x: 1\n  z: 3\n');
    expect(after).toContain('port: 1 # keep\n');
    expect(after).not.toMatch(/user:[^]*x: 1/);
  });

  it('changing a base writes its old value out where it was merged', () => {
    expect(applyEdits('base: &b\n  x: 1\nuser:\n  <<: *b\n', [set(['base', 'x'], 2)])).toBe('base: &b\n  x: 2\nuser:\n  <<: { x: 1 }\n');
  });
});

describe('edits that cannot be', () => {
  it('a text that is not YAML is invalid_yaml', () => {
    expect(() => applyEdits('a: [\n', [set(['a'], 1)])).toThrow(expect.objectContaining({ code: 'invalid_yaml' }));
  });

  it('a path through a plain value, or beyond a list’s end, is a mistake of the caller', () => {
    expect(() => applyEdits('a: 1\n', [set(['a', 'b'], 1)])).toThrow(TypeError);
    expect(() => applyEdits('a: [1]\n', [set(['a', 5], 1)])).toThrow(TypeError);
    expect(() => applyEdits('a: 1\n', [append(['a'], 1)])).toThrow(TypeError);
  });

  it('deleting what is not there changes not a byte', () => {
    expect(applyEdits('a:   1\n', [remove('b', 'c'), remove('x')])).toBe('a:   1\n');
  });
});
