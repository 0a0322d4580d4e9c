import { expect, it } from 'vitest';
import type { ManagedKey } from '../../internal/clients/managed-keys/managed-key.ts';
import type { KeyQuery, ManagedKeyStore } from '../../internal/clients/managed-keys/store.ts';
import { sha256Hex } from '../../internal/secret/digest.ts';

/** A key as a writer makes it. */
export function keyOf(id: string, change: Partial<ManagedKey> = {}): ManagedKey {
  return {
    id,
    revision: 0,
    name: `key ${id}`,
    owner: 'ann',
    purpose: 'nightly',
    environment: 'live',
    tags: ['ci', 'eu'],
    grant: { models: ['gpt-*'], scopes: ['models:use'], dailyBudget: { requests: 5 } },
    createdAtMs: 1_000,
    createdBy: 'root',
    minterId: '',
    expiresAtMs: 90_000,
    revokedAtMs: undefined,
    revokedBy: '',
    isImported: false,
    secrets: [{ digest: sha256Hex(id), hint: `kw_live_${id}…`, createdAtMs: 1_000, endsAtMs: undefined, lastUsedAtMs: undefined, lastUsedFrom: '' }],
    ...change,
  };
}

const told = (changes: ReturnType<ManagedKeyStore['changedSince']>): unknown => (changes === 'many' ? changes : changes.map(({ id, key }) => [id, key?.name]));

const everything: KeyQuery = { nowMs: 5_000, limit: 100 };

