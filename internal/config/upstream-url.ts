import { isIP } from 'node:net';
import { isRefusedAddress, networkList } from './refused-addresses.ts';

/** What a `base-url` leads to, as far as its text tells; names are looked at again when they are resolved (security rule 14). */
export type UpstreamUrlVerdict =
  | { readonly kind: 'fine' }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'error'; readonly message: string };

const loopback = networkList(['127.0.0.0/8', '::1/128']);
const privateNets = networkList(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7']);
const metadataNames: ReadonlySet<string> = new Set(['metadata.google.internal', 'metadata.goog', 'instance-data']);

/** Judges the `base-url` of an entry; `allowsHttp` is the entry's `insecure-http`. Messages hold no part of the URL's secrets. */
export function judgeBaseUrl(text: string, allowsHttp: boolean): UpstreamUrlVerdict {
  return judgeUrl(text, { allowsHttp, mayHaveQuery: false, example: 'https://api.example.com/v1', instead: '; use `api-key` or `headers`', crossing: 'the key and all text cross' });
}

/** Judges an issuer or OAuth endpoint of a login in the same way. */
export function judgeEndpointUrl(text: string, options: { readonly allowsHttp: boolean; readonly mayHaveQuery: boolean }): UpstreamUrlVerdict {
  return judgeUrl(text, { ...options, example: 'https://id.example.com', instead: '', crossing: 'client secret, codes and tokens cross' });
}

interface UrlWords {
  readonly allowsHttp: boolean;
  readonly mayHaveQuery: boolean;
  readonly example: string;
  readonly instead: string;
  readonly crossing: string;
}

function judgeUrl(text: string, { allowsHttp, mayHaveQuery, example, instead, crossing }: UrlWords): UpstreamUrlVerdict {
  const url = URL.parse(text);
  if (url === null || !/^https?:\/\//i.test(text)) return { kind: 'error', message: `must be a URL such as ${example}` };
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return { kind: 'error', message: 'must begin with https:// or http://' };
  if (url.username !== '' || url.password !== '') return { kind: 'error', message: `must not hold a user name or password${instead}` };
  if (url.hash !== '' || text.includes('#') || (!mayHaveQuery && text.includes('?'))) return { kind: 'error', message: mayHaveQuery ? 'must not hold a fragment' : 'must not hold a query or fragment' };
  const place = classifyHost(url.hostname);
  if (place === 'refused') return { kind: 'error', message: 'leads to an address that Keyward never connects to (link-local, metadata or multicast)' };
  if (url.protocol === 'https:' || place === 'loopback') return { kind: 'fine' };
  if (place === 'private') return { kind: 'warning', message: `is plain http: ${crossing} this network readable` };
  return allowsHttp ? { kind: 'warning', message: 'is plain http on a public address, as `insecure-http: true` allows' } : { kind: 'error', message: 'is plain http on a public address; use https, or add `insecure-http: true` to the entry' };
}

/** `refused` is never connected to; names that only a local network resolves count as `private`. */
function classifyHost(hostname: string): 'refused' | 'loopback' | 'private' | 'public' {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '').toLowerCase();
  const family = isIP(host);
  if (family !== 0) {
    const kind = family === 4 ? 'ipv4' : 'ipv6';
    if (isRefusedAddress(host)) return 'refused';
    if (loopback.check(host, kind)) return 'loopback';
    return privateNets.check(host, kind) ? 'private' : 'public';
  }
  if (metadataNames.has(host)) return 'refused';
  if (host === 'localhost' || host.endsWith('.localhost')) return 'loopback';
  return !host.includes('.') || /\.(?:local|lan|internal|home\.arpa)$/.test(host) ? 'private' : 'public';
}

/** Undefined when the proxy is usable; else the rest of a sentence. `direct` and `none` switch a proxy off. */
export function judgeProxyUrl(text: string): string | undefined {
  if (text === '' || text === 'direct' || text === 'none') return undefined;
  const url = URL.parse(text);
  if (url === null || url.hostname === '' || !['http:', 'https:', 'socks5:', 'socks5h:'].includes(url.protocol)) return 'must be a URL with http, https or socks5, or `direct`';
  return undefined;
}

/** An address or a CIDR network of either family. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
