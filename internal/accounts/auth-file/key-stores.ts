import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { err, ok, type Result } from '../../fault/result.ts';
import { writeDurably } from '../../files/durable-write.ts';
import { checkOwnedFile, ensureOwnedDirectory, type OwnershipFault } from '../../files/owned.ts';
import { errorCode } from '../../files/synced-file.ts';

/** Why there are no keys. `message` is one sentence that says what to do. */
export interface KeyringFault {
  readonly kind: 'no_key' | 'bad_key' | 'unavailable' | 'not_writable';
  readonly message: string;
}

/** Where a list of keys is kept as text; `''` when there is none yet. Neither rejects. */
export interface KeyText {
  readonly read: () => Promise<Result<string, KeyringFault>>;
  /** Durable when it resolves ok. */
  readonly write: (text: string) => Promise<Result<undefined, KeyringFault>>;
}

/** One entry of the system's keychain. Both reject when there is no keychain, or it stays locked. */
export interface Keychain {
  readonly get: () => Promise<string | undefined>;
  readonly set: (text: string) => Promise<void>;
}

/** A file of ours that nobody else can read or write. */
export function createFileKeys(path: string, uid: number | undefined): KeyText {
  return {
    read: async () => {
      const checked = checkOwnedFile(path, uid);
      if (!checked.ok) return checked.error === 'missing' ? ok('') : err({ kind: 'unavailable', message: `${path} ${ownershipWords[checked.error]}; its keys are not used.` });
      if (uid !== undefined && (checked.value.mode & 0o077) !== 0) return err({ kind: 'unavailable', message: `${path} can be read by others; run \`chmod 600\` on it, and rotate the key if this machine has other users.` });
      try {
        return ok(await readFile(path, 'utf8'));
      } catch (thrown) {
        return err({ kind: 'unavailable', message: `${path} cannot be read (${errorCode(thrown)}).` });
      }
    },
    write: async (text) => {
      try {
        ensureOwnedDirectory(dirname(path), uid);
        // No old versions: a key that was retired must not lie about.
        const written = await writeDurably(path, text, { generations: 0 });
        return written.ok ? written : err({ kind: 'not_writable', message: `${path} cannot be written (${errorCode(written.error.cause) || written.error.kind}).` });
      } catch (thrown) {
        return err({ kind: 'not_writable', message: `${path} cannot be made (${errorCode(thrown)}).` });
      }
    },
  };
}

const ownershipWords: Readonly<Record<OwnershipFault, string>> = {
  missing: 'does not exist',
  link: 'is a link',
  not_regular: 'is no regular file',
  not_directory: 'is no directory',
  foreign_owner: 'belongs to another user',
  writable_by_others: 'can be written by others',
};

/** The system's keychain: macOS Keychain, Windows Credential Manager, the Secret Service elsewhere. */
export function createKeychainKeys(openKeychain: () => Promise<Keychain> = () => openSystemKeychain()): KeyText {
  const unavailable = (thrown: unknown): Result<never, KeyringFault> => {
    const isMissing = errorCode(thrown) === 'ERR_MODULE_NOT_FOUND' || errorCode(thrown) === 'MODULE_NOT_FOUND';
    const reason = isMissing ? 'the optional package @napi-rs/keyring is not installed' : 'there is none, or it is locked (on Linux it takes a Secret Service such as GNOME Keyring or KWallet)';
    return err({ kind: 'unavailable', message: `The keychain of this system cannot be used: ${reason}. Set \`auth-dir-encryption\` to file or env instead.` });
  };
  return {
    read: async () => {
      try {
        return ok((await (await openKeychain()).get()) ?? '');
      } catch (thrown) {
        return unavailable(thrown);
      }
    },
    write: async (text) => {
      try {
        await (await openKeychain()).set(text);
        return ok(undefined);
      } catch (thrown) {
        return unavailable(thrown);
      }
    },
  };
}

/** The entry `name` of the service `keyward`. */
export async function openSystemKeychain(name = 'auth-dir-key'): Promise<Keychain> {
  const { AsyncEntry } = await import('@napi-rs/keyring');
  // Without a Secret Service the library would fall back to the kernel's keyring, which forgets the key at the next boot.
  const entry = new AsyncEntry('keyward', name, { linux: { store: 'secret-service' } });
  return { get: async () => (await entry.getPassword()) ?? undefined, set: (text) => entry.setPassword(text) };
}
