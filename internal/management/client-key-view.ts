import { encodeGrant } from '../clients/managed-keys/grant-json.ts';
import { replacedSecret, statusOf, type KeySecret, type ManagedKey } from '../clients/managed-keys/managed-key.ts';
import type { JsonObject } from './values.ts';

/** A key as answers show it; nothing of it opens a door. */
export function describeKey(key: ManagedKey, nowMs: number): JsonObject {
  const [newest] = key.secrets;
  const replaced = replacedSecret(key, nowMs);
  return {
    id: key.id,
    hint: newest?.hint ?? '',
    name: key.name,
    owner: key.owner,
    purpose: key.purpose,
    environment: key.environment,
    tags: key.tags,
    status: statusOf(key, nowMs),
    created_at: at(key.createdAtMs),
    created_by: key.createdBy,
    minter: key.minterId === '' ? null : key.minterId,
    expires_at: at(key.expiresAtMs),
    never_expires: key.expiresAtMs === undefined,
    revoked_at: at(key.revokedAtMs),
    revoked_by: key.revokedAtMs === undefined ? null : key.revokedBy,
    ...describeUse(newest),
    rotated_at: newest === undefined || newest.createdAtMs === key.createdAtMs ? null : at(newest.createdAtMs),
    replaced: replaced === undefined ? null : { hint: replaced.hint, ends_at: at(replaced.endsAtMs), ...describeUse(replaced) },
    imported: key.isImported,
    limits: encodeGrant(key.grant),
  };
}

function describeUse(secret: KeySecret | undefined): JsonObject {
  const { lastUsedAtMs, lastUsedFrom } = secret ?? { lastUsedAtMs: undefined, lastUsedFrom: '' };
  return { last_used_at: at(lastUsedAtMs), last_used_from: lastUsedAtMs === undefined ? null : lastUsedFrom };
}

export function at(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

/** For the audit: what was decided, not when it was used. */
export function auditedKey(key: ManagedKey): JsonObject {
  const { id, name, owner, purpose, environment, tags, minterId, expiresAtMs, secrets } = key;
  return { id, name, owner, purpose, environment, tags, minter: minterId, expires_at: at(expiresAtMs), hints: secrets.map(({ hint }) => hint), limits: encodeGrant(key.grant) };
}
