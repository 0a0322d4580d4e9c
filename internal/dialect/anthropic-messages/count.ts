import type { CountCodec } from '../codec.ts';
import { memberOf, numberOf } from '../ir/json.ts';
import { decodeRequest } from './request-decode.ts';
import { encodePrompt } from './request-encode.ts';

/**
 * `POST /v1/messages/count_tokens`
 * @see https://platform.claude.com/docs/en/api/messages/count_tokens
 */
export const countTokens: CountCodec = {
  decodeRequest: (body) => decodeRequest(body, false),
  encodeRequest: (request, target, losses) => encodePrompt(request, target, losses).prompt,
  decodeAnswer: (body) => numberOf(memberOf(body, 'input_tokens')),
  encodeAnswer: (tokens) => ({ input_tokens: tokens }),
};
