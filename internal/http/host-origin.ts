import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../fault/app-error.ts';
import { escapeForeign } from '../log/escape.ts';
import { isLocalNameOrLiteral, parseHost, spellAuthority, type HostName } from './host-header.ts';
import { normalizeOrigin, type WebRules } from './web-origins.ts';

/** What a request's `Host`, `Origin` and `Sec-Fetch-Site` say, before it is known who calls. */
export interface WebFacts {
  /** `absent` is HTTP/1.0 without the header, which no browser sends. */
  readonly host: 'accepted' | 'foreign' | 'absent';
  /** `listed` stands in `allowed-origins`; `wildcard` matches `*`, `null` or a wildcard of web schemes there. */
  readonly origin: 'absent' | 'own' | 'listed' | 'wildcard' | 'foreign';
  /** A browser says that another site's page made the request, and no accepted Origin excuses it. */
  readonly isCrossSite: boolean;
}

/** How far `allowed-origins` counts: not at all off the API, and its wildcards only while keys are required. */
export type OriginScope = 'own-only' | 'listed' | 'listed-and-wildcards';

const noHeaders: Readonly<Record<string, string>> = Object.freeze({});
const exposedHeaders = 'x-request-id, retry-after, x-should-retry, x-keyward-dropped';

/** Reads the three headers (security rules 3 and 4). */
export function readWebFacts(rules: WebRules, headers: IncomingHttpHeaders): WebFacts {
  const host = headers.host === undefined ? undefined : parseHost(headers.host);
  const isAccepted = host !== undefined && isServedHost(rules, host.name);
  const origin = headers.origin === undefined ? 'absent' : judgeOrigin(rules, headers.origin, isAccepted ? host : undefined);
  const site = headers['sec-fetch-site'];
  return {
    host: headers.host === undefined ? 'absent' : isAccepted ? 'accepted' : 'foreign',
    origin,
    isCrossSite: origin === 'absent' && (site === 'cross-site' || site === 'same-site'),
  };
}

/**
 * The refusal that the facts call for: `misdirected_request` (421) or `origin_not_allowed` (403); undefined when the
 * request may go on. A valid credential in a header excuses both, as no rebinding or foreign page knows one.
 */
export function refuseForeignPage(facts: WebFacts, headers: IncomingHttpHeaders, scope: OriginScope, hasValidHeaderCredential: boolean): AppError | undefined {
  if (hasValidHeaderCredential) return undefined;
  if (facts.host === 'foreign') return misdirected(headers.host ?? '');
  return facts.isCrossSite || !isOriginServed(facts, scope) ? new AppError('origin_not_allowed') : undefined;
}

/**
 * A window that the person's browser sends here from another site's page: a top-level GET navigation, which carries no
 * Origin and whose answer that page cannot read. Who sends no fetch metadata is no browser of today and passes as before.
 * @see https://www.w3.org/TR/fetch-metadata/
 */
export function isWindowNavigation(method: string, headers: IncomingHttpHeaders): boolean {
  return method === 'GET' && headers.origin === undefined && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
}

/** True when the Origin needs no credential to be let in. */
export function isOriginServed(facts: WebFacts, scope: OriginScope): boolean {
  switch (facts.origin) {
    case 'absent':
    case 'own':
      return true;
    case 'listed':
      return scope !== 'own-only';
    case 'wildcard':
      return scope === 'listed-and-wildcards';
    case 'foreign':
      return false;
  }
}

/** The CORS headers of an answer: only for Origins that `allowed-origins` names in this scope. */
export function corsHeaders(facts: WebFacts, headers: IncomingHttpHeaders, scope: OriginScope): Readonly<Record<string, string>> {
  if (facts.origin === 'absent' || facts.origin === 'own' || !isOriginServed(facts, scope)) return noHeaders;
  return { 'access-control-allow-origin': headers.origin ?? '', 'access-control-expose-headers': exposedHeaders, vary: 'Origin' };
}

const requestedHeadersPattern = /^[\w\s,-]{1,2000}$/;

/** What a preflight for a served Origin gets on top of `corsHeaders`. `allow` is the path's `Allow` value. */
export function preflightHeaders(headers: IncomingHttpHeaders, allow: string): Readonly<Record<string, string>> {
  const requested = headers['access-control-request-headers'];
  const isPlain = typeof requested === 'string' && requestedHeadersPattern.test(requested);
  return {
    'access-control-allow-methods': allow,
    'access-control-allow-headers': isPlain ? requested : 'authorization, content-type, x-api-key, x-goog-api-key',
    'access-control-max-age': '600',
    ...(headers['access-control-request-private-network'] === 'true' ? { 'access-control-allow-private-network': 'true' } : {}),
    vary: 'Origin, Access-Control-Request-Headers',
  };
}

function isServedHost(rules: WebRules, name: string): boolean {
  if (isLocalNameOrLiteral(name) || rules.hosts.has(name)) return true;
  for (const suffix of rules.hostSuffixes) if (name.length > suffix.length && name.endsWith(suffix)) return true;
  return false;
}

/** `host` is the request's, when it is accepted: own origin is `public-url` or what the request was addressed to. */
function judgeOrigin(rules: WebRules, text: string, host: HostName | undefined): WebFacts['origin'] {
  if (text === 'null') return rules.allowsNullOrigin || rules.allowsAnyOrigin ? 'wildcard' : 'foreign';
  const origin = normalizeOrigin(text);
  if (origin === undefined) return 'foreign';
  const spelled = `${origin.scheme}://${origin.authority}`;
  const isWeb = origin.scheme === 'http' || origin.scheme === 'https';
  if (spelled === rules.publicOrigin || (isWeb && host !== undefined && origin.authority === spellAuthority(host, origin.scheme))) return 'own';
  if (rules.origins.has(spelled)) return 'listed';
  // `https://*` is as wide as `*`.
  if (rules.originSchemes.has(origin.scheme)) return isWeb ? 'wildcard' : 'listed';
  return rules.allowsAnyOrigin ? 'wildcard' : 'foreign';
}

function misdirected(seen: string): AppError {
  const shown = escapeForeign(seen, 255);
  const name = parseHost(seen)?.name;
  const advice = name === undefined ? 'it is no host name' : `if it is meant to be, add this line to the config: allowed-hosts: ["${name}"] (or the name to the list there)`;
  return new AppError('misdirected_request', { message: `The Host "${shown}" is not served here; ${advice}.` });
}
