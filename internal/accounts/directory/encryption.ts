import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../../fault/result.ts';
import type { KeyringFault } from '../auth-file/key-stores.ts';
import type { SealKey } from '../auth-file/keyring.ts';
import { readMembers } from '../auth-file/members.ts';
import { sealKeyOf } from '../auth-file/sealed-members.ts';
import { createTextSeal, type TextSeal } from '../auth-file/sealing.ts';
import type { AuthDirectoryDeps } from './open-auth-directory.ts';
import { ownPathsOf } from './paths.ts';
import { resealFile, type Wanted } from './reseal-file.ts';
import { createWriteLock } from './write-lock.ts';

export interface EncryptionReport {
  /** Files that were changed. */
  readonly changed: readonly string[];
  /** Files that were as wanted already. */
  readonly unchanged: readonly string[];
  /** Files that could not be changed, and why. */
  readonly failed: readonly { readonly name: string; readonly message: string }[];
  /** Key ids that are no longer needed and were removed from the keyring. */
  readonly retiredKeys: readonly string[];
}

export interface EncryptionOptions {
  /** Told of each step after it is durable, for the terminal. */
  readonly onStep?: (step: EncryptionStep) => void;
  /** Rewrites the ledgers of `.keyward/` by `seal` (undefined: in plain text). False: something could not be rewritten, so old keys are kept. */
  readonly rewriteLedgers?: (seal: TextSeal | undefined) => Promise<boolean>;
}

export interface EncryptionStep {
  readonly kind: 'key_made' | 'file' | 'ledgers' | 'backups' | 'keys_retired';
  /** Key id, or file name; `''` where a step concerns no one thing. */
  readonly name: string;
}

type Outcome = Promise<Result<EncryptionReport, KeyringFault>>;

/**
 * Seals the token fields of every file, makes a key where the keyring can hold one and has none, and removes old versions,
 * which hold plain tokens. Safe to repeat. No daemon may run with another `auth-dir-encryption` meanwhile: it could not read the files.
 */
export async function encryptAll(deps: AuthDirectoryDeps, options: EncryptionOptions = {}): Outcome {
  const work = createWork(deps, options);
  const keys = await work.locked(async () => {
    const present = await deps.keyring.read();
    if (present.ok && present.value[0] !== undefined) return present;
    if (!present.ok && present.error.kind !== 'no_key') return present;
    if (!present.ok && deps.keyring.mode === 'env') return present;
    return work.makeKey();
  });
  if (!keys.ok) return keys;
  const [key] = keys.value;
  return work.bringFiles({ key, isSealedOnly: false });
}

/** Opens every file and writes its token fields in plain text. The keys stay where they are; a daemon must not run meanwhile. */
export async function decryptAll(deps: AuthDirectoryDeps, options: EncryptionOptions = {}): Outcome {
  const keys = await deps.keyring.read();
  if (!keys.ok) return keys;
  if (keys.value.length === 0) return err(switchedOff);
  return createWork(deps, options).bringFiles({ key: undefined, isSealedOnly: false });
}

/**
 * Seals every file under a new key (`env`: under the first of the list), then removes the old ones (`env`: the operator
 * does). Interrupted anywhere, the next call goes on with the key that was made. Daemons may run, in the modes `file` and
 * `keychain`: they read the keys at every write.
 */
export async function rotateKey(deps: AuthDirectoryDeps, options: EncryptionOptions = {}): Outcome {
  const work = createWork(deps, options);
  // Under the lock: whoever writes after this seals with the new key.
  const keys = await work.locked(async () => {
    const present = await deps.keyring.read();
    if (!present.ok) return present;
    if (present.value.length === 0) return err(switchedOff);
    // More than one: a rotation that was interrupted, or a list of the operator's.
    return present.value.length > 1 || deps.keyring.mode === 'env' ? present : work.makeKey();
  });
  if (!keys.ok) return keys;
  const [key, ...old] = keys.value;
  const brought = await work.bringFiles({ key, isSealedOnly: true });
  return brought.ok ? work.retire(brought.value, old) : brought;
}

const switchedOff: KeyringFault = { kind: 'no_key', message: 'Encryption is off; set `auth-dir-encryption` to env, keychain or file.' };

