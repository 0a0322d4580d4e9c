import type { AppError } from '../fault/app-error.ts';
import type { Result } from '../fault/result.ts';
import type { LoadedConfig } from './loaded.ts';
import type { ConfigProblem } from './problem.ts';

/** A path into the YAML document: member names and list indexes. */
export type ConfigPath = readonly (string | number)[];

/** One change of the file. `value` is plain JSON; secrets in it are plain text or references. */
export type ConfigEdit =
  | { readonly kind: 'set'; readonly path: ConfigPath; readonly value: unknown }
  | { readonly kind: 'delete'; readonly path: ConfigPath }
  /** Appends to the list at `path`, making the list where it is absent. */
  | { readonly kind: 'append'; readonly path: ConfigPath; readonly value: unknown };

/** What a change did. */
export interface ConfigChange {
  /** Dotted paths of top-level settings whose value changed, sorted. */
  readonly changed: readonly string[];
  /** Those of them that wait for a restart. */
  readonly restartRequired: readonly string[];
  readonly loaded: LoadedConfig;
}

export interface WriteOptions {
  /** The `ETag` the writer saw (`LoadedConfig.hash`); a stale one is `precondition_failed`. */
  readonly ifMatch?: string;
  /** Consent to open mode (`?allow-open=true`); without it such a change is `would_open_access`. */
  readonly allowOpen?: boolean;
}

/** The one holder of the live configuration. */
export interface ConfigStore {
  readonly current: () => LoadedConfig;
  /** Re-reads the file; an invalid one changes nothing and stays visible in `lastRefusal`. Never rejects. */
  readonly reload: () => Promise<Result<ConfigChange, readonly ConfigProblem[]>>;
  /** Replaces the file's text: validated, durable and live, or nothing happened. `invalid_yaml`, `invalid_config`, `precondition_failed`, `would_open_access`, `config_not_writable`. */
  readonly replace: (text: string, options?: WriteOptions) => Promise<Result<ConfigChange, AppError>>;
  /** Applies edits to the file as it is now, touching only the lines they must. Same errors. */
  readonly edit: (edits: readonly ConfigEdit[], options?: WriteOptions) => Promise<Result<ConfigChange, AppError>>;
  /** The newest refused reload; undefined once a reload succeeded. */
  readonly lastRefusal: () => { readonly atMs: number; readonly problems: readonly ConfigProblem[] } | undefined;
  /** Starts following the file and the files its secrets refer to. */
  readonly watch: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * Builds everything that derives from a config, beside the running state. Errors refuse the config; `commit` swaps it in
 * and must not fail or wait.
 */
export type PrepareConfig = (next: LoadedConfig, previous: LoadedConfig | undefined) => Result<{ readonly commit: () => void; readonly warnings: readonly ConfigProblem[] }, readonly ConfigProblem[]>;
