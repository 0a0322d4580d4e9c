import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../clock/clock.ts';
import { AppError } from '../../fault/app-error.ts';
import { randomToken, sha256Hex } from '../../secret/digest.ts';
import { maskSecret } from '../../secret/secret.ts';
import { maxKeyBytes } from '../verify.ts';
import { asStorage } from '../as-storage.ts';
import { createEnding } from './ending.ts';
import { hintOf, makeKeyText, readKeyText, type KeyEnvironment } from './key-text.ts';
import type { Children, KeyEnd, KeyPatch, KeyWish, Minting } from './key-wish.ts';
import { replacedSecret, type KeySecret, type ManagedKey } from './managed-key.ts';
import { endWithin, findMinters, refuseCrowd, refuseExcess, type OutsideMinter } from './minters.ts';
import type { KeyChange, KeyPage, KeyQuery, ManagedKeyStore } from './store.ts';

export interface ManagedKeyServiceDeps {
  readonly store: ManagedKeyStore;
  /** Absent: keys hang on keys and on the operator alone. */
  readonly outside?: OutsideMinter;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Called before a key is stored: from then on nobody comes in without a credential. */
  readonly closeDoor: () => void;
  /** Called with every write, once it is durable. Synchronous: nobody is admitted by what was before. */
  readonly onChanged: (changes: readonly KeyChange[]) => void;
}

/** A key with its text, which is shown this once. */
export interface MadeKey {
  readonly key: ManagedKey;
  readonly text: string;
}

/** A key as it is to be; nobody comes in by it until it is stored. */
export interface DraftKey extends MadeKey {
  readonly isNew: boolean;
}

/**
 * Makes, changes and ends managed keys. A write is durable and in force when a call returns; nothing has happened when it
 * throws. Errors: `item_not_found`, `conflict`, `exceeds_minter`, `too_many_keys`, `storage_unavailable`; `precondition_failed`
 * where another writer was faster.
 */
export interface ManagedKeyService {
  readonly find: (id: string) => ManagedKey | undefined;
  /** In slices, between which others have their turn. A page may be short and not the last: of very many keys some are looked through at a time. */
  readonly list: (query: KeyQuery) => Promise<KeyPage>;
  /** As `create`, up to what is stored. */
  readonly draft: (wish: KeyWish, minting: Minting) => DraftKey;
  /** As `rotate`, up to what is stored. */
  readonly draftRotation: (key: ManagedKey, options: RotateOptions) => DraftKey;
  readonly store: (draft: DraftKey) => MadeKey;
  readonly create: (wish: KeyWish, minting: Minting) => MadeKey;
  /** A key whose text its holder has already. It keeps the id of a static key with this text. */
  readonly take: (text: string, wish: KeyWish, minting: Minting) => ManagedKey;
  readonly change: (key: ManagedKey, patch: KeyPatch) => ManagedKey;
  /** A new text beside the old one, which ends after `overlapMs`. Without `end` the key gets a term as long as its last one. */
  readonly rotate: (key: ManagedKey, options: RotateOptions) => MadeKey;
  /** Ends the replaced text of a key that is being rotated. */
  readonly endOverlap: (key: ManagedKey) => ManagedKey;
  /**
   * The key, then those it had minted that this ended or handed over, as they are now. All of them are refused from the first
   * write on, which comes before the call returns; the rest is written in slices that let others have their turn. Revoking again
   * goes on where it was broken off.
   */
  readonly revoke: (key: ManagedKey, actorId: string, children: Children) => Promise<readonly ManagedKey[]>;
  /** As `revoke`, and the key is gone: its text is as unknown as any other. Gives those it had minted. */
  readonly remove: (key: ManagedKey, actorId: string) => Promise<readonly ManagedKey[]>;
}

export interface RotateOptions {
  readonly overlapMs: number;
  readonly end?: KeyEnd | undefined;
}

/** Of the store's, for one page. */
const maxSlices = 50;
export const defaultTermMs = 90 * 86_400_000;

