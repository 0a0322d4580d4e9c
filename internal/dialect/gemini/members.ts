import { isRecord, listOf, type JsonRecord } from '../ir/json.ts';

/** A member by its name in camel case; the API takes snake case as well. */
export function pick(value: unknown, name: string): unknown {
  if (!isRecord(value)) return undefined;
  return value[name] ?? value[snakeCase(name)];
}

export function pickRecord(value: unknown, name: string): JsonRecord | undefined {
  const found = pick(value, name);
  return isRecord(found) ? found : undefined;
}

export function pickList(value: unknown, name: string): readonly unknown[] {
  return listOf(pick(value, name));
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The name in camel case, whichever way it is written. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
