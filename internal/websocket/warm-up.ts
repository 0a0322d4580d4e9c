import type { RoutingTable } from '../routing/ports.ts';
import type { Principal } from '../clients/principal.ts';
import { AppError } from '../fault/app-error.ts';
import { isLimitedInAccounts, mayBeServedBy, refuseDisallowedAccounts } from '../routing/account-limits.ts';
import { mayUse, refuseDisallowedModel } from '../routing/model-limits.ts';
import { refuseUnknownModel } from '../routing/refusals.ts';
import { randomHex } from '../secret/digest.ts';

export interface WarmUp {
  readonly responseId: string;
  /** The events that answer it. */
  readonly events: readonly string[];
}

/** Refuses a warm-up for a model that the turn after it could not have. Codes: `missing_model`, `model_not_allowed`, `model_not_found`, `account_not_allowed`. */
export function checkWarmUp(model: string | undefined, principal: Principal, routes: RoutingTable): string {
  if (model === undefined || model === '') throw new AppError('missing_model', { fields: { param: 'model' } });
  if (!mayUse(principal, model)) throw refuseDisallowedModel(model);
  if (routes.candidatesFor(model).length === 0) throw refuseUnknownModel(routes, { model, dialect: 'openai-responses', operation: 'responses', holders: principal.holders });
  if (isLimitedInAccounts(principal) && !routes.candidatesFor(model).some(({ account }) => mayBeServedBy(principal, account))) throw refuseDisallowedAccounts(model);
  return model;
}

const noTokens = { input_tokens: 0, input_tokens_details: { cached_tokens: 0 }, output_tokens: 0, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 0 } as const;

/** `generate: false`: an id to go on from, and no output. Nothing is sent upstream, where HTTP knows no such thing. */
export function answerWarmUp(model: string, previousId: string | undefined, nowSeconds: number): WarmUp {
  const responseId = `resp_${randomHex(24)}`;
  const common = { id: responseId, object: 'response', created_at: nowSeconds, background: false, error: null, incomplete_details: null, instructions: null, max_output_tokens: null, metadata: {}, model, output: [], parallel_tool_calls: true, previous_response_id: previousId ?? null, reasoning: { effort: null, summary: null }, temperature: null, text: { format: { type: 'text' } }, tool_choice: 'auto', tools: [], top_p: null, truncation: 'disabled' };
  return {
    responseId,
    events: [
      JSON.stringify({ type: 'response.created', sequence_number: 0, response: { ...common, status: 'in_progress', usage: null } }),
      JSON.stringify({ type: 'response.completed', sequence_number: 1, response: { ...common, status: 'completed', usage: noTokens } }),
    ],
  };
}
