import { decodeGrant, encodeGrant } from '../../clients/managed-keys/grant-json.ts';
import type { KeyAddress } from '../../clients/managed-keys/key-addresses.ts';
import type { KeySecret, ManagedKey } from '../../clients/managed-keys/managed-key.ts';
import { isRecord, parseJson } from '../../dialect/ir/json.ts';
import type { SqlValue } from './driver.ts';
import { readRow } from './read-row.ts';

export const keyColumns = [
  'id', 'revision', 'name', 'owner', 'purpose', 'environment', 'tags_json', 'grant_json', 'created_at_ms', 'created_by', 'minter_id', 'expires_at_ms', 'revoked_at_ms', 'revoked_by', 'imported',
] as const;
export const secretColumns = ['digest', 'hint', 'created_at_ms', 'ends_at_ms', 'last_used_at_ms', 'last_used_from'] as const;

/** In the order of `keyColumns`. Times that are not there are 0. */
export function valuesOfKey(key: ManagedKey): readonly SqlValue[] {
  return [
    key.id, key.revision, key.name, key.owner, key.purpose, key.environment, JSON.stringify(key.tags), JSON.stringify(encodeGrant(key.grant)), key.createdAtMs, key.createdBy,
    key.minterId, atOrZero(key.expiresAtMs), atOrZero(key.revokedAtMs), key.revokedBy, key.isImported ? 1 : 0,
  ];
}

export function atOrZero(atMs: number | undefined): number {
  return atMs ?? 0;
}

export function readManagedKey(row: unknown, secretRows: readonly unknown[]): ManagedKey {
  const { text, number } = readRow(row);
  const parsed = parseJson(text('grant_json'));
  const grant = decodeGrant(isRecord(parsed) ? parsed : {});
  // Read as no bound, it would give more than was meant.
  if (!isRecord(parsed) || !grant.ok) throw new TypeError(`the grant of ${text('id')} cannot be read`);
  return {
    id: text('id'),
    revision: number('revision'),
    name: text('name'),
    owner: text('owner'),
    purpose: text('purpose'),
    environment: text('environment') === 'test' ? 'test' : 'live',
    tags: readTexts(text('tags_json')),
    grant: grant.value,
    createdAtMs: number('created_at_ms'),
    createdBy: text('created_by'),
    minterId: text('minter_id'),
    expiresAtMs: fromZero(number('expires_at_ms')),
    revokedAtMs: fromZero(number('revoked_at_ms')),
    revokedBy: text('revoked_by'),
    isImported: number('imported') === 1,
    secrets: secretRows.map(readSecret),
  };
}

function readSecret(row: unknown): KeySecret {
  const { text, number } = readRow(row);
  return {
    digest: text('digest'),
    hint: text('hint'),
    createdAtMs: number('created_at_ms'),
    endsAtMs: fromZero(number('ends_at_ms')),
    lastUsedAtMs: fromZero(number('last_used_at_ms')),
    lastUsedFrom: text('last_used_from'),
    ...(text('addresses_json') === '[]' ? {} : { addresses: readAddresses(text('addresses_json')) }),
  };
}

export function readAddresses(json: string): readonly KeyAddress[] {
  const value = parseJson(json);
  return (Array.isArray(value) ? value : []).filter(isRecord).flatMap(({ address, atMs }) => (typeof address === 'string' && typeof atMs === 'number' ? [{ address, atMs }] : []));
}

export function fromZero(atMs: number): number | undefined {
  return atMs === 0 ? undefined : atMs;
}

export function readTexts(json: string): readonly string[] {
  const value = parseJson(json);
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}
