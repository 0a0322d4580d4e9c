import type { Principal } from '../clients/principal.ts';
import { AppError } from '../fault/app-error.ts';
import { escapeForeign } from '../log/escape.ts';
import { matchesGlob } from './wildcard.ts';

/** Whether the caller may use the model, by the name it calls it: prefix and letter case count. No limit allows all. */
export function mayUse({ models }: Pick<Principal, 'models'>, model: string): boolean {
  return models === undefined || models.some((pattern) => matchesGlob(pattern, model));
}

/** The same refusal whether the model exists or not: what a caller may not use it is not told of either. */
export function refuseDisallowedModel(model: string): AppError {
  return new AppError('model_not_allowed', { message: `This key may not use the model "${escapeForeign(model, 128)}"; \`GET /v1/models\` lists what it may.`, fields: { param: 'model' } });
}
