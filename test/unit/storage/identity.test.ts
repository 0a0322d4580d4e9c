import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSigningKeys } from '../../../internal/authserver/signing-keys.ts';
import { personId, type Person } from '../../../internal/clients/issued/person.ts';
import { Secret } from '../../../internal/secret/secret.ts';
import { createSealer, openSealer } from '../../../internal/storage/sealer.ts';
import { openSqliteStores } from '../../../internal/storage/sqlite/stores.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

let folder: string;
let clock: ManualClock;
const key = randomBytes(32);
const quiet = { info: () => undefined };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-identity-'));
  clock = createManualClock();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (sealedBy = key) => {
  const stores = openSqliteStores({ file: join(folder, 'keyward.db'), clock });
  return { store: stores.identity(createSealer(sealedBy)), close: () => stores.close() };
};
const onDisk = (): string => ['', '-wal'].map((end) => readFileSync(join(folder, `keyward.db${end}`), { encoding: 'latin1', flag: 'a+' })).join('');
const ann: Person = { id: personId('https://id.example.com', 'ann'), issuer: 'https://id.example.com', subject: 'ann', label: 'Ann', groups: [], scopes: ['models:use'], providerRefreshToken: new Secret('provider-refresh-token-of-ann'), seenAtMs: 1 };
const session = (id: string) => ({ id, personId: ann.id, clientId: 'keyward-cli', scopes: ['models:use'] as const, createdAtMs: clock.nowMs(), createdFrom: '127.0.0.1', userAgent: '', lastUsedAtMs: undefined, lastUsedFrom: '', expiresAtMs: clock.nowMs() + 86_400_000, endedAtMs: undefined, endedBy: '' });

describe('what the authorization server keeps', () => {
  it('opens no door to who has the database alone: no key, no token, no code stands in it', () => {
    const { store, close } = open();
    store.savePerson(ann);
    const signing = createSigningKeys({ store, clock, keptMs: () => 1_000 }).current();
    store.objects.put('Grant', 'grant-1', { accountId: ann.id }, undefined);
    store.objects.put('RefreshToken', 'refresh-token-text', { jti: 'refresh-token-text', grantId: 'grant-1' }, clock.nowMs() + 1_000);
    store.objects.put('DeviceCode', 'device-code-text', { jti: 'device-code-text', userCode: 'BCDFGHJK' }, clock.nowMs() + 1_000);
    expect(store.findPerson(ann.id)?.providerRefreshToken?.reveal()).toBe('provider-refresh-token-of-ann');
    expect(store.objects.find('RefreshToken', 'refresh-token-text')).toMatchObject({ jti: 'refresh-token-text', grantId: 'grant-1' });
    close();
    const text = onDisk();
    expect(text).toContain('BCDFGHJK');
    for (const secret of ['provider-refresh-token-of-ann', String(signing[0]?.jwk['d']), 'refresh-token-text', 'device-code-text']) expect(text).not.toContain(secret);
  });

  it('is worth nothing with another key: people sign in again, and a new key signs', () => {
    const first = open();
    first.store.savePerson(ann);
    const [old] = createSigningKeys({ store: first.store, clock, keptMs: () => 1_000 }).current();
    first.close();
    const { store, close } = open(randomBytes(32));
    expect(store.findPerson(ann.id)).toMatchObject({ label: 'Ann', providerRefreshToken: undefined });
    const keys = createSigningKeys({ store, clock, keptMs: () => 1_000 }).current();
    expect(keys).toHaveLength(1);
    expect(keys[0]?.kid).not.toBe(old?.kid);
    close();
  });

  it('makes the key once, for its owner alone', async () => {
    const path = join(folder, 'identity.key');
    const made = await openSealer(path, process.getuid?.(), quiet);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const again = await openSealer(path, process.getuid?.(), quiet);
    expect(again.open(made.seal('text', 'here'), 'here')).toBe('text');
    expect(again.open(made.seal('text', 'here'), 'there')).toBeUndefined();
    writeFileSync(path, 'no key\n');
    await expect(openSealer(path, process.getuid?.(), quiet)).rejects.toMatchObject({ code: 'storage_unavailable', message: expect.stringContaining('identity key') });
  });
});

describe('what counts once', () => {
  it('is consumed by one of many, and its end takes everything of its login along', () => {
    const { store, close } = open();
    store.objects.put('Grant', 'grant-1', { accountId: ann.id }, undefined);
    store.insertSession(session('grant-1'));
    store.objects.put('RefreshToken', 'one', { grantId: 'grant-1' }, clock.nowMs() + 60_000);
    expect([store.objects.consume('RefreshToken', 'one'), store.objects.consume('RefreshToken', 'one')]).toEqual([true, false]);
    expect(store.objects.find('RefreshToken', 'one')).toMatchObject({ consumed: expect.any(Number) });
    expect([store.endSession('grant-1', 'root'), store.endSession('grant-1', 'root')]).toEqual([true, false]);
    expect(store.objects.find('RefreshToken', 'one')).toBeUndefined();
    // A refresh that was under way meanwhile brings nothing back.
    expect(store.objects.put('RefreshToken', 'two', { grantId: 'grant-1' }, clock.nowMs() + 60_000)).toBe(false);
    expect(store.objects.find('RefreshToken', 'two')).toBeUndefined();
    close();
  });

  it('is decided about once, and not after its end', () => {
    const { store, close } = open();
    store.objects.put('DeviceCode', 'code', { userCode: 'BCDFGHJK', params: {} }, clock.nowMs() + 60_000);
    expect([store.objects.decideDevice('BCDFGHJK', { error: 'access_denied' }), store.objects.decideDevice('BCDFGHJK', { accountId: ann.id })]).toEqual([true, false]);
    store.objects.put('DeviceCode', 'other', { userCode: 'KJHGFDCB', params: {} }, clock.nowMs() + 60_000);
    clock.advance(60_001);
    expect(store.objects.decideDevice('KJHGFDCB', { accountId: ann.id })).toBe(false);
    close();
  });

  it('counts again only when the time it had to be remembered is over', () => {
    const { store, close } = open();
    expect([store.isFirstUse('exchange', 'a', clock.nowMs() + 1_000), store.isFirstUse('exchange', 'a', clock.nowMs() + 1_000), store.isFirstUse('protocol', 'a', clock.nowMs() + 1_000)]).toEqual([true, false, true]);
    clock.advance(1_001);
    store.sweep();
    expect(store.isFirstUse('exchange', 'a', clock.nowMs() + 1_000)).toBe(true);
    close();
  });
});
