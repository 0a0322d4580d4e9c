import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { normalizeAddress } from './ip-address.ts';

/** A set of addresses. */
export interface AddressRanges {
  /** `address` as `normalizeAddress` returns it; anything else is in no range. */
  readonly has: (address: string) => boolean;
}

export type RangeFault = 'no-address' | 'prefix-length' | undefined;

export interface RangeBuilder extends AddressRanges {
  /** An address or a CIDR; what is wrong with it, and then nothing is added. */
  readonly add: (text: string) => { readonly fault: RangeFault; readonly bits: number; readonly prefix: number };
}

/** IPv4-mapped addresses and networks (`::ffff:10.0.0.0/104`) are those of IPv4. */
export function createAddressRanges(): RangeBuilder {
  // Apart: a `BlockList` finds IPv4 addresses in `::/0` too.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  return {
    has: (address) => (isIPv4(address) ? lists.ipv4.check(address, 'ipv4') : isIPv6(address) && lists.ipv6.check(address, 'ipv6')),
    add: (text) => {
      const [addressText = '', prefixText, ...rest] = text.split('/');
      const address = isIPv4(addressText) || isIPv6(addressText) ? normalizeAddress(addressText) : undefined;
      if (address === undefined || rest.length > 0) return { fault: 'no-address', bits: 0, prefix: 0 };
      const family = isIPv4(address) ? 'ipv4' : 'ipv6';
      // A mapped network counts its prefix from the start of the IPv6 form.
      const isMapped = family === 'ipv4' && isIPv6(addressText);
      const bits = family === 'ipv4' ? 32 : 128;
      if (prefixText === undefined) {
        lists[family].addAddress(address, family);
        return { fault: undefined, bits, prefix: bits };
      }
      const prefix = /^\d{1,3}$/.test(prefixText) ? Number(prefixText) - (isMapped ? 96 : 0) : -1;
      if (prefix < 0 || prefix > bits) return { fault: 'prefix-length', bits, prefix };
      lists[family].addSubnet(address, prefix, family);
      return { fault: undefined, bits, prefix };
    },
  };
}
