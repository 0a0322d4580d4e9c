/** A map of plain values, as JSON has it. */
export type Members = Readonly<Record<string, unknown>>;

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands at a path of member names and list indexes; undefined where it leads nowhere. Only own members count. */
export function valueAt(root: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((at, step) => {
    if (Array.isArray(at)) return typeof step === 'number' ? at[step] : undefined;
    return isMembers(at) && Object.hasOwn(at, step) ? at[String(step)] : undefined;
  }, root);
}
