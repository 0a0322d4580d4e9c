import type { Dialect } from '../dialect/dialect.ts';
import type { Secret } from '../secret/secret.ts';

export type ProviderKind = 'openai-compatibility' | 'openai' | 'anthropic' | 'gemini' | 'vertex';

/** An upstream credential and what the operator said of it. Immutable; a config change makes new ones. */
export interface Account {
  /** Stable over reloads and its place in the file, free of secrets: `<section>:<first 12 hex digits of SHA-256 over base URL, provider name and key>`. */
  readonly id: string;
  readonly provider: ProviderKind;
  /** For people: `openrouter (sk-o…9f3c)`. */
  readonly label: string;
  /** Dotted config path it came from, e.g. `gemini-api-key.0`. */
  readonly origin: string;
  /** Absent for endpoints without keys. */
  readonly apiKey: Secret | undefined;
  /** Without trailing slash. */
  readonly baseUrl: string;
  readonly dialects: readonly Dialect[];
  /** `''` for none; no slashes at the ends. */
  readonly prefix: string;
  /** Empty: any name. */
  readonly models: readonly { readonly name: string; readonly alias: string }[];
  readonly excludedModels: readonly string[];
  readonly headers: ReadonlyMap<string, Secret>;
  /** `''` for the global one, `direct` for none. */
  readonly proxyUrl: string;
  readonly priority: number;
  readonly weight: number;
  readonly disabled: boolean;
  readonly coolingDisabled: boolean;
}
