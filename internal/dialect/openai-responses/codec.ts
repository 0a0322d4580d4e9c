import type { DialectCodec } from '../codec.ts';
import { decodeAnswer, encodeAnswer } from './answer.ts';
import { count } from './count.ts';
import { decodeError, encodeError } from './error.ts';
import { nameOf } from './names.ts';
import { decodeRequest } from './request-decode.ts';
import { encodeRequest } from './request-encode.ts';
import { createStreamDecoder } from './stream-decode.ts';
import { createStreamEncoder } from './stream-encode.ts';

/** OpenAI's Responses API. */
export const openaiResponses: DialectCodec = {
  dialect: 'openai-responses',
  nameOf,
  decodeRequest,
  encodeRequest,
  decodeAnswer,
  encodeAnswer,
  createStreamDecoder,
  createStreamEncoder,
  count,
  decodeError,
  encodeError,
};
