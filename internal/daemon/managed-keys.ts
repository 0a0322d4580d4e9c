import { anonymousOnSocket, type Principal } from '../clients/principal.ts';
import { asStorage } from '../clients/as-storage.ts';
import { followManagedKeys } from '../clients/managed-keys/follow.ts';
import type { OutsideMinter } from '../clients/managed-keys/minters.ts';
import type { MinterRights } from '../clients/issued/token-source.ts';
import { createManagedKeyService, type ManagedKeyService } from '../clients/managed-keys/service.ts';
import { createManagedKeySource } from '../clients/managed-keys/source.ts';
import type { KeyChange, ManagedKeyStore } from '../clients/managed-keys/store.ts';
import type { CredentialSource } from '../clients/verify.ts';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import type { Logger } from '../log/logger.ts';
import type { RunningExchanges } from '../proxy/running.ts';
import { setLatch } from '../http/client-auth-latch.ts';
import type { Live } from './live.ts';

export interface ManagedKeysDeps {
  readonly store: ManagedKeyStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly live: Live;
  readonly dataDir: string;
  readonly running: Pick<RunningExchanges, 'review'>;
  readonly readmitSockets: () => void;
  /** People and OAuth clients that keys were made by. */
  readonly outside: OutsideMinter;
}

export interface OpenManagedKeys {
  readonly source: CredentialSource;
  /** For questions about a key by its id, such as `explain`. */
  readonly principalOf: (id: string) => Principal | undefined;
  readonly service: ManagedKeyService;
  /** What a key may do now, by its own grant and those above it; undefined where it may nothing any more. */
  readonly rightsOf: (id: string) => MinterRights | undefined;
  /** Told of every write that may take or change rights, by this process or another: whoever hangs on keys looks again. */
  readonly onChanged: (listener: () => void) => void;
  /** Rights of people or OAuth clients were changed: what runs by keys that hang on them is looked at again. */
  readonly reviewOutside: () => void;
  readonly close: () => void;
}

// Made once: a stack trace for each of a thousand exchanges would be most of the time that ending them takes.
const revoked = new AppError('key_revoked');
const doorClosed = new AppError('missing_api_key', { message: 'Callers need a credential from now on.' });
const takenOut = new AppError('key_revoked', { message: 'This key was taken out of the configuration.' });

/** Managed keys within the daemon: what is written of them, here or by another process, ends what runs by their right. */
export function openManagedKeys({ store, clock, log, live, dataDir, running, readmitSockets, outside }: ManagedKeysDeps): OpenManagedKeys {
  const source = createManagedKeySource({ store, outside, clock });

  /** Why a caller who came in may not go on. One whose key expired meanwhile may; that it cannot be told just now is no word against him. */
  const judge = (principal: Principal): AppError | undefined => {
    if (principal.kind === 'managed-key') {
      const verdict = source.recheck(principal);
      return verdict?.kind === 'invalid' && verdict.code === 'key_revoked' ? revoked : undefined;
    }
    if (principal.kind === 'anonymous') {
      const { isOpen, upgradesNeedKey } = live.snapshot().door;
      return isOpen || (principal === anonymousOnSocket && !upgradesNeedKey) ? undefined : doorClosed;
    }
    if (principal.kind !== 'static-key' || live.snapshot().door.staticKeys.has(principal.id)) return undefined;
    return isTakenOver(principal.id) ? undefined : takenOut;
  };
  /** A key that left the config because it is managed now. */
  const isTakenOver = (id: string): boolean => {
    try {
      const key = store.find(id);
      return key !== undefined && key.revokedAtMs === undefined;
    } catch {
      return true;
    }
  };
  const rightsOf = (id: string): MinterRights | undefined => {
    const rights = source.rightsOf(id);
    return rights !== undefined && rights.validUntilMs > clock.nowMs() ? rights : undefined;
  };
  const listeners: (() => void)[] = [];
  const endOthers = (): void => {
    const ended = running.review(judge);
    if (ended > 0) log.info({ ended }, 'exchanges were ended: their callers may not go on');
    readmitSockets();
  };
  const onChanged = (changes: readonly KeyChange[] | 'many'): void => {
    source.apply(changes);
    endOthers();
    for (const listener of listeners) listener();
  };
  live.onCommit((_snapshot, cause) => {
    if (cause === 'config') endOthers();
  });

  const onChangedElsewhere = (changes: readonly KeyChange[] | 'many'): void => {
    // Whoever made keys on this data has set the latch.
    live.closeDoor();
    onChanged(changes);
  };
  const following = followManagedKeys({ store, source, clock, log, onChanged: onChangedElsewhere });
  const reviewOutside = (): void => {
    source.forgetOutside();
    endOthers();
  };
  let isClosed = false;
  const closeDoor = (): void => {
    if (isClosed) return;
    setLatch(dataDir);
    live.closeDoor();
    isClosed = true;
  };
  return { source, principalOf: (id) => asStorage(() => source.principalOf(id)), rightsOf, onChanged: (listener) => void listeners.push(listener), reviewOutside, service: createManagedKeyService({ store, outside, clock, closeDoor, onChanged }), close: following.close };
}
