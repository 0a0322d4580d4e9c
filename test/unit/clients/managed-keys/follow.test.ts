import { describe, expect, it } from 'vitest';
import { followManagedKeys } from '../../../../internal/clients/managed-keys/follow.ts';
import { createManagedKeySource } from '../../../../internal/clients/managed-keys/source.ts';
import { silentLogger } from '../../../../internal/log/logger.ts';
import { sha256Hex } from '../../../../internal/secret/digest.ts';
import { createManagedKeyData, createMemoryManagedKeyStore } from '../../../../internal/storage/memory/managed-keys.ts';
import { keyOf } from '../../../contract/managed-key-store.contract.ts';
import { createManualClock } from '../../../support/manual-clock.ts';

function open() {
  const clock = createManualClock(10_000);
  const data = createManagedKeyData();
  const [store, other] = [createMemoryManagedKeyStore(data), createMemoryManagedKeyStore(data)];
  other.insert([keyOf('ck_a', { isImported: true, secrets: [{ digest: sha256Hex('text of a'), hint: '', createdAtMs: 0, endsAtMs: undefined, lastUsedAtMs: undefined, lastUsedFrom: '' }] })]);
  const source = createManagedKeySource({ store, clock });
  const broken = { isBroken: false };
  const guard = <A extends readonly unknown[], R>(work: (...given: A) => R) => (...given: A): R => {
    if (broken.isBroken) throw new Error('disk I/O error');
    return work(...given);
  };
  const following = followManagedKeys({ store: { ...store, mayHaveChanged: guard(store.mayHaveChanged), changedSince: guard(store.changedSince), saveUses: guard(store.saveUses) }, source, clock, log: silentLogger, onChanged: source.apply });
  const ask = (): string => {
    const verdict = source.verify('text of a', '10.0.0.9');
    return verdict.kind === 'invalid' ? verdict.code : verdict.kind;
  };
  const revokeElsewhere = (): void => {
    const key = other.find('ck_a');
    if (key !== undefined) other.update([{ ...key, revokedAtMs: clock.nowMs() }]);
  };
  return { clock, store, broken, following, ask, revokeElsewhere };
}

describe('several processes on the same keys', () => {
  it('a key that another one revoked is refused within half a second', () => {
    const { clock, ask, revokeElsewhere } = open();
    expect(ask()).toBe('valid');
    revokeElsewhere();
    clock.advance(500);
    expect(ask()).toBe('key_revoked');
  });

  it('what was written while the store could not be read is heard of afterwards', () => {
    const { clock, ask, revokeElsewhere, broken } = open();
    expect(ask()).toBe('valid');
    revokeElsewhere();
    broken.isBroken = true;
    clock.advance(2_000);
    expect(ask()).toBe('valid');
    broken.isBroken = false;
    clock.advance(500);
    expect(ask()).toBe('key_revoked');
  });

  it('uses are written down within 5 s and at the end, and none is lost while the store is broken', () => {
    const { clock, store, ask, broken, following } = open();
    ask();
    broken.isBroken = true;
    clock.advance(5_000);
    expect(store.find('ck_a')?.secrets[0]?.lastUsedAtMs).toBeUndefined();
    broken.isBroken = false;
    clock.advance(5_000);
    expect(store.find('ck_a')?.secrets[0]).toMatchObject({ lastUsedAtMs: 10_000, lastUsedFrom: '10.0.0.9' });
    ask();
    following.close();
    expect(store.find('ck_a')?.secrets[0]?.lastUsedAtMs).toBe(20_000);
  });
});
