import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Inbound } from '../http/inbound.ts';

/** What the library answers, amended on its way out. */
export type Amend = (ctx: KoaContextWithOIDC) => void | Promise<void>;

export interface MountDeps {
  readonly provider: Provider;
  readonly publicUrl: URL;
  readonly amend: Amend;
  /** Something that the library does not answer for itself. */
  readonly onFailure: (err: unknown) => void;
}

type AnyContext = Parameters<Parameters<Provider['use']>[0]>[0];

/**
 * Hands requests to the library under the daemon's public name: what a client writes into `Host` or forwarding headers names no
 * address in any answer (security rule 30). Below `/oauth`, and as `path` says where an address is an alias.
 */
export function createMount({ provider, publicUrl, amend, onFailure }: MountDeps): (inbound: Inbound<unknown>, path?: string) => Promise<void> {
  provider.use(async (ctx, next) => {
    try {
      await next();
      if (hasMatched(ctx)) await amend(ctx);
    } catch (err) {
      onFailure(err);
      answerUnavailable(ctx);
    }
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

/** What is kept cannot be read: no word against whoever asks. */
export function answerUnavailable(ctx: Pick<AnyContext, 'status' | 'body' | 'set'>): void {
  ctx.status = 503;
  ctx.set('retry-after', '5');
  ctx.set('cache-control', 'no-store');
  ctx.body = { error: 'temporarily_unavailable', error_description: 'what the authorization server keeps cannot be read or written right now' };
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
