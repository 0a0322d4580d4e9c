import type { Result } from '../../fault/result.ts';

/** One file of the auth directory, for a person. */
export interface ListedAccount {
  /** Within the auth directory. */
  readonly file: string;
  /** `anthropic`, `codex` …; `''` where the file does not tell. */
  readonly provider: string;
  /** E-mail or another name for people; `''` where there is none. */
  readonly account: string;
  /** `ready`, `refreshing`, `cooling`, `needs_login`, `disabled`; `expired` and `unusable` where only the file was looked at. */
  readonly state: string;
  /** RFC 3339; `''` where nothing tells. */
  readonly expires: string;
  /** RFC 3339; `''` where nothing tells. */
  readonly lastRefresh: string;
  readonly prefix: string;
  /** What is wrong with it and why; `''` when nothing is. */
  readonly problem: string;
}

/** How ending a login at its vendor went. */
export type Revocation =
  | { readonly kind: 'revoked' }
  /** The operator did not want it. */
  | { readonly kind: 'kept' }
  /** The vendor has no revocation endpoint. */
  | { readonly kind: 'not_offered' }
  | { readonly kind: 'failed'; readonly detail: string };

/** What was imported. */
export interface ImportedAccount {
  readonly file: string;
  readonly account: string;
}

export interface StoreRefusal {
  /** Of the error table, or of the control socket. */
  readonly code: string;
  /** For the terminal to escape. */
  readonly message: string;
}

/** The accounts as the running daemon has them, or as they lie in the auth directory. Nothing here rejects. */
export interface AccountStore {
  readonly list: () => Promise<Result<readonly ListedAccount[], StoreRefusal>>;
  /** Ends the login at its vendor first, unless it is to be kept; removes the file however that went. */
  readonly remove: (file: string, options: { readonly isKeptAtVendor: boolean }) => Promise<Result<Revocation, StoreRefusal>>;
  /** Lets requests go to an account, or no longer; its tokens stay as they are. */
  readonly setDisabled: (file: string, isDisabled: boolean) => Promise<Result<undefined, StoreRefusal>>;
  /** Stores an auth file, checked before anything is written. */
  readonly importFile: (name: string, text: string, options: { readonly mayReplace: boolean }) => Promise<Result<ImportedAccount, StoreRefusal>>;
  /** Makes an account of a service account's JSON, checked before anything is written. `''` takes the defaults. */
  readonly importVertex: (text: string, options: { readonly location: string; readonly prefix: string }) => Promise<Result<ImportedAccount, StoreRefusal>>;
  readonly close: () => Promise<void>;
}

/** Opens the daemon's store where one runs, else the directory's own. */
export type OpenAccountStore = (configFlag: string | undefined) => Promise<Result<AccountStore, StoreRefusal>>;
