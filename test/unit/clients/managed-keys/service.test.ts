import { describe, expect, it } from 'vitest';
import { readKeyText } from '../../../../internal/clients/managed-keys/key-text.ts';
import type { KeyWish } from '../../../../internal/clients/managed-keys/key-wish.ts';
import { statusOf } from '../../../../internal/clients/managed-keys/managed-key.ts';
import { createManagedKeyService, defaultTermMs, type ManagedKeyService } from '../../../../internal/clients/managed-keys/service.ts';
import { createManagedKeySource } from '../../../../internal/clients/managed-keys/source.ts';
import { AppError } from '../../../../internal/fault/app-error.ts';
import { createMemoryManagedKeyStore } from '../../../../internal/storage/memory/managed-keys.ts';
import { createManualClock, type ManualClock } from '../../../support/manual-clock.ts';

const dayMs = 86_400_000;
const wish: KeyWish = { name: 'ci', owner: 'ann', purpose: '', environment: 'live', tags: [], grant: {}, end: undefined };
const operator = { actorId: 'root', minterId: '' };

interface Rig {
  readonly service: ManagedKeyService;
  readonly clock: ManualClock;
  readonly doorClosings: () => number;
  /** Id, or why not. */
  readonly ask: (text: string) => string;
}

function open(): Rig {
  const clock = createManualClock(1_000_000);
  const store = createMemoryManagedKeyStore();
  const source = createManagedKeySource({ store, clock });
  let closings = 0;
  const service = createManagedKeyService({ store, clock, closeDoor: () => closings++, onChanged: source.apply });
  const ask = (text: string): string => {
    const verdict = source.verify(text);
    return verdict.kind === 'valid' ? verdict.principal.id : verdict.kind === 'invalid' ? verdict.code : 'unknown';
  };
  return { service, clock, doorClosings: () => closings, ask };
}

function refusal(work: () => unknown): string {
  try {
    work();
    return 'done';
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return typeof thrown.fields['param'] === 'string' ? `${thrown.code} ${thrown.fields['param']}` : thrown.code;
  }
}

describe('making a key', () => {
  it('gives a text that opens the door at once, and ends after 90 days unless never is said', () => {
    const { service, ask, clock, doorClosings } = open();
    const { key, text } = service.create(wish, operator);
    expect([readKeyText(text), ask(text), doorClosings()]).toEqual([{ kind: 'key', environment: 'live' }, key.id, 1]);
    expect(key.id).toMatch(/^ck_[\w-]{16}$/);
    expect(key.expiresAtMs).toBe(clock.nowMs() + 90 * dayMs);
    clock.advance(defaultTermMs);
    expect(ask(text)).toBe('key_expired');
    expect(service.create({ ...wish, end: { kind: 'never' } }, operator).key.expiresAtMs).toBeUndefined();
  });

  it('what is stored does not hold the text', () => {
    const { service } = open();
    const { key, text } = service.create(wish, operator);
    expect(JSON.stringify(key)).not.toContain(text.slice(12));
  });

  it('a child says no more than its minter, and ends no later', async () => {
    const { service, clock } = open();
    const { key: minter } = service.create({ ...wish, grant: { models: ['gpt-*'] }, end: { kind: 'at', atMs: clock.nowMs() + dayMs } }, operator);
    const by = { actorId: minter.id, minterId: minter.id };
    expect(refusal(() => service.create({ ...wish, grant: { models: ['*'] } }, by))).toBe('exceeds_minter models');
    expect(refusal(() => service.create({ ...wish, end: { kind: 'never' } }, by))).toBe('exceeds_minter expires_at');
    const { key: child } = service.create(wish, by);
    expect([child.expiresAtMs, child.minterId, child.createdBy]).toEqual([minter.expiresAtMs, minter.id, minter.id]);
    expect(refusal(() => service.change(child, { grant: () => ({ models: ['o*'] }) }))).toBe('exceeds_minter models');
    // Nor more than who minted its minter.
    const { key: inner } = service.create({ ...wish, grant: {} }, by);
    expect(refusal(() => service.create({ ...wish, grant: { models: ['o3'] } }, { actorId: inner.id, minterId: inner.id }))).toBe('exceeds_minter models');
    expect(refusal(() => service.create(wish, { actorId: 'root', minterId: 'ck_none' }))).toBe('item_not_found minter');
    await service.revoke(minter, 'root', 'revoke');
    expect(refusal(() => service.create(wish, by))).toBe('conflict minter');
  });

  it('a door that cannot be closed leaves no key behind', () => {
    const store = createMemoryManagedKeyStore();
    const service = createManagedKeyService({ store, clock: createManualClock(), closeDoor: () => { throw new AppError('storage_unavailable'); }, onChanged: () => undefined });
    expect(refusal(() => service.create(wish, operator))).toBe('storage_unavailable');
    expect(store.revision()).toBe(0);
  });
});

describe('a store that cannot be read', () => {
  it.each(['find', 'childrenOf', 'countUnder'] as const)('is told as such, and never as a mistake of ours: %s', async (broken) => {
    const clock = createManualClock(1_000_000);
    const store = createMemoryManagedKeyStore();
    const work = createManagedKeyService({ store, clock, closeDoor: () => undefined, onChanged: () => undefined });
    const { key } = work.create(wish, operator);
    const { key: child } = work.create(wish, { actorId: key.id, minterId: key.id });
    const service = createManagedKeyService({ store: { ...store, [broken]: () => { throw new Error('disk I/O error'); } }, clock, closeDoor: () => undefined, onChanged: () => undefined });
    const by = { actorId: key.id, minterId: key.id };
    if (broken !== 'childrenOf') expect(refusal(() => service.create(wish, by))).toBe('storage_unavailable');
    if (broken === 'find') for (const ask of [() => service.find(key.id), () => service.change(child, { name: 'x' }), () => service.rotate(child, { overlapMs: 0 })]) expect(refusal(ask)).toBe('storage_unavailable');
    if (broken === 'childrenOf') for (const children of ['revoke', 'transfer'] as const) await expect(service.revoke(key, 'root', children)).rejects.toMatchObject({ code: 'storage_unavailable' });
  });
});

