import { isRecord, listOf, memberOf, textOf } from '../dialect/ir/json.ts';
import type { Principal } from '../clients/principal.ts';
import { mayUse, refuseDisallowedModel } from '../routing/model-limits.ts';
import { readMember } from './json-body.ts';

/** Where gateways behind an account look for models to take in place of the one that was asked for. */
const members = ['models', 'fallbacks', 'fallback_models'] as const;

/** A limit of models holds for those too that the body names beside its model. Nothing is read for callers without one. Error: `model_not_allowed`. */
export function refuseDisallowedFallbacks(principal: Principal, body: Buffer | undefined): void {
  if (body === undefined || principal.holders?.some(({ grant }) => grant.models !== undefined) !== true) return;
  for (const member of members) {
    for (const each of listOf(readMember(body, member))) {
      const model = textOf(isRecord(each) ? memberOf(each, 'model') : each);
      if (model !== undefined && !mayUse(principal, model)) throw refuseDisallowedModel(model);
    }
  }
}
