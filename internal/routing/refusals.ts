import type { Operation } from '../dialect/dialect.ts';
import { AppError } from '../fault/app-error.ts';
import { escapeForeign } from '../log/escape.ts';
import { isSwitchedOn } from './serving.ts';
import { nextTryMs, refusesCredential, type Cooldown } from './cooldown.ts';
import type { Candidate, RouteQuery, RoutingTable } from './ports.ts';

/** Nothing serves the name; the message lists near ones. */
export function refuseUnknownModel(table: RoutingTable, query: RouteQuery): AppError {
  const near = table.nearNames(query.model, query.holders);
  const hint = near.length === 0 ? '`GET /v1/models` lists what is served.' : `Did you mean ${near.map((name) => `"${escapeForeign(name)}"`).join(', ')}?`;
  return new AppError('model_not_found', { message: `No account serves the model ${quote(query.model)}. ${hint}`, fields: { param: 'model' } });
}

/** Served, but not by this operation: no account has the endpoint, and only generating and counting can be translated. */
export function refuseOperation(table: RoutingTable, query: RouteQuery, candidates: readonly Candidate[]): AppError {
  const spoken = [...new Set(candidates.filter(({ account }) => isSwitchedOn(account, table.settings)).flatMap(({ account }) => account.dialects))].sort();
  const message = `No account that serves the model ${quote(query.model)} offers ${nameOf[query.operation] ?? query.operation}, and that cannot be translated.`;
  return new AppError('dialect_not_served', { message, fields: { param: 'model', operation: query.operation, dialects: spoken } });
}

const nameOf: Readonly<Partial<Record<Operation, string>>> = { completions: 'text completions', embeddings: 'embeddings', images: 'images', audio: 'audio', realtime: 'realtime sessions', 'gemini-embed': 'embeddings in Gemini’s form' };

export function refuseSwitchedOff(query: RouteQuery): AppError {
  return new AppError('account_unavailable', { message: `Accounts for the model ${quote(query.model)} exist, but all are disabled.`, fields: { reason: 'disabled' } });
}

/** Whoever could still be asked waits for a person. Which account that is, and why, is the operator's to see. */
export function refuseBlocked(query: RouteQuery): AppError {
  return new AppError('account_unavailable', {
    message: `Every account left for the model ${quote(query.model)} needs a new login; the operator sees which in \`keyward status\`.`,
    fields: { reason: 'needs_login' },
  });
}

/** No candidate may be used now; each item of `cooling` is what keeps one of them. */
export function refuseCooling(query: RouteQuery, cooling: readonly (readonly Cooldown[])[], nowMs: number, maxCooldownMs: number): AppError {
  const waiting = cooling.filter((cooldowns) => !cooldowns.some(refusesCredential));
  if (waiting.length > 0) {
    const triesMs = waiting.map((cooldowns) => Math.max(...cooldowns.map((cooldown) => nextTryMs(cooldown, nowMs, maxCooldownMs))));
    return refuseUntil(query, Math.min(...triesMs), nowMs);
  }
  if (cooling.length > 0) {
    return new AppError('account_unavailable', {
      message: `The upstream refuses every account that serves the model ${quote(query.model)}; the operator sees which in \`keyward status\`.`,
      fields: { reason: 'upstream_refused_credential' },
    });
  }
  return new AppError('account_unavailable', { message: `Every account that serves the model ${quote(query.model)} has failed this request.`, fields: { reason: 'all_failed' } });
}

function refuseUntil(query: RouteQuery, untilMs: number, nowMs: number): AppError {
  const seconds = Math.max(1, Math.ceil((untilMs - nowMs) / 1_000));
  return new AppError('model_cooldown', {
    message: `All accounts that serve the model ${quote(query.model)} are cooling down.`,
    fields: { model: query.model, reset_seconds: seconds, reset_time: spellDuration(seconds) },
    headers: { 'retry-after': String(seconds) },
  });
}

/** `1h0m5s`, as Go prints a duration. */
function spellDuration(seconds: number): string {
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor((seconds % 3_600) / 60);
  return `${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds % 60}s`;
}

function quote(model: string): string {
  return `"${escapeForeign(model, 128)}"`;
}
