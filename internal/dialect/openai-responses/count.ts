import type { CountCodec } from '../codec.ts';
import { compact, memberOf, numberOf } from '../ir/json.ts';
import { decodeRequest } from './request-decode.ts';
import { encodePrompt } from './request-encode.ts';

/** @see https://developers.openai.com/api/reference/resources/responses/subresources/input_tokens/methods/count */
export const count: CountCodec = {
  decodeRequest: (body) => decodeRequest(body, false),
  encodeRequest: (request, target, losses) => compact({ ...encodePrompt(request, target, losses) }),
  decodeAnswer: (body) => numberOf(memberOf(body, 'input_tokens')),
  encodeAnswer: (tokens) => ({ object: 'response.input_tokens', input_tokens: tokens }),
};
