import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono, type Context } from 'hono';
import { toAppError } from '../fault/app-error.ts';
import { dialectOfPath, renderFault } from '../http/fault-wire.ts';
import type { Inbound } from '../http/inbound.ts';
import type { Snapshot } from './snapshot.ts';

/** Answers a management or status request that the door has admitted. Throws `AppError` for refusals. */
export type PageHandler = (c: Context, inbound: Inbound<Snapshot>) => Response | Promise<Response>;

/** Carries admitted requests to their Hono handlers. Loaded at the first such request, as Hono costs start-up time and memory. */
export interface Pages {
  readonly serve: (inbound: Inbound<Snapshot>, handle: PageHandler) => void;
}

export function createPages(onFailure: (inbound: Inbound<Snapshot>, thrown: unknown) => void): Pages {
  // The row that was admitted travels with the request itself: Hono does no matching that could disagree (security rule 5).
  const admitted = new WeakMap<object, { readonly inbound: Inbound<Snapshot>; readonly handle: PageHandler }>();
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.all('*', async (c) => {
    const entry = admitted.get(c.env.incoming);
    if (entry === undefined) throw new TypeError('a request reached Hono without admission');
    const { inbound, handle } = entry;
    try {
      const answer = await handle(c, inbound);
      answer.headers.set('x-request-id', inbound.id);
      return answer;
    } catch (thrown) {
      const error = toAppError(thrown);
      // A refusal is no failure of ours.
      if (error.status >= 500) onFailure(inbound, thrown);
      const wire = renderFault(error, dialectOfPath(inbound.target.path, inbound.req.headers), inbound.id);
      return new Response(wire.body, { status: wire.status, headers: wire.headers });
    }
  });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return {
    serve: (inbound, handle) => {
      admitted.set(inbound.req, { inbound, handle });
      void listener(inbound.req, inbound.res);
    },
  };
}
