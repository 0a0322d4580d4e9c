import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import type { Secret } from '../secret/secret.ts';
import type { LoginGrant } from '../providers/login-profile.ts';

/** A login under way. Everything here may be shown to whoever started it. */
export interface StartedLogin {
  /** 128 random bits, hex: also what `get-auth-status` asks by. */
  readonly state: string;
  readonly provider: string;
  readonly grant: LoginGrant;
  /** What to open in a browser; with device grants the verification page, its code filled in where the vendor offers that. */
  readonly url: string;
  /** Device grants only. */
  readonly userCode: string | undefined;
  readonly expiresAtMs: number;
  /** Where the vendor redirects to; undefined for device grants. */
  readonly redirect: {
    readonly uri: string;
    /** False: the port is taken, so the redirect goes astray and must be pasted. */
    readonly isListening: boolean;
    /** Who holds the port, as far as can be told: `port 54545 is in use by node (pid 4711)`. */
    readonly obstacle: string | undefined;
  } | undefined;
}

export type LoginStatus =
  | { readonly kind: 'waiting' }
  /** Tokens are durable. `fileName` in the auth directory. */
  | { readonly kind: 'done'; readonly fileName: string; readonly label: string; readonly isDisabled: boolean }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

export interface LoginSession {
  readonly state: string;
  readonly provider: string;
  readonly grant: LoginGrant;
  readonly startedAtMs: number;
  readonly expiresAtMs: number;
  readonly status: LoginStatus;
}

/** What came back from the vendor, by redirect or pasted. */
export interface LoginReturn {
  readonly code: string;
  readonly state: string;
  readonly error: string;
  readonly errorDescription: string;
  /** RFC 9207; `''` when absent. */
  readonly iss: string;
}

/**
 * Logins at vendors. Each can be finished by redirect, by pasting what the browser was sent to, or by device grant; the
 * first wins. Refusals are `AppError`s with the login codes of the error table; codes, states and tokens are in none.
 */
export interface Logins {
  /** Errors: `login_not_offered`, `oauth_client_not_configured`, `too_many_logins`, `login_failed` (the vendor cannot be asked). */
  readonly start: (provider: string, options: { readonly grant?: LoginGrant; readonly projectId?: string; readonly label?: string }) => Promise<StartedLogin>;
  /**
   * A redirect or a pasted text was parsed to `returned`; resolves when tokens are durable. The state counts from the first
   * call on. Errors: `login_state_unknown`, `login_state_used`, `login_state_expired`, `login_provider_mismatch`,
   * `login_issuer_mismatch`, `login_denied`, `login_failed`.
   */
  readonly finish: (provider: string, returned: LoginReturn) => Promise<Extract<LoginStatus, { readonly kind: 'done' }>>;
  /** Undefined: never heard of, or forgotten ten minutes after its end. */
  readonly statusOf: (state: string) => LoginStatus | undefined;
  readonly sessions: () => readonly LoginSession[];
  /** True when one was pending; one whose tokens are being stored ends as that does. */
  readonly cancel: (state: string) => boolean;
  /** Resolves when the login has ended, whichever way. */
  readonly wait: (state: string, signal?: AbortSignal) => Promise<LoginStatus>;
  readonly close: () => Promise<void>;
}

/** Ends a login at its vendor (RFC 7009), by the client and the proxy of its file where that is given. `offered` false: the vendor has no such endpoint. Never rejects. */
export type RevokeAtVendor = (provider: string, refreshToken: Secret | undefined, accessToken: Secret | undefined, file?: AuthFile) => Promise<{ readonly offered: boolean; readonly ok: boolean; readonly detail: string }>;

/** An answer of the login pages, for whatever server carries it. */
export interface PageAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * What the browser is shown at the end of a login, on the main port and on the vendors' fixed ports alike. Plain HTML
 * without scripts; no code, state or token in it.
 */
export interface LoginPages {
  /**
   * `GET /anthropic/callback` …, `GET /oauth/callback/<name>`: finishes the login that `query` (without `?`) belongs to and
   * answers 303 to `/login/<id>`; a query that belongs to none is a 400 page that says why.
   */
  readonly callback: (provider: string, query: string) => Promise<PageAnswer>;
  /** `GET /login/<id>`: how the login ended. 404 page when unknown or older than ten minutes. */
  readonly result: (id: string) => PageAnswer;
}

/** Where a login without a fixed redirect port comes back to. */
export interface CallbackBase {
  /** `http://localhost:8317` or `public-url`; without trailing slash. */
  readonly url: string;
  /** False: nobody serves it in this process, so that the login opens a listener of its own where that is loopback (the command line without a daemon). */
  readonly isServed: boolean;
}
