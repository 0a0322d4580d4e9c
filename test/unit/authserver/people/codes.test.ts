import { assert as assertProperty, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createApprovalCodes, isPersonName } from '../../../../internal/authserver/people/approval-codes.ts';
import { localPerson } from '../../../../internal/clients/issued/person.ts';
import type { PendingDevice, UnusualKind } from '../../../../internal/authserver/people/ports.ts';
import { createTries } from '../../../../internal/authserver/people/tries.ts';
import { readTypedCode } from '../../../../internal/authserver/people/typed-code.ts';
import { createUnusualUse, isSameNetwork } from '../../../../internal/authserver/people/unusual.ts';
import { createUserCodes, spellUserCode, userCodeForm } from '../../../../internal/authserver/people/user-codes.ts';
import type { Peer } from '../../../../internal/http/inbound.ts';
import { localPeer, remotePeer } from '../../../support/door-fixtures.ts';
import { createManualClock } from '../../../support/manual-clock.ts';

const peerAt = (address: string): Peer => ({ address, isLocal: false, isControlSocket: false, throttleKey: address });
const read = (typed: string): string | undefined => readTypedCode(typed, userCodeForm.alphabet, userCodeForm.length);

describe('a code as it is typed', () => {
  it.each(['BCDF-GHJK', 'bcdfghjk', ' bcdf ghjk ', 'BCDF\u2013GHJK', 'BCDF\u00a0GHJK', 'b-c-d-f-g-h-j-k\n'])('%j is read', (typed) => expect(read(typed)).toBe('BCDFGHJK'));

  it.each([
    ['short', 'BCDFGHJ'],
    ['long', 'BCDFGHJKL'],
    ['a vowel', 'ACDFGHJK'],
    ['a digit', 'BCDFGHJ0'],
    ['full-width letters', 'ＢＣＤＦＧＨＪＫ'],
    ['Cyrillic С', 'B\u0421DFGHJK'],
    ['the Kelvin sign', 'BCDFGHJ\u212a'],
    ['a combining mark', 'BCDFGHJK\u0301'],
    ['a zero-width space', 'BCDF\u200bGHJK'],
    ['a turn of direction', '\u202eBCDFGHJK'],
    ['NUL', 'BCDFGHJK\0'],
    ['a lone surrogate', 'BCDFGHJK\ud800'],
    ['a letter out of the plane', 'BCDFGHJ\u{1d40a}'],
    ['markup', '<b>BCDFGHJK'],
    ['much', 'B'.repeat(100_000)],
    ['nothing', ''],
  ])('%s is none', (_what, typed) => expect(read(typed)).toBeUndefined());

  it('whatever is typed: eight letters of the alphabet, or nothing', () => {
    assertProperty(property(string({ unit: 'binary', maxLength: 80 }), (typed) => {
      const code = read(typed);
      expect(code === undefined || /^[BCDFGHJKLMNPQRSTVWXZ]{8}$/.test(code)).toBe(true);
    }));
  });
});

