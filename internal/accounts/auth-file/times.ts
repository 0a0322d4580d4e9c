// RFC 3339 §5.6, with the space and the missing zone that other programs leave; without a zone it is UTC.
const timestamp = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?\s*(Z|z|[+-]\d\d:\d\d)?$/;
/** Seconds reach this in the year 5138, milliseconds did in 1973. */
const leastMs = 100_000_000_000;

/** The last one that RFC 3339 has words for: the end of the year 9999. */
const latestMs = 253_402_300_799_999;

/** How a point in time is written in a file. */
export type TimeUnit = 'text' | 's' | 'ms';

/**
 * A point in time as files have it: RFC 3339, or a number of seconds or milliseconds (also as text). Undefined for anything
 * else, for times beyond the year 9999, and for the zeros that stand for "never".
 */
export function readTimeMs(value: unknown): number | undefined {
  const ms = typeof value === 'number' ? fromNumber(value) : typeof value === 'string' ? fromText(value.trim()) : Number.NaN;
  return Number.isFinite(ms) && ms > 0 && ms <= latestMs ? Math.round(ms) : undefined;
}

export function unitOfTime(value: unknown): TimeUnit {
  if (typeof value !== 'number') return 'text';
  return value < leastMs ? 's' : 'ms';
}

/** As JSON, in the unit the file has; at most the end of the year 9999. */
export function writeTime(atMs: number, unit: TimeUnit): string {
  const ms = Math.min(atMs, latestMs);
  switch (unit) {
    case 'text':
      return JSON.stringify(new Date(ms).toISOString());
    case 's':
      return String(Math.floor(ms / 1_000));
    case 'ms':
      return String(Math.round(ms));
  }
}

function fromNumber(value: number): number {
  return value < leastMs ? value * 1_000 : value;
}

function fromText(text: string): number {
  if (/^\d+(?:\.\d+)?$/.test(text)) return fromNumber(Number(text));
  const match = timestamp.exec(text);
  if (match === null) return Number.NaN;
  const [, day = '', time = '', fraction = '', zone = 'Z'] = match;
  return Date.parse(`${day}T${time}${fraction.slice(0, 4)}${zone.toUpperCase()}`);
}
