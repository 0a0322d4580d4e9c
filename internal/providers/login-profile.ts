import type { Addressing, ProviderKind, ServedModel } from '../accounts/account.ts';
import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import type { Dialect } from '../dialect/dialect.ts';
import type { Secret } from '../secret/secret.ts';

/** How a login is made. `codex-device` is OpenAI's own device flow, which ends in an authorization code. */
export type LoginGrant = 'authorization-code' | 'device' | 'codex-device' | 'client-credentials' | 'service-account';

/**
 * All that differs between vendors: how a login is made, kept fresh, and where its tokens are spent. Presets are data;
 * `oauth.<name>` in the config overrides what it names or makes a profile of its own.
 */
export interface LoginProfile {
  /** `anthropic`; the key below `oauth` in the config and the name in routes and commands. */
  readonly name: string;
  readonly aliases: readonly string[];
  /** For people. */
  readonly title: string;
  /** `type` in the auth file, e.g. `claude`; further types that load as this provider. */
  readonly fileType: string;
  readonly otherFileTypes: readonly string[];
  readonly provider: ProviderKind;
  /** The first is the default. */
  readonly grants: readonly LoginGrant[];
  readonly endpoints: LoginEndpoints;
  /** `insecure-http`: its endpoints, and a base URL of the config, may be plain http on public addresses. */
  readonly allowsPlainHttp: boolean;
  readonly registration: ClientRegistration;
  readonly scopes: readonly string[];
  /** Beyond RFC 6749's, e.g. `code=true`. */
  readonly authorizeParameters: Readonly<Record<string, string>>;
  /** Beyond RFC 6749's in every token request, e.g. `audience`. */
  readonly tokenParameters: Readonly<Record<string, string>>;
  readonly usesPkce: boolean;
  /** The redirect the vendor has registered; undefined: `/oauth/callback/<name>` (or the name's own) on the main port. */
  readonly redirect: { readonly port: number; readonly path: string } | undefined;
  /** `json`: token requests as JSON bodies (a departure from RFC 6749 §4.1.3). */
  readonly tokenRequestForm: 'form' | 'json';
  /** Each refresh spends the token; a lost answer loses the login (RFC 9700 §4.14). */
  readonly rotatesRefreshTokens: boolean;
  /** How long before expiry a refresh is due; a fifth of the lifetime bounds it (clarification 4). */
  readonly refreshLeadMs: number;
  /** What the vendor wants done after tokens were issued, beyond OAuth. */
  readonly afterIssue: 'none' | 'id-token' | 'anthropic-account' | 'google-userinfo' | 'code-assist-project' | 'iflow-api-key';
  readonly spend: SpendProfile;
  /** Set where the operator defined it or overrode something. */
  readonly isCustom: boolean;
}

export interface LoginEndpoints {
  /** Discovery (RFC 8414, OIDC) at first use where it is set; endpoints that are set win. */
  readonly issuer: string;
  readonly authorize: string;
  readonly token: string;
  readonly deviceAuthorization: string;
  readonly revocation: string;
  readonly userinfo: string;
}

/** The operator's OAuth client (contract §9). */
export interface ClientRegistration {
  readonly clientId: string;
  readonly clientSecret: Secret | undefined;
  readonly authentication: 'none' | 'client_secret_basic' | 'client_secret_post';
}

/** Where a login's tokens are spent. */
export interface SpendProfile {
  /** Without trailing slash; `''` where the file has it (vertex) or the operator must say. */
  readonly baseUrl: string;
  readonly addressing: Addressing;
  readonly dialects: readonly Dialect[];
  readonly headers: ReadonlyMap<string, Secret>;
  readonly anthropicBetas: readonly string[];
  /** Header name (lower case) → fact of the file, e.g. `chatgpt-account-id` → `account_id`. */
  readonly factHeaders: Readonly<Record<string, string>>;
  /** The base URL of a file that says it itself (`resource_url`, `base_url`, location); undefined: `baseUrl`. */
  readonly baseUrlOf: (file: AuthFile) => string | undefined;
  /** iflow: `apiKey` of the token set goes behind `Bearer` instead of the access token. */
  readonly spends: 'access-token' | 'api-key';
  readonly prefix: string;
  readonly proxyUrl: string;
  readonly models: readonly ServedModel[];
  readonly excludedModels: readonly string[];
  readonly priority: number;
  readonly weight: number;
  readonly disabled: boolean;
  readonly coolingDisabled: boolean;
  readonly extraRounds?: number | undefined;
}