describe('approval codes', () => {
  const world = (): { readonly clock: ReturnType<typeof createManualClock>; readonly codes: ReturnType<typeof createApprovalCodes>; readonly unusual: UnusualKind[] } => {
    const clock = createManualClock();
    const unusual: UnusualKind[] = [];
    return { clock, unusual, codes: createApprovalCodes({ clock, hooks: { onUnusual: (kind) => void unusual.push(kind) } }) };
  };

  it('have more than 40 bits, no look-alike letters, and are never the same', () => {
    const { codes } = world();
    const seen = new Set(Array.from({ length: 500 }, () => codes.issue('ann').code));
    expect(seen.size).toBe(500);
    for (const code of seen) expect(code).toMatch(/^[2-9A-HJKMNP-TV-Z]{3}-[2-9A-HJKMNP-TV-Z]{3}-[2-9A-HJKMNP-TV-Z]{3}$/);
    expect(Math.log2(30 ** 9)).toBeGreaterThan(44);
  });

  it('count once, for whom they were issued', () => {
    const { codes } = world();
    const { code } = codes.issue('ann');
    expect(codes.redeem(code.toLowerCase().replaceAll('-', ' '), localPeer)).toEqual({ ok: true, value: 'ann' });
    expect(codes.redeem(code, localPeer)).toMatchObject({ ok: false, error: { kind: 'wrong' } });
  });

  it('end after five minutes', () => {
    const { codes, clock } = world();
    const { code, expiresAtMs } = codes.issue('ann');
    expect(expiresAtMs).toBe(clock.nowMs() + 300_000);
    clock.advance(300_000);
    expect(codes.redeem(code, localPeer)).toMatchObject({ error: { kind: 'wrong' } });
  });

  it('from another machine are refused unseen, right or wrong, and stay good here', () => {
    const { codes } = world();
    const { code } = codes.issue('ann');
    for (let count = 0; count < 50; count++) expect(codes.redeem(count % 2 === 0 ? code : 'ABC-DEF-GHJ', remotePeer)).toEqual({ ok: false, error: { kind: 'remote' } });
    expect(codes.redeem(code, localPeer).ok).toBe(true);
  });

  it('guessing ends after eight tries from one address and 24 over all, also for the right code', () => {
    const { codes, clock, unusual } = world();
    const { code } = codes.issue('ann');
    for (let count = 0; count < 8; count++) expect(codes.redeem('ABC-DEF-GHJ', localPeer)).toMatchObject({ error: { kind: 'wrong' } });
    expect(codes.redeem(code, localPeer)).toMatchObject({ error: { kind: 'limited', retryAfterSeconds: 900 } });
    expect(codes.redeem(code, localPeer).ok).toBe(false);
    expect(unusual).toEqual(['wrong_approval_codes']);
    const local = (address: string): Peer => ({ ...peerAt(address), isLocal: true });
    let judged = 8;
    for (let count = 0; count < 100; count++) if (!isLimited(codes.redeem('ABC-DEF-GHJ', local(`127.0.1.${count}`)))) judged += 1;
    expect(judged).toBe(24);
    clock.advance(15 * 60_000);
    expect(codes.redeem(codes.issue('ann').code, localPeer)).toEqual({ ok: true, value: 'ann' });
  });

  it('many outstanding end the oldest', () => {
    const { codes } = world();
    const first = codes.issue('ann').code;
    for (let count = 0; count < 16; count++) codes.issue('bob');
    expect(codes.redeem(first, localPeer).ok).toBe(false);
  });

  it.each(['', ' ann', 'a\nb', 'a\u202eb', 'a\u0000', 'x'.repeat(65)])('a name %j is none', (name) => {
    expect(isPersonName(name)).toBe(false);
    expect(() => world().codes.issue(name)).toThrow(RangeError);
  });
});

function isLimited(result: ReturnType<ReturnType<typeof createApprovalCodes>['redeem']>): boolean {
  return !result.ok && result.error.kind === 'limited';
}

describe('user codes', () => {
  const pending = (nowMs: number): PendingDevice => ({ clientId: 'c', clientName: 'C', scopes: [], requestedFrom: '203.0.113.9', requestedAtMs: nowMs, expiresAtMs: nowMs + 600_000 });
  const ann = localPerson('ann', 0);
  const world = (): { readonly clock: ReturnType<typeof createManualClock>; readonly asked: string[]; readonly unusual: UnusualKind[]; readonly codes: ReturnType<typeof createUserCodes> } => {
    const clock = createManualClock();
    const asked: string[] = [];
    const unusual: UnusualKind[] = [];
    const find = async (code: string): Promise<PendingDevice | undefined> => {
      asked.push(code);
      await Promise.resolve();
      return code === 'BCDFGHJK' ? pending(clock.nowMs()) : undefined;
    };
    return { clock, asked, unusual, codes: createUserCodes({ clock, devices: { find }, hooks: { onUnusual: (kind) => void unusual.push(kind) } }) };
  };

  it('are looked up in one form alone; what is none is not looked up and no guess', async () => {
    const { codes, asked } = world();
    expect(await codes.look('bcdf ghjk', remotePeer, ann)).toMatchObject({ kind: 'found', code: 'BCDFGHJK' });
    for (let count = 0; count < 50; count++) expect(await codes.look('BCDFGHJ\u212a', remotePeer, ann)).toEqual({ kind: 'malformed' });
    expect(asked).toEqual(['BCDFGHJK']);
    expect(spellUserCode('BCDFGHJK')).toBe('BCDF-GHJK');
  });

  it('six wrong ones from one address end the guessing there, side by side too; the right one is not looked up any more', async () => {
    const { codes, asked, unusual, clock } = world();
    const looks = await Promise.all(Array.from({ length: 40 }, () => codes.look('ZZZZZZZZ', remotePeer, ann)));
    expect(looks.filter(({ kind }) => kind === 'wrong').length).toBe(6);
    expect(asked.length).toBe(6);
    expect(await codes.look('BCDFGHJK', remotePeer, ann)).toMatchObject({ kind: 'limited' });
    expect(unusual).toEqual(['wrong_codes']);
    clock.advance(15 * 60_000);
    expect(await codes.look('BCDFGHJK', remotePeer, ann)).toMatchObject({ kind: 'found' });
  });

  it('a person who changes addresses is one person', async () => {
    const { codes } = world();
    for (let count = 0; count < 6; count++) await codes.look('ZZZZZZZZ', peerAt(`203.0.113.${count}`), ann);
    expect(await codes.look('ZZZZZZZZ', peerAt('203.0.113.99'), ann)).toMatchObject({ kind: 'limited' });
    expect(await codes.look('BCDFGHJK', peerAt('203.0.113.99'), localPerson('bob', 0))).toMatchObject({ kind: 'found' });
  });

  it('sixty wrong ones over all end the guessing for everybody', async () => {
    const { codes, asked } = world();
    for (let count = 0; count < 100; count++) await codes.look('ZZZZZZZZ', peerAt(`198.51.100.${count}`), localPerson(`p${count}`, 0));
    expect(asked.length).toBe(60);
  });

  it('right ones do not count, and an expired one is told apart without being a guess', async () => {
    const { codes, clock } = world();
    for (let count = 0; count < 50; count++) expect((await codes.look('BCDFGHJK', remotePeer, ann)).kind).toBe('found');
    const old = createUserCodes({ clock, devices: { find: () => Promise.resolve({ ...pending(0), expiresAtMs: clock.nowMs() }) }, hooks: { onUnusual: () => undefined } });
    for (let count = 0; count < 50; count++) expect(await old.look('BCDFGHJK', remotePeer, ann)).toEqual({ kind: 'expired' });
  });

  it('a store that fails is no wrong code', async () => {
    const codes = createUserCodes({ clock: createManualClock(), devices: { find: () => Promise.reject(new Error('away')) }, hooks: { onUnusual: () => undefined } });
    for (let count = 0; count < 20; count++) await expect(codes.look('BCDFGHJK', remotePeer, ann)).rejects.toThrow('away');
  });
});

