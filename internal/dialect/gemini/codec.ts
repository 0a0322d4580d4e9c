import type { DialectCodec } from '../codec.ts';
import { decodeAnswer } from './answer-decode.ts';
import { encodeAnswer } from './answer.ts';
import { countTokens } from './count.ts';
import { decodeError, encodeError } from './error.ts';
import { nameOf } from './names.ts';
import { decodeRequest } from './request-decode.ts';
import { encodeRequest } from './request-encode.ts';
import { createStreamDecoder } from './stream-decode.ts';
import { createStreamEncoder } from './stream-encode.ts';

/** Google's Gemini API, also as Vertex AI and Code Assist speak it. */
export const gemini: DialectCodec = {
  dialect: 'gemini',
  nameOf,
  decodeRequest,
  encodeRequest,
  decodeAnswer,
  encodeAnswer,
  createStreamDecoder,
  createStreamEncoder,
  count: countTokens,
  decodeError,
  encodeError,
};
