import { describe, expect, it } from 'vitest';
import { makeKeyText } from '../../../../internal/clients/managed-keys/key-text.ts';
import type { ManagedKey } from '../../../../internal/clients/managed-keys/managed-key.ts';
import { createManagedKeySource, type ManagedKeySource } from '../../../../internal/clients/managed-keys/source.ts';
import type { ManagedKeyStore } from '../../../../internal/clients/managed-keys/store.ts';
import { verifyClientKey, type Verdict } from '../../../../internal/clients/verify.ts';
import { sha256Hex } from '../../../../internal/secret/digest.ts';
import { createMemoryManagedKeyStore } from '../../../../internal/storage/memory/managed-keys.ts';
import { keyOf } from '../../../contract/managed-key-store.contract.ts';
import { createManualClock, type ManualClock } from '../../../support/manual-clock.ts';

interface Rig {
  readonly source: ManagedKeySource;
  readonly store: ManagedKeyStore;
  readonly clock: ManualClock;
  /** Reads of the store since the last look. */
  readonly reads: () => number;
  readonly breakStore: () => void;
  readonly add: (id: string, change?: Partial<ManagedKey>) => string;
}

function open(maxRemembered?: number): Rig {
  const clock = createManualClock(10_000);
  const store = createMemoryManagedKeyStore();
  let reads = 0;
  let isBroken = false;
  const counted = <A extends readonly unknown[], R>(read: (...given: A) => R) => (...given: A): R => {
    reads++;
    if (isBroken) throw new Error('disk I/O error');
    return read(...given);
  };
  const source = createManagedKeySource({ store: { find: counted(store.find), findByDigest: counted(store.findByDigest), hasImported: counted(store.hasImported) }, clock, ...(maxRemembered === undefined ? {} : { maxRemembered }) });
  return {
    source,
    store,
    clock,
    reads: () => {
      const seen = reads;
      reads = 0;
      return seen;
    },
    breakStore: () => {
      isBroken = true;
    },
    add: (id, change = {}) => {
      const text = makeKeyText('live');
      const key = keyOf(id, { secrets: [{ digest: sha256Hex(text), hint: '', createdAtMs: 0, endsAtMs: undefined, lastUsedAtMs: undefined, lastUsedFrom: '' }], ...change });
      store.insert([key]);
      return text;
    },
  };
}

const told = (verdict: Verdict): string => (verdict.kind === 'valid' ? verdict.principal.id : verdict.kind === 'invalid' ? verdict.code : 'unknown');
const changesSince = ({ store }: Rig, revision: number): Parameters<ManagedKeySource['apply']>[0] => store.changedSince(revision);


