import { LRUCache } from 'lru-cache';
import type { Clock } from '../../clock/clock.ts';
import { sha256Hex } from '../../secret/digest.ts';
import type { Holder } from '../grant.ts';
import type { MinterRights } from '../issued/token-source.ts';
import type { Principal } from '../principal.ts';
import type { CredentialSource, Verdict } from '../verify.ts';
import { maxAddresses } from './key-addresses.ts';
import { readKeyText } from './key-text.ts';
import type { ManagedKey } from './managed-key.ts';
import type { OutsideMinter } from './minters.ts';
import type { KeyChange, KeyUse, ManagedKeyStore } from './store.ts';

/** The managed keys as the door sees them. */
export interface ManagedKeySource extends CredentialSource {
  /** Judges again what a principal came in by. Undefined: not one of this source. Counts as no use. */
  readonly recheck: (principal: Principal) => Verdict | undefined;
  /** Who a key with this id is, its minters among the holders; undefined where there is none, or a minter is gone. For questions about it, not to let anybody in. */
  readonly principalOf: (id: string) => Principal | undefined;
  /** What a key with this id gives those that hang on it now; undefined where there is none, or it is revoked. */
  readonly rightsOf: (id: string) => MinterRights | undefined;
  /** Rights of people or OAuth clients were changed: keys that hang on them are looked up anew. */
  readonly forgetOutside: () => void;
  /** Writes, by this process or another: they count from here on. An older one never replaces a newer. `many`: all is looked up anew. */
  readonly apply: (changes: readonly KeyChange[] | 'many') => void;
  /** The uses since this was last called, the newest of each text. */
  readonly takeUses: () => readonly KeyUse[];
}

export interface ManagedKeySourceDeps {
  readonly store: Pick<ManagedKeyStore, 'find' | 'findByDigest' | 'hasImported'>;
  /** Absent: keys hang on keys and on the operator alone. */
  readonly outside?: OutsideMinter;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Texts that are remembered, known and unknown each. */
  readonly maxRemembered?: number;
}

/** Minters above one another: more than anybody needs, and an end to what a damaged store might say. */
export const maxChain = 8;

/** Since uses were last taken. */
interface Use {
  atMs: number;
  from: string;
  /** Addresses that it came to, with the time; who stays where he was makes no list. */
  moves: Map<string, number> | undefined;
}

interface Chain {
  /** The key itself, then who minted it, then who minted that. */
  readonly keys: readonly ManagedKey[];
  /** Who stands above them and is no key. */
  readonly outside: MinterRights | undefined;
}

/** One text that is known, with all that its judgement needs. */
interface Entry {
  readonly digest: string;
  readonly key: ManagedKey;
  /** Undefined: one of them is gone. */
  readonly chain: Chain | undefined;
  readonly principal: Principal;
  /** The earliest end of anything it hangs on; -Infinity where one of them is revoked. */
  readonly validUntilMs: number;
}

const unknownKey: Verdict = { kind: 'invalid', code: 'invalid_api_key' };

/**
 * Judges managed keys by their full digest. What was seen is remembered within bounds, unknown texts too; a first sight is one
 * indexed read, and one more for each minter. A text with the right beginning and a wrong checksum is never looked up, nor is one
 * of another form as long as no key was imported. A store that cannot be read throws, which is no word against the key; what
 * is remembered goes on.
 */
