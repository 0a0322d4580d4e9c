import { describe, expect, it } from 'vitest';
import { AppError } from '../../../internal/fault/app-error.ts';
import { errorEvent, errorEventFrom, errorEventOf, withStreamId } from '../../../internal/websocket/error-event.ts';

const read = (text: string): unknown => JSON.parse(text);

describe('an error event', () => {
  it('has the four members of the API’s own, and where there is advice its headers', () => {
    expect(read(errorEvent(new AppError('overloaded', { headers: { 'retry-after': '1' } }), 'lane'))).toEqual({ type: 'error', status: 503, error: { type: 'overloaded_error', code: 'overloaded', message: expect.any(String), param: null }, headers: { 'retry-after': '1' }, stream_id: 'lane' });
    expect(read(errorEvent(new AppError('missing_model', { fields: { param: 'model' } }), undefined))).toEqual({ type: 'error', status: 400, error: { type: 'invalid_request_error', code: 'missing_model', message: expect.any(String), param: 'model' } });
  });

  it('says 400 for a previous response that is not there, as the guide does, where HTTP says 404', () => {
    const error = new AppError('previous_response_not_found');
    expect([error.status, read(errorEvent(error, undefined))]).toMatchObject([404, { status: 400 }]);
    expect(read(errorEventOf(404, new Map(), Buffer.from('{"error":{"code":"previous_response_not_found","type":"invalid_request_error","message":"m"}}'), undefined))).toMatchObject({ status: 400 });
  });

  it.each([
    ['no JSON', 'gateway says no', { type: 'api_error', code: null, message: 'The upstream refused the request with status 502.', param: null }],
    ['another shape', '{"detail":"x"}', { type: 'api_error', code: null, message: 'The upstream refused the request with status 502.', param: null }],
    ['an error that is text', '{"error":"x"}', { type: 'api_error', code: null, message: 'The upstream refused the request with status 502.', param: null }],
    ['a code that is a number', '{"error":{"code":42,"message":"m","type":"t","extra":[1]}}', { type: 't', code: null, message: 'm', param: null, extra: [1] }],
  ])('is made of a refusal with %s', (_what, body, error) => {
    expect(read(errorEventOf(502, new Map([['retry-after', '3'], ['set-cookie', 'x'], ['content-type', 'text/html']]), Buffer.from(body), undefined))).toEqual({ type: 'error', status: 502, error, headers: { 'retry-after': '3' } });
  });

  it.each([
    [{ type: 'error', code: 'server_error', message: 'm', param: null, sequence_number: 9 }, { status: 500, error: { type: 'api_error', code: 'server_error', message: 'm', param: null }, sequence_number: 9 }],
    [{ type: 'error', code: 'stream_truncated', message: 'm', sequence_number: 0, error: { message: 'm', type: 'api_error', code: 'stream_truncated' } }, { status: 502, error: { type: 'api_error', code: 'stream_truncated', message: 'm', param: null }, sequence_number: 0 }],
    [{ type: 'error', status: 418, error: { type: 't', code: 'c', message: 'm', param: 'p' } }, { status: 418, error: { type: 't', code: 'c', message: 'm', param: 'p' } }],
    [{ type: 'error' }, { status: 502, error: { type: 'api_error', code: null, message: 'The upstream failed.', param: null } }],
  ])('is made of the stream’s own %j', (payload, event) => {
    expect(read(errorEventFrom(payload, 's'))).toEqual({ type: 'error', ...event, stream_id: 's' });
  });
});

describe('withStreamId', () => {
  it('puts the id at the end and leaves all else as it came', () => {
    expect(withStreamId('{"a":1.0}', 's')).toBe('{"a":1.0,"stream_id":"s"}');
    expect(withStreamId('{"a":{"b":"}"}} ', 's')).toBe('{"a":{"b":"}"},"stream_id":"s"}');
    expect(withStreamId('{ }', 's')).toBe('{ "stream_id":"s"}');
    expect(withStreamId('{"a":1}', undefined)).toBe('{"a":1}');
  });

  it('wins over an id that an upstream made up', () => {
    expect(read(withStreamId('{"stream_id":"theirs","a":1}', 'ours'))).toEqual({ stream_id: 'ours', a: 1 });
  });
});
