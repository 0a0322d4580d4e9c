import { describe, expect, it } from 'vitest';
import { bindAddresses, isLoopbackBind } from '../../../internal/http/bind.ts';

describe('where to listen', () => {
  it.each([
    ['127.0.0.1', ['127.0.0.1', '::1']],
    ['localhost', ['127.0.0.1', '::1']],
    ['::1', ['127.0.0.1', '::1']],
    ['[::1]', ['127.0.0.1', '::1']],
    ['LOCALHOST', ['127.0.0.1', '::1']],
    ['', ['0.0.0.0', '::']],
    ['0.0.0.0', ['0.0.0.0', '::']],
    ['::', ['0.0.0.0', '::']],
    ['*', ['0.0.0.0', '::']],
    ['127.0.0.2', ['127.0.0.2']],
    ['192.168.1.5', ['192.168.1.5']],
    ['[2001:db8::1]', ['2001:db8::1']],
    ['fe80::1%eth0', ['fe80::1%eth0']],
    ['box.example', ['box.example']],
  ])('%j is %j', (host, expected) => {
    expect(bindAddresses(host).map((bind) => bind.host)).toEqual(expected);
  });

  it('never lets an IPv6 socket take the IPv4 port', () => {
    for (const host of ['', 'localhost', '2001:db8::1']) for (const bind of bindAddresses(host)) expect(bind.ipv6Only).toBe(bind.host.includes(':'));
  });

  it('only IPv6’s own addresses may be absent on a machine', () => {
    for (const host of ['', 'localhost', '10.0.0.1']) for (const bind of bindAddresses(host)) expect(bind.mayBeAbsent).toBe(bind.host.includes(':'));
  });

  it.each([['127.0.0.1', true], ['localhost', true], ['::1', true], ['127.9.9.9', true], ['', false], ['0.0.0.0', false], ['192.168.1.5', false], ['box.example', false], ['127.0.0.1.evil.test', false]])(
    '%j is loopback: %s',
    (host, expected) => {
      expect(isLoopbackBind(host)).toBe(expected);
    },
  );
});
