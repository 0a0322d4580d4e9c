import type { Context } from 'hono';
import type { KeyWish, Minting } from '../clients/managed-keys/key-wish.ts';
import type { ManagedKey } from '../clients/managed-keys/managed-key.ts';
import type { LoadedConfig } from '../config/loaded.ts';
import type { ConfigEdit } from '../config/ports.ts';
import { AppError, toAppError } from '../fault/app-error.ts';
import { sha256Hex } from '../secret/digest.ts';
import { answerJson } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { readJsonObject } from './body.ts';
import { changeConfig } from './change.ts';
import { requireClientAuth } from './client-auth.ts';
import { invalid, readWish, wishMembers } from './client-key-body.ts';
import { auditedKey, describeKey } from './client-key-view.ts';
import { requireRoot, type ManagementCall, type ManagementDeps } from './context.ts';
import { sequenceEdits } from './list-edits.ts';
import { isList, type JsonObject } from './values.ts';

/**
 * Takes in keys that exist: one, as `key`, or with `from: "api-keys"` all of the config. These leave the config then, unless
 * `keep` says otherwise: as long as they stand there, they are good whatever becomes of the managed ones.
 */
export async function importKeys(deps: ManagementDeps, c: Context, call: ManagementCall, minting: Minting): Promise<Response> {
  // `api-keys` change with the root secret alone, and so does what takes their place (security rule 21).
  requireRoot(call, 'import keys');
  const body = await readJsonObject(c.req.raw, ['key', 'from', 'keep', ...wishMembers.filter((member) => member !== 'minter')]);
  const { key: text, from, keep = false } = body;
  if ((text === undefined) === (from === undefined)) throw invalid('key', 'must be the key itself, or `from` must be api-keys; give one of them');
  if (text !== undefined && typeof text !== 'string') throw invalid('key', 'must be text');
  if (from !== undefined && from !== 'api-keys') throw invalid('from', 'must be api-keys');
  if (typeof keep !== 'boolean') throw invalid('keep', 'must be true or false');
  const { taken, skipped } = text === undefined ? takeAll(deps, body, minting) : { taken: [deps.clientKeys.take(text, readWish(body, deps.clock.nowMs()), minting)], skipped: [] };
  for (const key of taken) recordEvent(deps, call, { action: 'key.imported', target: key.id, after: auditedKey(key) });
  const closed = await requireClientAuth(deps, call);
  const left = from === undefined || keep || taken.length === 0 ? [] : await takeOutOfConfig(deps, call, new Set(taken.map(({ id }) => id)));
  const notes = [...(closed.notes ?? []), ...left];
  return answerJson({ imported: taken.map((key) => describeKey(key, deps.clock.nowMs())), skipped, ...(notes.length === 0 ? {} : { notes }) }, {}, 201);
}

function takeAll(deps: ManagementDeps, body: JsonObject, minting: Minting): { readonly taken: readonly ManagedKey[]; readonly skipped: readonly JsonObject[] } {
  const texts = [...new Set(deps.config.current().config['api-keys'].map((key) => key.reveal()).filter((text) => text.trim() !== ''))];
  if (texts.length === 0) throw new AppError('item_not_found', { message: 'The config has no `api-keys` to import.' });
  const wishOf = (text: string): KeyWish => readWish({ ...body, name: typeof body['name'] === 'string' ? body['name'] : `imported ${idOf(text)}` }, deps.clock.nowMs());
  const taken: ManagedKey[] = [];
  const skipped: JsonObject[] = [];
  for (const text of texts) {
    try {
      taken.push(deps.clientKeys.take(text, wishOf(text), minting));
    } catch (thrown) {
      const { code, message } = toAppError(thrown);
      if (code !== 'conflict' && code !== 'invalid_request') throw thrown;
      if (code === 'invalid_request' && texts.length === 1) throw thrown;
      skipped.push({ id: idOf(text), code, message });
    }
  }
  return { taken, skipped };
}

function idOf(text: string): string {
  return `key_${sha256Hex(text).slice(0, 12)}`;
}

/** What could not be done, in words. */
async function takeOutOfConfig(deps: ManagementDeps, call: ManagementCall, ids: ReadonlySet<string>): Promise<readonly string[]> {
  try {
    await changeConfig(deps, call, { target: 'api-keys', ifMatch: undefined, allowOpen: false, tagOf: () => '', plan: (loaded) => ({ edits: withoutKeys(deps, loaded, ids) }) });
    return ['The imported keys were taken out of `api-keys` in the config.'];
  } catch (thrown) {
    return [`The imported keys still stand in \`api-keys\` of the config and stay good there whatever becomes of them here (${toAppError(thrown).message}); take them out yourself.`];
  }
}

function withoutKeys(deps: ManagementDeps, loaded: LoadedConfig, ids: ReadonlySet<string>): readonly ConfigEdit[] {
  const written = deps.views.plain(loaded)['api-keys'];
  const before = isList(written) ? written : [];
  const keys = loaded.config['api-keys'];
  // Keys that stand elsewhere in the file, as the Go program once wrote them, are the operator's to move.
  if (before.length !== keys.length) throw new AppError('conflict', { message: 'not all of them stand in the list itself' });
  const after = before.filter((_, index) => !ids.has(idOf(keys[index]?.reveal() ?? '')));
  return after.length === 0 ? [{ kind: 'set', path: ['api-keys'], value: [] }] : sequenceEdits('api-keys', before, after);
}
