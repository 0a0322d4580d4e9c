import type { AuthFileProblem } from '../accounts/auth-file/auth-file.ts';
import type { AccountWriter, AuthDirectory } from '../accounts/directory/ports.ts';
import type { AppError } from '../fault/app-error.ts';
import type { Result } from '../fault/result.ts';
import type { LoadedConfig } from '../config/loaded.ts';
import type { Config } from '../config/schema.ts';
import type { ConfigProblem } from '../config/problem.ts';
import type { Login } from '../providers/login.ts';
import type { LoginProfiles } from '../providers/logins/resolve.ts';
import type { TokenKeeper } from '../tokens/ports.ts';
import type { Logins, RevokeAtVendor } from '../upstreamauth/ports.ts';

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

/**
 * Upstream accounts as management works with them. A reload may move `auth-dir` and change the profiles, so what depends
 * on them is asked for at each call. What `directory().rescan()` finds is live when it resolves: logins, routing and keeper
 * have it by then.
 */
export interface AccountParts {
  readonly directory: () => Pick<AuthDirectory, 'path' | 'files' | 'problems' | 'rescan'>;
  readonly writer: () => AccountWriter;
  /** What making accounts of the directory's files came upon, beside the directory's own problems. */
  readonly problems: () => readonly AuthFileProblem[];
  /** Of the live config and directory, as the token keeper has them. */
  readonly logins: () => readonly Login[];
  readonly profiles: () => LoginProfiles;
  readonly keeper: Pick<TokenKeeper, 'stateOf' | 'retry' | 'hold'>;
  readonly vendorLogins: Pick<Logins, 'start' | 'finish' | 'statusOf' | 'sessions' | 'cancel' | 'wait'>;
  readonly revoke: RevokeAtVendor;
}

/** What only the process as a whole knows. */
export interface DaemonStatus {
  readonly version: string;
  readonly pid: number;
  readonly startedAtMs: number;
  /** Addresses listened on, e.g. `127.0.0.1:8317`, `unix:/run/keyward.sock`. */
  readonly binds: readonly string[];
  readonly configLoadedAtMs: number;
  /** How tokens are kept since the start; the config may say otherwise by now, which counts from the next one. */
  readonly authDirEncryption: Config['auth-dir-encryption'];
  /** What the doors and accounts have to say of the live config, beside what its decoding said. */
  readonly warnings: readonly ConfigProblem[];
  readonly openExchanges: number;
  /** Usage rows not yet durable. */
  readonly usageQueueLength: number;
  readonly storage: { readonly healthy: boolean; readonly detail: string };
}
