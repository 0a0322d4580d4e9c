import type { Scope } from '../grant.ts';

/** One login of a person with one client. Its id is that of the library's grant. */
export interface Session {
  readonly id: string;
  readonly personId: string;
  readonly clientId: string;
  readonly scopes: readonly Scope[];
  readonly createdAtMs: number;
  readonly createdFrom: string;
  readonly userAgent: string;
  /** Minutes behind at most. */
  readonly lastUsedAtMs: number | undefined;
  readonly lastUsedFrom: string;
  readonly expiresAtMs: number;
  readonly endedAtMs: number | undefined;
  /** A principal's id, or `provider`, `reuse`. */
  readonly endedBy: string;
}
