import { describe, expect, it } from 'vitest';
import { indexStaticKeys } from '../../../internal/clients/static-keys.ts';
import { maxKeyBytes, verifyClientKey, type CredentialSource } from '../../../internal/clients/verify.ts';
import { sha256Hex } from '../../../internal/secret/digest.ts';
import { Secret } from '../../../internal/secret/secret.ts';

const keys = indexStaticKeys(['sk-first-0123456789abcdef', 'short', 'sk-first-0123456789abcdef', ''].map((key) => new Secret(key)));

describe('static keys', () => {
  it('know a key by its whole digest and show it masked', () => {
    expect(keys.find('sk-first-0123456789abcdef')).toEqual({ id: `key_${sha256Hex('sk-first-0123456789abcdef').slice(0, 12)}`, kind: 'static-key', label: 'sk-f…cdef' });
    expect(keys.find('short')?.label).toBe('********');
    expect(keys.find('sk-first-0123456789abcde')).toBeUndefined();
  });

  it('count distinct keys and never let a blank one in', () => {
    expect(keys.count).toBe(2);
    expect(keys.find('')).toBeUndefined();
  });

  it('cost the same for 100,000 as for one: the lookup never walks them', () => {
    const many = indexStaticKeys(Array.from({ length: 100_000 }, (_, index) => new Secret(`sk-number-${index}`)));
    expect(many.count).toBe(100_000);
    expect(verifyClientKey([many], 'sk-number-99999').kind).toBe('valid');
    const startedMs = performance.now();
    for (let round = 0; round < 2_000; round += 1) verifyClientKey([many], 'sk-number-99999');
    // A walk over 100,000 entries would take about a second and more; this is some 3 ms.
    expect(performance.now() - startedMs).toBeLessThan(500);
  });
});

describe('the verdict on a client key', () => {
  const broken: CredentialSource = { name: 'broken', verify: () => { throw new Error('disk gone'); } };
  const revoking: CredentialSource = { name: 'revoking', verify: () => ({ kind: 'invalid', code: 'key_revoked' }) };

  it('is valid when any source says so, even beside a broken one', () => {
    expect(verifyClientKey([broken, keys], 'short').kind).toBe('valid');
    expect(verifyClientKey([keys, broken], 'short').kind).toBe('valid');
  });

  it('is unknown, never invalid, when a source is broken and no other knows the key', () => {
    expect(verifyClientKey([keys, broken], 'nobody').kind).toBe('unknown');
    expect(verifyClientKey([broken, revoking], 'nobody')).toEqual({ kind: 'invalid', code: 'key_revoked' });
  });

  it('keeps the reason of the source that knows the key', () => {
    expect(verifyClientKey([keys, revoking], 'old')).toEqual({ kind: 'invalid', code: 'key_revoked' });
    expect(verifyClientKey([revoking, keys], 'old')).toEqual({ kind: 'invalid', code: 'key_revoked' });
  });

  it('is reached for keys over 4,096 bytes without asking anyone', () => {
    let asked = 0;
    const counting: CredentialSource = { name: 'counting', verify: () => { asked += 1; return { kind: 'invalid', code: 'invalid_api_key' }; } };
    expect(verifyClientKey([counting], 'x'.repeat(maxKeyBytes + 1)).kind).toBe('invalid');
    expect(verifyClientKey([counting], 'é'.repeat(maxKeyBytes / 2 + 1)).kind).toBe('invalid');
    expect(asked).toBe(0);
    verifyClientKey([counting], 'x'.repeat(maxKeyBytes));
    expect(asked).toBe(1);
  });
});
