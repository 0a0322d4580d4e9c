import type { IncomingHttpHeaders } from 'node:http';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describePeer } from '../../../internal/http/peer.ts';
import { decodeTrustedProxies, noTrustedProxies } from '../../../internal/http/trusted-proxies.ts';

function peerOf(remoteAddress: string | undefined, headers: IncomingHttpHeaders = {}, trusted: readonly string[] = []): string {
  const peer = describePeer({ remoteAddress, isUnixSocket: false, headers, trustedProxies: decodeTrustedProxies(trusted).proxies });
  return `${peer.address}${peer.isLocal ? ' local' : ''} ${peer.throttleKey}`;
}

describe('a peer without proxies', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1 local 127.0.0.1'],
    ['127.255.0.9', '127.255.0.9 local 127.255.0.9'],
    ['::1', '::1 local 0:0:0:0::/64'],
    ['0:0:0:0:0:0:0:1', '0:0:0:0:0:0:0:1 local 0:0:0:0::/64'],
    ['::ffff:127.0.0.1', '127.0.0.1 local 127.0.0.1'],
    ['::ffff:127.9.9.9', '127.9.9.9 local 127.9.9.9'],
    ['::ffff:7f00:1', '127.0.0.1 local 127.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1 10.0.0.1'],
    ['192.168.1.5', '192.168.1.5 192.168.1.5'],
    ['128.0.0.1', '128.0.0.1 128.0.0.1'],
    ['::', ':: 0:0:0:0::/64'],
    ['2001:DB8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6 2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80::1 fe80:0:0:0::/64'],
    [undefined, 'unknown unknown'],
    ['nonsense', 'unknown unknown'],
  ])('at %s is %s', (address, expected) => {
    expect(peerOf(address)).toBe(expected);
  });

  it.each(['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-whatever', 'x-real-ip', 'via', 'cf-connecting-ip', 'cf-ray'])(
    'is not local when it sends %s',
    (name) => {
      expect(peerOf('127.0.0.1', { [name]: '127.0.0.1' })).toBe('127.0.0.1 127.0.0.1');
    },
  );

  it('keeps its own address whatever it claims', () => {
    expect(peerOf('203.0.113.9', { 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1' })).toBe('203.0.113.9 203.0.113.9');
  });
});

describe('behind trusted proxies', () => {
  const trusted = ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'];

  it.each<[string, string, IncomingHttpHeaders, string]>([
    ['the right-most untrusted address counts', '10.0.0.1', { 'x-forwarded-for': '1.1.1.1, 203.0.113.9, 10.1.2.3' }, '203.0.113.9 203.0.113.9'],
    ['a spoofed left-most address does not', '127.0.0.1', { 'x-forwarded-for': '127.0.0.1, 203.0.113.9' }, '203.0.113.9 203.0.113.9'],
    ['ports and brackets are understood', '10.0.0.1', { 'x-forwarded-for': '[2001:db8::1]:4711' }, '2001:db8::1 2001:db8:0:0::/64'],
    ['an IPv4 port is understood', '10.0.0.1', { 'x-forwarded-for': '203.0.113.9:4711' }, '203.0.113.9 203.0.113.9'],
    ['a mapped address is its IPv4 address', '::ffff:10.0.0.1', { 'x-forwarded-for': '::ffff:10.0.0.7, ::ffff:203.0.113.9' }, '203.0.113.9 203.0.113.9'],
    ['a local browser behind a local proxy is local', '127.0.0.1', { 'x-forwarded-for': '127.0.0.1' }, '127.0.0.1 local 127.0.0.1'],
    ['loopback behind another machine is not', '10.0.0.1', { 'x-forwarded-for': '127.0.0.1' }, '127.0.0.1 127.0.0.1'],
    ['an address that cannot be read is the proxy, not local', '127.0.0.1', { 'x-forwarded-for': '127.0.0.1, unknown' }, '127.0.0.1 127.0.0.1'],
    ['an empty list is the proxy, not local', '127.0.0.1', { 'x-forwarded-for': '' }, '127.0.0.1 127.0.0.1'],
    ['Via alone says nothing of the caller', '127.0.0.1', { via: '1.1 proxy' }, '127.0.0.1 127.0.0.1'],
    ['X-Real-IP alone does not count', '127.0.0.1', { 'x-real-ip': '127.0.0.1' }, '127.0.0.1 127.0.0.1'],
    ['no header at all is the machine itself', '127.0.0.1', {}, '127.0.0.1 local 127.0.0.1'],
    ['Forwarded counts', '10.0.0.1', { forwarded: 'for=1.1.1.1;proto=https, For="[2001:db8:cafe::17]:4711";by=x' }, '2001:db8:cafe::17 2001:db8:cafe:0::/64'],
    ['a quoted comma splits nothing', '10.0.0.1', { forwarded: 'for=203.0.113.9;ext="a, for=127.0.0.1"' }, '203.0.113.9 203.0.113.9'],
    ['an obfuscated node is the proxy', '10.0.0.1', { forwarded: 'for=_hidden' }, '10.0.0.1 10.0.0.1'],
    ['two for in one element are nobody', '127.0.0.1', { forwarded: 'for=127.0.0.1;for=127.0.0.1' }, '127.0.0.1 127.0.0.1'],
    ['an open quote is nobody', '127.0.0.1', { forwarded: 'for="127.0.0.1' }, '127.0.0.1 127.0.0.1'],
    ['two headers that agree count', '10.0.0.1', { forwarded: 'for=203.0.113.9', 'x-forwarded-for': '203.0.113.9' }, '203.0.113.9 203.0.113.9'],
    ['two headers that disagree are the proxy', '127.0.0.1', { forwarded: 'for=203.0.113.9', 'x-forwarded-for': '127.0.0.1' }, '127.0.0.1 127.0.0.1'],
  ])('%s', (_, address, headers, expected) => {
    expect(peerOf(address, headers, trusted)).toBe(expected);
  });

  it('a forwarded loopback address never makes a remote socket local', () => {
    const element = fc.constantFrom('127.0.0.1', '::1', '[::1]:80', '10.0.0.9', '203.0.113.9', 'unknown', '', '"', 'localhost', '127.0.0.1:80');
    const list = fc.array(element, { maxLength: 5 }).map((parts) => parts.join(', '));
    fc.assert(fc.property(fc.constantFrom('10.0.0.1', '203.0.113.9', 'fd00::1'), list, list, (address, forwardedFor, forwarded) => {
      const headers = { 'x-forwarded-for': forwardedFor, forwarded: `for=${forwarded}` };
      expect(peerOf(address, headers, trusted)).not.toContain('local');
    }));
  });

  it('no text in the forwarding headers makes it throw', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(peerOf('127.0.0.1', { 'x-forwarded-for': a, forwarded: b }, trusted)).not.toBe('');
    }));
  });
});

