import { errors, interactionPolicy, Provider, type Adapter, type Configuration, type JWKS, type KoaContextWithOIDC } from 'oidc-provider';
import { scopes, type Scope } from '../clients/grant.ts';
import { readJwt } from '../clients/jwt/read-jwt.ts';
import type { OAuthClient } from '../clients/issued/oauth-client.ts';
import type { Person } from '../clients/issued/person.ts';
import type { SigningKey } from '../clients/issued/store.ts';
import type { Clock } from '../clock/clock.ts';
import { sha256Hex } from '../secret/digest.ts';
import { defaultScopes } from './people/person.ts';
import { cliClient, cliClientId, workloadClient } from './library-client.ts';

export interface ProviderDeps {
  /** `<public-url>/oauth` (security rule 30). */
  readonly issuer: string;
  /** What tokens are for: `<public-url>`. */
  readonly audience: string;
  readonly adapter: (model: string) => Adapter;
  readonly signingKeys: readonly SigningKey[];
  /** Keys cookies are signed with. */
  readonly cookieKeys: readonly string[];
  readonly seconds: { readonly accessToken: () => number; readonly session: () => number; readonly deviceCode: () => number };
  readonly findClient: (id: string) => OAuthClient | undefined;
  readonly isSecretOf: (clientId: string, text: string) => boolean;
  /** The person of a token that is about to be issued; at a refresh the operator's provider is asked first. Undefined: not any more. */
  readonly vouchFor: (personId: string, isRefresh: boolean) => Promise<Person | undefined>;
  readonly organization: () => string;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Notes the use of an assertion or proof and tells whether it was the first, in one write. */
  readonly isFirstUse: (id: string, expiresAtMs: number) => boolean;
}

/** Whom a token is for, where the library knows no account of that name. */
export interface TokenActor {
  readonly id: string;
  readonly label: string;
}

/** What a grant of ours says of a token that it is about to save. */
export interface OwnClaims {
  /** `claims` go into the token, `actor` into the record. */
  readonly add: (token: object, claims: Readonly<Record<string, unknown>>, actor: TokenActor) => void;
  readonly actorOf: (token: object) => TokenActor | undefined;
}

/** How derived tokens say what they are. */
export const derivedGrant = 'derived';

/** How far off the end of a client assertion may be. */
const maxAssertionSeconds = 3_600;

const routes = { authorization: '/authorize', token: '/token', device_authorization: '/device_authorization', code_verification: '/device', introspection: '/introspect', revocation: '/revoke', jwks: '/jwks' };

/**
 * The library, set up: ES256 only, PKCE always, one resource, tokens as JWTs (RFC 9068), refresh tokens that count once. It issues to
 * people only what a page of ours has approved.
 */
