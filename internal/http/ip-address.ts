import { isIPv4, isIPv6 } from 'node:net';

/**
 * The address as text without brackets and zone id, IPv4-mapped IPv6 as IPv4, IPv6 in lower case; undefined when it is
 * neither. Takes `1.2.3.4`, `1.2.3.4:56`, `::1`, `[::1]`, `[::1]:56`, `fe80::1%eth0`.
 */
export function normalizeAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  const bare = stripBracketsAndPort(text);
  if (bare === undefined || isIPv4(bare)) return bare;
  const zone = bare.indexOf('%');
  const address = (zone < 0 ? bare : bare.slice(0, zone)).toLowerCase();
  if (!isIPv6(address)) return undefined;
  return mappedIpv4(address) ?? address;
}

/** 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104 (contract §5); `address` as `normalizeAddress` returns it. */
export function isLoopbackAddress(address: string): boolean {
  return address === '127.0.0.1' || address === '::1' || (address.startsWith('127.') && isIPv4(address)) || (isIPv6(address) && isLoopbackIpv6(address));
}

/** What throttles count by: an IPv4 address whole, IPv6 by its /64. `address` as `normalizeAddress` returns it. */
export function throttleKeyOf(address: string): string {
  if (!isIPv6(address)) return address;
  return `${expandIpv6(address)
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

function stripBracketsAndPort(text: string): string | undefined {
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    return end > 0 && /^(?::\d{1,5})?$/.test(text.slice(end + 1)) ? text.slice(1, end) : undefined;
  }
  const colon = text.indexOf(':');
  if (colon > 0 && colon === text.lastIndexOf(':')) {
    const address = text.slice(0, colon);
    return isIPv4(address) && /^\d{1,5}$/.test(text.slice(colon + 1)) ? address : undefined;
  }
  return text;
}

function isLoopbackIpv6(address: string): boolean {
  const groups = expandIpv6(address);
  return groups.slice(0, 7).every((group) => group === 0) && groups[7] === 1;
}

function mappedIpv4(address: string): string | undefined {
  const groups = expandIpv6(address);
  if (groups[5] !== 0xffff || groups.slice(0, 5).some((group) => group !== 0)) return undefined;
  const [high, low] = [groups[6] ?? 0, groups[7] ?? 0];
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`;
}

/** The eight groups of a valid IPv6 address. */
function expandIpv6(address: string): readonly number[] {
  const [head = '', tail] = address.split('::');
  const left = groupsOf(head);
  if (tail === undefined) return left;
  const right = groupsOf(tail);
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
}

function groupsOf(text: string): readonly number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
