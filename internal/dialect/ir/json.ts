import { AppError } from '../../fault/app-error.ts';
import { isExactNumber, parseExact } from './exact-json.ts';

/** A JSON object as it was parsed: nothing is known of its members. */
export type JsonRecord = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value);
}

/** The member of that name; undefined for anything that has none. */
export function memberOf(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

/** What a table says of a word from outside; nothing of `constructor`, which every object has. */
export function entryOf<T>(table: Readonly<Record<string, T>>, word: string | undefined): T | undefined {
  return word !== undefined && Object.hasOwn(table, word) ? table[word] : undefined;
}

/** The value as a list; anything else is an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value if it is text, else undefined. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** The value if it is a finite number, as near as JavaScript has it, else undefined. */
export function numberOf(value: unknown): number | undefined {
  const number = isExactNumber(value) ? Number(value.rawJSON) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** The value if it is true or false, else undefined. */
export function flagOf(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

/** Parses JSON text from outside, its numbers exact (`parseExact`); undefined for what is none. */
export function parseJson(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return undefined;
  }
}

/** A member of a client's request that has no usable value. Throw it: 400 `invalid_request`, `param` names the place. */
export function invalidMember(path: string, expected: string): AppError {
  return new AppError('invalid_request', { message: `"${path}" must be ${expected}.`, fields: { param: path } });
}

/** The object without members that are undefined, so that they are not written. */
export function compact(value: object): JsonRecord {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}
