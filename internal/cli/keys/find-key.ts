import { err, ok, type Result } from '../../fault/result.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import type { CliProcess } from '../process-env.ts';
import { askKeys, recordsOf, textOf, type KeyAnswer, type KeysFlags } from './ask-keys.ts';

const pageSize = 1_000;

/** The one key that an id, or a name, means. Errors: `item_not_found`, `ambiguous_match` with the ids, and the daemon's. */
export async function findKey(cli: CliProcess, flags: KeysFlags, named: string): Promise<Result<KeyAnswer, StoreRefusal>> {
  if (/^(?:ck|key)_[\w-]+$/.test(named)) {
    const shown = await askKeys(cli, flags, `/${encodeURIComponent(named)}`, { method: 'GET' });
    if (shown.ok || shown.error.code !== 'item_not_found') return shown;
  }
  const found: KeyAnswer[] = [];
  for (let after = ''; ; ) {
    const page = await askKeys(cli, flags, `?limit=${pageSize}${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`, { method: 'GET' });
    if (!page.ok) return page;
    found.push(...recordsOf(page.value, 'keys').filter((key) => textOf(key, 'name') === named));
    after = textOf(page.value, 'next_after');
    if (after === '') break;
  }
  // A name is given again after a revocation: who says it means the key that works.
  const working = found.filter((key) => textOf(key, 'status') !== 'revoked');
  const candidates = working.length === 0 ? found : working;
  const [key] = candidates;
  if (key === undefined) return err({ code: 'item_not_found', message: `No key has the id or the name ${named}; \`keyward keys list\` shows what there is.` });
  if (candidates.length > 1) return err({ code: 'ambiguous_match', message: `Several keys are called ${named}; nothing was changed. Say one by its id: ${candidates.map((each) => textOf(each, 'id')).join(', ')}.` });
  return ok(key);
}