describe('tries', () => {
  it('the wait is until the oldest one that counts is out of the window', () => {
    const clock = createManualClock();
    const tries = createTries({ clock, windowMs: 60_000, each: 2, overall: 10 });
    tries.begin(['a']);
    clock.advance(20_000);
    tries.begin(['a']);
    clock.advance(10_000);
    expect(tries.begin(['a'])).toMatchObject({ kind: 'refused', retryAfterSeconds: 30, isFirst: true });
    expect(tries.begin(['a'])).toMatchObject({ kind: 'refused', isFirst: false });
    clock.advance(30_000);
    expect(tries.begin(['a']).kind).toBe('free');
  });

  it('one taken back leaves the others', () => {
    const clock = createManualClock();
    const tries = createTries({ clock, windowMs: 60_000, each: 2, overall: 10 });
    for (let count = 0; count < 20; count++) {
      const attempt = tries.begin(['a', 'b']);
      expect(attempt.kind).toBe('free');
      if (attempt.kind === 'free') attempt.takeBack();
    }
    tries.begin(['a']);
    tries.begin(['a']);
    expect(tries.begin(['a']).kind).toBe('refused');
    expect(tries.begin(['b']).kind).toBe('free');
  });
});

describe('unusual use', () => {
  const actor = { actor: 'person_1', from: '203.0.113.9', requestId: 'r', target: 'client:c' };
  const world = (): { readonly clock: ReturnType<typeof createManualClock>; readonly kinds: UnusualKind[]; readonly events: unknown[]; readonly use: ReturnType<typeof createUnusualUse> } => {
    const clock = createManualClock();
    const kinds: UnusualKind[] = [];
    const events: unknown[] = [];
    return { clock, kinds, events, use: createUnusualUse({ clock, hooks: { onUnusual: (kind) => void kinds.push(kind), onEvent: (event) => void events.push(event) } }) };
  };

  it('many codes around one address are told once in ten minutes', () => {
    const { clock, kinds, events, use } = world();
    for (let count = 0; count < 20; count++) use.codeEntered(`code ${count}`, actor);
    expect(kinds).toEqual(['many_codes_entered']);
    expect(events).toEqual([{ ...actor, action: 'identity.unusual', after: { kind: 'many_codes_entered' } }]);
    for (let count = 0; count < 100; count++) use.codeAsked(actor);
    expect(kinds).toEqual(['many_codes_entered', 'many_codes_asked']);
    clock.advance(10 * 60_000);
    for (let count = 0; count < 6; count++) use.codeEntered(`code ${count}`, actor);
    expect(kinds.length).toBe(3);
  });

  it('one code looked at often is one', () => {
    const { kinds, use } = world();
    for (let count = 0; count < 50; count++) use.codeEntered('the same', actor);
    expect(kinds).toEqual([]);
  });

  it.each([
    ['203.0.113.9', '203.0.113.200', true],
    ['203.0.113.9', '203.0.114.9', false],
    ['127.0.0.1', '::1', true],
    ['unix', '127.0.0.9', true],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', true],
    ['2001:db8:1:2::1', '2001:db8:2:2::1', false],
    ['::ffff:203.0.113.9', '203.0.113.1', true],
    ['unknown', 'unknown', false],
    ['127.0.0.1', '192.168.1.7', false],
  ])('%s and %s are one network: %j', (a, b, same) => expect(isSameNetwork(a, b)).toBe(same));
});
