import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { KeyWish } from '../../../internal/clients/managed-keys/key-wish.ts';
import type { ManagedKey } from '../../../internal/clients/managed-keys/managed-key.ts';
import { maxUnderKey } from '../../../internal/clients/managed-keys/minters.ts';
import { createManagedKeyService, type MadeKey, type ManagedKeyService } from '../../../internal/clients/managed-keys/service.ts';
import { createManagedKeySource, maxChain } from '../../../internal/clients/managed-keys/source.ts';
import type { ManagedKeyStore } from '../../../internal/clients/managed-keys/store.ts';
import { AppError } from '../../../internal/fault/app-error.ts';
import { openSqliteStores, type Stores } from '../../../internal/storage/sqlite/stores.ts';
import { keyOf } from '../../contract/managed-key-store.contract.ts';
import { openManagement } from '../../http/management/fixture.ts';
import { makeFolder } from '../../support/daemon.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

const wish: KeyWish = { name: 'k', owner: '', purpose: '', environment: 'live', tags: [], grant: {}, end: undefined };
const operator = { actorId: 'root', minterId: '' };
const by = ({ id }: ManagedKey) => ({ actorId: id, minterId: id });

interface Rig {
  readonly clock: ManualClock;
  readonly store: ManagedKeyStore;
  readonly service: ManagedKeyService;
  /** The ids of each write. */
  readonly writes: (readonly string[])[];
  readonly breakAfter: (writes: number) => void;
  readonly ask: (text: string) => string;
  /** As after a restart. */
  readonly forget: () => void;
}

let folder = '';
let stores: Stores | undefined;
afterEach(() => {
  stores?.close();
  stores = undefined;
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
  folder = '';
});

function open(): Rig {
  const clock = createManualClock(1_000_000);
  folder = makeFolder();
  stores = openSqliteStores({ file: join(folder, 'keyward.db'), clock });
  const { managedKeys } = stores;
  const writes: (readonly string[])[] = [];
  let left = Infinity;
  const store: ManagedKeyStore = {
    ...managedKeys,
    update: (keys) => {
      if (--left < 0) throw new Error('disk I/O error');
      writes.push(keys.map(({ id }) => id));
      return managedKeys.update(keys);
    },
  };
  const source = createManagedKeySource({ store, clock });
  const service = createManagedKeyService({ store, clock, closeDoor: () => undefined, onChanged: source.apply });
  const ask = (text: string): string => {
    const verdict = source.verify(text);
    return verdict.kind === 'valid' ? 'ok' : verdict.kind === 'invalid' ? verdict.code : 'unknown';
  };
  return { clock, store, service, writes, ask, forget: () => source.apply('many'), breakAfter: (writes) => { left = writes; } };
}

const refusal = (work: () => unknown): string => {
  try {
    work();
    return 'done';
  } catch (thrown) {
    return thrown instanceof AppError ? thrown.code : 'something else';
  }
};

function mintMany(service: ManagedKeyService, minter: ManagedKey, count: number): readonly MadeKey[] {
  return Array.from({ length: count }, () => service.create(wish, by(minter)));
}