export function createManagedKeyService({ store, outside = () => undefined, clock, closeDoor, onChanged }: ManagedKeyServiceDeps): ManagedKeyService {
  const announce = (keys: readonly ManagedKey[]): readonly ManagedKey[] => {
    onChanged(keys.map((key) => ({ id: key.id, revision: key.revision, digests: key.secrets.map(({ digest }) => digest), key })));
    return keys;
  };
  const save = (keys: readonly ManagedKey[]): readonly ManagedKey[] => {
    const written = asStorage(() => store.update(keys));
    if (written === undefined) throw new AppError('precondition_failed');
    return announce(written);
  };
  const saveOne = (key: ManagedKey): ManagedKey => only(save([key]));

  const keyFrom = (id: string, secret: KeySecret, wish: KeyWish, minting: Minting, isImported: boolean): ManagedKey => {
    const minters = findMinters(store, outside, minting.minterId);
    refuseExcess(wish.grant, minters, clock.nowMs());
    refuseCrowd(store, minters, clock.nowMs());
    const { name, owner, purpose, environment, tags, grant } = wish;
    const expiresAtMs = endWithin(wish.end, clock.nowMs() + defaultTermMs, minters);
    return { id, revision: 0, name, owner, purpose, environment, tags, grant, createdAtMs: clock.nowMs(), createdBy: minting.actorId, minterId: minting.minterId, expiresAtMs, revokedAtMs: undefined, revokedBy: '', isImported, secrets: [secret] };
  };
  const insert = (key: ManagedKey): ManagedKey => {
    closeDoor();
    const written = asStorage(() => store.insert([key]));
    if (written === undefined) throw new AppError('conflict', { message: 'This key is managed already.' });
    return only(announce(written));
  };

  const freshSecret = (environment: KeyEnvironment): { readonly text: string; readonly secret: KeySecret } => {
    const text = makeKeyText(environment);
    return { text, secret: { digest: sha256Hex(text), hint: hintOf(text), createdAtMs: clock.nowMs(), endsAtMs: undefined, lastUsedAtMs: undefined, lastUsedFrom: '' } };
  };

  const draft = (wish: KeyWish, minting: Minting): DraftKey => {
    const { text, secret } = freshSecret(wish.environment);
    return { key: keyFrom(`ck_${randomToken(12)}`, secret, wish, minting, false), text, isNew: true };
  };
  const draftRotation = (key: ManagedKey, { overlapMs, end }: RotateOptions): DraftKey => {
    refuseRevoked(key);
    const nowMs = clock.nowMs();
    const replaced = replacedSecret(key, nowMs);
    if (replaced !== undefined) throw new AppError('conflict', { message: `This key is being rotated: its old text (${replaced.hint}) is good until ${new Date(replaced.endsAtMs ?? nowMs).toISOString()}. Wait for that, or end it first (\`keyward keys revoke --old-text\`).` });
    const { text, secret } = freshSecret(key.environment);
    const [newest] = key.secrets;
    const termMs = (key.expiresAtMs ?? 0) - (newest?.createdAtMs ?? key.createdAtMs);
    const expiresAtMs = end === undefined && key.expiresAtMs === undefined ? undefined : endWithin(end, nowMs + Math.max(termMs, 0), findMinters(store, outside, key.minterId));
    // What had expired is not good again by the overlap.
    const endsAtMs = Math.min(nowMs + overlapMs, key.expiresAtMs ?? Infinity);
    const old = newest === undefined || endsAtMs <= nowMs ? [] : [{ ...newest, endsAtMs }];
    return { key: { ...key, expiresAtMs, secrets: [secret, ...old] }, text, isNew: false };
  };
  const storeDraft = ({ key, text, isNew }: DraftKey): MadeKey => ({ key: isNew ? insert(key) : saveOne(key), text });

  const ending = createEnding({ store, nowMs: () => clock.nowMs(), announce });

  return {
    find: (id) => asStorage(() => store.find(id)),
    list: async (query) => {
      const keys: ManagedKey[] = [];
      let { after } = query;
      for (let slices = 1; ; slices++) {
        const page = asStorage(() => store.list({ ...query, after, limit: query.limit - keys.length }));
        keys.push(...page.keys);
        if (page.next === undefined || keys.length >= query.limit || slices >= maxSlices) return { keys, next: page.next };
        after = page.next;
        await setImmediate();
      }
    },
    draft,
    draftRotation,
    store: storeDraft,
    create: (wish, minting) => storeDraft(draft(wish, minting)),
    take: (text, wish, minting) => {
      if (text.trim() === '' || text !== text.trim() || Buffer.byteLength(text) > maxKeyBytes) throw new AppError('invalid_request', { message: `A key is text of 1 to ${maxKeyBytes} bytes without blanks at its ends.`, fields: { param: 'key' } });
      if (readKeyText(text).kind === 'damaged') throw new AppError('invalid_request', { message: 'The key begins as a managed key does and its checksum is wrong: it is mistyped or cut, and would never be taken.', fields: { param: 'key' } });
      const digest = sha256Hex(text);
      // Of short texts even the beginning would tell too much.
      const hint = readKeyText(text).kind === 'key' ? hintOf(text) : maskSecret(text);
      return insert(keyFrom(`key_${digest.slice(0, 12)}`, { digest, hint, createdAtMs: clock.nowMs(), endsAtMs: undefined, lastUsedAtMs: undefined, lastUsedFrom: '' }, wish, minting, true));
    },
    change: (key, patch) => {
      refuseRevoked(key);
      const minters = findMinters(store, outside, key.minterId);
      const grant = patch.grant?.(key.grant) ?? key.grant;
      if (patch.grant !== undefined) refuseExcess(grant, minters, clock.nowMs());
      const expiresAtMs = patch.end === undefined ? key.expiresAtMs : endWithin(patch.end, 0, minters);
      const { name = key.name, owner = key.owner, purpose = key.purpose, tags = key.tags } = patch;
      return saveOne({ ...key, name, owner, purpose, tags, grant, expiresAtMs });
    },
    rotate: (key, options) => storeDraft(draftRotation(key, options)),
    endOverlap: (key) => {
      if (replacedSecret(key, clock.nowMs()) === undefined) throw new AppError('conflict', { message: 'This key is not being rotated; it has one text only.' });
      return saveOne({ ...key, secrets: key.secrets.slice(0, 1) });
    },
    revoke: (key, actorId, children) => (children === 'revoke' ? ending.revoke(key, actorId) : ending.handOver(key, actorId)),
    remove: async (key, actorId) => {
      const [ended = key, ...others] = await ending.revoke(key, actorId);
      const gone = asStorage(() => store.remove([ended]));
      if (gone === undefined) throw new AppError('precondition_failed');
      onChanged(gone);
      return others;
    },
  };
}

function refuseRevoked({ revokedAtMs }: ManagedKey): void {
  if (revokedAtMs !== undefined) throw new AppError('conflict', { message: 'This key is revoked, which is for good; make a new one.' });
}

function only(keys: readonly ManagedKey[]): ManagedKey {
  const [key] = keys;
  if (key === undefined) throw new TypeError('the store wrote no key');
  return key;
}
