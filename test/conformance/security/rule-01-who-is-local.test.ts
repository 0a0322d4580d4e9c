import { describe, expect, it } from 'vitest';
import { describePeer } from '../../../internal/http/peer.ts';
import { createDoorBench, rulesOf } from '../../support/door-fixtures.ts';

const secret = 'a-management-secret-of-length';

describe('rule 1: local is a loopback socket without forwarding headers from strangers', () => {
  it.each(['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via', 'cf-connecting-ip'])('a loopback peer that sends %s is local to neither door', async (name) => {
    const bench = createDoorBench();
    const rules = rulesOf({ 'remote-management': { 'secret-key': secret } }, { localPassword: 'tui' });
    const headers = { [name]: '127.0.0.1' };
    const peer = describePeer({ remoteAddress: '127.0.0.1', isUnixSocket: false, headers, trustedProxies: rules.trustedProxies });
    const management = { access: 'management', path: '/v0/management/config', peer } as const;
    expect(await bench.ask(rules, { ...management, headers: { ...headers, authorization: `Bearer ${secret}` } })).toBe('403 remote_management_disabled');
    expect(await bench.ask(rules, { ...management, headers: { ...headers, authorization: 'Bearer tui' } })).toBe('403 remote_management_disabled');
    expect(await bench.ask(rules, { peer, headers })).toBe('403 local_only');
    const direct = describePeer({ remoteAddress: '127.0.0.1', isUnixSocket: false, headers: {}, trustedProxies: rules.trustedProxies });
    expect(await bench.ask(rules, { peer: direct })).toBe('ok anonymous');
  });

  it('a remote caller behind a trusted local proxy is remote', async () => {
    const bench = createDoorBench();
    const rules = rulesOf({ 'trusted-proxies': ['127.0.0.1'] });
    const headers = { 'x-forwarded-for': '127.0.0.1, 203.0.113.9' };
    const peer = describePeer({ remoteAddress: '127.0.0.1', isUnixSocket: false, headers, trustedProxies: rules.trustedProxies });
    expect(peer.address).toBe('203.0.113.9');
    expect(await bench.ask(rules, { peer, headers })).toBe('403 local_only');
  });
});
