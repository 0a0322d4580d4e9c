import type { Context } from 'hono';
import { AppError } from '../fault/app-error.ts';
import { sha256Hex } from '../secret/digest.ts';
import { answerJson } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { readJsonObject } from './body.ts';
import type { ManagementCall, ManagementDeps, ManagementRoute } from './context.ts';
import { authIndexOf } from './list-items.ts';

/** Which accounts would serve a model, and ending their cooldowns. */
export function routingRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [
    { method: 'GET', path: '/explain', handle: (c) => explainModel(deps, c) },
    { method: 'POST', path: '/reset-quota', handle: (c, call) => resetQuota(deps, c.req.raw, call) },
  ];
}

/** `key` is the id of a client key (`key_` and 12 hex digits), never the key. */
function explainModel(deps: ManagementDeps, c: Context): Response {
  const model = c.req.query('model') ?? '';
  if (model === '' || model.length > 512) throw new AppError('invalid_request', { message: 'model is missing or longer than 512 characters.', fields: { param: 'model' } });
  const key = c.req.query('key');
  if (key !== undefined) checkKeyId(deps, key);
  const explanation = deps.router.explain(deps.routingTable(), { model });
  return answerJson({ ...explanation, ...(key === undefined ? {} : { key }), near_names: explanation.candidates.length === 0 ? deps.routingTable().nearNames(model) : [] });
}

// The value is not repeated in the refusal: whoever sends a key here by mistake should not find it in a log.
function checkKeyId(deps: ManagementDeps, id: string): void {
  if (!/^key_[\da-f]{12}$/.test(id)) throw new AppError('invalid_request', { message: 'key takes the id of a client key, such as key_ab12cd34ef56; never the key itself.', fields: { param: 'key' } });
  const isKnown = deps.config.current().config['api-keys'].some((secret) => `key_${sha256Hex(secret.reveal()).slice(0, 12)}` === id);
  if (!isKnown) throw new AppError('item_not_found', { message: 'No client key has this id.' });
}

async function resetQuota(deps: ManagementDeps, request: Request, call: ManagementCall): Promise<Response> {
  const { auth_index: authIndex } = await readJsonObject(request, ['auth_index'], { mayBeEmpty: true });
  if (authIndex === undefined) {
    const cleared = deps.router.resetCooldowns();
    recordEvent(deps, call, { action: 'cooldown.reset', target: 'all', after: { cleared } });
    return answerJson({ status: 'ok', cleared });
  }
  const account = deps.router.states(deps.routingTable()).find((state) => authIndexOf(state.accountId) === authIndex || state.accountId === authIndex);
  if (account === undefined) throw new AppError('item_not_found', { message: 'No account has this auth_index.' });
  const cleared = deps.router.resetCooldowns(account.accountId);
  recordEvent(deps, call, { action: 'cooldown.reset', target: account.accountId, after: { cleared } });
  return answerJson({ status: 'ok', auth_index: authIndexOf(account.accountId), models: account.models.map((model) => model.model), cleared });
}