describe('managed keys at the door', () => {
  it('the first sight of a key is one read, each further one none', () => {
    const rig = open();
    const text = rig.add('ck_a');
    expect([told(rig.source.verify(text)), rig.reads()]).toEqual(['ck_a', 1]);
    for (let i = 0; i < 100; i++) rig.source.verify(text);
    expect(rig.reads()).toBe(0);
  });

  it('a mistyped key and one of foreign form are never looked up, an unknown one once', () => {
    const rig = open();
    const text = rig.add('ck_a');
    expect(told(rig.source.verify(`${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`))).toBe('invalid_api_key');
    expect(rig.reads()).toBe(0);
    expect([told(rig.source.verify('sk-foreign')), told(rig.source.verify('sk-other')), rig.reads()]).toEqual(['invalid_api_key', 'invalid_api_key', 1]);
    const unknown = makeKeyText('live');
    for (let i = 0; i < 10; i++) expect(told(rig.source.verify(unknown))).toBe('invalid_api_key');
    expect(rig.reads()).toBe(1);
  });

  it('an imported key of any form is known', () => {
    const rig = open();
    rig.store.insert([keyOf('key_0123', { isImported: true, secrets: [{ digest: sha256Hex('old key'), hint: '', createdAtMs: 0, endsAtMs: undefined, lastUsedAtMs: undefined, lastUsedFrom: '' }] })]);
    expect([told(rig.source.verify('old key')), told(rig.source.verify('older key'))]).toEqual(['key_0123', 'invalid_api_key']);
  });

  it('remembers no more texts than it was told to, right and wrong alike', () => {
    const rig = open(2);
    const texts = ['ck_a', 'ck_b', 'ck_c'].map((id) => rig.add(id));
    for (const text of texts) rig.source.verify(text);
    rig.reads();
    rig.source.verify(texts[0] ?? '');
    expect(rig.reads()).toBe(1);
    const wrong = [makeKeyText('live'), makeKeyText('live'), makeKeyText('live')];
    for (const text of [...wrong, wrong[0] ?? '']) rig.source.verify(text);
    expect(rig.reads()).toBe(4);
  });

  it('expiry counts at the instant, for a key that is remembered too', () => {
    const rig = open();
    const text = rig.add('ck_a', { expiresAtMs: 10_500 });
    rig.clock.advance(499);
    expect(told(rig.source.verify(text))).toBe('ck_a');
    rig.clock.advance(1);
    expect(told(rig.source.verify(text))).toBe('key_expired');
  });

  it('of a rotated key both texts open it until the very instant, then the new one alone', () => {
    const rig = open();
    const [older, newer] = [makeKeyText('live'), makeKeyText('live')];
    const secret = (text: string, endsAtMs: number | undefined): ManagedKey['secrets'][number] => ({ digest: sha256Hex(text), hint: '', createdAtMs: 0, endsAtMs, lastUsedAtMs: undefined, lastUsedFrom: '' });
    rig.add('ck_a', { expiresAtMs: undefined, secrets: [secret(newer, undefined), secret(older, 11_000)] });
    rig.clock.advance(999);
    expect([told(rig.source.verify(older)), told(rig.source.verify(newer))]).toEqual(['ck_a', 'ck_a']);
    rig.clock.advance(1);
    expect([told(rig.source.verify(older)), told(rig.source.verify(newer))]).toEqual(['key_expired', 'ck_a']);
  });

  it('who a key is holds its own grant, then its minters’; it ends with any of them', () => {
    const rig = open();
    rig.add('ck_top', { grant: { maxConcurrent: 9 } });
    rig.add('ck_mid', { grant: { maxConcurrent: 5 }, minterId: 'ck_top' });
    const text = rig.add('ck_low', { grant: {}, minterId: 'ck_mid' });
    const verdict = rig.source.verify(text);
    expect(verdict).toMatchObject({ principal: { kind: 'managed-key', label: 'key ck_low', holders: [{ id: 'ck_low', grant: {} }, { id: 'ck_mid', grant: { maxConcurrent: 5 } }, { id: 'ck_top', grant: { maxConcurrent: 9 } }] } });
    const before = rig.store.revision();
    const top = rig.store.find('ck_top') ?? keyOf('');
    rig.store.update([{ ...top, grant: { maxConcurrent: 1 } }]);
    rig.source.apply(changesSince(rig, before));
    expect(rig.source.verify(text)).toMatchObject({ principal: { holders: [{}, {}, { id: 'ck_top', grant: { maxConcurrent: 1 } }] } });
    rig.store.update([{ ...(rig.store.find('ck_top') ?? top), expiresAtMs: 10_000 }]);
    rig.source.apply(changesSince(rig, before));
    expect(told(rig.source.verify(text))).toBe('key_expired');
    rig.store.remove([rig.store.find('ck_mid') ?? top]);
    rig.source.apply(changesSince(rig, before));
    expect(told(rig.source.verify(text))).toBe('key_revoked');
  });

  it('a store that cannot be read is no word against a key, and what is known goes on', () => {
    const rig = open();
    const [known, other] = [rig.add('ck_a'), rig.add('ck_b')];
    rig.source.verify(known);
    rig.breakStore();
    expect(told(verifyClientKey([rig.source], known))).toBe('ck_a');
    expect(verifyClientKey([rig.source], other)).toMatchObject({ kind: 'unknown' });
    const key = rig.store.find('ck_a') ?? keyOf('');
    const [revoked = key] = rig.store.update([{ ...key, revokedAtMs: 10_000 }]) ?? [];
    rig.source.apply([{ id: 'ck_a', revision: revoked.revision, digests: revoked.secrets.map(({ digest }) => digest), key: revoked }]);
    expect(told(verifyClientKey([rig.source], known))).toBe('key_revoked');
  });

  it('what an older write says never brings a revoked key back', () => {
    const rig = open();
    const text = rig.add('ck_a');
    rig.source.verify(text);
    const stale = changesSince(rig, 0);
    const key = rig.store.find('ck_a') ?? keyOf('');
    rig.store.update([{ ...key, revokedAtMs: 10_000 }]);
    rig.source.apply(changesSince(rig, 1));
    rig.source.apply(stale);
    expect(told(rig.source.verify(text))).toBe('key_revoked');
  });

  it('a key that was unknown a moment ago is known as soon as it is there, and gone with its removal', () => {
    const rig = open();
    const text = makeKeyText('live');
    expect(told(rig.source.verify(text))).toBe('invalid_api_key');
    rig.store.insert([keyOf('ck_a', { secrets: [{ digest: sha256Hex(text), hint: '', createdAtMs: 0, endsAtMs: undefined, lastUsedAtMs: undefined, lastUsedFrom: '' }] })]);
    rig.source.apply(changesSince(rig, 0));
    expect(told(rig.source.verify(text))).toBe('ck_a');
    rig.store.remove([rig.store.find('ck_a') ?? keyOf('')]);
    rig.source.apply(changesSince(rig, 1));
    expect(told(rig.source.verify(text))).toBe('invalid_api_key');
  });

  it('after more changes than are worth telling everything is looked up anew', () => {
    const rig = open();
    const text = rig.add('ck_a');
    rig.source.verify(text);
    rig.store.update([{ ...(rig.store.find('ck_a') ?? keyOf('')), revokedAtMs: 10_000 }]);
    rig.source.apply('many');
    expect(told(rig.source.verify(text))).toBe('key_revoked');
  });

  it('a principal is judged again by the text that it came in by', () => {
    const rig = open();
    const verdict = rig.source.verify(rig.add('ck_a'));
    const principal = verdict.kind === 'valid' ? verdict.principal : undefined;
    expect(principal).toBeDefined();
    if (principal === undefined) return;
    expect(rig.source.recheck(principal)).toMatchObject({ kind: 'valid' });
    expect(rig.source.recheck({ ...principal })).toBeUndefined();
    rig.store.remove([rig.store.find('ck_a') ?? keyOf('')]);
    rig.source.apply(changesSince(rig, 1));
    expect(rig.source.recheck(principal)).toMatchObject({ kind: 'invalid', code: 'key_revoked' });
  });

  it('by its id a key tells who it is, for questions about it, and no text is known by that', () => {
    const rig = open();
    rig.add('ck_top', { grant: { maxConcurrent: 9 } });
    rig.add('ck_low', { minterId: 'ck_top' });
    expect(rig.source.principalOf('ck_low')).toMatchObject({ id: 'ck_low', kind: 'managed-key', holders: [{ id: 'ck_low' }, { id: 'ck_top', grant: { maxConcurrent: 9 } }] });
    expect([rig.source.principalOf('ck_none'), told(rig.source.verify('ck_low'))]).toEqual([undefined, 'invalid_api_key']);
  });

  it('uses are collected, the newest of each text, and looks and refusals are none', () => {
    const rig = open();
    const [a, b] = [rig.add('ck_a'), rig.add('ck_b', { expiresAtMs: 5 })];
    rig.source.verify(a, '10.0.0.1');
    rig.clock.advance(10);
    rig.source.verify(a, '10.0.0.2');
    rig.source.verify(b, '10.0.0.3');
    rig.source.verify(a);
    expect(rig.source.takeUses()).toMatchObject([{ digest: sha256Hex(a), atMs: 10_010, from: '10.0.0.2' }]);
    expect(rig.source.takeUses()).toEqual([]);
  });

  it('uses tell of changes of place, and nothing of who stays where he was', () => {
    const rig = open();
    const text = rig.add('ck_a', { expiresAtMs: undefined });
    const use = (...places: readonly string[]): unknown => {
      for (const place of places) rig.source.verify(text, place);
      return rig.source.takeUses().map(({ from, addresses }) => [from, addresses?.map(({ address }) => address)]);
    };
    expect(use('10.0.0.1', '10.0.0.1')).toEqual([['10.0.0.1', ['10.0.0.1']]]);
    expect(use('10.0.0.1')).toEqual([['10.0.0.1', undefined]]);
    expect(use('10.0.0.1', '10.0.0.2', '10.0.0.1')).toEqual([['10.0.0.1', ['10.0.0.2', '10.0.0.1']]]);
    expect(use(...Array.from({ length: 100 }, (_, index) => `192.0.2.${index}`))).toEqual([['192.0.2.99', expect.objectContaining({ length: 16 })]]);
  });
});
