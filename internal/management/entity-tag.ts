import { createHmac } from 'node:crypto';
import { AppError } from '../fault/app-error.ts';

/** A strong entity tag over a JSON-able value, quotes included. @see RFC 9110 §8.8.3 */
export function entityTag(tagSecret: string, value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? null);
  return `"${createHmac('sha256', tagSecret).update(text).digest('hex').slice(0, 32)}"`;
}

/** Errors: `precondition_failed` when `If-Match` names none of these tags nor `*`. Weak tags never match. @see RFC 9110 §13.1.1 */
export function checkIfMatch(header: string | undefined, tag: string, ...others: readonly string[]): void {
  if (header === undefined) return;
  const wanted = header.split(',').map((part) => part.trim());
  if (!wanted.includes('*') && ![tag, ...others].some((current) => wanted.includes(current))) throw new AppError('precondition_failed', { headers: { etag: tag } });
}
