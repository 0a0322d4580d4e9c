import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { ConfigProblem } from '../config/problem.ts';
import { normalizeAddress } from './ip-address.ts';

/** The proxies whose forwarding headers count. */
export interface TrustedProxies {
  /** `address` as `normalizeAddress` returns it. */
  readonly has: (address: string) => boolean;
}

export const noTrustedProxies: TrustedProxies = { has: () => false };

/** Decodes `trusted-proxies`: addresses and CIDRs. Problems name `trusted-proxies.<index>`. */
export function decodeTrustedProxies(texts: readonly string[]): { readonly proxies: TrustedProxies; readonly problems: readonly ConfigProblem[] } {
  const list = new BlockList();
  const problems = texts.flatMap((text, index): readonly ConfigProblem[] => {
    const problem = addRange(list, text);
    return problem === undefined ? [] : [{ ...problem, path: `trusted-proxies.${index}` }];
  });
  const proxies = texts.length === 0 ? noTrustedProxies : { has: (address: string) => list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6') };
  return { proxies, problems };
}

function addRange(list: BlockList, text: string): Omit<ConfigProblem, 'path'> | undefined {
  const [addressText = '', prefixText, ...rest] = text.split('/');
  const address = isIPv4(addressText) || isIPv6(addressText) ? normalizeAddress(addressText) : undefined;
  if (address === undefined || rest.length > 0) return { severity: 'error', message: 'must be an IP address or a CIDR such as 10.0.0.0/8' };
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  // A mapped network (::ffff:10.0.0.0/104) counts its prefix from the start of the IPv6 form.
  const isMapped = family === 'ipv4' && isIPv6(addressText);
  const bits = family === 'ipv4' ? 32 : 128;
  if (prefixText === undefined) {
    list.addAddress(address, family);
    return undefined;
  }
  const prefix = /^\d{1,3}$/.test(prefixText) ? Number(prefixText) - (isMapped ? 96 : 0) : -1;
  if (prefix < 0 || prefix > bits) return { severity: 'error', message: `has a prefix length outside 0–${bits}` };
  list.addSubnet(address, prefix, family);
  return prefix === 0 ? { severity: 'warning', message: 'trusts forwarding headers of every peer: anyone can claim any address; name the proxies alone' } : undefined;
}
