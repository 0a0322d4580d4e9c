import type { TokenSet } from '../token-set.ts';

/** What the operator says of an account in its file; the token writer never touches these. */
export interface OperatorFields {
  readonly disabled: boolean;
  /** Without slashes at the ends; `''` for none. */
  readonly prefix: string;
  readonly proxyUrl: string;
  readonly priority: number;
  readonly weight: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly excludedModels: readonly string[];
  /** `model_aliases`: upstream name and the name clients use. */
  readonly modelAliases: readonly { readonly name: string; readonly alias: string }[];
  readonly disableCooling: boolean;
  readonly note: string;
  /** Overrides where the login's tokens are spent; `''` for the preset's. */
  readonly baseUrl: string;
}

/**
 * One file of the auth directory, decoded: files of the Go program load unchanged (kebab and snake spellings alike).
 * Immutable; a change of the file makes a new one.
 */
export interface AuthFile {
  /** Within the auth directory, e.g. `claude-ann@example.com.json`. */
  readonly name: string;
  /** SHA-256 of the file's bytes, hex; its entity tag. */
  readonly hash: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  /** As the file has it, lower case: `claude`, `codex`, `gemini` … */
  readonly type: string;
  /** Preset or `oauth.<name>` entry that the type belongs to: `anthropic`, `codex`, `google` … */
  readonly provider: string;
  /**
   * Who the account is at its vendor, the same in every copy of its file: account and workspace ids where the file has
   * them, else the e-mail, else a mark of the first refresh token. Without secrets.
   */
  readonly identity: string;
  /** For people; `''` when the file has none. */
  readonly email: string;
  readonly operator: OperatorFields;
  readonly tokens: TokenSet;
  /** A further top-level text member by its snake_case name (`account_id`, `project_id`, `resource_url` …); undefined when absent or no text. */
  readonly fact: (name: string) => string | undefined;
  /** The service account's JSON of a `vertex` file, as text. */
  readonly serviceAccount: string | undefined;
  /** False for files reached through a link: read, never written. */
  readonly isWritable: boolean;
  /** Token fields are encrypted at rest. */
  readonly isSealed: boolean;
}

/** A file that is not used, and why: shown in `status`, `GET /auth-files` and `doctor`. */
export interface AuthFileProblem {
  /** `.` for the directory itself. */
  readonly name: string;
  readonly code: 'unreadable' | 'not_json' | 'no_type' | 'too_large' | 'foreign_owner' | 'not_regular' | 'foreign_link' | 'mode' | 'unknown_type' | 'sealed' | 'plaintext' | 'invalid_field' | 'odd_name' | 'duplicate_of' | 'no_client';
  /** One sentence, free of secrets, foreign text escaped. */
  readonly message: string;
  /** `error`: the file is not used (or its last good version is); `warning`: it is used. */
  readonly severity: 'error' | 'warning';
}
