import type { DialectCodec } from '../codec.ts';
import { decodeAnswer } from './answer-decode.ts';
import { encodeAnswer } from './answer.ts';
import { decodeError, encodeError } from './error.ts';
import { nameOf } from './names.ts';
import { decodeRequest } from './request-decode.ts';
import { encodeRequest } from './request-encode.ts';
import { createStreamDecoder } from './stream-decode.ts';
import { createStreamEncoder } from './stream-encode.ts';

/** OpenAI's Chat Completions, and what the many that imitate it make of it. */
export const openaiChat: DialectCodec = {
  dialect: 'openai-chat',
  nameOf,
  decodeRequest,
  encodeRequest,
  decodeAnswer,
  encodeAnswer,
  createStreamDecoder,
  createStreamEncoder,
  count: undefined,
  decodeError,
  encodeError,
};
