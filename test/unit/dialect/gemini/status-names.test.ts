import { describe, expect, it } from 'vitest';
import { gemini } from '../../../../internal/dialect/gemini/codec.ts';
import { renderStreamError, streamErrorOf } from '../../../../internal/dialect/stream-error.ts';

const nameIn = (event: string): unknown => JSON.parse(event.replace(/^data: /, '')).error.status;

describe('an error in Gemini’s words', () => {
  it.each([
    [400, 'invalid_request', 'INVALID_ARGUMENT'],
    [400, 'FAILED_PRECONDITION', 'FAILED_PRECONDITION'],
    [400, 'failed_precondition', 'FAILED_PRECONDITION'],
    [400, 'out_of_range', 'OUT_OF_RANGE'],
    // A code that stands for another status says nothing of this one.
    [400, 'unauthenticated', 'INVALID_ARGUMENT'],
    [401, 'invalid_api_key', 'UNAUTHENTICATED'],
    [403, 'model_not_allowed', 'PERMISSION_DENIED'],
    [404, 'model_not_found', 'NOT_FOUND'],
    [409, 'aborted', 'ABORTED'],
    [409, 'already_exists', 'ALREADY_EXISTS'],
    [412, 'x', 'FAILED_PRECONDITION'],
    [413, 'body_too_large', 'INVALID_ARGUMENT'],
    [429, 'model_cooldown', 'RESOURCE_EXHAUSTED'],
    [499, 'client_closed', 'CANCELLED'],
    [500, 'internal_error', 'INTERNAL'],
    [501, 'dialect_not_served', 'UNIMPLEMENTED'],
    [502, 'stream_truncated', 'UNAVAILABLE'],
    [503, 'account_unavailable', 'UNAVAILABLE'],
    [504, 'upstream_timeout', 'DEADLINE_EXCEEDED'],
    [529, 'overloaded_error', 'UNAVAILABLE'],
    [505, 'constructor', 'INTERNAL'],
  ])('%i %s is named %s, in a body as in a stream', (status, code, name) => {
    const error = { status, code, message: 'm', type: 'api_error' };
    expect(nameIn(renderStreamError('gemini', error, true))).toBe(name);
    expect(gemini.encodeError({ ...error, param: undefined }, 'req-1')).toMatchObject({ error: { code: status, status: name } });
  });

  it.each([['RESOURCE_EXHAUSTED', 429], ['constructor', 502]])('%s, told in a stream without its number, is a %i', (status, expected) => {
    const [event] = gemini.createStreamDecoder({ dialect: 'gemini', account: 'a', vendor: 'google', provider: 'gemini' }).push({ event: '', data: JSON.stringify({ error: { status, message: 'm' } }) });
    expect(event).toMatchObject({ type: 'error', error: { status: expected } });
  });

  it('keeps the name that an upstream gave it when it can only be said in a stream', () => {
    const body = Buffer.from('{"error":{"code":400,"message":"m","status":"FAILED_PRECONDITION"}}');
    expect(nameIn(renderStreamError('gemini', streamErrorOf(400, body), true))).toBe('FAILED_PRECONDITION');
  });
});