describe('rule 34: revoking a minter revokes its children, however many and however they hang together', () => {
  it('the minter’s own end is written first and by itself, and refuses all of them at once; the rest is written in slices', async () => {
    const { service, writes, ask, store } = open();
    const top = service.create(wish, operator);
    const mid = service.create(wish, by(top.key));
    const children = [...mintMany(service, top.key, 450), ...mintMany(service, mid.key, 250)];
    expect(new Set(children.map(({ text }) => ask(text)))).toEqual(new Set(['ok']));
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    const ending = service.revoke(top.key, 'root', 'revoke');
    expect(writes).toEqual([[top.key.id]]);
    expect(new Set([top, mid, ...children].map(({ text }) => ask(text)))).toEqual(new Set(['key_revoked']));
    setImmediate(count);
    const ended = await ending;
    isDone = true;
    expect(ended.length).toBe(702);
    expect(Math.max(...writes.map(({ length }) => length))).toBeLessThanOrEqual(100);
    expect(turns).toBeGreaterThan(6);
    expect(children.every(({ key }) => store.find(key.id)?.revokedBy === 'root')).toBe(true);
  });

  it('a store that breaks in between leaves none of them good; revoking again does the rest', async () => {
    const { service, ask, store, breakAfter } = open();
    const top = service.create(wish, operator);
    const children = mintMany(service, top.key, 150);
    breakAfter(2);
    await expect(service.revoke(top.key, 'root', 'revoke')).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect(new Set([top, ...children].map(({ text }) => ask(text)))).toEqual(new Set(['key_revoked']));
    breakAfter(Infinity);
    const again = store.find(top.key.id) ?? top.key;
    expect((await service.revoke(again, 'root', 'revoke')).length).toBe(51);
    expect(children.every(({ key }) => store.find(key.id)?.revokedAtMs !== undefined)).toBe(true);
  });

  it('handed over, none of many is cut off meanwhile', async () => {
    const { service, ask, writes, store } = open();
    const top = service.create(wish, operator);
    const mid = service.create(wish, by(top.key));
    const children = mintMany(service, mid.key, 350);
    const handing = service.revoke(mid.key, 'root', 'transfer');
    expect(children.slice(0, 10).map(({ text }) => ask(text))).toEqual(Array.from({ length: 10 }, () => 'ok'));
    expect((await handing).length).toBe(351);
    expect(new Set(children.map(({ text, key }) => `${ask(text)} ${store.find(key.id)?.minterId}`))).toEqual(new Set([`ok ${top.key.id}`]));
    expect([ask(mid.text), writes.at(-1)?.[0], Math.max(...writes.map(({ length }) => length))]).toEqual(['key_revoked', mid.key.id, 100]);
  });

  it('no more living keys hang on one than may, counted over all that hang on it; what is over makes room', async () => {
    const { service, clock } = open();
    const top = service.create(wish, operator);
    const mid = service.create(wish, by(top.key));
    const [first] = mintMany(service, mid.key, maxUnderKey - 2);
    service.create({ ...wish, end: { kind: 'at', atMs: clock.nowMs() + 1_000 } }, by(top.key));
    for (const minter of [top, mid]) expect(refusal(() => service.create(wish, by(minter.key)))).toBe('too_many_keys');
    expect(refusal(() => service.create(wish, operator))).toBe('done');
    clock.advance(1_000);
    const one = service.create(wish, by(mid.key));
    expect(refusal(() => service.create(wish, by(mid.key)))).toBe('too_many_keys');
    await service.revoke(one.key, 'root', 'revoke');
    if (first !== undefined) await service.remove(first.key, 'root');
    expect([1, 2, 3].map(() => refusal(() => service.create(wish, by(mid.key))))).toEqual(['done', 'done', 'too_many_keys']);
  });

  it('is told by its own code', async () => {
    const management = openManagement('client-auth: required\n');
    const made = await management.send('POST', '/client-keys', { json: { name: 'ci', scopes: ['keys:write'] } });
    const as = { id: String(made.body['id']), kind: 'managed-key', label: '', holders: [] } as const;
    for (let index = 0; index < maxUnderKey; index++) management.clientKeys.create(wish, { actorId: as.id, minterId: as.id });
    expect(await management.send('POST', '/client-keys', { json: { name: 'one more' }, as })).toMatchObject({ status: 409, code: 'too_many_keys' });
  }, 20_000);

  it.each(['revoke', 'transfer'] as const)('keys that a damaged store has in a circle are refused, and %s comes to an end', async (children) => {
    const { service, store, ask, forget } = open();
    const text = 'sk-imported-0123456789';
    const made = service.take(text, wish, operator);
    store.update([{ ...made, minterId: 'ck_b' }]);
    store.insert([keyOf('ck_b', { minterId: made.id }), keyOf('ck_c', { minterId: 'ck_c' })]);
    forget();
    expect(ask(text)).toBe('key_revoked');
    expect(refusal(() => service.create(wish, { actorId: 'root', minterId: 'ck_b' }))).toBe('conflict');
    for (const id of [made.id, 'ck_c']) {
      const key = store.find(id);
      if (key !== undefined) await service.revoke(key, 'root', children);
      expect(store.find(id)?.revokedBy).toBe('root');
    }
  });

  it('a key in a circle is looked for and not found by another, without end to neither', async () => {
    const management = openManagement('client-auth: required\n');
    const keys = ['ck_x', 'ck_y'].map((id, index) => keyOf(id, { minterId: index === 0 ? 'ck_y' : 'ck_x' }));
    management.keyStore.insert(keys);
    expect(await management.send('GET', '/client-keys/ck_x', { as: { id: 'ck_z', kind: 'managed-key', label: '', holders: [] } })).toMatchObject({ status: 404 });
  });

  it('a chain that is deeper than may be opens nothing, and nothing is minted at its end', () => {
    const { service, store, ask, forget } = open();
    store.insert(Array.from({ length: maxChain + 1 }, (_, level) => keyOf(`ck_${level}`, { minterId: level === 0 ? '' : `ck_${level - 1}`, expiresAtMs: undefined })));
    const text = 'sk-imported-0123456789';
    const made = service.take(text, wish, operator);
    store.update([{ ...made, minterId: `ck_${maxChain}` }]);
    forget();
    expect(ask(text)).toBe('key_revoked');
    expect(refusal(() => service.create(wish, { actorId: 'root', minterId: `ck_${maxChain}` }))).toBe('conflict');
  });
});
