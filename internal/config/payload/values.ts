import { endOfValue } from '../../dialect/json-scan.ts';

/*
 * Values of payload rules as the JSON text that goes into a body.
 */

/** A value of a YAML file; undefined for what JSON has no form for (`.nan`, `.inf`). */
export function jsonOfValue(value: unknown): string | undefined {
  return isJsonValue(value) ? JSON.stringify(value) : undefined;
}

/** A value of a `*-raw` rule: text is JSON already, anything else is a value. Undefined for text that is no JSON, and for null. */
export function jsonOfRawValue(value: unknown): string | undefined {
  if (value === null) return undefined;
  if (typeof value !== 'string') return jsonOfValue(value);
  const text = value.trim();
  const bytes = Buffer.from(text);
  return endOfValue(bytes, 0) === bytes.length ? text : undefined;
}

function isJsonValue(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value === 'object' && Object.values(value).every(isJsonValue);
}
