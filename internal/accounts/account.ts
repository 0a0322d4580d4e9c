import type { Dialect } from '../dialect/dialect.ts';
import type { Secret } from '../secret/secret.ts';

/** Whose models an account serves. `oauth` is an endpoint of the operator's own behind a login (`oauth.<name>`). */
export type ProviderKind = 'openai-compatibility' | 'openai' | 'anthropic' | 'gemini' | 'vertex' | 'codex' | 'google' | 'antigravity' | 'iflow' | 'qwen' | 'kimi' | 'xai' | 'oauth';

/** How paths are made below an account's base URL. */
export type Addressing =
  /** `<base><tail>`, e.g. `…/v1` + `/chat/completions`. */
  | 'plain'
  /** `/v1` is put in where the base URL lacks it. */
  | 'versioned'
  /** `/v1beta/models/<model>:<verb>`. */
  | 'gemini'
  /** `…/publishers/google/models/<model>:<verb>`. */
  | 'vertex'
  /** `/v1internal:<verb>`, the model inside an envelope around the request. */
  | 'code-assist';

/** How an account shows who it is. */
export type Credential =
  /** A key of the config; `key` absent for endpoints without. */
  | { readonly kind: 'key'; readonly key: Secret | undefined; readonly carriers: readonly ('bearer' | 'x-api-key' | 'x-goog-api-key')[] }
  /** A login: the token keeper has its access token under `loginKey`, sent as Bearer. */
  | { readonly kind: 'login'; readonly loginKey: string };

export interface ServedModel {
  /** The upstream's. */
  readonly name: string;
  readonly alias: string;
  /** Of an answer; undefined where the operator did not say. */
  readonly maxOutputTokens?: number | undefined;
}

export interface ModelAlias {
  readonly name: string;
  readonly alias: string;
  readonly isForked: boolean;
}

/** An upstream credential and what the operator said of it. Immutable; a change of config or file makes new ones. */
export interface Account {
  /**
   * Stable over reloads and its place in the file, free of secrets: `<section>:<first 12 hex digits of SHA-256 over base
   * URL, provider name and key>`, for logins `login:<12 hex digits of the login key>`.
   */
  readonly id: string;
  readonly provider: ProviderKind;
  /** Who the models belong to, for lists: the vendor, or the operator's name of the endpoint. */
  readonly owner: string;
  /** For people: `openrouter (sk-o…9f3c)`, `claude (ann@example.com)`. */
  readonly label: string;
  /** Dotted config path it came from (`gemini-api-key.0`), or the file's name in the auth directory. */
  readonly origin: string;
  readonly credential: Credential;
  /** Without trailing slash. */
  readonly baseUrl: string;
  readonly addressing: Addressing;
  readonly dialects: readonly Dialect[];
  /** `''` for none; no slashes at the ends. */
  readonly prefix: string;
  /** Every name, when empty. */
  readonly models: readonly ServedModel[];
  /** Beside any name: `alias` calls the upstream's `name`, which is no longer called by itself unless `isForked`. Empty where `models` is not. */
  readonly aliases: readonly ModelAlias[];
  readonly excludedModels: readonly string[];
  /** The operator's. */
  readonly headers: ReadonlyMap<string, Secret>;
  /** What the vendor asks for beside the credential, e.g. `chatgpt-account-id`; lower-case names. The operator's win. */
  readonly vendorHeaders: ReadonlyMap<string, string>;
  /** Betas that join the client's own `anthropic-beta`. */
  readonly anthropicBetas: readonly string[];
  /** Project inside a code-assist envelope; `''` elsewhere. */
  readonly project: string;
  /** `''` for the global one, `direct` for none. */
  readonly proxyUrl: string;
  readonly priority: number;
  readonly weight: number;
  readonly disabled: boolean;
  readonly coolingDisabled: boolean;
  /** Rounds after the first in which it is asked again; absent for as many as there are. */
  readonly extraRounds?: number | undefined;
}
