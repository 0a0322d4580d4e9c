import { describe, expect, it } from 'vitest';
import { openaiChat } from '../../../../internal/dialect/openai-chat/codec.ts';

const { decodeError, encodeError } = openaiChat;

describe('error bodies', () => {
  it.each([
    ['OpenAI', 400, { error: { message: 'Bad.', type: 'invalid_request_error', param: 'messages', code: 'context_length_exceeded' } }, { message: 'Bad.', type: 'invalid_request_error', param: 'messages', code: 'context_length_exceeded' }],
    ['a quota that is used up', 429, { error: { message: 'Quota.', type: 'insufficient_quota', code: 'insufficient_quota' } }, { message: 'Quota.', type: 'insufficient_quota', code: 'insufficient_quota' }],
    ['vLLM', 400, { object: 'error', message: 'Bad.', type: 'BadRequestError', code: 400 }, { message: 'Bad.', type: 'invalid_request_error', code: '400' }],
    ['FastAPI', 404, { detail: 'Not Found' }, { message: 'Not Found', type: 'not_found_error' }],
    ['Google', 429, [{ error: { code: 429, message: 'Slow.', status: 'RESOURCE_EXHAUSTED' } }], { message: 'Slow.', type: 'rate_limit_error', code: '429' }],
    ['a bare word', 503, { error: 'busy' }, { message: 'busy', type: 'overloaded_error' }],
    ['nothing', 500, undefined, { message: 'The upstream refused the request with status 500.', type: 'api_error' }],
  ])('%s says what failed in OpenAI’s words', (_name, status, body, said) => {
    expect(decodeError(status, body)).toEqual({ status, code: undefined, param: undefined, ...said });
  });

  it('a client reads the same error again', () => {
    const error = { status: 400, message: 'Bad.', type: 'invalid_request_error', code: 'x', param: 'y' };
    expect(encodeError(error, 'req_1')).toEqual({ error: { message: 'Bad.', type: 'invalid_request_error', param: 'y', code: 'x', request_id: 'req_1' } });
    expect(decodeError(400, encodeError(error, 'req_1'))).toEqual(error);
  });
});
