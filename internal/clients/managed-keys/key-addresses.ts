/** Where a text was used from, and when it was last. */
export interface KeyAddress {
  readonly address: string;
  readonly atMs: number;
}

/** Of each text; enough to tell one holder from many. */
export const maxAddresses = 16;

/** The newest first. */
export function mergeAddresses(present: readonly KeyAddress[], seen: readonly KeyAddress[]): readonly KeyAddress[] {
  const newest = new Map<string, number>();
  for (const { address, atMs } of [...present, ...seen]) newest.set(address, Math.max(atMs, newest.get(address) ?? 0));
  return [...newest].map(([address, atMs]) => ({ address, atMs })).sort((one, other) => other.atMs - one.atMs).slice(0, maxAddresses);
}
