import { err, ok, type Result } from '../../fault/result.ts';
import { usableEndpoint } from '../../upstreamauth/endpoint-url.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';

export const defaultServer = 'http://localhost:8317';

/** A server's base URL as contexts keep it, without trailing slash. Error: `invalid_request`. */
export function parseServer(text: string): Result<string, StoreRefusal> {
  const refuse = (message: string): Result<never, StoreRefusal> => err({ code: 'invalid_request', message });
  const trimmed = text.trim();
  const url = URL.parse(/^[a-z]+:\/\//i.test(trimmed) ? trimmed : `https://${trimmed}`);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.hostname === '') return refuse(`${text} is no address of a server; write it as https://keyward.example.com, or ${defaultServer} for one on this machine.`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return refuse('The address of a server has neither user name, query nor fragment.');
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) return refuse(`${text} is plain http to another machine, where tokens could be read on the way; use https (a server with \`identity\` has it as its public-url).`);
  if (usableEndpoint(url.href, false) === undefined) return refuse(`${text} leads to an address that Keyward never connects to.`);
  return ok(`${url.origin}${url.pathname.replace(/\/+$/, '')}`);
}

/** RFC 8252 §8.3; the names that only ever mean this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/** What a new context of this server is called: `localhost-8317`, `keyward.example.com`. */
export function contextNameOf(server: string): string {
  const url = new URL(server);
  const name = `${url.hostname}${url.port === '' ? '' : `-${url.port}`}${url.pathname === '/' ? '' : url.pathname}`.toLowerCase().replaceAll(/[^a-z\d._]+/g, '-').replace(/^[^a-z\d]+/, '');
  return name.slice(0, 60) || 'server';
}
