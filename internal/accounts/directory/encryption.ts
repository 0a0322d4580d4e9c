import type { TextSeal } from '../auth-file/sealing.ts';
import type { KeyringFault } from '../auth-file/key-stores.ts';
import type { Result } from '../../fault/result.ts';
import type { AuthDirectoryDeps } from './open-auth-directory.ts';

export interface EncryptionReport {
  /** Files that were changed. */
  readonly changed: readonly string[];
  /** Files that were as wanted already. */
  readonly unchanged: readonly string[];
  /** Files that could not be changed, and why; while there are any, old keys are kept. */
  readonly failed: readonly { readonly name: string; readonly message: string }[];
  /** Key ids that are no longer needed and were removed from the keyring. */
  readonly retiredKeys: readonly string[];
}

export interface EncryptionOptions {
  /** Told of each step, for the terminal. */
  readonly onStep?: (step: EncryptionStep) => void;
  /** Rewrites the ledgers of `.keyward/` by `seal` (undefined: in plain text). False: something could not be rewritten, so old keys are kept. */
  readonly rewriteLedgers?: (seal: TextSeal | undefined) => Promise<boolean>;
}

export interface EncryptionStep {
  readonly kind: 'key_made' | 'file' | 'ledgers' | 'backups' | 'keys_retired';
  readonly name: string;
}

/** Seals the token fields of every file; makes a key where the keyring can hold one and has none. Files that are sealed already stay. Safe to repeat. */
export function encryptAll(_deps: AuthDirectoryDeps, _options: EncryptionOptions = {}): Promise<Result<EncryptionReport, KeyringFault>> {
  throw new TypeError('not built yet');
}

/** Opens every file and writes its token fields in plain text. The keys stay where they are. */
export function decryptAll(_deps: AuthDirectoryDeps, _options: EncryptionOptions = {}): Promise<Result<EncryptionReport, KeyringFault>> {
  throw new TypeError('not built yet');
}

/**
 * Seals every file under a new key (`env`: under the first of the list), then removes the old ones (`env`: the operator
 * does). Interrupted anywhere, the next call goes on with the key that was made.
 */
export function rotateKey(_deps: AuthDirectoryDeps, _options: EncryptionOptions = {}): Promise<Result<EncryptionReport, KeyringFault>> {
  throw new TypeError('not built yet');
}
