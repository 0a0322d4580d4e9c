/** Milliseconds of an RFC 3339 time or date, or of Unix seconds; undefined for anything else. */
export function parseInstant(text: string): number | undefined {
  const atMs = /^\d{1,11}$/.test(text) ? Number(text) * 1_000 : /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) || atMs < 0 || atMs > 8.64e15 ? undefined : atMs;
}
