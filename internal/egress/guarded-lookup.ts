import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isRefusedAddress } from '../config/refused-addresses.ts';

/** Raised by `guardedLookup`; its `code` is `KEYWARD_ADDRESS_REFUSED`. */
export class AddressRefused extends Error {
  readonly code = 'KEYWARD_ADDRESS_REFUSED';
  constructor(hostname: string) {
    super(`${hostname} resolves to an address that Keyward does not connect to`);
    this.name = 'AddressRefused';
  }
}

/**
 * `dns.lookup` that fails for refused addresses; for `net.connect`'s `lookup` option. The check is made on the resolved
 * address at connect, so that a name cannot change its meaning between check and use (security rule 14).
 */
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
