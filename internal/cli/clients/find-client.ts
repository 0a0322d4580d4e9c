import { err, ok, type Result } from '../../fault/result.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import { askManagement, askPages, type AskingFlags, type ManagementAnswer } from '../ask-management.ts';
import { textOf } from '../keys/ask-keys.ts';
import type { CliProcess } from '../process-env.ts';

/** The one OAuth client that an id, or a name, means. Errors: `item_not_found`, `ambiguous_match` with the ids, and the daemon's. */
export async function findClient(cli: CliProcess, flags: AskingFlags, named: string): Promise<Result<ManagementAnswer, StoreRefusal>> {
  if (/^client_[\w-]+$/.test(named)) {
    const shown = await askManagement(cli, flags, `/oauth-clients/${encodeURIComponent(named)}`, { method: 'GET' });
    if (shown.ok || shown.error.code !== 'item_not_found') return shown;
  }
  const listed = await askPages(cli, flags, '/oauth-clients', 'clients', {});
  if (!listed.ok) return listed;
  const found = listed.value.filter((client) => textOf(client, 'name') === named || textOf(client, 'id') === named);
  // A name is given again after a revocation: who says it means the client that works.
  const working = found.filter((client) => textOf(client, 'status') !== 'revoked');
  const candidates = working.length === 0 ? found : working;
  const [client] = candidates;
  if (client === undefined) return err({ code: 'item_not_found', message: `No client has the id or the name ${named}; \`keyward clients list\` shows what there is.` });
  if (candidates.length > 1) return err({ code: 'ambiguous_match', message: `Several clients are called ${named}; nothing was changed. Say one by its id: ${candidates.map((each) => textOf(each, 'id')).join(', ')}.` });
  return ok(client);
}
