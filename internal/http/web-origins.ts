import type { ConfigProblem } from '../config/problem.ts';
import { parseHost, spellAuthority } from './host-header.ts';

/** Which hosts and web origins are served, decoded from the config. */
export interface WebRules {
  /** Exact names, lower case: `allowed-hosts` and the host of `public-url`. */
  readonly hosts: ReadonlySet<string>;
  /** `.suffix` of every `*.suffix`. */
  readonly hostSuffixes: readonly string[];
  readonly publicOrigin: string | undefined;
  readonly origins: ReadonlySet<string>;
  /** Schemes of `scheme://*`. */
  readonly originSchemes: ReadonlySet<string>;
  readonly allowsNullOrigin: boolean;
  readonly allowsAnyOrigin: boolean;
}

export interface WebSettings {
  readonly publicUrl: string;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
}

const originPattern = /^([a-z][a-z0-9+.-]{0,63}):\/\/([^\s/?#@\\]{1,300})$/;

/** An `Origin` header in one spelling: lower case, default ports left out; undefined for what is none (`null` included). */
export function normalizeOrigin(text: string): { readonly scheme: string; readonly authority: string } | undefined {
  const [, scheme, rest] = originPattern.exec(text.toLowerCase()) ?? [];
  if (scheme === undefined || rest === undefined) return undefined;
  const host = parseHost(rest);
  // Schemes of apps and extensions carry ids that are no host names.
  return { scheme, authority: host === undefined ? rest : spellAuthority(host, scheme) };
}

/** Decodes `public-url`, `allowed-hosts`, `allowed-origins`. */
export function decodeWebRules(settings: WebSettings): { readonly rules: WebRules; readonly problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const hosts = new Set<string>();
  const hostSuffixes: string[] = [];
  const origins = new Set<string>();
  const originSchemes = new Set<string>();
  const refuse = (path: string, message: string): void => void problems.push({ severity: 'error', path, message });

  const publicUrl = readPublicUrl(settings.publicUrl);
  if (publicUrl === 'malformed') refuse('public-url', 'must be an http or https URL without user, query or fragment');
  else if (publicUrl !== undefined) hosts.add(publicUrl.host);

  settings.allowedHosts.forEach((text, index) => {
    const isSuffix = text.startsWith('*.');
    const host = parseHost(isSuffix ? text.slice(2) : text);
    if (host === undefined) refuse(`allowed-hosts.${index}`, text === '*' ? 'would accept every Host and let web pages in by DNS rebinding; name the hosts, or use `*.suffix`' : 'must be a host name, or `*.suffix`');
    else if (isSuffix) hostSuffixes.push(`.${host.name}`);
    else hosts.add(host.name);
  });

  settings.allowedOrigins.forEach((text, index) => {
    if (text === '*' || text === 'null') return;
    const origin = normalizeOrigin(text);
    if (origin === undefined) refuse(`allowed-origins.${index}`, 'must be an origin such as `https://app.example` without a path, `scheme://*`, `null` or `*`');
    else if (origin.authority === '*') originSchemes.add(origin.scheme);
    else if (origin.authority.includes('*')) refuse(`allowed-origins.${index}`, 'takes `*` only as the whole host; name each origin');
    else origins.add(`${origin.scheme}://${origin.authority}`);
  });

  return {
    rules: {
      hosts,
      hostSuffixes,
      publicOrigin: typeof publicUrl === 'object' ? publicUrl.origin : undefined,
      origins,
      originSchemes,
      allowsNullOrigin: settings.allowedOrigins.includes('null'),
      allowsAnyOrigin: settings.allowedOrigins.includes('*'),
    },
    problems,
  };
}

function readPublicUrl(text: string): { readonly host: string; readonly origin: string } | 'malformed' | undefined {
  if (text === '') return undefined;
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return 'malformed';
  const host = parseHost(url.host);
  return host === undefined ? 'malformed' : { host: host.name, origin: url.origin.toLowerCase() };
}
