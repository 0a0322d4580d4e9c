import type { DialectCodec } from '../../dialect/codec.ts';
import type { JsonRecord } from '../../dialect/ir/json.ts';
import { truncated, unreadable, type StreamError } from '../../dialect/stream-error.ts';
import type { OpeningError } from '../../dialect/stream-opening.ts';

/** Larger answers are refused rather than held; pictures make the largest. */
export const maxWholeBytes = 64 * 1024 * 1024;

export const tooLarge: StreamError = { message: 'The upstream\'s answer is too large to be carried over.', type: 'api_error', code: 'upstream_error', status: 502 };
/** The answer came as it should, and its client's dialect has no way to say it. */
export const untranslatable: StreamError = { message: 'The upstream\'s answer could not be carried over into this dialect.', type: 'api_error', code: 'upstream_error', status: 502 };

/** Said by Keyward, not by an upstream. */
const own: ReadonlySet<StreamError> = new Set([truncated, unreadable, tooLarge, untranslatable]);

export function failureOf(client: DialectCodec, error: StreamError, requestId: string): OpeningError {
  const { message, type, code } = error;
  const status = error.status >= 400 && error.status < 600 ? error.status : 502;
  return {
    status,
    body: bodyOf(client.encodeError({ status, message, type, code }, requestId)),
    ownWords: own.has(error) ? message : undefined,
    isBlameless: error === untranslatable,
  };
}

export function bodyOf(record: JsonRecord): Buffer {
  return Buffer.from(JSON.stringify(record));
}
