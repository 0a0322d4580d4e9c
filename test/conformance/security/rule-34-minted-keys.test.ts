import { describe, expect, it } from 'vitest';
import type { Grant } from '../../../internal/clients/grant.ts';
import type { KeyWish } from '../../../internal/clients/managed-keys/key-wish.ts';
import { createManagedKeyService } from '../../../internal/clients/managed-keys/service.ts';
import { createManagedKeySource } from '../../../internal/clients/managed-keys/source.ts';
import type { Verdict } from '../../../internal/clients/verify.ts';
import { createMemoryManagedKeyStore } from '../../../internal/storage/memory/managed-keys.ts';
import { createManualClock } from '../../support/manual-clock.ts';

/* What each limit refuses is checked where it is enforced; here, that the door hands over every holder as it is now. */

const wish = (grant: Grant): KeyWish => ({ name: 'k', owner: '', purpose: '', environment: 'live', tags: [], grant, end: undefined });

function open() {
  const clock = createManualClock();
  const store = createMemoryManagedKeyStore();
  const source = createManagedKeySource({ store, clock });
  const service = createManagedKeyService({ store, clock, closeDoor: () => undefined, onChanged: source.apply });
  return { clock, source, service };
}

const grantsOf = (verdict: Verdict): readonly Grant[] | string => (verdict.kind === 'valid' ? (verdict.principal.holders ?? []).map(({ grant }) => grant) : verdict.kind === 'invalid' ? verdict.code : 'unknown');

describe('rule 34: a minted key has at each use what its minter has then', () => {
  it('over every dimension; what it leaves out it has from its minter', () => {
    const { source, service } = open();
    const all: Grant = { scopes: ['models:use'], models: ['a*'], accounts: ['provider:codex'], addresses: ['10.0.0.0/8'], requestsPerMinute: 9, tokensPerMinute: 9, maxConcurrent: 9, dailyBudget: { requests: 9 }, monthlyBudget: { cost: 9 } };
    const minter = service.create(wish(all), { actorId: 'root', minterId: '' });
    const child = service.create(wish({}), { actorId: minter.key.id, minterId: minter.key.id });
    expect(grantsOf(source.verify(child.text))).toEqual([{}, all]);
    const narrowed = { ...all, models: ['ab'], maxConcurrent: 1 };
    service.change(minter.key, { grant: () => narrowed });
    expect(grantsOf(source.verify(child.text))).toEqual([{}, narrowed]);
  });

  it('and no longer: it ends with its minter, by expiry, revocation or removal', async () => {
    const { clock, source, service } = open();
    const made = [0, 1, 2].map(() => {
      const minter = service.create({ ...wish({}), end: { kind: 'at', atMs: clock.nowMs() + 1_000 } }, { actorId: 'root', minterId: '' });
      return { minter, child: service.create(wish({}), { actorId: minter.key.id, minterId: minter.key.id }) };
    });
    const [expiring, revoked, removed] = made;
    if (expiring === undefined || revoked === undefined || removed === undefined) throw new TypeError('three were made');
    for (const { child } of made) expect(grantsOf(source.verify(child.text))).toEqual([{}, {}]);
    await service.revoke(revoked.minter.key, 'root', 'revoke');
    await service.remove(removed.minter.key, 'root');
    expect([grantsOf(source.verify(revoked.child.text)), grantsOf(source.verify(removed.child.text))]).toEqual(['key_revoked', 'key_revoked']);
    clock.advance(1_000);
    expect(grantsOf(source.verify(expiring.child.text))).toBe('key_expired');
  });
});
