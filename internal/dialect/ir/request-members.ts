import { flagOf, invalidMember, isRecord, numberOf, textOf, type JsonRecord } from './json.ts';

/*
 * Members of a client's request. `null` is what some clients write for a member that they do not mean.
 */

export function readNumber(body: JsonRecord, name: string): number | undefined {
  return read(body, name, numberOf, 'a number');
}

export function readText(body: JsonRecord, name: string): string | undefined {
  return read(body, name, textOf, 'a string');
}

export function readFlag(body: JsonRecord, name: string): boolean | undefined {
  return read(body, name, flagOf, 'true or false');
}

export function readRecord(body: JsonRecord, name: string): JsonRecord | undefined {
  return read(body, name, (value) => (isRecord(value) ? value : undefined), 'an object');
}

function read<T>(body: JsonRecord, name: string, decode: (value: unknown) => T | undefined, expected: string): T | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  const decoded = decode(value);
  if (decoded === undefined) throw invalidMember(name, expected);
  return decoded;
}
