import type { IncomingHttpHeaders } from 'node:http';
import { readForwarded, readForwardedFor } from './forwarded.ts';
import type { Peer } from './inbound.ts';
import { isLoopbackAddress, normalizeAddress, throttleKeyOf } from './ip-address.ts';
import type { TrustedProxies } from './trusted-proxies.ts';

/** What is known of a connection and its request. */
export interface PeerFacts {
  /** The socket's; undefined on Unix sockets and on sockets that are gone. */
  readonly remoteAddress: string | undefined;
  readonly isUnixSocket: boolean;
  /** The owner-only control socket (a Unix socket too). */
  readonly isControlSocket?: boolean;
  readonly headers: IncomingHttpHeaders;
  readonly trustedProxies: TrustedProxies;
}

/**
 * Who is at the other end (security rule 1, contract §5 and §13). Forwarding headers make a peer non-local, unless a
 * trusted proxy sent them: then the right-most forwarded address that is not a trusted proxy decides. What cannot be read
 * for certain is never local.
 */
export function describePeer(facts: PeerFacts): Peer {
  const { headers, trustedProxies } = facts;
  if (facts.isUnixSocket) {
    const isLocal = !isForwarded(headers);
    return { address: 'unix', isLocal, isControlSocket: facts.isControlSocket === true && isLocal, throttleKey: 'unix' };
  }
  const socketAddress = readSocketAddress(facts.remoteAddress);
  if (socketAddress === undefined) return { address: 'unknown', isLocal: false, isControlSocket: false, throttleKey: 'unknown' };
  const isLoopback = isLoopbackAddress(socketAddress);
  if (!trustedProxies.has(socketAddress)) return remotePeer(socketAddress, isLoopback && !isForwarded(headers));
  if (!isForwarded(headers)) return remotePeer(socketAddress, isLoopback);
  const client = resolveClient(headers, trustedProxies);
  // A loopback address behind a proxy on another machine is that machine's own.
  return client === undefined ? remotePeer(socketAddress, false) : remotePeer(client, isLoopback && isLoopbackAddress(client));
}

function readSocketAddress(remoteAddress: string | undefined): string | undefined {
  if (remoteAddress === undefined) return undefined;
  if (remoteAddress === '127.0.0.1' || remoteAddress === '::1') return remoteAddress;
  return remoteAddress === '::ffff:127.0.0.1' ? '127.0.0.1' : normalizeAddress(remoteAddress);
}

function remotePeer(address: string, isLocal: boolean): Peer {
  return { address, isLocal, isControlSocket: false, throttleKey: throttleKeyOf(address) };
}

/** Security rule 1: `Forwarded`, `X-Forwarded-*`, `X-Real-IP`, `Via`, `CF-*`. */
function isForwarded(headers: IncomingHttpHeaders): boolean {
  for (const name in headers) {
    const first = name.charCodeAt(0);
    // x, f, v, c: a cheap first look, this runs on every request.
    if (first === 0x78 && (name.startsWith('x-forwarded-') || name === 'x-real-ip' || name === 'x-forwarded')) return true;
    if (first === 0x66 && name === 'forwarded') return true;
    if (first === 0x76 && name === 'via') return true;
    if (first === 0x63 && name.startsWith('cf-')) return true;
  }
  return false;
}

/** Undefined when the headers name no address for certain, or two headers name different ones (a client can add the one its proxy ignores). */
function resolveClient(headers: IncomingHttpHeaders, trustedProxies: TrustedProxies): string | undefined {
  const forwardedFor = headers['x-forwarded-for'];
  const listed = forwardedFor === undefined ? undefined : readForwardedFor(typeof forwardedFor === 'string' ? forwardedFor : forwardedFor.join(','));
  const fromList = listed === undefined ? undefined : rightMostUntrusted(listed, trustedProxies);
  if (headers.forwarded === undefined) return fromList;
  const nodes = readForwarded(headers.forwarded);
  const fromNodes = nodes === undefined ? undefined : rightMostUntrusted(nodes, trustedProxies);
  return listed === undefined || fromList === fromNodes ? fromNodes : undefined;
}

function rightMostUntrusted(hops: readonly string[], trustedProxies: TrustedProxies): string | undefined {
  let address: string | undefined;
  for (let index = hops.length - 1; index >= 0; index -= 1) {
    address = normalizeAddress(hops[index] ?? '');
    if (address === undefined || !trustedProxies.has(address)) return address;
  }
  return address;
}
