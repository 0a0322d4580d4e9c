import { randomBytes } from 'node:crypto';
import { err, ok, type Result } from '../../fault/result.ts';
import { sha256Hex } from '../../secret/digest.ts';
import { createFileKeys, createKeychainKeys, type Keychain, type KeyringFault, type KeyText } from './key-stores.ts';

export type EncryptionMode = 'off' | 'env' | 'keychain' | 'file';

/** One AES-256 key. */
export interface SealKey {
  /** First 16 hex digits of its SHA-256. */
  readonly id: string;
  /** 32. */
  readonly bytes: Uint8Array;
}

/** Where the keys of the auth directory are. */
export interface Keyring {
  readonly mode: EncryptionMode;
  /** As they are now: the first seals, all open. Ok with an empty list in mode `off` alone. Never rejects. */
  readonly read: () => Promise<Result<readonly SealKey[], KeyringFault>>;
  /** Makes a key and puts it first, durably. Fault `not_writable` in the modes `off` and `env`. */
  readonly add: () => Promise<Result<SealKey, KeyringFault>>;
  /** Removes keys, durably; never the first. Nothing happens in the mode `env`, whose list is the operator's. */
  readonly retire: (ids: readonly string[]) => Promise<Result<undefined, KeyringFault>>;
}

export interface KeyringDeps {
  readonly mode: EncryptionMode;
  /** The value of KEYWARD_AUTH_DIR_KEY: keys, parted by commas. */
  readonly envKeys: string | undefined;
  /** Absolute path for the mode `file`: one key a line. */
  readonly keyFile: string;
  readonly uid: number | undefined;
  /** For tests; absent means the system's keychain. */
  readonly openKeychain?: () => Promise<Keychain>;
}

/** Nothing is read before the first call of a method. Callers of `add` and `retire` hold the directory's write lock. */
export function createKeyring({ mode, envKeys, keyFile, uid, openKeychain }: KeyringDeps): Keyring {
  switch (mode) {
    case 'off':
      return { mode, read: () => Promise.resolve(ok([])), add: () => Promise.resolve(err(switchedOff)), retire: () => Promise.resolve(ok(undefined)) };
    case 'env':
      return { mode, read: () => Promise.resolve(parseKeys(envKeys ?? '', envSource)), add: () => Promise.resolve(err(operatorsList)), retire: () => Promise.resolve(ok(undefined)) };
    case 'file':
      return keyringOver(mode, createFileKeys(keyFile, uid), { name: keyFile, fix: 'run `keyward accounts encrypt`, which makes one' });
    case 'keychain':
      return keyringOver(mode, createKeychainKeys(openKeychain), { name: 'the keychain', fix: 'run `keyward accounts encrypt`, which makes one' });
  }
}

const switchedOff: KeyringFault = { kind: 'not_writable', message: 'Encryption is off; set `auth-dir-encryption` to env, keychain or file.' };
const operatorsList: KeyringFault = { kind: 'not_writable', message: 'Keys of the environment are yours to make: put a new one (`openssl rand -base64 32`) first in KEYWARD_AUTH_DIR_KEY and keep the old one behind a comma.' };

interface KeySource {
  /** For messages. */
  readonly name: string;
  /** What to do when it holds no key. */
  readonly fix: string;
}

const envSource: KeySource = { name: 'KEYWARD_AUTH_DIR_KEY', fix: 'set it to 32 random bytes in base64, as `openssl rand -base64 32` makes them' };

function keyringOver(mode: EncryptionMode, store: KeyText, source: KeySource): Keyring {
  const read = async (): Promise<Result<readonly SealKey[], KeyringFault>> => {
    const text = await store.read();
    return text.ok ? parseKeys(text.value, source) : text;
  };
  const write = (keys: readonly SealKey[]): Promise<Result<undefined, KeyringFault>> => store.write(`${keys.map(({ bytes }) => encodeKey(bytes)).join('\n')}\n`);
  return {
    mode,
    read,
    add: async () => {
      const present = await read();
      // A list that cannot be read must not be replaced: its keys may open files.
      if (!present.ok && present.error.kind !== 'no_key') return present;
      const key = keyOf(randomBytes(32));
      const written = await write([key, ...(present.ok ? present.value : [])]);
      return written.ok ? ok(key) : written;
    },
    retire: async (ids) => {
      const present = await read();
      if (!present.ok) return present;
      const kept = present.value.filter((key, index) => index === 0 || !ids.includes(key.id));
      return kept.length === present.value.length ? ok(undefined) : write(kept);
    },
  };
}

/** Keys parted by commas or lines; `#` begins a comment. */
function parseKeys(text: string, { name, fix }: KeySource): Result<readonly SealKey[], KeyringFault> {
  const written = text.replaceAll(/#.*/g, '').split(/[\s,]+/).filter((item) => item !== '');
  if (written.length === 0) return err({ kind: 'no_key', message: `There is no key in ${name}; ${fix}.` });
  const keys: SealKey[] = [];
  for (const [index, item] of written.entries()) {
    const bytes = Buffer.from(item, 'base64url');
    if (!/^[\w+/-]{43}=?$/.test(item) || bytes.length !== 32) return err({ kind: 'bad_key', message: `Key ${index + 1} in ${name} is not 32 bytes in base64.` });
    const key = keyOf(bytes);
    if (!keys.some(({ id }) => id === key.id)) keys.push(key);
  }
  return ok(keys);
}

function keyOf(bytes: Uint8Array): SealKey {
  return { id: sha256Hex(bytes).slice(0, 16), bytes };
}

function encodeKey(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
