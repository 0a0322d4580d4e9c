import type * as openidClient from 'openid-client';
import type { ClientAuth, Configuration, CustomFetch, ServerMetadata } from 'openid-client';
import type { Clock } from '../clock/clock.ts';
import type { ClientRegistration, LoginProfile } from '../providers/login-profile.ts';
import { createDiscovery, DiscoveryFailed, type ResolvedEndpoints } from './discovery.ts';
import { parseRecord, type JsonRecord } from './json-record.ts';
import type { OAuthHttp, VendorAnswer } from './oauth-http.ts';
import { encodesBasic } from './vendors/departures.ts';
import { conformDeviceAnswer, conformTokenAnswer, oauthErrorOf } from './sloppy-answers.ts';

/** The client library; loaded at the first login or refresh, as serving keys alone does not need it. */
export type Library = typeof openidClient;

/** One use of the client openid: a configuration of its own, and what its last request came to. */
export interface OAuthExchange {
  readonly openid: Library;
  readonly configuration: Configuration;
  readonly endpoints: ResolvedEndpoints;
  /** What came back to the last request, before it was made conform; undefined when none was made. */
  readonly lastAnswer: () => VendorAnswer | undefined;
  /** The last answer's JSON, whole. */
  readonly lastJson: () => JsonRecord | undefined;
  /** How often the vendor has said `slow_down`. */
  readonly slowDowns: () => number;
}

export interface ExchangeOptions {
  /** Undefined: no client authentication and no client id, as with signed assertions. */
  readonly client: ClientRegistration | undefined;
  /** As `Dispatchers.find` takes it. */
  readonly proxyUrl: string;
  readonly signal?: AbortSignal;
  /** The id token decides on this exchange: a wrong one fails it. Only for issuers that were discovered. */
  readonly checksIdToken?: boolean;
}

export interface OAuthClient {
  /** Rejects with `DiscoveryFailed` when the issuer's metadata cannot be had. */
  readonly open: (profile: LoginProfile, options: ExchangeOptions) => Promise<OAuthExchange>;
}

export interface OAuthClientDeps {
  readonly clock: Clock;
  readonly http: OAuthHttp;
}

export function createOAuthClient(deps: OAuthClientDeps): OAuthClient {
  const discovery = createDiscovery({
    clock: deps.clock,
    readMetadata: async (issuer, proxyUrl, allowsPlainHttp) => {
      const openid = await loadLibrary();
      const plainFetch: CustomFetch = async (url, { headers, method, signal }) => {
        const answer = await deps.http.send({ url, allowsPlainHttp, method: method === 'POST' ? 'POST' : 'GET', headers: lowerCase(headers), body: undefined, proxyUrl, signal });
        if (answer.kind === 'failed') throw new DiscoveryFailed(`the metadata of the issuer cannot be read (${answer.code})`);
        return asResponse(answer.status, answer.body);
      };
      const read = (algorithm: 'oidc' | 'oauth2'): Promise<Configuration> =>
        openid.discovery(issuer, 'keyward', undefined, undefined, { algorithm, [openid.customFetch]: plainFetch, execute: issuer.protocol === 'http:' ? [openid.allowInsecureRequests] : [] });
      // OpenID Connect Discovery first, then RFC 8414 §3, which places the document elsewhere for issuers with a path.
      const configuration = await read('oidc').catch((thrown: unknown) => {
        // The library wraps what its fetch throws. Where there was no answer, another path gives none either.
        if (thrown instanceof Error && thrown.cause instanceof DiscoveryFailed) throw thrown.cause;
        return read('oauth2');
      });
      return configuration.serverMetadata();
    },
  });

  return {
    open: async (profile, options) => {
      const [openid, endpoints] = await Promise.all([loadLibrary(), discovery.endpointsOf(profile, options.proxyUrl)]);
      const checksIdToken = options.checksIdToken === true && endpoints.isDiscovered;
      // The library hands out parsed addresses.
      const tokenUrl = URL.parse(endpoints.token)?.href;
      const deviceUrl = URL.parse(endpoints.deviceAuthorization)?.href;
      let lastAnswer: VendorAnswer | undefined;
      let slowDowns = 0;
      const vendorFetch: CustomFetch = async (url, { headers, method, body, signal }) => {
        const signals = [options.signal, signal].filter((each) => each !== undefined);
        const request = dressRequest(profile, url === tokenUrl, lowerCase(headers), body);
        lastAnswer = await deps.http.send({ ...request, url, allowsPlainHttp: profile.allowsPlainHttp, method: method === 'GET' ? 'GET' : 'POST', proxyUrl: options.proxyUrl, signal: signals.length === 0 ? undefined : AbortSignal.any(signals) });
        if (lastAnswer.kind === 'failed') throw new TypeError(`the vendor was not reached (${lastAnswer.code})`);
        const { status, body: text } = lastAnswer;
        const conform = url === deviceUrl ? conformDeviceAnswer(status, text) : url === tokenUrl ? conformTokenAnswer(status, text, checksIdToken) : lastAnswer;
        const record = parseRecord(conform.body);
        if (record !== undefined && oauthErrorOf(record)?.code === 'slow_down') slowDowns += 1;
        return asResponse(conform.status, conform.body, lastAnswer.headers['retry-after']);
      };
      const configuration = new openid.Configuration(serverMetadata(endpoints), options.client?.clientId ?? 'none', {}, clientAuthentication(openid, profile, options.client));
      configuration[openid.customFetch] = vendorFetch;
      // Our own limit holds, and it says whether the request had left.
      configuration.timeout = undefined;
      // Which http endpoints may be asked is decided where they are asked.
      openid.allowInsecureRequests(configuration);
      return {
        openid,
        configuration,
        endpoints,
        lastAnswer: () => lastAnswer,
        lastJson: () => (lastAnswer?.kind === 'answered' ? parseRecord(lastAnswer.body) : undefined),
        slowDowns: () => slowDowns,
      };
    },
  };
}

