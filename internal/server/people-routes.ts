import type { PeoplePages, ServePage } from '../authserver/people/people-pages.ts';
import { AppError } from '../fault/app-error.ts';
import { readTextBody } from '../management/body.ts';
import type { Access } from '../http/inbound.ts';
import type { Route } from './app.ts';
import type { PageHandler } from './pages.ts';

const formType = 'application/x-www-form-urlencoded';
const maxFormBytes = 8 * 1_024;

/** Forms of these pages, from these pages (security rule 4). */
const open: Access = { kind: 'open' };
/**
 * Windows that a link in a web terminal or the provider's page leads here. None of them changes anything: a code in an
 * address is only shown in its field.
 */
const returning: Access = { kind: 'open', fromOtherSites: 'navigation' };

/** The pages of the authorization server as rows of the one table. Absent while `identity.enabled` is false. */
export function peopleRoutes(pages: PeoplePages): readonly Route[] {
  const row = (method: 'GET' | 'POST', path: string, access: Access, serve: ServePage): Route => ({ method, path, access, serve: { kind: 'page', handle: carry(method, serve) } });
  return [
    row('GET', '/device', returning, pages.device),
    row('POST', '/device', open, pages.devicePost),
    row('GET', '/oauth/signin/callback', returning, pages.signinCallback),
    row('GET', '/oauth/interaction/:uid', returning, pages.interaction),
    row('POST', '/oauth/interaction/:uid', open, pages.interactionPost),
  ];
}

function carry(method: 'GET' | 'POST', serve: ServePage): PageHandler {
  return async (c, inbound) => {
    // An answer of the provider counts once: who only looks whether the page is there must not use it up.
    if (inbound.method !== method) throw new AppError('method_not_allowed', { headers: { allow: 'GET' } });
    const body = method === 'POST' ? await readTextBody(c.req.raw, [formType], maxFormBytes) : '';
    const { status, headers, body: html } = await serve({ method, query: inbound.target.query, headers: inbound.req.headers, body, peer: inbound.peer, requestId: inbound.id, params: inbound.params, node: { req: inbound.req, res: inbound.res } });
    return new Response(html, { status, headers: { ...headers } });
  };
}
