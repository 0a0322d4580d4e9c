import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ok, type Result } from '../../fault/result.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import type { CliProcess } from '../process-env.ts';
import type { NamedContext } from './contexts.ts';
import { editContexts } from './edit-contexts.ts';
import { clientPlaces } from './places.ts';
import { readSession } from './refresh.ts';
import { revokeSession } from './revoke.ts';
import { openServerHttp } from './server-http.ts';
import { lockContext } from './session-lock.ts';
import { openVault } from './vault.ts';

/** How ending a login at its server went; `none`: there was nothing to end there. */
export type Ending = { readonly kind: 'ended' } | { readonly kind: 'none' } | { readonly kind: 'failed'; readonly detail: string };

/**
 * Ends a context's login at its server, then forgets what is stored of it, however that went. `isRemoved` forgets the
 * context too; else it stays, logged out. Errors: `busy`, `storage_…`.
 */
export async function forgetCredential(cli: CliProcess, context: NamedContext, isRemoved: boolean): Promise<Result<Ending, StoreRefusal>> {
  const lock = await lockContext(cli, context.name);
  if (!lock.ok) return lock;
  try {
    // An open store is only needed to read; files are removed whether their key is at hand or not.
    const files = await openVault(cli, 'file');
    if (!files.ok) return files;
    const ending = context.credential === 'login' ? await endAtServer(cli, context) : { kind: 'none' as const };
    for (const kind of ['session', 'bearer', 'key'] as const) {
      const removed = await files.value.remove(context.name, kind);
      if (!removed.ok) return removed;
    }
    // It holds a copy of the newest tokens.
    await rm(join(clientPlaces(cli).state, `${context.name}.json`), { force: true }).catch(() => undefined);
    const edited = await editContexts(cli, ({ current, all }) => {
      const { name, server, store } = context;
      const kept = new Map([...all].filter(([each]) => each !== name));
      if (!isRemoved) kept.set(name, { server, store, credential: 'none', subject: '', label: '', organization: '' });
      return ok({ contexts: { current: isRemoved && current === name ? '' : current, all: kept }, value: undefined });
    });
    return edited.ok ? ok(ending) : edited;
  } finally {
    lock.value.release();
  }
}

async function endAtServer(cli: CliProcess, context: NamedContext): Promise<Ending> {
  const vault = await openVault(cli, context.store);
  const session = vault.ok ? await readSession(vault.value, context) : vault;
  if (!session.ok) return { kind: 'failed', detail: 'its tokens cannot be read here' };
  const { http, close } = openServerHttp(cli);
  try {
    const revoked = await revokeSession(http, session.value);
    return revoked.ok ? { kind: 'ended' } : { kind: 'failed', detail: revoked.error };
  } finally {
    await close();
  }
}