export function createManagedKeySource({ store, outside = () => undefined, clock, maxRemembered = 10_000 }: ManagedKeySourceDeps): ManagedKeySource {
  const known = new LRUCache<string, Entry>({ max: maxRemembered });
  const unknown = new LRUCache<string, true>({ max: maxRemembered });
  const cameBy = new WeakMap<Principal, string>();
  let used = new Map<string, Use>();
  const lastFrom = new LRUCache<string, string>({ max: maxRemembered });
  let hasImported: boolean | undefined;
  let newestRevision = 0;

  const chainOf = (key: ManagedKey): Chain | undefined => {
    const keys = [key];
    for (let { minterId } = key; minterId !== ''; ) {
      if (keys.length > maxChain) return undefined;
      const minter = store.find(minterId);
      if (minter === undefined) {
        const rights = outside(minterId);
        return rights === undefined ? undefined : { keys, outside: rights };
      }
      keys.push(minter);
      ({ minterId } = minter);
    }
    return { keys, outside: undefined };
  };

  const remember = (digest: string, key: ManagedKey): Entry => {
    const chain = chainOf(key);
    const principal = principalFrom(chain ?? { keys: [key], outside: undefined }, key);
    const entry: Entry = { digest, key, chain, principal, validUntilMs: endOf(digest, key, chain) };
    cameBy.set(principal, digest);
    known.set(digest, entry);
    unknown.delete(digest);
    return entry;
  };

  const find = (digest: string): Entry | undefined => {
    const seen = known.get(digest);
    if (seen !== undefined) return seen;
    if (unknown.has(digest)) return undefined;
    const key = store.findByDigest(digest);
    if (key !== undefined) return remember(digest, key);
    unknown.set(digest, true);
    return undefined;
  };

  const judge = (entry: Entry, nowMs: number): Verdict => {
    if (nowMs < entry.validUntilMs) return { kind: 'valid', principal: entry.principal };
    const isRevoked = entry.chain === undefined || entry.chain.keys.some(({ revokedAtMs }) => revokedAtMs !== undefined);
    return { kind: 'invalid', code: isRevoked ? 'key_revoked' : 'key_expired', principalId: entry.key.id };
  };

  const noteUse = (digest: string, atMs: number, from: string): void => {
    const use = used.get(digest);
    if (use === undefined) {
      used.set(digest, { atMs, from, moves: lastFrom.get(digest) === from ? undefined : new Map([[from, atMs]]) });
      return;
    }
    if (use.from !== from) {
      use.moves ??= new Map();
      if (use.moves.size < maxAddresses || use.moves.has(from)) use.moves.set(from, atMs);
    }
    use.atMs = atMs;
    use.from = from;
  };

  const mayBeKnown = (text: string): boolean => {
    const { kind } = readKeyText(text);
    return kind === 'key' || (kind === 'foreign' && (hasImported ??= store.hasImported()));
  };

  return {
    name: 'managed-keys',
    verify: (text, from) => {
      if (!mayBeKnown(text)) return unknownKey;
      const entry = find(sha256Hex(text));
      if (entry === undefined) return unknownKey;
      const nowMs = clock.nowMs();
      const verdict = judge(entry, nowMs);
      if (verdict.kind === 'valid' && from !== undefined) noteUse(entry.digest, nowMs, from);
      return verdict;
    },
    recheck: (principal) => {
      const digest = cameBy.get(principal);
      if (digest === undefined) return undefined;
      try {
        const entry = find(digest);
        return entry === undefined ? { kind: 'invalid', code: 'key_revoked', principalId: principal.id } : judge(entry, clock.nowMs());
      } catch (cause) {
        return { kind: 'unknown', cause };
      }
    },
    principalOf: (id) => {
      const key = store.find(id);
      const chain = key === undefined ? undefined : chainOf(key);
      return key === undefined || chain === undefined ? undefined : principalFrom(chain, key);
    },
    rightsOf: (id) => {
      const key = store.find(id);
      const chain = key === undefined ? undefined : chainOf(key);
      if (chain === undefined || chain.keys.some(({ revokedAtMs }) => revokedAtMs !== undefined)) return undefined;
      return { holders: holdersOf(chain), validUntilMs: endOfChain(chain) };
    },
    forgetOutside: () => {
      for (const { digest, chain } of known.values()) if (chain?.outside !== undefined || chain === undefined) known.delete(digest);
    },
    apply: (changes) => {
      hasImported = undefined;
      if (changes === 'many') {
        known.clear();
        unknown.clear();
        return;
      }
      const newest = new Map(changes.map((change) => [change.id, change]));
      for (const entry of known.values()) {
        const isOlder = ({ id, revision }: ManagedKey): boolean => revision < (newest.get(id)?.revision ?? 0);
        // Who hangs on one of them is looked up anew, the minter's present rights with it.
        if ((entry.chain?.keys ?? [entry.key]).some(isOlder) || entry.chain === undefined) known.delete(entry.digest);
      }
      for (const { revision } of changes) newestRevision = Math.max(newestRevision, revision);
      for (const { digests, key } of newest.values()) {
        for (const digest of digests) unknown.delete(digest);
        // Without minters nothing has to be read, so the word of the write stands even when the store breaks next.
        if (key?.minterId === '' && key.revision === newestRevision) for (const { digest } of key.secrets) remember(digest, key);
      }
    },
    takeUses: () => {
      const taken = [...used].map(([digest, { atMs, from, moves }]): KeyUse => ({ digest, atMs, from, ...(moves === undefined ? {} : { addresses: [...moves].map(([address, movedAtMs]) => ({ address, atMs: movedAtMs })) }) }));
      for (const { digest, from } of taken) lastFrom.set(digest, from);
      used = new Map();
      return taken;
    },
  };
}

function principalFrom(chain: Chain, { id, name }: ManagedKey): Principal {
  return { id, kind: 'managed-key', label: name, holders: holdersOf(chain) };
}

function holdersOf({ keys, outside }: Chain): readonly Holder[] {
  return [...keys.map(({ id, grant }) => ({ id, grant })), ...(outside?.holders ?? [])];
}

function endOfChain({ keys, outside }: Chain): number {
  return Math.min(outside?.validUntilMs ?? Infinity, ...keys.map(({ expiresAtMs }) => expiresAtMs ?? Infinity));
}

function endOf(digest: string, key: ManagedKey, chain: Chain | undefined): number {
  if (chain === undefined || chain.keys.some(({ revokedAtMs }) => revokedAtMs !== undefined)) return -Infinity;
  const secret = key.secrets.find((each) => each.digest === digest);
  return Math.min(secret === undefined ? -Infinity : (secret.endsAtMs ?? Infinity), endOfChain(chain));
}
