import type { Dispatcher } from 'undici';
import type { Account } from '../accounts/account.ts';
import { isRefusedAddress } from '../config/refused-addresses.ts';
import type { Dispatchers } from '../egress/dispatchers.ts';
import { AppError } from '../fault/app-error.ts';
import { credentialHeaders } from '../providers/endpoint.ts';
import { joinBetas } from '../providers/header-lists.ts';
import { secretForms } from './secret-guard.ts';

/** An account's upstream, ready to dispatch to. */
export interface Upstream {
  readonly dispatcher: Dispatcher;
  readonly origin: string;
  /** Path of the base URL without trailing slash; `''` for none. */
  readonly basePath: string;
  /** Flat name–value list: a key's credentials, the operator's headers and the vendor's, `user-agent`. A login's token is put on by the attempt. */
  readonly fixedHeaders: readonly string[];
  /** Lower-case names in `fixedHeaders`; what the client sent under them stays here. */
  readonly fixedNames: ReadonlySet<string>;
  /** What is never to come back from there: the account's key and the values of the operator's headers, in each form that JSON may have them in. */
  readonly secrets: readonly string[];
}

export interface Upstreams {
  /** Cached by account; a promise only when a proxy's part must be loaded first. Error: `upstream_refused_address`. */
  readonly prepare: (account: Account, globalProxyUrl: string) => Upstream | Promise<Upstream>;
}

export interface UpstreamsDeps {
  /** Sent as `user-agent`; Keyward names itself (contract §9). */
  readonly userAgent: string;
  readonly dispatchers: Pick<Dispatchers, 'find'>;
}

/** What of an account's requests is the same for all of them. */
export function createUpstreams(deps: UpstreamsDeps): Upstreams {
  const prepared = new WeakMap<Account, { readonly proxyUrl: string; readonly upstream: Upstream }>();
  return {
    prepare: (account, globalProxyUrl) => {
      const proxyUrl = account.proxyUrl === '' ? globalProxyUrl : account.proxyUrl;
      const known = prepared.get(account);
      if (known !== undefined && known.proxyUrl === proxyUrl) return known.upstream;
      const url = new URL(account.baseUrl);
      if (isRefusedAddress(url.hostname.replace(/^\[|\]$/g, ''))) throw new AppError('upstream_refused_address');
      const fixedHeaders = headersOf(account, deps.userAgent);
      const finish = (dispatcher: Dispatcher): Upstream => {
        const upstream = {
          dispatcher,
          origin: url.origin,
          basePath: url.pathname.replace(/\/+$/, ''),
          fixedHeaders,
          secrets: secretsOf(account),
          fixedNames: new Set(fixedHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())),
        };
        prepared.set(account, { proxyUrl, upstream });
        return upstream;
      };
      const dispatcher = deps.dispatchers.find(url.origin, proxyUrl);
      return dispatcher instanceof Promise ? dispatcher.then(finish) : finish(dispatcher);
    },
  };
}

/** The operator's headers win over Keyward's own of the same name. */
function headersOf(account: Account, userAgent: string): readonly string[] {
  const flat: string[] = [];
  const own = new Set([...account.headers.keys()].map((name) => name.toLowerCase()));
  const base = ['user-agent', userAgent, ...credentialHeaders(account), ...[...account.vendorHeaders].flat()];
  for (let i = 0; i < base.length; i += 2) {
    const name = base[i] ?? '';
    if (!own.has(name)) flat.push(name, base[i + 1] ?? '');
  }
  for (const [name, value] of account.headers) {
    // What a login needs is added to the operator's own betas too.
    flat.push(name, name.toLowerCase() === 'anthropic-beta' ? joinBetas(value.reveal(), account.anthropicBetas) : value.reveal());
  }
  return flat;
}

/** Short header values are words such as a team's name, which may stand in any answer. */
const minSecretLength = 8;

/** A header's value that names its scheme; upstreams repeat what stands behind. @see RFC 9110 §11.4 */
const schemed = /^[\w-]+ +(\S+)$/;

function secretsOf(account: Account): readonly string[] {
  const key = account.credential.kind === 'key' ? account.credential.key : undefined;
  const values = [key, ...account.headers.values()].flatMap((secret) => (secret === undefined ? [] : [secret.reveal()]));
  const all = values.flatMap((value) => [value, schemed.exec(value)?.[1] ?? value]).filter((value) => value.length >= minSecretLength);
  return [...new Set(all.flatMap(secretForms))];
}
