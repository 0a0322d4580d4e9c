import type { ServedModel } from './account.ts';

/** One of an entry's `models`, as the configuration has it. */
export interface ModelEntry {
  readonly name: string;
  /** Empty for the upstream's name. */
  readonly alias: string;
  readonly 'max-output-tokens'?: number | undefined;
}

export function servedModel({ name, alias, 'max-output-tokens': tokens }: ModelEntry): ServedModel {
  const served = { name, alias: alias === '' ? name : alias };
  return tokens === undefined || tokens < 1 ? served : { ...served, maxOutputTokens: tokens };
}
