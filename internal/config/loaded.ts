import type { Config } from './schema.ts';
import type { ConfigProblem } from './problem.ts';

/** Where a secret's value came from; `plain` stands in the file itself. A file's `path` is absolute, `written` as the config has it. */
export type SecretOrigin =
  | { readonly kind: 'plain' }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string; readonly written: string };

/** One validated state of the config file. Immutable. */
export interface LoadedConfig {
  /** Absolute path of the file. */
  readonly path: string;
  /** The file's bytes as text. */
  readonly text: string;
  /** SHA-256 of the text, hex; the `ETag` of the file. */
  readonly hash: string;
  readonly config: Config;
  readonly warnings: readonly ConfigProblem[];
  /** Dotted paths of keys that Keyward does not know; each is reported once. */
  readonly ignoredKeys: readonly string[];
  /** Origin of each secret by dotted path, e.g. `api-keys.0`. */
  readonly secretOrigins: ReadonlyMap<string, SecretOrigin>;
  /** True when `api-keys` stands in the file with an explicit empty list (security rule 2). */
  readonly apiKeysExplicitlyEmpty: boolean;
  /** `auth-dir` and `data-dir` as absolute paths, `~` expanded, relative to the file's folder. */
  readonly authDir: string;
  readonly dataDir: string;
}
