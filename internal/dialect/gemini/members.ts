import { flagOf, invalidMember, isRecord, listOf, numberOf, textOf, type JsonRecord } from '../ir/json.ts';

/*
 * Members by their names in camel case; the API takes snake case as well. `null` is how some clients write what they do not mean.
 */

export function pick(value: unknown, name: string): unknown {
  if (!isRecord(value)) return undefined;
  return value[name] ?? value[snakeCase(name)] ?? undefined;
}

export function pickRecord(value: unknown, name: string): JsonRecord | undefined {
  const found = pick(value, name);
  return isRecord(found) ? found : undefined;
}

export function pickText(value: unknown, name: string): string | undefined {
  return textOf(pick(value, name));
}

export function pickList(value: unknown, name: string): readonly unknown[] {
  return listOf(pick(value, name));
}

export function pickTexts(value: unknown, name: string): readonly string[] {
  return pickList(value, name).map(textOf).filter((text) => text !== undefined);
}

/** A client's number; the API also reads numbers written as text. */
export function readNumber(record: JsonRecord, name: string, path: string): number | undefined {
  const value = pick(record, name);
  return read(typeof value === 'string' && value.trim() !== '' ? Number(value) : value, numberOf, `${path}.${name}`, 'a number');
}

export function readText(record: JsonRecord, name: string, path: string): string | undefined {
  return read(pick(record, name), textOf, path === '' ? name : `${path}.${name}`, 'a string');
}

export function readFlag(record: JsonRecord, name: string, path: string): boolean | undefined {
  return read(pick(record, name), flagOf, `${path}.${name}`, 'true or false');
}

export function readRecord(record: JsonRecord, name: string, path: string): JsonRecord | undefined {
  return read(pick(record, name), (value) => (isRecord(value) ? value : undefined), path === '' ? name : `${path}.${name}`, 'an object');
}

function read<T>(value: unknown, decode: (value: unknown) => T | undefined, path: string, expected: string): T | undefined {
  if (value === undefined || value === null) return undefined;
  const decoded = decode(value);
  if (decoded === undefined) throw invalidMember(path, expected);
  return decoded;
}

/** The object's members under their names in camel case, without those that mean nothing. */
export function camelMembers(record: JsonRecord): readonly (readonly [string, unknown])[] {
  return Object.entries(record).flatMap(([name, value]) => (value === undefined || value === null ? [] : [[camelCase(name), value] as const]));
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The name in camel case, whichever way it is written. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
