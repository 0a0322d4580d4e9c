import type { ConfigProblem } from '../config/problem.ts';
import { createAddressRanges, type AddressRanges, type RangeBuilder } from './address-ranges.ts';

/** The proxies whose forwarding headers count. */
export type TrustedProxies = AddressRanges;

export const noTrustedProxies: TrustedProxies = { has: () => false };

/** Decodes `trusted-proxies`: addresses and CIDRs. Problems name `trusted-proxies.<index>`. */
export function decodeTrustedProxies(texts: readonly string[]): { readonly proxies: TrustedProxies; readonly problems: readonly ConfigProblem[] } {
  const ranges = createAddressRanges();
  const problems = texts.flatMap((text, index): readonly ConfigProblem[] => {
    const problem = addRange(ranges, text);
    return problem === undefined ? [] : [{ ...problem, path: `trusted-proxies.${index}` }];
  });
  return { proxies: texts.length === 0 ? noTrustedProxies : ranges, problems };
}

function addRange(ranges: RangeBuilder, text: string): Omit<ConfigProblem, 'path'> | undefined {
  const { fault, bits, prefix } = ranges.add(text);
  if (fault === 'no-address') return { severity: 'error', message: 'must be an IP address or a CIDR such as 10.0.0.0/8' };
  if (fault === 'prefix-length') return { severity: 'error', message: `has a prefix length outside 0–${bits}` };
  return prefix === 0 ? { severity: 'warning', message: 'trusts forwarding headers of every peer: anyone can claim any address; name the proxies alone' } : undefined;
}
