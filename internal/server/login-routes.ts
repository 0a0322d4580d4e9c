import { AppError } from '../fault/app-error.ts';
import type { LoginPages, PageAnswer } from '../upstreamauth/ports.ts';
import type { PageHandler } from './pages.ts';

/** What browsers are sent to at the end of a login, on the main port. */
export interface LoginRoutes {
  /** Of the named preset, or of the name in the path. */
  readonly callback: (provider?: string) => PageHandler;
  readonly result: PageHandler;
}

export function createLoginRoutes(pages: LoginPages): LoginRoutes {
  return {
    callback: (provider) => async (_c, { method, params, target }) => {
      // A state counts once: who only looks whether the page is there must not use it up.
      if (method !== 'GET') throw new AppError('method_not_allowed', { headers: { allow: 'GET' } });
      return answer(await pages.callback(provider ?? params['name'] ?? '', target.query));
    },
    result: (_c, { params }) => answer(pages.result(params['id'] ?? '')),
  };
}

function answer({ status, headers, body }: PageAnswer): Response {
  return new Response(body, { status, headers: { ...headers } });
}
