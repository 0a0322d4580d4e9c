import { LRUCache } from 'lru-cache';
import { errors, type Adapter } from 'oidc-provider';
import type { Clock } from '../clock/clock.ts';
import { sha256Hex } from '../secret/digest.ts';
import type { IdentityStore } from '../clients/issued/store.ts';
import { libraryClient } from './library-client.ts';
import type { OAuthClients } from '../clients/issued/client-service.ts';

export interface AdapterDeps {
  readonly store: IdentityStore;
  readonly clients: Pick<OAuthClients, 'find'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Why the library is taking a login back just now. */
  readonly endingBy: () => 'reuse' | 'revoked';
  /** A login ended because a token that counts once was used again. */
  readonly onReused: (grantId: string) => void;
}

/** Seconds between two questions about a device code (RFC 8628 §3.2). */
export const deviceIntervalSeconds = 5;
/** Each `slow_down` adds this, for good (RFC 8628 §3.5). */
const slowDownMs = 5_000;
const maxPolledCodes = 10_000;
/** What strangers may have us keep; each address by itself may have far less. */
const maxWaiting: ReadonlyMap<string, number> = new Map([
  ['Interaction', 5_000],
  ['DeviceCode', 10_000],
]);

/**
 * What the library keeps, in the store. One use is one conditional write (security rule 31): who loses gets `invalid_grant`, and the
 * login ends, since nobody can tell which of the two was the thief. A device code that is asked about too often is answered
 * `slow_down` before anything else is looked at.
 */
export function createAdapterFactory({ store, clients, clock, endingBy, onReused }: AdapterDeps): (model: string) => Adapter {
  const { objects } = store;
  const polls = new LRUCache<string, { readonly atMs: number; readonly intervalMs: number }>({ max: maxPolledCodes });

  const refuseHaste = (deviceCode: string): void => {
    const digest = sha256Hex(deviceCode);
    const last = polls.get(digest);
    const nowMs = clock.nowMs();
    // A little early is no haste: clients count from their own clock and the network jitters.
    const isHasty = last !== undefined && nowMs - last.atMs < last.intervalMs - 500;
    const intervalMs = (last?.intervalMs ?? deviceIntervalSeconds * 1_000) + (isHasty ? slowDownMs : 0);
    polls.set(digest, { atMs: nowMs, intervalMs });
    if (isHasty) throw new errors.CustomOIDCProviderError('slow_down', `ask no sooner than every ${intervalMs / 1_000} seconds`);
  };

  const clientAdapter: Adapter = {
    find: async (id) => {
      const client = clients.find(id);
      return client === undefined || client.revokedAtMs !== undefined ? undefined : libraryClient(client);
    },
    upsert: async () => undefined,
    findByUserCode: async () => undefined,
    findByUid: async () => undefined,
    consume: async () => undefined,
    destroy: async () => undefined,
    revokeByGrantId: async () => undefined,
  };

  return (model) => {
    if (model === 'Client') return clientAdapter;
    return {
      upsert: async (id, payload, expiresInSeconds) => {
        const expiresAtMs = expiresInSeconds === undefined ? undefined : clock.nowMs() + expiresInSeconds * 1_000;
        const most = maxWaiting.get(model);
        if (most !== undefined && expiresAtMs !== undefined && objects.find(model, id) === undefined && objects.isFull(model, most, expiresAtMs - clock.nowMs())) throw new errors.TemporarilyUnavailable('too many logins wait; try again in a few minutes');
        if (!objects.put(model, id, payload, expiresAtMs)) throw new errors.InvalidGrant('the login has ended');
      },
      find: async (id) => {
        if (model === 'DeviceCode') refuseHaste(id);
        return objects.find(model, id);
      },
      findByUserCode: async (userCode) => objects.findByUserCode(userCode)?.payload,
      findByUid: async (uid) => objects.findByUid(model, uid),
      consume: async (id) => {
        if (objects.consume(model, id)) return;
        const grantId = objects.find(model, id)?.['grantId'];
        if (typeof grantId === 'string') {
          store.endSession(grantId, 'reuse');
          onReused(grantId);
        }
        throw new errors.InvalidGrant('used before');
      },
      destroy: async (id) => {
        if (model === 'Grant') store.endSession(id, endingBy());
        else objects.remove(model, id);
      },
      revokeByGrantId: async (grantId) => objects.removeByGrant(grantId),
    };
  };
}
