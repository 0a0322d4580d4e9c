import { isIPv4, isIPv6 } from 'node:net';

/** A run of addresses of one family. */
export interface AddressRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** An address or a CIDR; undefined for anything else. */
export function readAddressRange(text: string): AddressRange | undefined {
  const [address = '', prefixText, ...rest] = text.split('/');
  const family = isIPv4(address) ? 4 : isIPv6(address) && !address.includes('%') ? 6 : undefined;
  if (family === undefined || rest.length > 0) return undefined;
  const bits = family === 4 ? 32 : 128;
  const prefix = prefixText === undefined ? bits : /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : -1;
  if (prefix < 0 || prefix > bits) return undefined;
  const size = 1n << BigInt(bits - prefix);
  const value = family === 4 ? valueOfIpv4(address) : valueOfIpv6(address);
  const first = value - (value % size);
  return { family, first, last: first + size - 1n };
}

/** Every address of `inner` is one of `outer`. */
export function isWithin(inner: AddressRange, outer: AddressRange): boolean {
  return inner.family === outer.family && inner.first >= outer.first && inner.last <= outer.last;
}

function valueOfIpv4(address: string): bigint {
  return address.split('.').reduce((value, part) => value * 256n + BigInt(part), 0n);
}

function valueOfIpv6(address: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const plain = dotted === null ? address : `${dotted[1] ?? ''}${hexOfIpv4(dotted[2] ?? '')}`;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array.from({ length: missing }, () => '0'), ...right].reduce((value, group) => value * 65_536n + BigInt(`0x${group}`), 0n);
}

function hexOfIpv4(address: string): string {
  const value = valueOfIpv4(address);
  return `${(value / 65_536n).toString(16)}:${(value % 65_536n).toString(16)}`;
}
