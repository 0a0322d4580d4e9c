import type { Config } from '../config/schema.ts';
import { bindAddresses } from '../http/bind.ts';
import { listen, type Handlers, type Listener, type TlsFiles } from '../server/listen.ts';

export interface EndpointsWanted {
  readonly config: Config;
  readonly host: string;
  readonly port: number;
  readonly tls: TlsFiles | undefined;
  readonly controlSocket: string;
}

/**
 * Opens every endpoint or none: the main port on all addresses of the host, management's own where it has one, the control
 * socket. With port 0 the first address chooses and the others follow. Throws a sentence that says what to do.
 */
export async function openEndpoints(wanted: EndpointsWanted, handlers: Handlers): Promise<readonly Listener[]> {
  const opened: Listener[] = [];
  try {
    opened.push(await listen({ kind: 'control', socketPath: wanted.controlSocket }, handlers));
    let { port } = wanted;
    for (const address of bindAddresses(wanted.host)) {
      try {
        const listener = await listen({ kind: 'main', host: address.host, port, tls: wanted.tls }, handlers);
        port = listener.port ?? port;
        opened.push(listener);
      } catch (thrown) {
        if (!address.mayBeAbsent || !isAddressMissing(thrown)) throw thrown;
      }
    }
    const own = wanted.config['remote-management'].listen;
    if (own !== '') opened.push(...(await openManagement(own, wanted.tls, handlers)));
    return opened;
  } catch (thrown) {
    await Promise.all(opened.map((listener) => listener.close()));
    throw thrown;
  }
}

async function openManagement(place: string, tls: TlsFiles | undefined, handlers: Handlers): Promise<readonly Listener[]> {
  if (place.startsWith('unix:')) return [await listen({ kind: 'management', socketPath: place.slice('unix:'.length) }, handlers)];
  const match = /^(.*):(\d+)$/.exec(place);
  const port = Number(match?.[2] ?? Number.NaN);
  if (!(port >= 0 && port <= 65_535)) throw new Error(`remote-management.listen "${place}" is no address: write host:port or unix:/path`);
  return [await listen({ kind: 'management', host: (match?.[1] ?? '').replaceAll(/[[\]]/g, ''), port, tls }, handlers)];
}

function isAddressMissing(thrown: unknown): boolean {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT';
}
