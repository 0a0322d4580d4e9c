import { faults } from '../fault/codes.ts';
import type { Dialect } from './dialect.ts';
import { geminiNameOf } from './gemini/status-names.ts';
import { memberOf, parseJson, textOf } from './ir/json.ts';

/** What a stream's error event says. */
export interface StreamError {
  readonly message: string;
  readonly type: string;
  readonly code: string;
  readonly status: number;
}

/** A stream that ended without its dialect's last mark. */
export const truncated: StreamError = { message: faults.stream_truncated.message, type: faults.stream_truncated.type, code: 'stream_truncated', status: faults.stream_truncated.status };

/** What was to be an answer is none of its dialect. */
export const unreadable: StreamError = { message: 'The upstream answered with something that is no answer of its dialect.', type: faults.upstream_error.type, code: 'upstream_error', status: faults.upstream_error.status };

/**
 * The dialect's own error event, to follow bytes already sent. `isBetweenEvents` false means the last event is
 * unfinished: it is ended by a blank line first, so that a parser sees the error as an event of its own.
 */
export function renderStreamError(dialect: Dialect, error: StreamError, isBetweenEvents: boolean): string {
  return `${isBetweenEvents ? '' : '\n\n'}${eventOf(dialect, error)}\n\n`;
}

/** What an error's JSON body says, for an answer that can only say it as an event. */
export function streamErrorOf(status: number, body: Buffer): StreamError {
  const error = memberOf(parseJson(body.toString('utf8')), 'error');
  return {
    message: textOf(memberOf(error, 'message')) ?? `The upstream refused the request with status ${status}.`,
    type: textOf(memberOf(error, 'type')) ?? 'api_error',
    // Gemini's code is the status as a number, its status the code.
    code: textOf(memberOf(error, 'code')) ?? textOf(memberOf(error, 'status')) ?? 'upstream_error',
    status,
  };
}

function eventOf(dialect: Dialect, error: StreamError): string {
  const { message, type, code, status } = error;
  switch (dialect) {
    case 'openai-chat':
      return `data: ${JSON.stringify({ error: { message, type, code, param: null } })}`;
    case 'openai-responses':
      return `event: error\ndata: ${JSON.stringify({ type: 'error', code, message, param: null, sequence_number: 0, error: { message, type, code } })}`;
    case 'anthropic-messages':
      return `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type, message, code } })}`;
    case 'gemini':
      return `data: ${JSON.stringify({ error: { code: status, message, status: geminiNameOf(status, code), details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code, domain: 'keyward' }] } })}`;
  }
}
