import { parseObject } from './private-file.ts';

/** A short-lived token for programs that cannot prove possession of a key; what `keyward token` prints. */
export interface Bearer {
  readonly token: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/** A clock that was set back makes an old token look young. */
const oddClockMs = 60_000;

/** Renewed when a fifth of its life, or a minute, is left: whichever comes first. A token that lives for less than two minutes is kept for half its life. */
export function isFresh({ issuedAtMs, expiresAtMs }: Pick<Bearer, 'issuedAtMs' | 'expiresAtMs'>, nowMs: number): boolean {
  const lifeMs = expiresAtMs - issuedAtMs;
  const leadMs = Math.min(lifeMs / 2, Math.max(60_000, lifeMs / 5));
  return nowMs < expiresAtMs - leadMs && nowMs > issuedAtMs - oddClockMs;
}

/** True while a server would still take it. */
export function isAlive({ expiresAtMs }: Pick<Bearer, 'expiresAtMs'>, nowMs: number): boolean {
  return nowMs < expiresAtMs - 2_000;
}

/** Undefined for what is none. */
export function decodeBearer(text: string): Bearer | undefined {
  const { token, issued_at_ms: issuedAtMs, expires_at_ms: expiresAtMs } = parseObject(text) ?? {};
  return typeof token === 'string' && typeof issuedAtMs === 'number' && typeof expiresAtMs === 'number' ? { token, issuedAtMs, expiresAtMs } : undefined;
}

export function encodeBearer({ token, issuedAtMs, expiresAtMs }: Bearer): string {
  return `${JSON.stringify({ token, issued_at_ms: issuedAtMs, expires_at_ms: expiresAtMs })}\n`;
}
