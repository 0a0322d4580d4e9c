import type * as openidClient from 'openid-client';
import type { ClientAuth, Configuration, CustomFetch, ServerMetadata } from 'openid-client';
import type { Clock } from '../../clock/clock.ts';
import type { Secret } from '../../secret/secret.ts';
import { usableEndpoint } from '../../upstreamauth/endpoint-url.ts';
import type { OAuthHttp } from '../../upstreamauth/oauth-http.ts';

export type Library = typeof openidClient;

/** The operator's provider as the config has it. */
export interface ProviderSettings {
  /** `''`: none. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: Secret | undefined;
  readonly scopes: readonly string[];
  readonly groupsClaim: string;
}

/** The provider was not reached, or could not answer: nothing is known of anybody. */
export class ProviderUnreached extends Error {
  readonly detail: string;
  constructor(detail: string) {
    super(detail);
    this.name = 'ProviderUnreached';
    this.detail = detail;
  }
}

/** The library with the provider's metadata. */
export interface ProviderClient {
  readonly openid: Library;
  readonly configuration: Configuration;
}

export interface ProviderClients {
  /** Rejects with `ProviderUnreached`. Metadata is kept for an hour; the last good one serves longer where a newer cannot be had. */
  readonly open: (settings: ProviderSettings) => Promise<ProviderClient>;
}

const keptMs = 60 * 60_000;
const requestTimeoutMs = 15_000;
const clockSkewSeconds = 30;

export function createProviderClients(deps: { readonly clock: Clock; readonly http: OAuthHttp }): ProviderClients {
  let known: { readonly key: string; readonly client: ProviderClient; readonly atMs: number } | undefined;
  let underWay: { readonly key: string; readonly reading: Promise<ProviderClient> } | undefined;

  const providerFetch: CustomFetch = async (address, { method, headers, body, signal }) => {
    const url = safeAddress(address);
    if (url === undefined) throw new ProviderUnreached('an address of the provider is not https');
    const answer = await deps.http.send({
      url: url.href,
      allowsPlainHttp: false,
      method: method === 'POST' ? 'POST' : 'GET',
      headers: lowerCase(headers),
      body: body instanceof URLSearchParams ? body.toString() : typeof body === 'string' ? body : undefined,
      proxyUrl: '',
      signal,
      timeoutMs: requestTimeoutMs,
    });
    if (answer.kind === 'failed') throw new ProviderUnreached(`the provider was not reached (${answer.code})`);
    // Neither says anything about the person, whatever the body.
    if (answer.status >= 500 || answer.status === 429 || answer.status === 408) throw new ProviderUnreached(`the provider answered HTTP ${answer.status}`);
    return asResponse(answer.status, answer.headers, answer.body);
  };

  const read = async (settings: ProviderSettings): Promise<ProviderClient> => {
    const issuer = safeAddress(settings.issuer);
    if (issuer === undefined) throw new ProviderUnreached('`identity.oidc.issuer` must be https, or http on this machine');
    const openid: Library = await import('openid-client');
    const execute = [openid.enableNonRepudiationChecks, ...(issuer.protocol === 'http:' ? [openid.allowInsecureRequests] : [])];
    const metadata = { [openid.clockTolerance]: clockSkewSeconds };
    let configuration: Configuration;
    try {
      configuration = await openid.discovery(issuer, settings.clientId, metadata, authenticationBy(openid, settings.clientSecret), { algorithm: 'oidc', [openid.customFetch]: providerFetch, execute });
    } catch (thrown) {
      throw unreachedIn(thrown) ?? new ProviderUnreached('the metadata of the provider cannot be used');
    }
    const { authorization_endpoint: authorize, token_endpoint: token } = configuration.serverMetadata();
    if (safeAddress(authorize ?? '') === undefined || safeAddress(token ?? '') === undefined) throw new ProviderUnreached('the metadata of the provider names no usable endpoints');
    // Our own limit holds.
    configuration.timeout = undefined;
    return { openid, configuration };
  };

  return {
    open: async (settings) => {
      const key = JSON.stringify([settings.issuer, settings.clientId, settings.clientSecret?.reveal() ?? '']);
      const last = known?.key === key ? known : undefined;
      if (last !== undefined && deps.clock.nowMs() - last.atMs < keptMs) return last.client;
      if (underWay?.key !== key) {
        const reading = read(settings).finally(() => {
          if (underWay?.reading === reading) underWay = undefined;
        });
        underWay = { key, reading };
      }
      try {
        const client = await underWay.reading;
        known = { key, client, atMs: deps.clock.nowMs() };
        return client;
      } catch (thrown) {
        if (last !== undefined) return last.client;
        throw thrown;
      }
    },
  };
}

/** https anywhere, http on this machine alone; never an address that Keyward does not connect to (security rule 14). */
export function safeAddress(text: string): URL | undefined {
  const url = usableEndpoint(text, false);
  if (url === undefined || url.protocol === 'https:') return url;
  const { hostname } = url;
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname) ? url : undefined;
}

/** What the library has wrapped. */
export function unreachedIn(thrown: unknown): ProviderUnreached | undefined {
  for (let at = thrown, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) if (at instanceof ProviderUnreached) return at;
  return undefined;
}

function authenticationBy(openid: Library, clientSecret: Secret | undefined): ClientAuth {
  const secret = clientSecret?.reveal() ?? '';
  if (secret === '') return openid.None();
  const inBody = openid.ClientSecretPost(secret);
  return (server: ServerMetadata, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported;
    // OpenID Connect Discovery §3: absent means `client_secret_basic`.
    if (methods !== undefined && !methods.includes('client_secret_basic')) {
      inBody(server, client, body, headers);
      return;
    }
    // RFC 6749 §2.3.1. The library also encodes `-`, `_` and `.`, which forms need not, and servers that decode nothing then refuse.
    const encode = (text: string): string => new URLSearchParams({ '': text }).toString().slice(1);
    headers.set('authorization', `Basic ${Buffer.from(`${encode(client.client_id)}:${encode(secret)}`).toString('base64')}`);
  };
}

const passedOn = ['content-type', 'www-authenticate', 'cache-control'] as const;

function asResponse(status: number, headers: Readonly<Record<string, string | string[] | undefined>>, body: string): Response {
  const kept: Record<string, string> = {};
  for (const name of passedOn) {
    const value = headers[name];
    if (typeof value === 'string') kept[name] = value;
  }
  // RFC 9110 §15.3.5 and §15.4.5: these have no body, and `Response` refuses one.
  const isEmpty = status === 204 || status === 205 || status === 304;
  return new Response(isEmpty ? null : body, { status: status < 200 || status > 599 ? 599 : status, headers: kept });
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