describe('Unix sockets', () => {
  const unix = (headers: IncomingHttpHeaders, isControlSocket: boolean) => describePeer({ remoteAddress: undefined, isUnixSocket: true, isControlSocket, headers, trustedProxies: noTrustedProxies });

  it('are local', () => {
    expect(unix({}, false)).toEqual({ address: 'unix', isLocal: true, isControlSocket: false, throttleKey: 'unix' });
    expect(unix({}, true)).toEqual({ address: 'unix', isLocal: true, isControlSocket: true, throttleKey: 'unix' });
  });

  it('lose that, and root rights, when something forwards to them', () => {
    expect(unix({ 'x-forwarded-for': '203.0.113.9' }, true)).toEqual({ address: 'unix', isLocal: false, isControlSocket: false, throttleKey: 'unix' });
  });
});

describe('trusted-proxies', () => {
  it('reports each entry that is no address or CIDR by its place', () => {
    const { problems } = decodeTrustedProxies(['10.0.0.0/8', 'proxy.example', '10.0.0.0/33', '::1/129', '10.0.0.0/', '10.0.0.1:80', '1.2.3.4/8/8']);
    expect(problems.map((problem) => `${problem.severity} ${problem.path}`)).toEqual([1, 2, 3, 4, 5, 6].map((index) => `error trusted-proxies.${index}`));
  });

  it('warns of a range that trusts everyone', () => {
    expect(decodeTrustedProxies(['0.0.0.0/0']).problems.map((problem) => problem.severity)).toEqual(['warning']);
  });

  it('takes mapped networks as the IPv4 networks they are', () => {
    const { proxies, problems } = decodeTrustedProxies(['::ffff:10.0.0.0/104']);
    expect(problems).toEqual([]);
    expect([proxies.has('10.200.0.1'), proxies.has('11.0.0.1')]).toEqual([true, false]);
  });
});
