import { assert, constantFrom, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hintOf, makeKeyText, readKeyText } from '../../../../internal/clients/managed-keys/key-text.ts';

describe('the form of a managed key', () => {
  it('says its environment and holds 256 random bits, whatever they are', () => {
    assert(
      property(uint8Array({ minLength: 32, maxLength: 32 }), constantFrom('live' as const, 'test' as const), (bits, environment) => {
        const text = makeKeyText(environment, () => bits);
        expect(text).toMatch(new RegExp(`^kw_${environment}_[0-9A-Za-z]{49}$`));
        expect(readKeyText(text)).toEqual({ kind: 'key', environment });
      }),
    );
    expect(makeKeyText('live', () => new Uint8Array(32))).not.toBe(makeKeyText('live', () => new Uint8Array(32).fill(255)));
    expect(makeKeyText('live')).not.toBe(makeKeyText('live'));
  });

  it('a wrong, missing or swapped character is told without asking anybody', () => {
    const text = makeKeyText('live');
    for (let at = 8; at < text.length; at++) {
      const other = text[at] === 'x' ? 'y' : 'x';
      expect(readKeyText(`${text.slice(0, at)}${other}${text.slice(at + 1)}`), `at ${at}`).toEqual({ kind: 'damaged' });
    }
    for (const damaged of [text.slice(0, -1), `${text}0`, ` ${text}`.slice(1) + ' ', text.replace('live', 'test'), 'kw_live_', `${text}\n`]) expect(readKeyText(damaged)).toEqual({ kind: 'damaged' });
  });

  it('texts of another form are none of ours', () => {
    for (const foreign of ['', 'sk-proj-abc', 'kw_abc', 'KW_LIVE_abc', ` ${makeKeyText('live')}`]) expect(readKeyText(foreign)).toEqual({ kind: 'foreign' });
  });

  it('its hint tells keys apart and gives 4 of its 43 characters away', () => {
    const text = makeKeyText('test');
    expect(hintOf(text)).toBe(`${text.slice(0, 12)}…`);
  });
});
