import type { Grant } from '../../internal/clients/grant.ts';
import type { ManagedKey } from '../../internal/clients/managed-keys/managed-key.ts';

/** A managed key as it is stored, for a text with this digest. */
export function managedKey(digest: string, grant: Grant, isImported = true): ManagedKey {
  const createdAtMs = Date.now();
  return {
    id: `ck_${digest.slice(0, 16)}`,
    revision: 0,
    name: 'bench',
    owner: '',
    purpose: '',
    environment: 'live',
    tags: [],
    grant,
    createdAtMs,
    createdBy: 'root',
    minterId: '',
    expiresAtMs: createdAtMs + 90 * 86_400_000,
    revokedAtMs: undefined,
    revokedBy: '',
    isImported,
    secrets: [{ digest, hint: 'kw_live_bench…', createdAtMs, endsAtMs: undefined, lastUsedAtMs: undefined, lastUsedFrom: '' }],
  };
}
