import type { Principal } from './principal.ts';

/** What a source knows of a credential. `unknown` means it could not be asked, and is never a refusal of the key. */
export type Verdict =
  | { readonly kind: 'valid'; readonly principal: Principal; readonly token?: TokenBinding }
  /** `principalId`: whose it was, where that is known; for the record. */
  | { readonly kind: 'invalid'; readonly code: 'invalid_api_key' | 'key_expired' | 'key_revoked' | 'token_expired' | 'token_revoked' | 'invalid_dpop_proof'; readonly principalId?: string | undefined }
  | { readonly kind: 'unknown'; readonly cause: unknown };

/** Why a credential that is known does not count any more. */
export type KnownRefusal = Exclude<Extract<Verdict, { readonly kind: 'invalid' }>['code'], 'invalid_api_key'>;

/** The credential is an OAuth access token: queries never carry one (security rule 10). */
export interface TokenBinding {
  /** SHA-256 thumbprint of the key that its bearer must prove to have (RFC 9449 §6.1); undefined for plain bearer tokens. */
  readonly thumbprint: string | undefined;
}

/** One kind of client credential. `verify` is synchronous and does no I/O for credentials it has seen. */
export interface CredentialSource {
  readonly name: string;
  /** `from`: the address it is used from; absent where it is only looked at. */
  readonly verify: (value: string, from?: string) => Verdict;
}

/** Longer keys are refused unread (contract §3). */
export const maxKeyBytes = 4_096;
/** The same for tokens, which carry claims (security rule 10). */
export const maxJwtBytes = 12_288;

const unknownKey: Verdict = { kind: 'invalid', code: 'invalid_api_key' };

/**
 * The one entry by which a client credential is judged. A source that says `valid` wins, then one that knows why not
 * (`key_expired`, `key_revoked`), then one that is broken: `unknown`. A source that throws is broken. Never throws.
 */
export function verifyClientKey(sources: readonly CredentialSource[], value: string, from?: string): Verdict {
  if (isTooLong(value)) return unknownKey;
  let outcome: Verdict = unknownKey;
  for (const source of sources) {
    const verdict = askSource(source, value, from);
    if (verdict.kind === 'valid') return verdict;
    if (rankOf(verdict) > rankOf(outcome)) outcome = verdict;
  }
  return outcome;
}

/** A character is at least a byte, so values are measured only when they might still fit. */
function isTooLong(value: string): boolean {
  if (value.length > maxKeyBytes) return value.length > maxJwtBytes || !isJwtFormed(value);
  return value.length * 3 > maxKeyBytes && Buffer.byteLength(value) > maxKeyBytes;
}

/** Three parts in the letters of base64url (RFC 7515 §7.1): a token, as far as can be told unread. */
export function isJwtFormed(value: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(value);
}

function rankOf(verdict: Verdict): number {
  if (verdict.kind === 'unknown') return 1;
  return verdict.kind === 'invalid' && verdict.code === 'invalid_api_key' ? 0 : 2;
}

function askSource(source: CredentialSource, value: string, from: string | undefined): Verdict {
  try {
    return source.verify(value, from);
  } catch (cause) {
    return { kind: 'unknown', cause };
  }
}
