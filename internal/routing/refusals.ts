import { AppError } from '../fault/app-error.ts';
import type { Cooldown } from './cooldown.ts';
import type { Candidate, RouteQuery, RoutingTable } from './ports.ts';

/** Every refusal of the router says which of the four cases it is (contract §8). */
export function refuseUnknownModel(table: RoutingTable, query: RouteQuery): AppError {
  const near = table.nearNames(query.model);
  const hint = near.length === 0 ? '`GET /v1/models` lists what is served.' : `Did you mean ${near.map((name) => `"${name}"`).join(', ')}?`;
  return new AppError('model_not_found', { message: `No account serves the model "${shorten(query.model)}". ${hint}`, fields: { param: 'model' } });
}

export function refuseDialect(query: RouteQuery, candidates: readonly Candidate[]): AppError {
  const served = [...new Set(candidates.flatMap(({ account }) => account.dialects))].sort();
  return new AppError('dialect_not_served', { message: `The model "${shorten(query.model)}" is not served in the dialect ${query.dialect} here, only in ${served.join(', ')}.`, fields: { param: 'model', dialects: served } });
}

export function refuseDisabled(query: RouteQuery): AppError {
  return new AppError('account_unavailable', { message: `Accounts for the model "${shorten(query.model)}" exist, but all are disabled.`, fields: { reason: 'disabled' } });
}

/** All candidates cool; `cooldowns` are theirs, `untilMs` the earliest end that counts. */
export function refuseCooling(query: RouteQuery, cooldowns: readonly Cooldown[], untilMs: number, nowMs: number): AppError {
  if (cooldowns.every(({ status }) => status === 401 || status === 402 || status === 403)) {
    return new AppError('account_unavailable', { message: `The upstream refuses every account that serves the model "${shorten(query.model)}"; the operator sees which in \`keyward status\`.`, fields: { reason: 'upstream_refused_credential' } });
  }
  const seconds = Math.max(1, Math.ceil((untilMs - nowMs) / 1_000));
  return new AppError('model_cooldown', {
    message: `All accounts that serve the model "${shorten(query.model)}" are cooling down.`,
    fields: { model: query.model, reset_seconds: seconds, reset_time: spell(seconds) },
    headers: { 'retry-after': String(seconds) },
  });
}

/** `1m30s` */
function spell(seconds: number): string {
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor((seconds % 3_600) / 60);
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes}m` : ''}${seconds % 60}s`;
}

function shorten(model: string): string {
  return model.length <= 128 ? model : `${model.slice(0, 128)}…`;
}
