import { rm } from 'node:fs/promises';
import { openSystemKeychain, type Keychain } from '../../accounts/auth-file/key-stores.ts';
import { createKeyring, type Keyring, type SealKey } from '../../accounts/auth-file/keyring.ts';
import { sealUnder, type TextSeal } from '../../accounts/auth-file/sealing.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { ensureOwnedDirectory } from '../../files/owned.ts';
import { prepareDurableWrite, type DurableWriteFault } from '../../files/prepared-write.ts';
import { errorCode } from '../../files/synced-file.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import type { CliProcess } from '../process-env.ts';
import type { ClientContext } from './contexts.ts';
import { openSealed } from './open-sealed.ts';
import { clientPlaces, entryPath, type EntryKind } from './places.ts';
import { readPrivateText } from './private-file.ts';

/** A place on disk for a text that is still to come. */
export interface ReservedEntry {
  /** Durable when it resolves ok. May be called again after a failure. */
  readonly commit: (text: string) => Promise<Result<undefined, StoreRefusal>>;
  readonly release: () => Promise<void>;
}

/** The secrets of contexts, each in a 0600 file; in the store `keychain` sealed by a key that only the keychain holds. Nothing here rejects. */
export interface Vault {
  readonly store: ClientContext['store'];
  /** Undefined where there is none. */
  readonly read: (context: string, kind: EntryKind) => Promise<Result<string | undefined, StoreRefusal>>;
  /** Room on disk and, in the keychain's store, the key are had before it resolves (security rule 26). */
  readonly reserve: (context: string, kind: EntryKind) => Promise<Result<ReservedEntry, StoreRefusal>>;
  readonly write: (context: string, kind: EntryKind, text: string) => Promise<Result<undefined, StoreRefusal>>;
  readonly remove: (context: string, kind: EntryKind) => Promise<Result<undefined, StoreRefusal>>;
  /** For what is remembered of refreshes; undefined where nothing is sealed. */
  readonly seal: TextSeal | undefined;
}

/** Of the package; tests hand in their own. */
export const openClientKeychain = (): Promise<Keychain> => openSystemKeychain('client-key');

/** Room for a session: tokens that carry many groups are long. */
const roomBytes = 24_576;

/**
 * Opens the store. With `mayMakeKey` a keychain without our key gets one. Errors: `keychain_unavailable`,
 * `storage_unwritable`.
 */
export async function openVault(cli: Pick<CliProcess, 'env' | 'home' | 'uid'>, store: ClientContext['store'], options: { readonly mayMakeKey?: boolean; readonly openKeychain?: () => Promise<Keychain> } = {}): Promise<Result<Vault, StoreRefusal>> {
  if (store === 'file') return ok(createVault(cli, undefined));
  const keyring = createKeyring({ mode: 'keychain', envKeys: undefined, keyFile: '', uid: cli.uid, openKeychain: options.openKeychain ?? openClientKeychain });
  const keys = await readKeys(keyring, options.mayMakeKey === true);
  return keys.ok ? ok(createVault(cli, keys.value)) : keys;
}

async function readKeys(keyring: Keyring, mayMakeKey: boolean): Promise<Result<readonly SealKey[], StoreRefusal>> {
  const present = await keyring.read();
  if (present.ok) return present;
  if (present.error.kind === 'no_key' && mayMakeKey) {
    const made = await keyring.add();
    if (made.ok) return ok([made.value]);
  }
  if (present.error.kind === 'no_key') return err({ code: 'keychain_unavailable', message: 'The keychain no longer holds the key that opens this login; run `keyward login` again.' });
  return err({ code: 'keychain_unavailable', message: 'The keychain of this system cannot be used: there is none, it is locked, or the optional package @napi-rs/keyring is not installed (on Linux it takes a Secret Service such as GNOME Keyring or KWallet). Unlock it, or log in again with KEYWARD_CREDENTIAL_STORE=file.' });
}

function createVault(cli: Pick<CliProcess, 'env' | 'home' | 'uid'>, keys: readonly SealKey[] | undefined): Vault {
  const places = clientPlaces(cli);
  const [first] = keys ?? [];

  const reserve: Vault['reserve'] = async (context, kind) => {
    const path = entryPath(places, context, kind);
    const prepared = prepareFolders(cli);
    if (!prepared.ok) return prepared;
    const write = await prepareDurableWrite(path, { room: roomBytes });
    if (!write.ok) return err(unwritable(path, write.error));
    return ok({
      commit: async (text) => {
        const sealed = first === undefined ? text : await sealUnder(first, text, `${context} ${kind}`);
        // No old version is kept: its tokens are spent, and it would be one more copy.
        const committed = await write.value.commit(Buffer.from(sealed), { generations: 0 });
        return committed.ok ? ok(undefined) : err(unwritable(path, committed.error));
      },
      release: write.value.discard,
    });
  };

  return {
    store: keys === undefined ? 'file' : 'keychain',
    read: async (context, kind) => {
      const path = entryPath(places, context, kind);
      const text = readPrivateText(path, cli.uid);
      if (!text.ok) return err({ code: 'storage_unreadable', message: text.error });
      if (text.value === undefined || keys === undefined) return text;
      const opened = openSealed(keys, text.value.trim(), `${context} ${kind}`);
      return opened !== undefined ? ok(opened) : err({ code: 'storage_unreadable', message: `${path} cannot be opened by the key in the keychain; run \`keyward login\` again.` });
    },
    reserve,
    write: async (context, kind, text) => {
      const reserved = await reserve(context, kind);
      if (!reserved.ok) return reserved;
      try {
        return await reserved.value.commit(text);
      } finally {
        await reserved.value.release();
      }
    },
    remove: async (context, kind) => {
      const path = entryPath(places, context, kind);
      try {
        await rm(path, { force: true });
        return ok(undefined);
      } catch (thrown) {
        return err({ code: 'storage_unwritable', message: `${path} cannot be removed (${errorCode(thrown)}); remove it yourself, it holds secrets.` });
      }
    },
    seal: first === undefined || keys === undefined ? undefined : sealOf(first, keys),
  };
}

function sealOf(first: SealKey, keys: readonly SealKey[]): TextSeal {
  return {
    seal: (text, subject) => sealUnder(first, text, `state ${subject}`),
    open: (sealed, subject) => Promise.resolve(openSealed(keys, sealed, `state ${subject}`)),
  };
}

/** Makes the folders of the client, 0700. Error: `storage_unwritable`. */
export function prepareFolders(cli: Pick<CliProcess, 'env' | 'home' | 'uid'>): Result<undefined, StoreRefusal> {
  const places = clientPlaces(cli);
  for (const folder of [places.folder, places.tokens, places.state]) {
    try {
      const owned = ensureOwnedDirectory(folder, cli.uid);
      if (!owned.ok) return err({ code: 'storage_unwritable', message: `${folder} belongs to another user or can be written by others; take it over (chown) and run \`chmod 700 ${folder}\`.` });
    } catch (thrown) {
      return err({ code: 'storage_unwritable', message: `${folder} cannot be made (${errorCode(thrown)}); set KEYWARD_CLIENT_DIR to a folder on this machine that you can write to.` });
    }
  }
  return ok(undefined);
}

function unwritable(path: string, fault: DurableWriteFault): StoreRefusal {
  const why = fault.kind === 'link' ? 'it is a link' : fault.kind === 'not_regular' ? 'it is no file' : (errorCode(fault.cause) || fault.kind);
  return { code: 'storage_unwritable', message: `${path} cannot be written (${why}); nothing was sent or changed. Make room or set the rights of its folder, and try again.` };
}
