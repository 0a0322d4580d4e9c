import { Secret } from '../secret/secret.ts';
import { escapeForeign } from './escape.ts';

export const redacted = '[redacted]';

const secretName = /authorization|api[-_]?key|token|secret|cookie|password|credential|sec-websocket-protocol|^(?:x-)?key$|user[-_]code/i;
/** Fields of our own lines that the pattern hits though they hold counts. */
const harmlessField = /tokens$/i;

/** Headers whose values are shown. Others show their name alone: a client may carry a secret in any header it invents. */
const shownHeaders: ReadonlySet<string> = new Set([
  'accept', 'accept-encoding', 'accept-language', 'anthropic-beta', 'anthropic-version', 'cache-control', 'connection', 'content-encoding',
  'content-length', 'content-type', 'date', 'expect', 'host', 'keep-alive', 'openai-beta', 'openai-version', 'openai-processing-ms', 'retry-after',
  'server', 'te', 'transfer-encoding', 'upgrade', 'user-agent', 'vary', 'www-authenticate', 'x-goog-api-client', 'x-request-id', 'x-should-retry',
]);
const shownHeaderPrefixes = ['x-stainless-', 'x-ratelimit-', 'anthropic-ratelimit-', 'ratelimit-', 'x-keyward-'] as const;

/** Query parameters whose values are shown. */
const shownParameters: ReadonlySet<string> = new Set(['after', 'alt', 'beta', 'before', 'include', 'limit', 'model', 'order', 'pagesize', 'prettyprint', 'since', 'starting_after', 'stream']);

// A credential in the wrong place: `sk-…`, `Bearer …`, a JWT, Google's and GitHub's prefixes.
const credential = /\b(?:Bearer|Basic|DPoP)\s+[^\s"',;)]+|\b(?:sk|pk|rk|key|gh[pousr])[-_][\w-]{8,}|\bAIza[\w-]{8,}|\bya29\.[\w-]+|\beyJ[\w-]{4,}(?:\.[\w-]*)*/gi;
const secretParameter = /([?&;](?:key|auth_token|access_token|refresh_token|id_token|token|state|code|user_code|api[-_]?key|client_secret|secret)=)[^&;\s"'<>]+/gi;

/** True for fields whose text never goes into a log line; numbers always may. */
export function isSecretField(name: string): boolean {
  return secretName.test(name) && !harmlessField.test(name);
}

/** A header's value as a log may show it. `name` in lower case. */
export function showHeader(name: string, value: string): string {
  const shown = shownHeaders.has(name) || shownHeaderPrefixes.some((prefix) => name.startsWith(prefix));
  return shown && !secretName.test(name) ? escapeForeign(redactText(value), 2_048) : redacted;
}

/** A query without `?`; every value outside a short list of harmless parameters is cut out. Names are decoded first, so `k%65y` hides nothing. */
export function redactQuery(query: string): string {
  if (query === '') return '';
  return query
    .split('&')
    .map((pair) => {
      const at = pair.indexOf('=');
      const name = decodeName(at < 0 ? pair : pair.slice(0, at));
      if (name !== undefined && shownParameters.has(name.toLowerCase())) return escapeForeign(redactText(pair), 512);
      // A bare value is not known to be a name.
      return at < 0 || name === undefined ? redacted : `${escapeForeign(redactText(name), 64)}=${redacted}`;
    })
    .join('&');
}

/** Free text (error messages, stacks) with query secrets and what looks like a credential cut out. */
export function redactText(text: string): string {
  return text.replace(secretParameter, `$1${redacted}`).replace(credential, redacted);
}

/**
 * Makes the function that takes secrets out of a log line's fields: by type (`Secret`), by name at any depth, errors as
 * message, code and cause alone. It returns the same object when nothing had to go.
 */
export function createFieldRedactor(): (fields: Record<string, unknown>) => Record<string, unknown> {
  // Field names are few and ours, so the pattern runs once for each.
  const known = new Map<string, boolean>();

  const isSecret = (name: string): boolean => {
    const seen = known.get(name);
    if (seen !== undefined) return seen;
    const secret = isSecretField(name);
    if (known.size < 1_000) known.set(name, secret);
    return secret;
  };

  const redactValue = (name: string, value: unknown, depth: number): unknown => {
    if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null) return value;
    if (isSecret(name)) return redacted;
    if (typeof value === 'string') return /url$/i.test(name) ? redactText(value) : value;
    return typeof value === 'object' ? redactObject(value, depth + 1) : `[${typeof value}]`;
  };

  const redactObject = (value: object, depth: number): unknown => {
    if (value instanceof Secret) return redacted;
    if (value instanceof Error) return describeError(value);
    if (depth > 6) return '[deep]';
    if (Array.isArray(value)) return value.slice(0, 100).map((item: unknown) => redactValue('', item, depth));
    if (value instanceof Map) return redactObject(Object.fromEntries(value), depth);
    if (value instanceof Uint8Array) return `[${value.length} bytes]`;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, redactValue(name, item, depth)]));
  };

  return (fields) => {
    let copy: Record<string, unknown> | undefined;
    for (const name in fields) {
      const value = fields[name];
      const kept = redactValue(name, value, 0);
      if (kept !== value) {
        copy ??= { ...fields };
        copy[name] = kept;
      }
    }
    return copy ?? fields;
  };
}

/** An error for the log: no members beyond these, since libraries hang requests and headers on theirs. */
export function describeError(thrown: unknown, depth: number = 0): unknown {
  if (!(thrown instanceof Error)) return redactText(String(thrown));
  const code: unknown = Reflect.get(thrown, 'code');
  return {
    type: thrown.name,
    message: redactText(thrown.message),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(depth === 0 && thrown.stack !== undefined ? { stack: redactText(thrown.stack) } : {}),
    ...(thrown.cause !== undefined && depth < 4 ? { cause: describeError(thrown.cause, depth + 1) } : {}),
  };
}

function decodeName(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