describe('rotating a key', () => {
  it('leaves both texts good until the overlap ends, to the second, under one id', () => {
    const { service, clock, ask } = open();
    const { key, text: older } = service.create(wish, operator);
    clock.advance(10 * dayMs);
    const { key: rotated, text: newer } = service.rotate(key, { overlapMs: dayMs });
    expect([ask(older), ask(newer), statusOf(rotated, clock.nowMs())]).toEqual([key.id, key.id, 'rotating']);
    expect(rotated.expiresAtMs).toBe(clock.nowMs() + 90 * dayMs);
    expect(refusal(() => service.rotate(rotated, { overlapMs: dayMs }))).toBe('conflict');
    clock.advance(dayMs - 1);
    expect(ask(older)).toBe(key.id);
    clock.advance(1);
    expect([ask(older), ask(newer), statusOf(rotated, clock.nowMs())]).toEqual(['key_expired', key.id, 'active']);
  });

  it('without an overlap, and when the overlap is ended early, the old text is refused at once', () => {
    const { service, ask } = open();
    const { key, text: first } = service.create(wish, operator);
    const { key: second, text } = service.rotate(key, { overlapMs: 0 });
    expect([ask(first), ask(text)]).toEqual(['invalid_api_key', key.id]);
    const { key: third, text: newest } = service.rotate(second, { overlapMs: dayMs });
    service.endOverlap(third);
    expect([ask(text), ask(newest)]).toEqual(['invalid_api_key', key.id]);
  });

  it('makes an expired key good again by its new text alone, and a revoked one never', async () => {
    const { service, clock, ask } = open();
    const { key, text } = service.create({ ...wish, end: { kind: 'at', atMs: clock.nowMs() + dayMs } }, operator);
    clock.advance(2 * dayMs);
    const { key: rotated, text: newer } = service.rotate(key, { overlapMs: dayMs });
    expect([ask(text), ask(newer)]).toEqual(['invalid_api_key', key.id]);
    await service.revoke(rotated, 'root', 'revoke');
    expect(refusal(() => service.rotate(service.find(key.id) ?? rotated, { overlapMs: dayMs }))).toBe('conflict');
  });

  it('of two that rotate or change the same key at once one succeeds', () => {
    const { service } = open();
    const { key } = service.create(wish, operator);
    service.rotate(key, { overlapMs: 0 });
    expect(refusal(() => service.rotate(key, { overlapMs: 0 }))).toBe('precondition_failed');
    expect(refusal(() => service.change(key, { name: 'x' }))).toBe('precondition_failed');
  });
});

describe('ending a key', () => {
  it('ends what it has minted, however deep, unless that is handed over', async () => {
    const { service, ask } = open();
    const top = service.create(wish, operator);
    const mid = service.create(wish, { actorId: top.key.id, minterId: top.key.id });
    const low = service.create(wish, { actorId: mid.key.id, minterId: mid.key.id });
    await service.revoke(mid.key, 'root', 'transfer');
    expect([ask(top.text), ask(mid.text), ask(low.text)]).toEqual([top.key.id, 'key_revoked', low.key.id]);
    expect(service.find(low.key.id)?.minterId).toBe(top.key.id);
    expect((await service.revoke(top.key, 'root', 'revoke')).map(({ id, revokedBy }) => [id, revokedBy])).toEqual(expect.arrayContaining([[top.key.id, 'root'], [low.key.id, 'root']]));
    expect([ask(top.text), ask(low.text)]).toEqual(['key_revoked', 'key_revoked']);
  });

  it('is for good, and doing it again changes nothing', async () => {
    const { service } = open();
    const { key } = service.create(wish, operator);
    const [revoked = key] = await service.revoke(key, 'root', 'revoke');
    expect(await service.revoke(revoked, 'ann', 'revoke')).toEqual([revoked]);
    expect(refusal(() => service.change(revoked, { name: 'x' }))).toBe('conflict');
  });

  it('removing makes its text as unknown as any other, and ends its children', async () => {
    const { service, ask } = open();
    const { key, text } = service.create(wish, operator);
    const child = service.create(wish, { actorId: key.id, minterId: key.id });
    expect((await service.remove(key, 'root')).map(({ id }) => id)).toEqual([child.key.id]);
    expect([ask(text), ask(child.text), service.find(key.id)]).toEqual(['invalid_api_key', 'key_revoked', undefined]);
  });
});

describe('taking in a key that exists', () => {
  it('opens the door by its old text, under the id that it had as a static key', () => {
    const { service, ask } = open();
    const key = service.take('sk-my-old-key-0123456789', wish, operator);
    expect([key.id, key.secrets[0]?.hint, ask('sk-my-old-key-0123456789')]).toEqual([expect.stringMatching(/^key_[\da-f]{12}$/), 'sk-m…6789', key.id]);
    expect(refusal(() => service.take('sk-my-old-key-0123456789', wish, operator))).toBe('conflict');
    expect(service.take('short', wish, operator).secrets[0]?.hint).toBe('********');
  });

  it.each(['', ' sk-a', 'x'.repeat(4_097), 'kw_live_mistyped'])('%j is no key', (text) => {
    expect(refusal(() => open().service.take(text, wish, operator))).toBe('invalid_request key');
  });
});
