/** The value below which the share `share` (0–1) of the values lies (nearest rank); NaN for none. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  return values.length % 2 === 1 ? quantile(values, 0.5) : (quantile(values, 0.5) + (Float64Array.from(values).sort()[values.length / 2 - 1] ?? 0)) / 2;
}
