import type { CountCodec, DialectCodec } from '../codec.ts';
import { memberOf, numberOf } from '../ir/json.ts';
import { decodeAnswer, encodeAnswer } from './answer.ts';
import { decodeError, encodeError } from './error.ts';
import { nameOf } from './names.ts';
import { decodeCountRequest, decodeRequest } from './request-decode.ts';
import { encodePrompt, encodeRequest } from './request-encode.ts';
import { createStreamDecoder } from './stream-decode.ts';
import { createStreamEncoder } from './stream-encode.ts';

/** @see https://ai.google.dev/api/tokens */
const count: CountCodec = {
  decodeRequest: decodeCountRequest,
  encodeRequest: (request, target, losses) => {
    const prompt = encodePrompt(request, target, losses);
    // Only a whole request, which names its model again, may have more than contents.
    const isBare = Object.keys(prompt).length === 1;
    return isBare ? prompt : { generateContentRequest: { model: `models/${target.model ?? ''}`, ...prompt } };
  },
  decodeAnswer: (body) => numberOf(memberOf(body, 'totalTokens')),
  encodeAnswer: (tokens) => ({ totalTokens: tokens }),
};

/** Google's Gemini API. */
export const gemini: DialectCodec = {
  dialect: 'gemini',
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
