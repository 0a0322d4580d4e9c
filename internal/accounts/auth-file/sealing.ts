import { err, ok, type Result } from '../../fault/result.ts';
import type { Keyring, SealKey } from './keyring.ts';

/** `unknown_key`: none of ours made it; `other_subject`: it belongs to something else; `damaged`: altered, or no sealed text at all. */
export type SealFault = 'unknown_key' | 'other_subject' | 'damaged';

/**
 * Encrypts and authenticates a text as a compact JWE (`dir`, A256GCM). Key id and `subject` stand in the protected header,
 * readable and authenticated. @see RFC 7516 §7.1, RFC 7518 §4.5 and §5.3
 */
export async function sealUnder(key: SealKey, text: string, subject: string): Promise<string> {
  const { CompactEncrypt } = await import('jose/jwe/compact/encrypt');
  return new CompactEncrypt(Buffer.from(text)).setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: key.id, sub: subject }).encrypt(key.bytes);
}

export interface Opened {
  readonly text: string;
  readonly keyId: string;
}

/** Opens what `sealUnder` made for the same subject. */
export async function openWith(keys: readonly SealKey[], sealed: string, subject: string): Promise<Result<Opened, SealFault>> {
  const header = readHeader(sealed);
  const keyId = header.get('kid');
  if (typeof keyId !== 'string') return err('damaged');
  const key = keys.find(({ id }) => id === keyId);
  if (key === undefined) return err('unknown_key');
  const { compactDecrypt } = await import('jose/jwe/compact/decrypt');
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, key.bytes, { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] });
    if (protectedHeader['sub'] !== subject) return err('other_subject');
    return ok({ text: Buffer.from(plaintext).toString('utf8'), keyId });
  } catch {
    return err('damaged');
  }
}

/** Id of the key that a sealed text names; undefined when it names none. */
export function keyIdOf(sealed: string): string | undefined {
  const keyId = readHeader(sealed).get('kid');
  return typeof keyId === 'string' ? keyId : undefined;
}

function readHeader(sealed: string): ReadonlyMap<string, unknown> {
  try {
    const header: unknown = JSON.parse(Buffer.from(sealed.slice(0, sealed.indexOf('.')), 'base64url').toString('utf8'));
    return new Map(typeof header === 'object' && header !== null ? Object.entries(header) : []);
  } catch {
    return new Map();
  }
}

/** Seals texts beside the files (the ledgers). `subject` is authenticated with the text. */
export interface TextSeal {
  /** Under the first key as it is now. Rejects when there is none. */
  readonly seal: (text: string, subject: string) => Promise<string>;
  /** Undefined when the key is not at hand, or text or subject were altered. */
  readonly open: (sealed: string, subject: string) => Promise<string | undefined>;
}

/** Undefined in mode `off`. */
export function createTextSeal(keyring: Keyring): TextSeal | undefined {
  if (keyring.mode === 'off') return undefined;
  // Nothing that is sealed for one purpose opens for the other.
  const ledger = (subject: string): string => `ledger ${subject}`;
  return {
    seal: async (text, subject) => {
      const keys = await keyring.read();
      const first = keys.ok ? keys.value[0] : undefined;
      if (first === undefined) throw new Error(keys.ok ? 'there is no key' : keys.error.message);
      return sealUnder(first, text, ledger(subject));
    },
    open: async (sealed, subject) => {
      const keys = await keyring.read();
      const opened = keys.ok ? await openWith(keys.value, sealed, ledger(subject)) : keys;
      return opened.ok ? opened.value.text : undefined;
    },
  };
}
