import type { Context } from 'hono';
import { parseInstant } from '../clock/instant.ts';
import { AppError } from '../fault/app-error.ts';

/** `true` or `false`, absent is false. Errors: `invalid_request` naming the parameter. */
export function queryFlag(c: Context, name: string): boolean {
  const value = c.req.query(name);
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  throw invalid(name, 'must be true or false');
}

/** A whole number in decimal digits. Errors: `invalid_request` naming the parameter. */
export function queryInteger(c: Context, name: string, range: { readonly min: number; readonly max: number }): number | undefined {
  const value = c.req.query(name);
  if (value === undefined) return undefined;
  const parsed = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (!(parsed >= range.min && parsed <= range.max)) throw invalid(name, `must be a whole number from ${range.min} to ${range.max}`);
  return parsed;
}

/** An RFC 3339 time or date, or Unix seconds; in milliseconds. Errors: `invalid_request` naming the parameter. */
export function queryInstant(c: Context, name: string): number | undefined {
  const value = c.req.query(name);
  if (value === undefined) return undefined;
  const atMs = parseInstant(value);
  if (atMs === undefined) throw invalid(name, 'must be an RFC 3339 time or Unix seconds');
  return atMs;
}

function invalid(name: string, why: string): AppError {
  return new AppError('invalid_request', { message: `invalid ${name}: it ${why}`, fields: { param: name } });
}
