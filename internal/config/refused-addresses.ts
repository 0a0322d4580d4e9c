import { BlockList, isIP } from 'node:net';

/*
 * Addresses that Keyward never connects to, whatever a base-url says: link-local networks with the clouds' metadata
 * services, their IPv6 counterparts, multicast, reserved ones and the unspecified address (security rule 14).
 */
const networks = [
  '0.0.0.0/32', '169.254.0.0/16', '100.100.100.200/32', '224.0.0.0/4', '240.0.0.0/4',
  '::/128', 'fe80::/10', 'ff00::/8', 'fd00:ec2::254/128',
  // The same IPv4 networks behind a NAT64 gateway. RFC 6052 §2.1
  '64:ff9b::a9fe:0/112', '64:ff9b::6464:64c8/128',
] as const;

const refused = networkList(networks);

/** Whether an IP literal is one that is never connected to. IPv4-mapped IPv6 counts as its IPv4 address; names are not. */
export function isRefusedAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && refused.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** A list of networks, each `address/bits`. */
export function networkList(list: readonly string[]): BlockList {
  const blocked = new BlockList();
  for (const network of list) {
    const [address = '', bits = ''] = network.split('/');
    blocked.addSubnet(address, Number(bits), isIP(address) === 4 ? 'ipv4' : 'ipv6');
  }
  return blocked;
}
