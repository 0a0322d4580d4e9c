import type { Result } from '../../fault/result.ts';
import type { LoginStatus, StartedLogin } from '../../upstreamauth/ports.ts';

/** A refusal for a person: `code` of the error table (or of the control socket), for the terminal to escape. */
export interface LoginRefusal {
  readonly code: string;
  readonly message: string;
}

export interface LoginWanted {
  readonly provider: string;
  /** Device grant instead of the provider's first. */
  readonly isDevice: boolean;
  /** Google project; `''` lets the provider choose. */
  readonly projectId: string;
}

/** Who carries a login out: the running daemon, or this process. Nothing here rejects. */
export interface LoginDriver {
  /** Completes "The account goes to …". */
  readonly place: string;
  readonly start: (wanted: LoginWanted) => Promise<Result<StartedLogin, LoginRefusal>>;
  /** Hands over what a person pasted; ok once tokens are durable. */
  readonly finish: (started: StartedLogin, pasted: string) => Promise<Result<undefined, LoginRefusal>>;
  /** Resolves when the login has ended, whichever way; with the signal as `waiting`. */
  readonly wait: (state: string, signal: AbortSignal) => Promise<LoginStatus>;
  /** True when the login was still waiting. */
  readonly cancel: (state: string) => Promise<boolean>;
  readonly close: () => Promise<void>;
}
