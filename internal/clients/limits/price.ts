/** What a million tokens cost, in the operator's currency. */
export interface Price {
  readonly input: number;
  readonly output: number;
  /** Input that the upstream read from its cache. */
  readonly cached: number;
}

/** Cached tokens are part of the input. */
export interface SpentTokens {
  readonly input: number;
  readonly output: number;
  readonly cached: number;
}

export function costOf(price: Price, { input, output, cached }: SpentTokens): number {
  return (Math.max(0, input - cached) * price.input + cached * price.cached + output * price.output) / 1_000_000;
}
