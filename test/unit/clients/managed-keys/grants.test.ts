import { BlockList } from 'node:net';
import { assert, ipV4, ipV6, nat, oneof, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Grant } from '../../../../internal/clients/grant.ts';
import { isWithin, readAddressRange } from '../../../../internal/clients/managed-keys/address-range.ts';
import { decodeGrant, encodeGrant } from '../../../../internal/clients/managed-keys/grant-json.ts';
import { findExcess } from '../../../../internal/clients/managed-keys/within-minter.ts';

const full: Grant = {
  scopes: ['models:use', 'keys:read'], models: ['gpt-*', 'claude-x'], accounts: ['provider:openai'], addresses: ['10.0.0.0/8', '2001:db8::/32'],
  requestsPerMinute: 60, tokensPerMinute: 1_000, maxConcurrent: 4, dailyBudget: { requests: 10, tokens: 5, cost: 0.5 }, monthlyBudget: { tokens: 9 },
};

describe('grants as they are written', () => {
  it('come back as they were, the empty one too', () => {
    expect(decodeGrant(encodeGrant(full))).toEqual({ ok: true, value: full });
    expect(decodeGrant(encodeGrant({}))).toEqual({ ok: true, value: {} });
    expect(encodeGrant({})).toEqual({});
  });

  it.each([
    ['scopes', ['models:all']], ['scopes', []], ['scopes', 'models:use'], ['models', ['']], ['models', ['a\u0000']], ['models', [3]], ['accounts', {}],
    ['addresses', ['10.0.0.0/33']], ['addresses', ['localhost']], ['requests_per_minute', 0], ['requests_per_minute', 1.5], ['tokens_per_minute', '5'], ['max_concurrent', -1],
    ['daily_budget', 5], ['daily_budget', { calls: 5 }],
  ])('%s: %j is refused by its name, with what to write', (member, value) => {
    const decoded = decodeGrant({ [member]: value });
    expect(decoded).toMatchObject({ ok: false, error: { member } });
    expect(decoded.ok ? '' : decoded.error.message).toMatch(/^must be /);
  });

  it('a budget names its own member', () => {
    expect(decodeGrant({ monthly_budget: { cost: 0 } })).toMatchObject({ error: { member: 'monthly_budget.cost' } });
    expect(decodeGrant({ monthly_budget: { tokens: 0 } })).toMatchObject({ error: { member: 'monthly_budget.tokens' } });
  });

  it('null and absent set no bound', () => {
    expect(decodeGrant({ models: null, daily_budget: null, monthly_budget: { tokens: null } })).toEqual({ ok: true, value: {} });
  });
});

describe('a child and its minter', () => {
  it.each<[string, Grant, Grant, string | undefined]>([
    ['says nothing and has it all from its minter', {}, full, undefined],
    ['has exactly what its minter has', full, full, undefined],
    ['another scope', { scopes: ['keys:write'] }, full, 'scopes'],
    ['a management scope from a minter with the ordinary ones', { scopes: ['keys:read'] }, {}, 'scopes'],
    ['a narrower pattern', { models: ['gpt-4*', 'claude-x'] }, full, undefined],
    ['a wider pattern', { models: ['gp*'] }, full, 'models'],
    ['a pattern that only looks narrower', { models: ['*gpt-'] }, full, 'models'],
    ['everything', { models: ['*'] }, full, 'models'],
    ['another account', { accounts: ['provider:codex'] }, full, 'accounts'],
    ['a narrower network', { addresses: ['10.1.0.0/16', '2001:db8:1::1'] }, full, undefined],
    ['a wider network', { addresses: ['10.0.0.0/7'] }, full, 'addresses'],
    ['more requests', { requestsPerMinute: 61 }, full, 'requests_per_minute'],
    ['more tokens a day', { dailyBudget: { tokens: 6 } }, full, 'daily_budget.tokens'],
    ['a bound where the minter has none', { monthlyBudget: { requests: 1e9 } }, full, undefined],
  ])('%s', (_, child, minter, member) => {
    expect(findExcess(child, minter)?.member).toBe(member);
  });

  it('a network lies within another exactly when the system says so of its first and last address', () => {
    const address = oneof(ipV4(), ipV6());
    assert(
      property(address, address, nat(32), nat(32), (one, other, bits, otherBits) => {
        const family = (text: string): 'ipv4' | 'ipv6' => (text.includes(':') ? 'ipv6' : 'ipv4');
        const inner = readAddressRange(`${one}/${bits}`);
        const outer = readAddressRange(`${other}/${otherBits}`);
        const list = new BlockList();
        list.addSubnet(other, otherBits, family(other));
        const expected = family(one) === family(other) && bits >= otherBits && list.check(one, family(one));
        expect(inner !== undefined && outer !== undefined && isWithin(inner, outer)).toBe(expected);
      }),
    );
  });
});
