import { isLoopbackAddress } from './ip-address.ts';

/** One address to listen on. */
export interface BindAddress {
  readonly host: string;
  /** Set on every IPv6 address, so that it never takes the IPv4 port as well. */
  readonly ipv6Only: boolean;
  /** A machine without IPv6 (EADDRNOTAVAIL, EAFNOSUPPORT) goes on without it: then nobody else can hold it either. */
  readonly mayBeAbsent: boolean;
}

const ipv4Loopback: BindAddress = { host: '127.0.0.1', ipv6Only: false, mayBeAbsent: false };
const ipv6Loopback: BindAddress = { host: '::1', ipv6Only: true, mayBeAbsent: true };
const ipv4All: BindAddress = { host: '0.0.0.0', ipv6Only: false, mayBeAbsent: false };
const ipv6All: BindAddress = { host: '::', ipv6Only: true, mayBeAbsent: true };

/**
 * The addresses that `host` stands for; all must be bound on one port. `127.0.0.1`, `::1` and `localhost` are both loopback
 * addresses: were one left free, another user could take `[::1]:8317` and collect keys sent to `localhost` (security
 * rule 9), so a port in use on either fails the start. `''`, `0.0.0.0`, `::` and `*` are every interface.
 */
export function bindAddresses(host: string): readonly BindAddress[] {
  const name = host.trim().toLowerCase();
  if (name === '' || name === '0.0.0.0' || name === '*' || name === '::' || name === '[::]') return [ipv4All, ipv6All];
  const bare = name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name;
  if (bare === 'localhost' || bare === '127.0.0.1' || bare === '::1') return [ipv4Loopback, ipv6Loopback];
  return [{ host: bare, ipv6Only: bare.includes(':'), mayBeAbsent: false }];
}

/** True when only this machine can reach the bind. */
export function isLoopbackBind(host: string): boolean {
  return bindAddresses(host).every((bind) => isLoopbackAddress(bind.host));
}