async function loadLibrary(): Promise<Library> {
  return import('openid-client');
}

function serverMetadata(endpoints: ResolvedEndpoints): ServerMetadata {
  const named: Record<string, string> = {};
  if (endpoints.authorize !== '') named['authorization_endpoint'] = endpoints.authorize;
  if (endpoints.token !== '') named['token_endpoint'] = endpoints.token;
  if (endpoints.deviceAuthorization !== '') named['device_authorization_endpoint'] = endpoints.deviceAuthorization;
  if (endpoints.revocation !== '') named['revocation_endpoint'] = endpoints.revocation;
  const algorithms = endpoints.idTokenAlgorithms;
  return { issuer: issuerOf(endpoints), ...named, ...(algorithms === undefined ? {} : { id_token_signing_alg_values_supported: [...algorithms] }) };
}

/** The scopes to ask for, as one parameter; undefined for none. RFC 6749 §3.3 */
export function scopeOf(profile: LoginProfile, endpoints: ResolvedEndpoints): string | undefined {
  const scopes = profile.scopes.length > 0 ? profile.scopes : endpoints.defaultScopes;
  return scopes.length === 0 ? undefined : scopes.join(' ');
}

/** The issuer that `iss` is compared with (RFC 9207 §2.4): the configured one, else the origin that the browser was sent to. */
export function issuerOf(endpoints: ResolvedEndpoints): string {
  return endpoints.issuer === '' ? (URL.parse(endpoints.authorize) ?? new URL(endpoints.token)).origin : endpoints.issuer;
}

function clientAuthentication(openid: Library, profile: LoginProfile, client: ClientRegistration | undefined): ClientAuth {
  if (client === undefined) return () => undefined;
  const secret = client.clientSecret?.reveal();
  if (secret === undefined || secret === '' || client.authentication === 'none') return openid.None();
  if (client.authentication === 'client_secret_post') return openid.ClientSecretPost(secret);
  // RFC 6749 §2.3.1. The library also encodes `-`, `_` and `.`, which forms need not, and servers that decode nothing then refuse.
  const encode = encodesBasic(profile) ? (text: string) => new URLSearchParams({ '': text }).toString().slice(1) : (text: string) => text;
  const credentials = Buffer.from(`${encode(client.clientId)}:${encode(secret)}`).toString('base64');
  return (_server, _client, _body, headers) => headers.set('authorization', `Basic ${credentials}`);
}

/** Turns the library's form into a JSON body for vendors that want it (Anthropic; a departure from RFC 6749 §4.1.3). */
function dressRequest(profile: LoginProfile, isTokenRequest: boolean, headers: Record<string, string>, body: unknown): { readonly headers: Record<string, string>; readonly body: string | undefined } {
  const form = body instanceof URLSearchParams ? body : undefined;
  if (form === undefined) return { headers, body: typeof body === 'string' ? body : undefined };
  if (isTokenRequest && profile.tokenRequestForm === 'json') return { headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(Object.fromEntries(form)) };
  return { headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' }, body: form.toString() };
}

/** Only what the library decides on: a challenge header would hide the OAuth error from it. */
function asResponse(status: number, body: string, retryAfter?: string): Response {
  // RFC 9110 §15.3.5 and §15.4.5: these have no body, and `Response` refuses one.
  const isEmpty = status === 204 || status === 205 || status === 304;
  return new Response(isEmpty ? null : body, { status: status < 200 || status > 599 ? 599 : status, headers: { 'content-type': 'application/json', ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }) } });
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
