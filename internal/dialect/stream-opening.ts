import type { Dialect } from './dialect.ts';
import { createEventReader } from './ir/event-reader.ts';
import type { ServerEvent } from './ir/events.ts';
import { entryOf, isRecord, memberOf, numberOf, parseJson, textOf } from './ir/json.ts';

/** How a streamed answer begins: with events that promise nothing yet, with content, or with the upstream's own error. */
export type Opening = { readonly kind: 'opening' | 'content' } | { readonly kind: 'failed'; readonly error: OpeningError };

/** An error event as the answer it stands for: had it come a moment earlier, it would have had this status and body. */
export interface OpeningError {
  readonly status: number;
  readonly body: Buffer;
  /** What it says, where that is no word of the upstream's. */
  readonly ownWords?: string | undefined;
  /** The upstream did well: its answer came whole, and cannot be said to this client. */
  readonly isBlameless?: boolean | undefined;
}

/** Looks at a stream until it has content or has failed; not to be asked afterwards. */
export function watchOpening(dialect: Dialect): (chunk: Buffer) => Opening {
  const reader = createEventReader();
  return (chunk) => {
    for (const event of reader.push(chunk)) {
      const opening = classify(dialect, event);
      if (opening.kind !== 'opening') return opening;
    }
    return { kind: 'opening' };
  };
}

const beginnings: ReadonlySet<unknown> = new Set(['message_start', 'ping', 'response.created', 'response.queued', 'response.in_progress']);
const failures: ReadonlySet<unknown> = new Set(['error', 'response.failed']);

function classify(dialect: Dialect, { event, data }: ServerEvent): Opening {
  const hasTypes = dialect === 'anthropic-messages' || dialect === 'openai-responses';
  if (!hasTypes && !data.includes('"error"')) return { kind: 'content' };
  const payload = parseJson(data);
  if (!hasTypes) return isRecord(memberOf(payload, 'error')) ? failed(memberOf(payload, 'error'), data) : { kind: 'content' };
  const type = memberOf(payload, 'type') ?? event;
  if (beginnings.has(type)) return { kind: 'opening' };
  if (!failures.has(type)) return { kind: 'content' };
  if (dialect === 'anthropic-messages') return failed(memberOf(payload, 'error'), data);
  const stated = memberOf(memberOf(payload, 'response'), 'error') ?? memberOf(payload, 'error') ?? payload;
  const error = { message: memberOf(stated, 'message') ?? 'The upstream failed.', type: memberOf(stated, 'type') === 'error' ? 'api_error' : (memberOf(stated, 'type') ?? 'api_error'), code: memberOf(stated, 'code') ?? null, param: memberOf(stated, 'param') ?? null };
  return failed(stated, JSON.stringify({ error }));
}

function failed(error: unknown, body: string): Opening {
  return { kind: 'failed', error: { status: statusOfError(error), body: Buffer.from(body) } };
}

const statusByWord: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  invalid_prompt: 400,
  context_length_exceeded: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  model_not_found: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  insufficient_quota: 429,
  usage_limit_reached: 429,
  server_error: 500,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
  server_is_overloaded: 503,
};

/** The status an error object stands for, by its codes: a number where the vendor gives one, else its documented words; 502 for others. */
export function statusOfError(error: unknown): number {
  for (const name of ['status', 'status_code', 'http_code', 'code']) {
    const stated = numberOf(memberOf(error, name)) ?? Number(textOf(memberOf(error, name)) ?? Number.NaN);
    if (Number.isInteger(stated) && stated >= 400 && stated < 600) return stated;
  }
  for (const name of ['code', 'type']) {
    const status = entryOf(statusByWord, textOf(memberOf(error, name)));
    if (status !== undefined) return status;
  }
  return 502;
}
