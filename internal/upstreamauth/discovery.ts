import type { Clock } from '../clock/clock.ts';
import type { LoginEndpoints, LoginProfile } from '../providers/login-profile.ts';
import { usableEndpoint } from './endpoint-url.ts';

/** A login's endpoints after discovery; `''` for those the vendor has not. */
export interface ResolvedEndpoints extends LoginEndpoints {
  /** The metadata of an issuer was read, so id tokens and `iss` are checked against it. */
  readonly isDiscovered: boolean;
  /** RFC 9207 §3: every authorization response of this issuer has `iss`. */
  readonly sendsIss: boolean;
  /** Asked for where the operator names no scopes: who the account is, and a refresh token, as far as the issuer offers them. */
  readonly defaultScopes: readonly string[];
  /** The members of the metadata that id tokens are checked by. */
  readonly idTokenAlgorithms: readonly string[] | undefined;
}

/** No usable metadata, so nothing was asked of the token endpoint. `detail` is free of secrets. */
export class DiscoveryFailed extends Error {
  readonly detail: string;
  constructor(detail: string) {
    super(detail);
    this.name = 'DiscoveryFailed';
    this.detail = detail;
  }
}

export interface Discovery {
  /** Rejects with `DiscoveryFailed`. Kept for an hour; the last good one serves longer where a newer cannot be had. */
  readonly endpointsOf: (profile: LoginProfile, proxyUrl: string) => Promise<ResolvedEndpoints>;
}

export interface DiscoveryDeps {
  readonly clock: Clock;
  /** Reads an issuer's metadata by RFC 8414 or OpenID Connect Discovery. Rejects on anything but a document of this issuer. */
  readonly readMetadata: (issuer: URL, proxyUrl: string, allowsPlainHttp: boolean) => Promise<Readonly<Record<string, unknown>>>;
}

const keptMs = 60 * 60_000;

interface Found {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

export function createDiscovery(deps: DiscoveryDeps): Discovery {
  const found = new Map<string, Found>();
  const underWay = new Map<string, Promise<Found>>();

  const read = async ({ endpoints, allowsPlainHttp }: LoginProfile, proxyUrl: string): Promise<Found> => {
    const url = usableEndpoint(endpoints.issuer, allowsPlainHttp);
    if (url === undefined) throw new DiscoveryFailed('the issuer is no address that Keyward asks; it must be https, or http on this machine unless `insecure-http` is set');
    const metadata = await deps.readMetadata(url, proxyUrl, allowsPlainHttp);
    return { metadata, atMs: deps.clock.nowMs() };
  };

  const find = async (profile: LoginProfile, proxyUrl: string): Promise<Found> => {
    const key = `${profile.endpoints.issuer} ${profile.allowsPlainHttp} ${proxyUrl}`;
    const known = found.get(key);
    if (known !== undefined && deps.clock.nowMs() - known.atMs < keptMs) return known;
    let reading = underWay.get(key);
    if (reading === undefined) {
      reading = read(profile, proxyUrl).finally(() => underWay.delete(key));
      underWay.set(key, reading);
    }
    try {
      const fresh = await reading;
      found.set(key, fresh);
      return fresh;
    } catch (cause) {
      if (known !== undefined) return known;
      throw cause instanceof DiscoveryFailed ? cause : new DiscoveryFailed('the metadata of the issuer cannot be read');
    }
  };

  return {
    endpointsOf: async (profile, proxyUrl) => {
      const { endpoints } = profile;
      if (endpoints.issuer === '') return { ...endpoints, isDiscovered: false, sendsIss: false, defaultScopes: [], idTokenAlgorithms: undefined };
      return merge(profile, (await find(profile, proxyUrl)).metadata);
    },
  };
}

/** Endpoints that are set win over the issuer's. */
function merge(profile: LoginProfile, metadata: Readonly<Record<string, unknown>>): ResolvedEndpoints {
  const set = profile.endpoints;
  const choose = (written: string, name: string): string => (written === '' ? discovered(profile, metadata[name]) : written);
  const algorithms = metadata['id_token_signing_alg_values_supported'];
  return {
    // As the metadata spells it, which is how id tokens and `iss` do; discovery has compared it with the configured one.
    issuer: typeof metadata['issuer'] === 'string' ? metadata['issuer'] : set.issuer,
    authorize: choose(set.authorize, 'authorization_endpoint'),
    token: choose(set.token, 'token_endpoint'),
    deviceAuthorization: choose(set.deviceAuthorization, 'device_authorization_endpoint'),
    revocation: choose(set.revocation, 'revocation_endpoint'),
    userinfo: choose(set.userinfo, 'userinfo_endpoint'),
    isDiscovered: true,
    sendsIss: metadata['authorization_response_iss_parameter_supported'] === true,
    defaultScopes: ['openid', 'email', 'offline_access'].filter((scope) => textsOf(metadata['scopes_supported']).includes(scope)),
    idTokenAlgorithms: algorithms === undefined ? undefined : textsOf(algorithms),
  };
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function discovered(profile: LoginProfile, value: unknown): string {
  if (typeof value !== 'string' || value === '') return '';
  const url = usableEndpoint(value, profile.allowsPlainHttp);
  if (url === undefined) throw new DiscoveryFailed('the metadata of the issuer names an endpoint that Keyward does not ask');
  if (profile.name === 'xai' && !isOfVendor(url, profile.endpoints.issuer)) throw new DiscoveryFailed('the metadata of the issuer names an endpoint at another host than the vendor’s');
  return value;
}

/** xAI: metadata may name hosts of x.ai only, so that a forged document sends no token elsewhere. */
function isOfVendor(url: URL, issuer: string): boolean {
  const home = new URL(issuer);
  const domain = home.hostname.replace(/^auth\./, '');
  return url.protocol === home.protocol && (url.hostname === domain || url.hostname.endsWith(`.${domain}`));
}
