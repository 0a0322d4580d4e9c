import type { Context } from 'hono';
import type { Principal } from '../clients/principal.ts';
import { indexStaticKeys } from '../clients/static-keys.ts';
import { dialects, type Dialect } from '../dialect/dialect.ts';
import { AppError } from '../fault/app-error.ts';
import { mayUse } from '../routing/model-limits.ts';
import { answerJson } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { readJsonObject } from './body.ts';
import type { ManagementCall, ManagementDeps, ManagementRoute } from './context.ts';
import { authIndexOf } from './list-items.ts';

/** Which accounts would serve a model, and ending their cooldowns. */
export function routingRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  return [
    { method: 'GET', path: '/explain', scope: 'accounts:read', handle: (c) => explainModel(deps, c) },
    { method: 'POST', path: '/reset-quota', scope: 'accounts:write', handle: (c, call) => resetQuota(deps, c.req.raw, call) },
  ];
}

/**
 * Where requests for a model would go now. `key` is the id of a client key (`key_` and 12 hex digits), never the key;
 * `dialect` the client's, openai-chat unless told.
 */
function explainModel(deps: ManagementDeps, c: Context): Response {
  const model = c.req.query('model') ?? '';
  if (model === '' || model.length > 512) throw new AppError('invalid_request', { message: 'model is missing or longer than 512 characters.', fields: { param: 'model' } });
  const caller = findCaller(deps, c.req.query('key'));
  const table = deps.routingTable();
  const { candidates, atMs, affinity, maxCooldownMs, ...explanation } = deps.router.explain(table, { model, dialect: readDialect(c.req.query('dialect')), holders: caller?.principal?.holders });
  return answerJson({
    ...explanation,
    at: new Date(atMs).toISOString(),
    max_cooldown_seconds: maxCooldownMs / 1_000,
    session_affinity: { enabled: affinity.ttlMs !== undefined, ttl_seconds: (affinity.ttlMs ?? 0) / 1_000, bound_sessions: affinity.boundSessions },
    candidates,
    ...(caller === undefined ? {} : { key: caller.id, key_known: caller.principal !== undefined, key_may_use: caller.principal !== undefined && mayUse(caller.principal, model) }),
    near_names: candidates.some(({ upstreamModel }) => upstreamModel !== '') ? [] : table.nearNames(model, caller?.principal?.holders),
  });
}

function readDialect(stated: string | undefined): Dialect | undefined {
  const dialect = dialects.find((each) => each === stated);
  if (stated !== undefined && dialect === undefined) throw new AppError('invalid_request', { message: `dialect is one of ${dialects.join(', ')}.`, fields: { param: 'dialect' } });
  return dialect;
}

// The value is not repeated in the refusal: whoever sends a key here by mistake should not find it in a log.
function findCaller(deps: ManagementDeps, id: string | undefined): { readonly id: string; readonly principal: Principal | undefined } | undefined {
  if (id === undefined) return undefined;
  const held = deps.principalOf?.(id);
  if (held !== undefined) return { id, principal: held };
  if (!/^key_[\da-f]{12}$/.test(id)) throw new AppError('invalid_request', { message: 'key takes the id of a client key, such as key_ab12cd34ef56; never the key itself.', fields: { param: 'key' } });
  const keys = deps.config.current().config['api-keys'];
  const known = indexStaticKeys(keys);
  return { id, principal: keys.map((key) => known.find(key.reveal())).find((principal) => principal?.id === id) };
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
