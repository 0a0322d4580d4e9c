import type { Price } from '../clients/limits/price.ts';
import { compileGlobs } from '../routing/wildcard.ts';

/** What models cost, as the operator says. */
export interface PriceList {
  /** By the name that the caller calls it; undefined where no entry has it. */
  readonly find: (model: string) => Price | undefined;
}

export interface PriceEntry {
  readonly model: string;
  readonly input: number;
  readonly output: number;
  readonly cached?: number | undefined;
}

/** The first entry that fits a model counts. */
export function compilePrices(entries: readonly PriceEntry[]): PriceList {
  const compiled = entries.map(({ model, input, output, cached = input }) => ({ isFor: compileGlobs([model]), price: { input, output, cached } }));
  return { find: (model) => compiled.find(({ isFor }) => isFor(model))?.price };
}