export function createProvider(deps: ProviderDeps): { readonly provider: Provider; readonly claims: OwnClaims } {
  const { issuer, audience, seconds, findClient } = deps;
  // Browsers see the address that public-url has, whatever stands before the path of ours.
  const browserPath = new URL(issuer).pathname;
  const scopesOf = (clientId: string): readonly Scope[] => (clientId === cliClientId ? scopes : (findClient(clientId)?.grant.scopes ?? defaultScopes));

  const added = new WeakMap<object, { readonly claims: Readonly<Record<string, unknown>>; readonly actor: TokenActor }>();
  const policy = interactionPolicy.base();
  const consent = policy.get('consent');
  // Every login is looked at and confirmed, also by who has signed in a moment ago.
  consent?.checks.add(new interactionPolicy.Check('keyward_confirm', 'every login is confirmed', 'interaction_required', (ctx) => (ctx.oidc.result?.consent === undefined ? interactionPolicy.Check.REQUEST_PROMPT : interactionPolicy.Check.NO_NEED_TO_PROMPT)));

  const configuration: Configuration = {
    adapter: deps.adapter,
    clients: [cliClient, workloadClient],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    jwks: libraryKeys(deps.signingKeys),
    routes,
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    claims: { openid: ['sub'], profile: ['name', 'org'], email: ['email'] },
    conformIdTokenClaims: false,
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    enabledJWA: { clientAuthSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA'], idTokenSigningAlgValues: ['ES256'], dPoPSigningAlgValues: ['ES256', 'EdDSA'] },
    pkce: { required: () => true },
    // What is used is kept until it would have ended: an assertion for years would be kept for years.
    assertJwtClientAuthClaimsAndHeader: (_ctx, { exp, jti }) => {
      if (typeof exp !== 'number' || exp > deps.clock.nowMs() / 1_000 + maxAssertionSeconds) throw new errors.InvalidClientAuth('the assertion ends later than in an hour');
      if (typeof jti !== 'string') throw new errors.InvalidClientAuth('the id of the assertion is no text');
    },
    cookies: { keys: [...deps.cookieKeys], long: { signed: true, sameSite: 'lax', path: browserPath }, short: { signed: true, sameSite: 'lax', path: browserPath }, names: { session: 'keyward_login', interaction: 'keyward_interaction', resume: 'keyward_resume' } },
    features: {
      devInteractions: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true, charset: 'base-20', mask: '****-****', deviceInfo: (ctx) => ({ from: readFrom(ctx), userAgent: ctx.get('user-agent').slice(0, 256) }), userCodeInputSource: refusePage, userCodeConfirmSource: refusePage, successSource: refusePage },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      introspection: { enabled: true, allowedPolicy: (_ctx, client, token) => client.clientAuthMethod !== 'none' || token.clientId === client.clientId },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource, client) => {
          if (resource !== audience) throw new errors.InvalidTarget(`the only resource here is ${audience}`);
          return { scope: scopesOf(client.clientId).join(' '), audience, accessTokenFormat: 'jwt', accessTokenTTL: seconds.accessToken(), jwt: { sign: { alg: 'ES256', kid: deps.signingKeys[0]?.kid } } };
        },
      },
    },
    ttl: {
      AccessToken: () => seconds.accessToken(),
      ClientCredentials: () => seconds.accessToken(),
      // A refresh does not make a login longer: what is left of it is what the new token lives.
      RefreshToken: (ctx) => Math.max(1, leftOf(ctx) ?? seconds.session()),
      Grant: () => seconds.session(),
      DeviceCode: () => seconds.deviceCode(),
      AuthorizationCode: 60,
      IdToken: 3_600,
      Interaction: 600,
      Session: 600,
    },
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    revokeGrantPolicy: () => true,
    loadExistingGrant: (ctx) => {
      const grantId = ctx.oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId);
    },
    findAccount: async (_ctx, id, token) => {
      const person = await deps.vouchFor(id, token !== undefined && 'rotations' in token);
      if (person === undefined) return undefined;
      return { accountId: id, claims: () => ({ sub: id, name: person.label, email: person.email, org: deps.organization() === '' ? undefined : deps.organization() }) };
    },
    extraTokenClaims: (_ctx, token) => {
      const own = findClient(token.clientId ?? '')?.organization ?? '';
      const org = own === '' ? deps.organization() : own;
      const sid = 'grantId' in token ? token.grantId : undefined;
      return { ...(org === '' ? {} : { org }), ...(typeof sid === 'string' && sid !== '' ? { sid } : {}), ...('gty' in token && token.gty === derivedGrant ? { derived: true } : {}), ...added.get(token)?.claims };
    },
    formats: {
      customizers: {
        // RFC 6749 §3.3: without a wish the client gets all that it may have, and is told.
        jwt: (ctx, token, jwt) => {
          if (token.kind !== 'ClientCredentials' || (token.scope ?? '') !== '') return;
          const asked: unknown = ctx.oidc.params?.['scope'];
          if (typeof asked === 'string') throw new errors.InvalidScope('none of the scopes asked for is one that this client has', asked);
          token.scope = scopesOf(token.clientId ?? '').join(' ');
          jwt.payload.scope = token.scope;
        },
      },
    },
    interactions: { policy, url: (_ctx, interaction) => `${browserPath}/interaction/${interaction.uid}` },
    renderError: (ctx, out) => {
      ctx.type = 'json';
      ctx.body = out;
    },
  };
  const provider = new Provider(issuer, configuration);
  provider.proxy = true;
  // The library looks first and writes then; here that is one write. What the second use is called hangs on what was used.
  provider.ReplayDetection.unique = (clientId, jti, expiresAtSeconds) => {
    if (deps.isFirstUse(sha256Hex(`${clientId}\n${jti}`), Math.min(expiresAtSeconds * 1_000, Number.MAX_SAFE_INTEGER))) return Promise.resolve(true);
    const proof = readJwt(Provider.ctx?.get('DPoP') ?? '');
    // RFC 9449 §5. Of an assertion the library says `invalid_client` (RFC 7523 §3.2).
    return proof.ok && proof.value.claims['jti'] === jti ? Promise.reject(new errors.InvalidDpopProof('the proof was used before')) : Promise.resolve(false);
  };
  // Kept as digests, two of them while a secret is being rotated.
  provider.Client.prototype.compareClientSecret = function isOneOf(text: string) {
    return deps.isSecretOf(this.clientId, text);
  };
  return { provider, claims: { add: (token, claims, actor) => void added.set(token, { claims, actor }), actorOf: (token) => added.get(token)?.actor } };
}

function libraryKeys(keys: readonly SigningKey[]): JWKS {
  return { keys: keys.map(({ kid, jwk }) => ({ ...jwk, kid, alg: 'ES256', use: 'sig' })) };
}

/** Seconds that are left of the login a refresh token stands for. */
function leftOf(ctx: KoaContextWithOIDC): number | undefined {
  const { RotatedRefreshToken: rotated } = ctx.oidc.entities;
  return rotated === undefined ? undefined : rotated.remainingTTL;
}

/** The library's own pages are not served. */
function refusePage(): never {
  throw new errors.InvalidRequest('this page is not served');
}

function readFrom(ctx: KoaContextWithOIDC): string {
  const from: unknown = Reflect.get(ctx.req, 'keywardFrom');
  return typeof from === 'string' ? from : '';
}
