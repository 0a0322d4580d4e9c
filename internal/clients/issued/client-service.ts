import { timingSafeEqual } from 'node:crypto';
import type { Grant } from '../grant.ts';
import type { ClientSecret, OAuthClient } from './oauth-client.ts';
import type { IdentityStore, PageQuery } from './store.ts';
import type { Clock } from '../../clock/clock.ts';
import { asStorage } from '../as-storage.ts';
import { AppError } from '../../fault/app-error.ts';
import { randomToken, sha256Hex } from '../../secret/digest.ts';

/** A client that somebody wants, checked member by member. */
export type ClientWish = Pick<OAuthClient, 'name' | 'organization' | 'authentication' | 'grants' | 'grant' | 'redirectUris' | 'jwks'>;
/** What can be changed of one; undefined members stay as they are. */
export interface ClientPatch extends Partial<Pick<OAuthClient, 'name' | 'organization' | 'redirectUris' | 'jwks'>> {
  readonly grant?: ((present: Grant) => Grant) | undefined;
}

/** A client with its secret, which is shown this once; undefined for clients that have none. */
export interface MadeClient {
  readonly client: OAuthClient;
  readonly secret: string | undefined;
}

/** Makes, changes and ends OAuth clients. A write is durable and in force when a call returns. Errors: `conflict`, `precondition_failed`, `storage_unavailable`. */
export interface OAuthClients {
  readonly find: (id: string) => OAuthClient | undefined;
  readonly list: (query: PageQuery & { readonly minterId?: string | undefined }) => readonly OAuthClient[];
  readonly create: (wish: ClientWish, minting: { readonly actorId: string; readonly minterId: string }) => MadeClient;
  readonly change: (client: OAuthClient, patch: ClientPatch) => OAuthClient;
  /** A new secret beside the old one, which ends after `overlapMs`. */
  readonly rotate: (client: OAuthClient, overlapMs: number) => MadeClient;
  readonly revoke: (client: OAuthClient, actorId: string) => OAuthClient;
  readonly remove: (client: OAuthClient) => void;
  /** Whether this text is one of its secrets, in constant time. */
  readonly isSecretOf: (id: string, text: string) => boolean;
}

export interface OAuthClientsDeps {
  readonly store: IdentityStore;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Called before the first client is stored: from then on nobody comes in without a credential. */
  readonly closeDoor: () => void;
  /** Called with every write, once it is durable. */
  readonly onChanged: () => void;
}

const secretPrefix = 'kws_';

export function createOAuthClients({ store, clock, closeDoor, onChanged }: OAuthClientsDeps): OAuthClients {
  const freshSecret = (): { readonly text: string; readonly secret: ClientSecret } => {
    const text = `${secretPrefix}${randomToken(32)}`;
    return { text, secret: { digest: sha256Hex(text), hint: `${text.slice(0, 8)}…`, createdAtMs: clock.nowMs(), endsAtMs: undefined } };
  };
  const save = (client: OAuthClient): OAuthClient => {
    const written = asStorage(() => store.updateClient(client));
    if (written === undefined) throw new AppError('precondition_failed');
    onChanged();
    return written;
  };
  const liveSecrets = (client: OAuthClient): readonly ClientSecret[] => client.secrets.filter(({ endsAtMs }) => endsAtMs === undefined || endsAtMs > clock.nowMs());

  return {
    find: (id) => asStorage(() => store.findClient(id)),
    list: (query) => asStorage(() => store.listClients(query)),
    create: (wish, { actorId, minterId }) => {
      const { text, secret } = freshSecret();
      const hasSecret = wish.authentication.startsWith('client_secret');
      closeDoor();
      const client = asStorage(() =>
        store.insertClient({ ...wish, id: `client_${randomToken(12)}`, revision: 0, createdAtMs: clock.nowMs(), createdBy: actorId, minterId, revokedAtMs: undefined, revokedBy: '', secrets: hasSecret ? [secret] : [] }),
      );
      onChanged();
      return { client, secret: hasSecret ? text : undefined };
    },
    change: (client, { grant, ...patch }) => {
      refuseRevoked(client);
      const said = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
      return save({ ...client, ...said, grant: grant?.(client.grant) ?? client.grant });
    },
    rotate: (client, overlapMs) => {
      refuseRevoked(client);
      if (!client.authentication.startsWith('client_secret')) throw new AppError('conflict', { message: 'This client has no secret. Keys of `private_key_jwt` are rotated by changing its `jwks`.' });
      const live = liveSecrets(client);
      if (live.length > 1) throw new AppError('conflict', { message: `This client has two secrets already: the old one (${live[1]?.hint ?? ''}) is good until ${new Date(live[1]?.endsAtMs ?? 0).toISOString()}.` });
      const { text, secret } = freshSecret();
      const replaced = overlapMs === 0 ? [] : live.map((old) => ({ ...old, endsAtMs: clock.nowMs() + overlapMs }));
      return { client: save({ ...client, secrets: [secret, ...replaced] }), secret: text };
    },
    revoke: (client, actorId) => (client.revokedAtMs === undefined ? save({ ...client, revokedAtMs: clock.nowMs(), revokedBy: actorId }) : client),
    remove: (client) => {
      if (!asStorage(() => store.removeClient(client))) throw new AppError('precondition_failed');
      onChanged();
    },
    isSecretOf: (id, text) => {
      const client = store.findClient(id);
      const digest = Buffer.from(sha256Hex(text), 'hex');
      return client !== undefined && liveSecrets(client).some((secret) => timingSafeEqual(Buffer.from(secret.digest, 'hex'), digest));
    },
  };
}

function refuseRevoked({ revokedAtMs }: OAuthClient): void {
  if (revokedAtMs !== undefined) throw new AppError('conflict', { message: 'This client is revoked; make a new one.' });
}
