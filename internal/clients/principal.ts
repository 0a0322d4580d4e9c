import type { Holder } from './grant.ts';

/** Who a client turned out to be. */
export interface Principal {
  /** Stable and free of secrets: `key_<12 hex digits of the key's SHA-256>`, `person_…`, `client_…`, `workload_…`, `anonymous`, `root`. */
  readonly id: string;
  readonly kind: 'static-key' | 'managed-key' | 'person' | 'machine' | 'workload' | 'anonymous' | 'root' | 'local';
  /** For people: the masked key, or a name. */
  readonly label: string;
  /** Whose rights it needs: its own first, then its minter's. Absent: nothing limits it (ADR 0015). */
  readonly holders?: readonly Holder[] | undefined;
}

/** Open mode. */
export const anonymous: Principal = { id: 'anonymous', kind: 'anonymous', label: 'anonymous' };
/** The same caller on a socket, where `ws-auth: false` may let it stay when open mode ends. */
export const anonymousOnSocket: Principal = { ...anonymous };
/** The management secret. */
export const root: Principal = { id: 'root', kind: 'root', label: 'management secret' };
/** The local password (`--password`): management from this machine. */
export const localOperator: Principal = { id: 'local', kind: 'local', label: 'local password' };
