import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/*
 * Addresses that Keyward never connects to, whatever a base-url says: link-local networks with the clouds' metadata
 * services, their IPv6 counterparts, multicast and the unspecified address (security rule 14). The check is made on the
 * resolved address at connect, so that a name cannot change its meaning between check and use.
 */
const refused = new BlockList();
refused.addSubnet('169.254.0.0', 16, 'ipv4');
refused.addSubnet('224.0.0.0', 4, 'ipv4');
refused.addSubnet('240.0.0.0', 4, 'ipv4');
refused.addAddress('0.0.0.0', 'ipv4');
refused.addAddress('100.100.100.200', 'ipv4');
refused.addAddress('::', 'ipv6');
refused.addSubnet('fe80::', 10, 'ipv6');
refused.addSubnet('ff00::', 8, 'ipv6');
refused.addAddress('fd00:ec2::254', 'ipv6');
// The same IPv4 networks behind a NAT64 gateway. RFC 6052 §2.1
refused.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
refused.addAddress('64:ff9b::6464:64c8', 'ipv6');

/** Raised by `guardedLookup`; its `code` is `KEYWARD_ADDRESS_REFUSED`. */
export class AddressRefused extends Error {
  readonly code = 'KEYWARD_ADDRESS_REFUSED';
  constructor(hostname: string) {
    super(`${hostname} resolves to an address that Keyward does not connect to`);
    this.name = 'AddressRefused';
  }
}

/** Whether an IP literal is one that is never connected to. IPv4-mapped IPv6 counts as its IPv4 address. */
export function isRefusedAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  return refused.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** `dns.lookup` that fails for refused addresses; for `net.connect`'s `lookup` option. */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  systemLookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) {
      callback(error, '', 0);
      return;
    }
    const usable = addresses.filter((entry: LookupAddress) => !isRefusedAddress(entry.address));
    const [first] = usable;
    if (first === undefined) callback(new AddressRefused(hostname), '', 0);
    else if (options.all === true) callback(null, usable);
    else callback(null, first.address, first.family);
  });
};
