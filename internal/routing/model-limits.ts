import type { Principal } from '../clients/principal.ts';
import { AppError } from '../fault/app-error.ts';
import { escapeForeign } from '../log/escape.ts';
import { compileGlobs } from './wildcard.ts';

const compiled = new WeakMap<readonly string[], (name: string) => boolean>();

/** Whether every holder may use the model, by the name the caller calls it: prefix and letter case count. No limit allows all. */
export function mayUse({ holders }: Pick<Principal, 'holders'>, model: string): boolean {
  if (holders === undefined) return true;
  for (const { grant } of holders) if (grant.models !== undefined && !matcherOf(grant.models)(model)) return false;
  return true;
}

function matcherOf(patterns: readonly string[]): (name: string) => boolean {
  const known = compiled.get(patterns);
  if (known !== undefined) return known;
  const matcher = compileGlobs(patterns);
  compiled.set(patterns, matcher);
  return matcher;
}

/** The same refusal whether the model exists or not: what a caller may not use it is not told of either. */
export function refuseDisallowedModel(model: string): AppError {
  return new AppError('model_not_allowed', { message: `This key may not use the model "${escapeForeign(model, 128)}"; \`GET /v1/models\` lists what it may.`, fields: { param: 'model' } });
}
