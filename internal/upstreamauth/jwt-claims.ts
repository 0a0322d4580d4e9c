import { parseRecord, type JsonRecord } from './json-record.ts';

/**
 * The claims of a JWT that came from the vendor's token endpoint over TLS, unverified: they name an account, they grant
 * nothing (OpenID Connect Core §3.1.3.7, 6). Undefined for tokens that are no JWT.
 */
export function claimsOf(token: string | undefined): JsonRecord | undefined {
  const parts = token?.split('.') ?? [];
  const payload = parts.length === 3 ? parts[1] : undefined;
  return payload === undefined || payload.length > 64 * 1024 ? undefined : parseRecord(Buffer.from(payload, 'base64url').toString('utf8'));
}
