import { isIP, isIPv6 } from 'node:net';

/** A `Host` header taken apart; an IPv6 name is without brackets. */
export interface HostName {
  /** Lower case, without a trailing dot. */
  readonly name: string;
  /** Empty when the header has none. */
  readonly port: string;
}

const hostPattern = /^(?:\[([0-9A-Za-z:.%]{2,64})\]|([0-9A-Za-z._-]{1,255}))(?::(\d{0,5}))?$/;

/** Undefined for anything that is no host name or address with an optional port. */
export function parseHost(text: string): HostName | undefined {
  const match = hostPattern.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain = '', port = ''] = match;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { name: bracketed.toLowerCase(), port } : undefined;
  const name = plain.toLowerCase().replace(/\.$/, '');
  return name === '' ? undefined : { name, port };
}

/** `name:port` as an origin spells it: brackets around IPv6, the scheme's default port left out. */
export function spellAuthority(host: HostName, scheme: string): string {
  const name = isIPv6(host.name) ? `[${host.name}]` : host.name;
  const isDefault = host.port === '' || (scheme === 'http' && host.port === '80') || (scheme === 'https' && host.port === '443');
  return isDefault ? name : `${name}:${host.port}`;
}

/** Names that no other machine can be made to answer for, and literals that no name server decides. */
export function isLocalNameOrLiteral(name: string): boolean {
  return name === 'localhost' || isIP(name) !== 0 || name.endsWith('.localhost');
}
