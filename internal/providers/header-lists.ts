import type { Dialect } from '../dialect/dialect.ts';
import { isFieldValue } from '../dialect/field-value.ts';

/*
 * What passes the proxy (security rule 11): canonical names only, everything else stays on its side. Framing, connection,
 * credential, cookie, forwarding, organization and project headers are in no list.
 */

const always = ['accept', 'content-type', 'idempotency-key'] as const;

const upByDialect: Readonly<Record<Dialect, ReadonlySet<string>>> = {
  'openai-chat': new Set([...always, 'openai-beta']),
  'openai-responses': new Set([...always, 'openai-beta', 'session_id', 'session-id', 'conversation_id', 'x-codex-turn-state']),
  'anthropic-messages': new Set([...always, 'anthropic-version', 'anthropic-beta']),
  gemini: new Set([...always, 'x-goog-api-client']),
};

/** Request headers that go upstream in a dialect. */
export function upstreamRequestHeaders(dialect: Dialect): ReadonlySet<string> {
  return upByDialect[dialect];
}

/** A comma list of betas with further ones at its end, each once. */
export function joinBetas(stated: string, further: readonly string[]): string {
  const names = stated.split(',').map((name) => name.trim()).filter((name) => name !== '');
  return [...new Set([...names, ...further])].join(',');
}

const queryByDialect: Readonly<Record<Dialect, ReadonlySet<string>>> = {
  'openai-chat': new Set(),
  'openai-responses': new Set(['include', 'include[]', 'stream', 'starting_after']),
  'anthropic-messages': new Set(['beta']),
  gemini: new Set(['alt', '$alt']),
};

/** The query that goes upstream, with its `?`; empty when nothing of it may pass. */
export function upstreamQuery(dialect: Dialect, query: string): string {
  if (query === '') return '';
  const allowed = queryByDialect[dialect];
  // Some servers split at semicolons too, so that a kept pair could carry another.
  const kept = query.split('&').filter((pair) => !pair.includes(';') && allowed.has(decodeName(pair)));
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}

function decodeName(pair: string): string {
  const name = pair.split('=', 1)[0] ?? '';
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return '';
  }
}

const down: ReadonlySet<string> = new Set([
  'content-type',
  'content-language',
  'content-disposition',
  'content-encoding',
  'cache-control',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
  'request-id',
  'openai-model',
  'openai-processing-ms',
  'openai-version',
  'x-codex-turn-state',
]);
const ratePrefixes = ['x-ratelimit-', 'anthropic-ratelimit-'] as const;

/** Whether an upstream answer's header (lower-case name) reaches the client. */
export function passesDown(name: string): boolean {
  return down.has(name) || tellsRates(name);
}

/** Whether the header says what is left of the account's rates. */
export function tellsRates(name: string): boolean {
  return ratePrefixes.some((prefix) => name.startsWith(prefix));
}

/** An upstream's header value as it may be sent on: bytes beyond ASCII stay as they are; undefined for control characters. */
export function sendableValue(value: string): string | undefined {
  if (isFieldValue(value)) return value;
  const bytes = Buffer.from(value, 'utf8').toString('latin1');
  return isFieldValue(bytes) ? bytes : undefined;
}

const ofRefusals = ['content-type', 'retry-after', 'retry-after-ms', 'request-id', 'x-should-retry'] as const;

/** Headers of an upstream's refusal (lower-case names) that stand beside its body where that is passed on. */
export function refusalHeaders(headers: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const kept: Record<string, string> = { 'content-type': 'application/json' };
  for (const name of ofRefusals) {
    const value = headers[name];
    const sendable = typeof value === 'string' ? sendableValue(value) : undefined;
    if (sendable !== undefined) kept[name] = sendable;
  }
  return kept;
}
