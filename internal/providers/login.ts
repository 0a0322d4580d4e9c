import type { LoginProfile } from './login-profile.ts';

/**
 * One identity at one token endpoint with all that refreshing it needs. Two files of one identity are one login
 * (security rule 25).
 */
export interface Login {
  /** SHA-256 over token endpoint and account identity, hex: the name of its lock, its single flight and its newest tokens. */
  readonly key: string;
  readonly source: 'refresh-token' | 'client-credentials' | 'service-account';
  /** The preset with the operator's overrides. */
  readonly profile: LoginProfile;
  /** Files of this identity, the one that is the account first; empty for client credentials. */
  readonly fileNames: readonly string[];
  /** For people: `claude (ann@example.com)`. */
  readonly label: string;
  /** `login:` and 12 hex digits of the key. */
  readonly accountId: string;
  /** Not refreshed, not used. */
  readonly disabled: boolean;
}