/** What every store of managed keys promises. `open` gives two stores on the same empty data, as two processes would have. */
export function managedKeyStoreContract(open: () => readonly [ManagedKeyStore, ManagedKeyStore]): void {
  it('gives back a key as it was written, by id and by digest', () => {
    const [store] = open();
    const [written] = store.insert([keyOf('ck_a')]) ?? [];
    expect(written).toEqual(keyOf('ck_a', { revision: 1 }));
    expect(store.find('ck_a')).toEqual(written);
    expect(store.findByDigest(sha256Hex('ck_a'))).toEqual(written);
    expect(store.find('ck_b')).toBeUndefined();
    expect(store.findByDigest(sha256Hex('ck_b'))).toBeUndefined();
    const full = keyOf('ck_c', { expiresAtMs: undefined, revokedAtMs: 7, revokedBy: 'root', isImported: true, environment: 'test', tags: [], grant: {}, minterId: 'ck_a' });
    store.insert([full]);
    expect(store.find('ck_c')).toEqual({ ...full, revision: 2 });
  });

  it('takes no id and no digest twice, and writes all of several keys or none', () => {
    const [store, other] = open();
    store.insert([keyOf('ck_a')]);
    expect(other.insert([keyOf('ck_b'), keyOf('ck_a', { secrets: [] })])).toBeUndefined();
    expect(other.insert([keyOf('ck_b'), keyOf('ck_c', { secrets: keyOf('ck_a').secrets })])).toBeUndefined();
    expect(store.list(everything).keys.map(({ id }) => id)).toEqual(['ck_a']);
  });

  it('of two writers that read the same key one succeeds', () => {
    const [store, other] = open();
    const [key = keyOf('')] = store.insert([keyOf('ck_a'), keyOf('ck_b')]) ?? [];
    expect(other.update([{ ...key, name: 'theirs' }])).toMatchObject([{ name: 'theirs', revision: 2 }]);
    expect(store.update([{ ...key, name: 'ours' }])).toBeUndefined();
    expect(store.update([keyOf('ck_b', { revision: 1, name: 'half' }), { ...key, name: 'ours' }])).toBeUndefined();
    expect(store.remove([key])).toBeUndefined();
    expect([store.find('ck_a')?.name, store.find('ck_b')?.name]).toEqual(['theirs', 'key ck_b']);
  });

  it('replaces secrets with the key they belong to, the newest first, and keeps what is known of their use', () => {
    const [store] = open();
    const [key = keyOf('')] = store.insert([keyOf('ck_a')]) ?? [];
    const [first] = key.secrets;
    const second = { digest: sha256Hex('second'), hint: 'kw_live_2…', createdAtMs: 2_000, endsAtMs: undefined, lastUsedAtMs: undefined, lastUsedFrom: '' };
    store.saveUses([{ digest: sha256Hex('ck_a'), atMs: 1_500, from: '10.0.0.1' }]);
    const [rotated = key] = store.update([{ ...key, secrets: [second, ...(first === undefined ? [] : [{ ...first, endsAtMs: 3_000 }])] }]) ?? [];
    expect(store.find('ck_a')?.secrets).toEqual([second, { ...first, endsAtMs: 3_000, lastUsedAtMs: 1_500, lastUsedFrom: '10.0.0.1' }]);
    expect(store.findByDigest(second.digest)?.id).toBe('ck_a');
    store.update([{ ...rotated, secrets: [second] }]);
    expect(store.findByDigest(sha256Hex('ck_a'))).toBeUndefined();
  });

  it('saves the latest use of each text, which is no change of the key', () => {
    const [store, other] = open();
    store.insert([keyOf('ck_a')]);
    const digest = sha256Hex('ck_a');
    store.saveUses([{ digest, atMs: 20, from: '10.0.0.2' }, { digest: sha256Hex('nobody'), atMs: 30, from: '10.0.0.3' }]);
    other.saveUses([{ digest, atMs: 10, from: '10.0.0.1' }]);
    expect(store.find('ck_a')).toMatchObject({ revision: 1, secrets: [{ lastUsedAtMs: 20, lastUsedFrom: '10.0.0.2' }] });
    expect(store.revision()).toBe(1);
  });

  it('keeps where a text was used from, the newest places and a few alone, through changes of the key', () => {
    const [store, other] = open();
    const [key = keyOf('')] = store.insert([keyOf('ck_a')]) ?? [];
    const digest = sha256Hex('ck_a');
    store.saveUses([{ digest, atMs: 20, from: '10.0.0.2', addresses: [{ address: '10.0.0.1', atMs: 10 }, { address: '10.0.0.2', atMs: 20 }] }]);
    other.saveUses([{ digest, atMs: 30, from: '10.0.0.1', addresses: [{ address: '10.0.0.1', atMs: 30 }] }, { digest: sha256Hex('nobody'), atMs: 1, from: '', addresses: [{ address: '', atMs: 1 }] }]);
    store.update([{ ...key, name: 'renamed' }]);
    expect(store.find('ck_a')).toMatchObject({ name: 'renamed', secrets: [{ addresses: [{ address: '10.0.0.1', atMs: 30 }, { address: '10.0.0.2', atMs: 20 }] }] });
    store.saveUses([{ digest, atMs: 99, from: '', addresses: Array.from({ length: 20 }, (_, index) => ({ address: `192.0.2.${index}`, atMs: 40 + index })) }]);
    expect(store.find('ck_a')?.secrets[0]?.addresses?.map(({ address }) => address)).toEqual(Array.from({ length: 16 }, (_, index) => `192.0.2.${19 - index}`));
  });

  it('tells what another process wrote, removals too, and that there may be something', () => {
    const [store, other] = open();
    expect(store.mayHaveChanged()).toBe(false);
    const [, b = keyOf('')] = other.insert([keyOf('ck_a'), keyOf('ck_b')]) ?? [];
    expect([store.mayHaveChanged(), store.mayHaveChanged()]).toEqual([true, false]);
    expect(told(store.changedSince(0))).toEqual([['ck_a', 'key ck_a'], ['ck_b', 'key ck_b']]);
    expect(other.remove([b])).toEqual([{ id: 'ck_b', revision: 2, digests: [sha256Hex('ck_b')], key: undefined }]);
    expect(store.changedSince(1)).toEqual([{ id: 'ck_b', revision: 2, digests: [sha256Hex('ck_b')], key: undefined }]);
    store.insert([keyOf('ck_b', { name: 'again' })]);
    expect(told(store.changedSince(1))).toEqual([['ck_b', 'again']]);
    expect([store.changedSince(store.revision()), other.revision()]).toEqual([[], 3]);
  });

  it('does not take its own writes for those of another', () => {
    const [store] = open();
    store.insert([keyOf('ck_a')]);
    store.saveUses([{ digest: sha256Hex('ck_a'), atMs: 20, from: '' }]);
    expect(store.mayHaveChanged()).toBe(false);
  });

  it('lists newest first, page by page, by owner, tag, minter and status', () => {
    const [store] = open();
    const old = (id: string, endsAtMs: number): ManagedKey['secrets'] => [...keyOf(id).secrets, { digest: sha256Hex(`${id} old`), hint: '', createdAtMs: 0, endsAtMs, lastUsedAtMs: undefined, lastUsedFrom: '' }];
    store.insert([
      keyOf('ck_a', { createdAtMs: 1, owner: 'bob', tags: ['us'] }),
      keyOf('ck_b', { createdAtMs: 3, expiresAtMs: 5_000 }),
      keyOf('ck_c', { createdAtMs: 3, revokedAtMs: 4, secrets: old('ck_c', 9_000) }),
      keyOf('ck_d', { createdAtMs: 2, minterId: 'ck_a', expiresAtMs: undefined, secrets: old('ck_d', 5_001) }),
      keyOf('ck_e', { createdAtMs: 1, secrets: old('ck_e', 5_000) }),
    ]);
    const ids = (query: Partial<KeyQuery>): readonly string[] => store.list({ ...everything, ...query }).keys.map(({ id }) => id);
    expect(ids({})).toEqual(['ck_c', 'ck_b', 'ck_d', 'ck_e', 'ck_a']);
    expect(ids({ limit: 2 })).toEqual(['ck_c', 'ck_b']);
    expect(ids({ limit: 2, after: { createdAtMs: 3, id: 'ck_b' } })).toEqual(['ck_d', 'ck_e']);
    expect(ids({ owner: 'bob' })).toEqual(['ck_a']);
    expect(ids({ tag: 'us' })).toEqual(['ck_a']);
    expect(ids({ minterId: 'ck_a' })).toEqual(['ck_d']);
    expect([ids({ status: 'active' }), ids({ status: 'rotating' }), ids({ status: 'expired' }), ids({ status: 'revoked' })]).toEqual([['ck_e', 'ck_a'], ['ck_d'], ['ck_b'], ['ck_c']]);
  });

  it('gives what was minted from a key and is not revoked, some at a time, and counts what lives under it, however deep', () => {
    const [store] = open();
    store.insert([
      keyOf('ck_a'),
      keyOf('ck_b', { minterId: 'ck_a', expiresAtMs: undefined }),
      keyOf('ck_c', { minterId: 'ck_a', expiresAtMs: 5_000 }),
      keyOf('ck_d', { minterId: 'ck_a', revokedAtMs: 4 }),
      keyOf('ck_e', { minterId: 'ck_b', expiresAtMs: 5_001 }),
      keyOf('ck_f', { minterId: 'ck_e' }),
      keyOf('ck_g', { minterId: 'ck_d' }),
    ]);
    expect(store.childrenOf('ck_a', 9).map(({ id }) => id).sort()).toEqual(['ck_b', 'ck_c']);
    expect([store.childrenOf('ck_a', 1).length, store.childrenOf('', 9)]).toEqual([1, []]);
    expect([store.countUnder('ck_a', 5_000, 9), store.countUnder('ck_a', 5_000, 2), store.countUnder('ck_f', 5_000, 9), store.countUnder('', 5_000, 9)]).toEqual([3, 2, 0, 0]);
    store.insert([keyOf('ck_x', { minterId: 'ck_y' }), keyOf('ck_y', { minterId: 'ck_x' })]);
    expect(store.countUnder('ck_x', 5_000, 9)).toBe(1);
  });

  it('knows whether a key of foreign form is there', () => {
    const [store] = open();
    store.insert([keyOf('ck_a')]);
    expect(store.hasImported()).toBe(false);
    store.insert([keyOf('ck_b', { isImported: true })]);
    expect(store.hasImported()).toBe(true);
  });
}
