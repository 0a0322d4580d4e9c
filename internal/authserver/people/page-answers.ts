import type { PageAnswer } from '../../upstreamauth/ports.ts';
import { plainHeaders } from '../pages/page-style.ts';
import type { Visit } from './page-session.ts';

/** The paths of the pages below that of `public-url`; never from a request (security rule 30). */
export interface PageAddresses {
  /** Without a slash at its end. */
  readonly publicUrl: string;
  readonly device: string;
  readonly login: (uid: string) => string;
}

export function pageAddresses(publicUrl: string): PageAddresses {
  const url = publicUrl.replace(/\/+$/, '');
  const base = new URL(url).pathname.replace(/\/+$/, '');
  return { publicUrl: url, device: `${base}/device`, login: (uid) => `${base}/oauth/interaction/${encodeURIComponent(uid)}` };
}

export function withCookie(answer: PageAnswer, { setCookie }: Visit): PageAnswer {
  return setCookie === undefined ? answer : { ...answer, headers: { ...answer.headers, 'set-cookie': setCookie } };
}

/** 303 to an address of ours, or the provider's. */
export function seeOther(location: string): PageAnswer {
  return { status: 303, headers: { ...plainHeaders, location }, body: '' };
}

/** The members of a query or form; undefined where one comes twice, since the two readers might take different ones. */
export function readMembers(text: string): ReadonlyMap<string, string> | undefined {
  const pairs = [...new URLSearchParams(text)];
  const members = new Map(pairs);
  return members.size < pairs.length ? undefined : members;
}
