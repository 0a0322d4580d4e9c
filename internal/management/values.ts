import { isDeepStrictEqual } from 'node:util';
import type { ConfigPath } from '../config/ports.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

export function isSame(left: unknown, right: unknown): boolean {
  return isDeepStrictEqual(left, right);
}

/** A copy of `root` with another value at `path`, which must exist. */
export function replaceAt(root: unknown, path: ConfigPath, value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (isList(root)) return root.map((item, index) => (index === step ? replaceAt(item, rest, value) : item));
  if (isObject(root)) return Object.fromEntries(Object.entries(root).map(([name, member]) => [name, name === step ? replaceAt(member, rest, value) : member]));
  return root;
}

/** `api-key-entries[1].api-key`, for messages. */
export function printPath(path: ConfigPath): string {
  return path.map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`)).join('');
}
