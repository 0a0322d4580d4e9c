import { err, ok, type Result } from '../../fault/result.ts';
import { writeDurably } from '../../files/durable-write.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import type { CliProcess } from '../process-env.ts';
import { encodeContexts, pickContext, readContexts, type Contexts, type NamedContext } from './contexts.ts';
import { clientPlaces } from './places.ts';
import { lockContexts } from './session-lock.ts';

/** Changes `contexts.json` under its lock; what `change` refuses is not written. Errors: its own, `storage_unreadable`, `storage_unwritable`, `busy`. */
export async function editContexts<T>(cli: CliProcess, change: (contexts: Contexts) => Result<{ readonly contexts: Contexts; readonly value: T }, StoreRefusal>): Promise<Result<T, StoreRefusal>> {
  const lock = await lockContexts(cli);
  if (!lock.ok) return lock;
  try {
    const present = readContexts(cli);
    if (!present.ok) return err({ code: 'storage_unreadable', message: present.error });
    const changed = change(present.value);
    if (!changed.ok) return changed;
    const path = clientPlaces(cli).contexts;
    const written = await writeDurably(path, encodeContexts(changed.value.contexts), { generations: 0 });
    if (!written.ok) return err({ code: 'storage_unwritable', message: `${path} cannot be written (${written.error.kind}).` });
    return ok(changed.value.value);
  } finally {
    lock.value.release();
  }
}

/** As `pickContext`, for commands that need one that is logged in. Errors: `storage_unreadable`, `item_not_found`, `not_logged_in`. */
export function requireContext(cli: CliProcess, flag: string | undefined): Result<NamedContext, StoreRefusal> {
  const found = findContext(cli, flag);
  if (!found.ok) return found;
  if (found.value === undefined) return err({ code: 'not_logged_in', message: 'You are not logged in to a Keyward. Run `keyward login` (or `keyward login --server https://keyward.example.com`), or set KEYWARD_API_TOKEN.' });
  if (found.value.credential === 'none') return err({ code: 'not_logged_in', message: `You are logged out of ${found.value.server}. Run \`keyward login${flag === undefined ? '' : ` --context ${flag}`}\`.` });
  return ok(found.value);
}

/** The context that is meant, logged in or not; undefined where none is. Errors: `storage_unreadable`, `item_not_found`. */
export function findContext(cli: CliProcess, flag: string | undefined): Result<NamedContext | undefined, StoreRefusal> {
  const contexts = readContexts(cli);
  if (!contexts.ok) return err({ code: 'storage_unreadable', message: contexts.error });
  const picked = pickContext(contexts.value, flag);
  return picked.ok ? picked : err({ code: 'item_not_found', message: picked.error });
}
