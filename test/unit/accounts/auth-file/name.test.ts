import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkFileName, nameNewFile } from '../../../../internal/accounts/auth-file/name.ts';

describe('names of account files', () => {
  it.each(['claude-ann@example.com.json', 'codex-1a2b3c4d-ann+x@example.com-team.json', 'gemini-ann@example.com-my project.json', 'ünï.JSON', 'a..b.json'])('%s is fine', (name) => {
    expect(checkFileName(name)).toEqual({ ok: true, value: name });
  });

  it('a decomposed name is taken composed', () => {
    expect(checkFileName('u\u0308.json')).toEqual({ ok: true, value: '\u00fc.json' });
  });

  it.each([
    '', '.json', '..json', '.keyward.json', '../a.json', 'a/b.json', String.raw`a\b.json`, '/etc/a.json', 'a.txt', 'a.json.bak', 'a.json ', 'a\0.json', 'a\n.json', 'a\u202ejson.json', 'a\u200b.json', 'a\ud800.json',
    'nul.json', 'COM1.x.json', 'Aux.json', `${'x'.repeat(200)}.json`, 'ü'.repeat(99) + '.json',
  ])('%j is refused', (name) => {
    expect(checkFileName(name).ok).toBe(false);
  });
});

describe('a name for a new file', () => {
  const free = (): boolean => false;

  it.each([
    ['codex-1a2b3c4d-ann@example.com.json', 'codex-1a2b3c4d-ann@example.com.json'],
    ['../../etc/passwd', 'etc-passwd.json'],
    ['a b:c*d?e"f<g>h|i', 'a-b-c-d-e-f-g-h-i.json'],
    ['', 'account.json'],
    ['...', 'account.json'],
    ['con', 'account-con.json'],
    ['a\u202eb\u0000c', 'a-b-c.json'],
  ])('%j becomes %s', (suggested, name) => {
    expect(nameNewFile(suggested, free)).toBe(name);
  });

  it('a name that is taken gets the next free number', () => {
    const taken = new Set(['a.json', 'a-2.json']);
    expect(nameNewFile('a.json', (name) => taken.has(name))).toBe('a-3.json');
  });

  it('whatever a vendor calls an account, the name passes the check for names', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), fc.string({ maxLength: 30 })), fc.nat(3), (suggested, taken) => {
      const seen = new Set<string>();
      const name = nameNewFile(suggested, (each) => seen.size < taken && seen.add(each).size > 0);
      expect(checkFileName(name)).toEqual({ ok: true, value: name });
    }));
  });
});
