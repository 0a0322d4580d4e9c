import { describe, expect, it } from 'vitest';
import { readTokenSet } from '../../../internal/upstreamauth/token-answer.ts';
import { noTokens } from '../../../internal/accounts/token-set.ts';
import { jwt, makeAuthFolder } from '../../support/auth-folder.ts';

describe('lifetimes that no token has', () => {
  const now = Date.UTC(2026, 10, 28);
  it.each([1e13, 1e300, Number.MAX_VALUE, '1e308', 8.64e12])('expires_in of %s counts as none, and the tokens can be written', async (expiresIn) => {
    const tokens = readTokenSet({ access_token: 'at-2', refresh_token: 'rt-2', expires_in: expiresIn }, now, noTokens);
    expect(tokens.expiresAtMs).toBeUndefined();
    const folder = makeAuthFolder();
    folder.put('a.json', { type: 'claude', email: 'ann@example.com', access_token: 'at-1', refresh_token: 'rt-1', expired: '2026-11-27T00:00:00Z' });
    const { tokenWriter } = await folder.open();
    const reserved = await tokenWriter.reserve('a.json');
    if (!reserved.ok) throw new Error(reserved.error.message);
    expect(await reserved.value.commit({ tokens })).toMatchObject({ ok: true });
    expect(folder.json('a.json')).toMatchObject({ refresh_token: 'rt-2' });
    // Whoever else hands over such a time: what was issued is written all the same.
    expect(await reserved.value.commit({ tokens: { ...tokens, expiresAtMs: Infinity } })).toMatchObject({ ok: true });
    expect(folder.json('a.json')).toMatchObject({ refresh_token: 'rt-2' });
  });

  it('an `exp` in milliseconds counts as none; ten years are a lifetime', () => {
    expect(readTokenSet({ access_token: jwt({ exp: now + 3_600_000 }) }, now, noTokens).expiresAtMs).toBeUndefined();
    expect(readTokenSet({ access_token: 'at', expires_in: 315_360_000 }, now, noTokens).expiresAtMs).toBe(now + 315_360_000_000);
  });
});
