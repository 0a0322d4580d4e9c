import type { Configuration, TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client';
import { err, ok, type Result } from '../../fault/result.ts';
import { Secret } from '../../secret/secret.ts';
import { isRecord, type JsonRecord } from '../../upstreamauth/json-record.ts';
import { vendorCode } from '../../upstreamauth/vendor-text.ts';
import { readIdentity, whatIsMissing, type NeededClaims } from './identity.ts';
import type { Identity } from './may-sign-in.ts';
import { unreachedIn, type ProviderClient, type ProviderClients, type ProviderSettings } from './provider-client.ts';

/** What ties an answer of the provider to the question. */
export interface SignInSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** `login`: whoever is signed in there is asked again; `consent`: for providers that give a refresh token only then. */
export type Prompt = 'login' | 'consent';

export type ProviderFault =
  /** Nothing is known: it was not reached, or cannot answer. `detail` is for the log. */
  | { readonly code: 'unavailable'; readonly detail: string }
  /** The person, or the provider for them, said no. */
  | { readonly code: 'denied'; readonly detail: string }
  /** The answer is not one to this question: state, nonce, issuer, signature, a code that is not good. */
  | { readonly code: 'invalid'; readonly detail: string };

export interface Vouched {
  readonly identity: Identity;
  readonly refreshToken: Secret | undefined;
}

export type RefreshEnd =
  /** `identity` follows in its own step, so that a rotated token is kept before anything else can fail. */
  | { readonly kind: 'refreshed'; readonly refreshToken: Secret | undefined; readonly identify: () => Promise<IdentifyEnd> }
  | { readonly kind: 'ended'; readonly why: string }
  | { readonly kind: 'unavailable'; readonly why: string };

export type IdentifyEnd = { readonly kind: 'known'; readonly identity: Identity } | { readonly kind: 'ended'; readonly why: string } | { readonly kind: 'unavailable'; readonly why: string };

/** Signing in at the provider that the operator chose. */
export interface OperatorProvider {
  /** Its host, to be shown; undefined: there is none, and codes of `keyward approve` stand in. */
  readonly host: () => string | undefined;
  readonly issuer: () => string;
  readonly authorizationUrl: (secrets: SignInSecrets, prompt?: Prompt) => Promise<Result<string, ProviderFault>>;
  /** `query` as the browser brought it to the redirect address. */
  readonly redeem: (query: string, secrets: SignInSecrets) => Promise<Result<Vouched, ProviderFault>>;
  /** Asks about somebody again. Never rejects. */
  readonly refresh: (subject: string, refreshToken: Secret) => Promise<RefreshEnd>;
  /** The operator wants refresh tokens, so an answer without one is worth asking a second time for. */
  readonly wantsOffline: () => boolean;
}

export interface OperatorProviderDeps {
  readonly clients: ProviderClients;
  /** Read at each use; changes count from then on. */
  readonly settings: () => ProviderSettings;
  readonly needed: () => NeededClaims;
  /** `<public-url>/oauth/signin/callback` */
  readonly redirectUri: string;
}

const google = 'https://accounts.google.com';
/** OAuth errors by which a provider says that this person, or this token, is at its end. */
const endings: ReadonlySet<string> = new Set(['invalid_grant', 'access_denied', 'interaction_required', 'login_required', 'consent_required']);

export function createOperatorProvider(deps: OperatorProviderDeps): OperatorProvider {
  const wantsOffline = (): boolean => deps.settings().scopes.includes('offline_access');

  return {
    host: () => URL.parse(deps.settings().issuer)?.host,
    issuer: () => deps.settings().issuer,
    wantsOffline,
    authorizationUrl: async ({ state, nonce, codeVerifier }, prompt) => {
      const settings = deps.settings();
      try {
        const { openid, configuration } = await deps.clients.open(settings);
        const url = openid.buildAuthorizationUrl(configuration, {
          redirect_uri: deps.redirectUri,
          scope: scopesFor(settings, configuration).join(' '),
          state,
          nonce,
          code_challenge: await openid.calculatePKCECodeChallenge(codeVerifier),
          code_challenge_method: 'S256',
          ...(prompt === undefined ? {} : { prompt }),
          // Google's way to ask for a refresh token. https://developers.google.com/identity/protocols/oauth2/web-server
          ...(wantsOffline() && isGoogle(configuration) ? { access_type: 'offline' } : {}),
        });
        return ok(url.href);
      } catch (thrown) {
        return err(faultOf(thrown));
      }
    },
    redeem: async (query, { state, nonce, codeVerifier }) => {
      const settings = deps.settings();
      const repeated = repeatedParameter(query);
      if (repeated) return err({ code: 'invalid', detail: 'a parameter came twice' });
      try {
        const client = await deps.clients.open(settings);
        // Our own address, never the one that the request names (security rule 30).
        const returnedTo = new URL(`${deps.redirectUri}?${query}`);
        const tokens = await client.openid.authorizationCodeGrant(client.configuration, returnedTo, { pkceCodeVerifier: codeVerifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true });
        const claims = tokens.claims();
        if (claims === undefined) return err({ code: 'invalid', detail: 'there is no id token' });
        const identity = await identify(client, settings, deps.needed(), tokens, claims, claims.sub);
        return ok({ identity, refreshToken: refreshTokenOf(tokens) });
      } catch (thrown) {
        return err(faultOf(thrown));
      }
    },
    refresh: async (subject, refreshToken) => {
      const settings = deps.settings();
      try {
        const client = await deps.clients.open(settings);
        const tokens = await client.openid.refreshTokenGrant(client.configuration, refreshToken.reveal());
        return {
          kind: 'refreshed',
          refreshToken: refreshTokenOf(tokens),
          identify: async () => {
            try {
              const claims = tokens.claims();
              if (claims !== undefined && claims.sub !== subject) return { kind: 'ended', why: 'the provider answered about somebody else' };
              return { kind: 'known', identity: await identify(client, settings, deps.needed(), tokens, claims, subject) };
            } catch (thrown) {
              return endOf(thrown, client);
            }
          },
        };
      } catch (thrown) {
        return endOf(thrown);
      }
    },
  };
}

/** Claims of the id token; where those do not say enough, or there is none, the user-info endpoint's too. */
async function identify(client: ProviderClient, settings: ProviderSettings, needed: NeededClaims, tokens: TokenEndpointResponse, idClaims: JsonRecord | undefined, subject: string): Promise<Identity> {
  const { openid, configuration } = client;
  const { issuer, userinfo_endpoint: userinfo } = configuration.serverMetadata();
  const claims = idClaims ?? {};
  const missing = idClaims === undefined ? 'needed' : whatIsMissing(claims, settings.groupsClaim, needed);
  let more: JsonRecord = {};
  if (missing !== 'nothing' && userinfo !== undefined) {
    try {
      const answer: unknown = await openid.fetchUserInfo(configuration, tokens.access_token, subject);
      if (isRecord(answer)) more = answer;
    } catch (thrown) {
      if (missing === 'needed') throw thrown;
    }
  }
  return readIdentity(issuer, subject, claims, more, settings.groupsClaim);
}

/** Scopes that the provider says it does not know would end in `invalid_scope` (Google and `offline_access`). */
function scopesFor({ scopes }: ProviderSettings, configuration: Configuration): readonly string[] {
  const offered = configuration.serverMetadata().scopes_supported;
  const wanted = ['openid', ...scopes.filter((scope) => scope !== 'openid' && scope !== '')];
  return offered === undefined ? wanted : wanted.filter((scope) => scope !== 'offline_access' || offered.includes(scope));
}

function isGoogle(configuration: Configuration): boolean {
  return configuration.serverMetadata().issuer === google;
}

function refreshTokenOf(tokens: TokenEndpointResponse & TokenEndpointResponseHelpers): Secret | undefined {
  return tokens.refresh_token === undefined || tokens.refresh_token === '' ? undefined : new Secret(tokens.refresh_token);
}

function repeatedParameter(query: string): boolean {
  const names = [...new URLSearchParams(query).keys()];
  return new Set(names).size < names.length;
}

/** By the OAuth error code and the library's own, never by message text. */
function faultOf(thrown: unknown): ProviderFault {
  const unreached = unreachedIn(thrown);
  if (unreached !== undefined) return { code: 'unavailable', detail: unreached.detail };
  const error = oauthError(thrown);
  if (error === 'access_denied') return { code: 'denied', detail: error };
  if (error === 'temporarily_unavailable' || error === 'server_error') return { code: 'unavailable', detail: error };
  return { code: 'invalid', detail: error ?? libraryCode(thrown) };
}

function endOf(thrown: unknown, client?: ProviderClient): Exclude<RefreshEnd, { readonly kind: 'refreshed' }> {
  const unreached = unreachedIn(thrown);
  if (unreached !== undefined) return { kind: 'unavailable', why: unreached.detail };
  const error = oauthError(thrown);
  if (error !== undefined && endings.has(error)) return { kind: 'ended', why: `the provider answered ${error}` };
  // A token that is seconds old and not good any more: whom it was for is not there any more.
  if (client !== undefined && thrown instanceof client.openid.WWWAuthenticateChallengeError && thrown.status === 401) return { kind: 'ended', why: 'the provider does not know the person any more' };
  return { kind: 'unavailable', why: error ?? libraryCode(thrown) };
}

/** `error` of an authorization or token response (RFC 6749 §4.1.2.1, §5.2). */
function oauthError(thrown: unknown): string | undefined {
  const error: unknown = thrown instanceof Error ? Reflect.get(thrown, 'error') : undefined;
  return typeof error === 'string' ? vendorCode(error) : undefined;
}

function libraryCode(thrown: unknown): string {
  const code: unknown = thrown instanceof Error ? Reflect.get(thrown, 'code') : undefined;
  return typeof code === 'string' && /^[\w-]{1,64}$/.test(code) ? code : 'the answer of the provider cannot be used';
}
