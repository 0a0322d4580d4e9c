import type { AppError } from '../../fault/app-error.ts';
import type { Result } from '../../fault/result.ts';
import type { AuthFile, AuthFileProblem } from '../auth-file/auth-file.ts';
import type { TokenSet } from '../token-set.ts';

/** The auth directory as it was last seen. Readers never wait. */
export interface AuthDirectory {
  /** Absolute. */
  readonly path: string;
  /** Usable files, sorted by name. */
  readonly files: () => readonly AuthFile[];
  readonly problems: () => readonly AuthFileProblem[];
  /** Looks again now; resolves when `files` shows what stands on disk. Never rejects. */
  readonly rescan: () => Promise<void>;
  /** Called after every scan that changed `files` or `problems`. Returns the function that ends it. */
  readonly onChange: (listener: () => void) => () => void;
  /** Starts following the directory: events are a hint, a sweep each second is the truth. */
  readonly watch: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Why a file of the directory could not be read or written. */
export interface FileFault {
  readonly kind: 'missing' | 'unusable' | 'read_only' | 'not_writable';
  /** One sentence, free of secrets. */
  readonly message: string;
}

/** What a refresh or login writes. Members that are absent stay as they are; `null` removes. */
export interface TokenFields {
  readonly tokens: TokenSet;
  /** Further members that follow from the login: `account_id`, `resource_url`, `project_id`, `email` … in snake_case. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Room on disk for a file's next version, taken before a rotating token is sent (security rule 26). */
export interface Reservation {
  /**
   * Writes token fields under the operator's fields as they stand now, durably: an operator's edit made meanwhile is kept.
   * When it resolves ok, the new tokens survive a crash. May be called again after a failure. Where the file holds tokens
   * that `mayReplace` says no to, they stay, and the value is the file as it is.
   */
  readonly commit: (fields: TokenFields, mayReplace?: (present: TokenSet) => boolean) => Promise<Result<AuthFile, FileFault>>;
  /** Gives the room back; harmless after `commit`. */
  readonly release: () => Promise<void>;
}

/** The one writer of token fields. */
export interface TokenWriter {
  /** The file as it stands on disk now. */
  readonly read: (name: string) => Promise<Result<AuthFile, FileFault>>;
  /** Makes and syncs a temp file beside the target, grown to what the next version may need. Fault: `not_writable`, `read_only`, `missing`. */
  readonly reserve: (name: string) => Promise<Result<Reservation, FileFault>>;
}

/** The writer of operator fields, whole files and removals: management and the command line. Every method holds the directory's write lock. */
export interface AccountWriter {
  /**
   * Sets operator fields by their snake_case names (`null` removes; `headers` merges, a `null` value in it removes).
   * `expectedHash` guards against a stale editor. Errors: `item_not_found`, `precondition_failed`, `invalid_auth_file`, `auth_file_not_writable`.
   */
  readonly patch: (name: string, fields: Readonly<Record<string, unknown>>, expectedHash?: string) => Promise<Result<AuthFile, AppError>>;
  /** Stores a whole file, checked before anything is written. Errors: `invalid_auth_file`, `auth_file_not_writable`, `precondition_failed` when `mayReplace` is false and the file is there, or it is not the version of `expectedHash`. */
  readonly put: (name: string, text: string, options: { readonly mayReplace: boolean; readonly expectedHash?: string }) => Promise<Result<AuthFile, AppError>>;
  /**
   * Stores what a login brought. A file of the same identity keeps its name, its operator fields and unknown fields; else
   * a new one is made. Errors as `put`.
   */
  readonly storeLogin: (login: NewLogin) => Promise<Result<AuthFile, AppError>>;
  /** Whether the directory has a file of this login's account already. */
  readonly knows: (login: NewLogin) => boolean;
  /** Errors: `item_not_found`, `precondition_failed`, `auth_file_not_writable`. Deletes only files that are loaded or listed as problems. */
  readonly remove: (name: string, expectedHash?: string) => Promise<Result<undefined, AppError>>;
  /** The bytes as they stand (encrypted where they are); `isOpened` opens sealed token fields. Errors: `item_not_found`, `invalid_auth_file`. */
  readonly download: (name: string, options: { readonly isOpened: boolean }) => Promise<Result<string, AppError>>;
}

export interface NewLogin extends TokenFields {
  /** `claude`, `codex` … as in the file. */
  readonly type: string;
  /** Of a file that is made anew, e.g. `codex-1a2b3c4d-ann@example.com.json`; cleaned of what cannot stand in a name. */
  readonly suggestedName: string;
  /** Kept off until the operator confirms it (security rule 29). */
  readonly isDisabled: boolean;
}
