import type { AppError } from '../fault/app-error.ts';
import type { Result } from '../fault/result.ts';
import type { LoadedConfig } from '../config/loaded.ts';
import type { ConfigProblem } from '../config/problem.ts';

/** What management shows of a config file, and how it takes masked text back. */
export interface ConfigViews {
  /** The file as plain JSON: secrets as written (plain, or `env:` and `file:` references), no defaults filled in. */
  readonly plain: (loaded: LoadedConfig) => Readonly<Record<string, unknown>>;
  /** The same of a text that is not live yet. Errors: `invalid_yaml`. */
  readonly parse: (text: string) => Result<Readonly<Record<string, unknown>>, AppError>;
  /** All settings as JSON in their own spelling, secrets masked. */
  readonly masked: (loaded: LoadedConfig) => Readonly<Record<string, unknown>>;
  /** The same with plaintext, the management secret still masked (security rule 20). */
  readonly revealed: (loaded: LoadedConfig) => Readonly<Record<string, unknown>>;
  /** The file's text with every secret masked in place. */
  readonly maskedText: (loaded: LoadedConfig) => string;
  /** The file's text with the management secret alone masked. */
  readonly revealedText: (loaded: LoadedConfig) => string;
  /**
   * Puts stored secrets back where the text holds their masks. Errors: `invalid_yaml`, `secret_required` where the
   * destination changed (security rule 19), `ambiguous_match`.
   */
  readonly restoreText: (text: string, loaded: LoadedConfig) => Result<string, AppError>;
}

/** What only the process as a whole knows. */
export interface DaemonStatus {
  readonly version: string;
  readonly pid: number;
  readonly startedAtMs: number;
  /** Addresses listened on, e.g. `127.0.0.1:8317`, `unix:/run/keyward.sock`. */
  readonly binds: readonly string[];
  readonly configLoadedAtMs: number;
  /** What the doors and accounts have to say of the live config, beside what its decoding said. */
  readonly warnings: readonly ConfigProblem[];
  readonly openExchanges: number;
  /** Usage rows not yet durable. */
  readonly usageQueueLength: number;
  readonly storage: { readonly healthy: boolean; readonly detail: string };
}