interface Work {
  readonly locked: <T>(run: () => Promise<Result<T, KeyringFault>>) => Promise<Result<T, KeyringFault>>;
  /** All keys, the new one first. The caller holds the lock. */
  readonly makeKey: () => Promise<Result<readonly SealKey[], KeyringFault>>;
  readonly bringFiles: (wanted: Wanted) => Promise<Result<EncryptionReport & { readonly hasLedgers: boolean }, KeyringFault>>;
  readonly retire: (report: EncryptionReport & { readonly hasLedgers: boolean }, old: readonly SealKey[]) => Outcome;
}

function createWork(deps: AuthDirectoryDeps, { onStep = () => undefined, rewriteLedgers }: EncryptionOptions): Work {
  const { path, clock, keyring } = deps;
  const lock = createWriteLock({ path, clock });

  const locked: Work['locked'] = async (run) => {
    const result = await lock.run(run);
    return result.ok ? result.value : err({ kind: 'not_writable', message: `The auth directory cannot be written: ${result.error}.` });
  };

  async function makeKey(): Promise<Result<readonly SealKey[], KeyringFault>> {
    const made = await keyring.add();
    if (!made.ok) return made;
    onStep({ kind: 'key_made', name: made.value.id });
    return keyring.read();
  }

  async function bringFiles(wanted: Wanted): ReturnType<Work['bringFiles']> {
    const changed: string[] = [];
    const unchanged: string[] = [];
    const failed: { readonly name: string; readonly message: string }[] = [];
    for (const name of await namesOf(path)) {
      const result = await locked(async () => {
        const keys = await keyring.read();
        return keys.ok ? ok(await resealFile(deps, name, keys.value, wanted)) : keys;
      });
      if (!result.ok) return result;
      if (!result.value.ok) failed.push({ name, message: result.value.error });
      else (result.value.value ? changed : unchanged).push(name);
      if (result.value.ok && result.value.value) onStep({ kind: 'file', name });
    }
    const seal = wanted.key === undefined ? undefined : createTextSeal(keyring);
    const hasLedgers = (await rewriteLedgers?.(seal)) ?? true;
    onStep({ kind: 'ledgers', name: '' });
    if (wanted.key !== undefined) {
      const { id } = wanted.key;
      // Old versions hold what was to be sealed, or what only the old key opens.
      const cleaned = await locked(async () => ok(await removeBackups(ownPathsOf(path).backups, id)));
      if (!cleaned.ok) return cleaned;
      onStep({ kind: 'backups', name: '' });
    }
    return ok({ changed, unchanged, failed, retiredKeys: [], hasLedgers });
  }

  async function retire(report: EncryptionReport & { readonly hasLedgers: boolean }, old: readonly SealKey[]): Outcome {
    const { hasLedgers, ...rest } = report;
    if (old.length === 0 || keyring.mode === 'env' || !hasLedgers) return ok(rest);
    return locked(async () => {
      const needed = new Set(await keysInUse(deps));
      const unneeded = old.map(({ id }) => id).filter((id) => !needed.has(id));
      const retired = await keyring.retire(unneeded);
      if (!retired.ok) return retired;
      onStep({ kind: 'keys_retired', name: '' });
      return ok({ ...rest, retiredKeys: unneeded });
    });
  }

  return { locked, makeKey, bringFiles, retire };
}

async function namesOf(path: string): Promise<readonly string[]> {
  const names = await readdir(path).catch(() => []);
  return names.filter((name) => !name.startsWith('.') && name.toLowerCase().endsWith('.json')).sort();
}

/** Ids of the keys that files name, of whatever could not be sealed anew. */
async function keysInUse({ path }: AuthDirectoryDeps): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const name of await namesOf(path)) {
    const id = await sealKeyAt(join(path, name));
    if (id !== undefined) ids.push(id);
  }
  return ids;
}

/** All but those sealed under this key. */
async function removeBackups(folder: string, keyId: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if ((await sealKeyAt(join(folder, name))) !== keyId) await rm(join(folder, name), { force: true });
  }
}

async function sealKeyAt(path: string): Promise<string | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  const members = bytes === undefined ? undefined : readMembers(bytes);
  return members?.ok === true ? sealKeyOf(members.value) : undefined;
}
