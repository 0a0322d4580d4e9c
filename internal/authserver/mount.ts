import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Inbound } from '../http/inbound.ts';

/** What the library answers, amended on its way out. */
export type Amend = (ctx: KoaContextWithOIDC) => void | Promise<void>;

type AnyContext = Parameters<Parameters<Provider['use']>[0]>[0];

/**
 * Hands requests to the library under the daemon's public name: what a client writes into `Host` or forwarding headers names no
 * address in any answer (security rule 30). Below `/oauth`, and as `path` says where an address is an alias.
 */
export function createMount(provider: Provider, publicUrl: URL, amend: Amend): (inbound: Inbound<unknown>, path?: string) => Promise<void> {
  provider.use(async (ctx, next) => {
    await next();
    if (hasMatched(ctx)) await amend(ctx);
  });
  const callback = provider.callback();
  const base = publicUrl.pathname.replace(/\/+$/, '');
  return async ({ id, req, res, target, peer }, path) => {
    const own = path ?? target.path.slice('/oauth'.length);
    const query = target.query === '' ? '' : `?${target.query}`;
    presentAs(req, publicUrl, `${own}${query}`, `${base}/oauth${own}${query}`);
    Reflect.set(req, 'keywardFrom', peer.address);
    res.setHeader('x-request-id', id);
    res.setHeader('x-content-type-options', 'nosniff');
    await callback(req, res);
    await finished(res);
  };
}

/** A request that one of the library's routes took. */
function hasMatched(ctx: AnyContext): ctx is AnyContext & KoaContextWithOIDC {
  return 'oidc' in ctx;
}

function presentAs(req: IncomingMessage, publicUrl: URL, url: string, originalUrl: string): void {
  for (const name of Object.keys(req.headers)) if (name.startsWith('x-forwarded-') || name === 'forwarded') delete req.headers[name];
  req.headers.host = publicUrl.host;
  req.headers['x-forwarded-proto'] = publicUrl.protocol.slice(0, -1);
  req.url = url;
  Reflect.set(req, 'originalUrl', originalUrl);
}

function finished(res: ServerResponse): Promise<void> {
  if (res.writableFinished || res.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    res.once('close', () => resolve());
  });
}
