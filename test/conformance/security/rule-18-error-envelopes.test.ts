import { describe, expect, it } from 'vitest';
import { AppError } from '../../../internal/fault/app-error.ts';
import { renderFault } from '../../../internal/http/fault-wire.ts';

describe('rule 18: error envelopes keep their types', () => {
  it.each([['invalid_request', 400, 'INVALID_ARGUMENT'], ['missing_api_key', 401, 'UNAUTHENTICATED'], ['local_only', 403, 'PERMISSION_DENIED'], ['model_not_found', 404, 'NOT_FOUND'], ['model_cooldown', 429, 'RESOURCE_EXHAUSTED'], ['internal_error', 500, 'INTERNAL'], ['account_unavailable', 503, 'UNAVAILABLE'], ['upstream_timeout', 504, 'DEADLINE_EXCEEDED']] as const)(
    'Gemini’s error for %s has the integer %i and the name %s',
    (code, status, name) => {
      expect(JSON.parse(renderFault(new AppError(code), 'gemini', 'r').body)).toMatchObject({
        error: { code: status, status: name, details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code }] },
      });
    },
  );

  it('no field of an error can replace its code or status in Gemini’s envelope', () => {
    const error = new AppError('model_cooldown', { fields: { code: 'x', status: 'y', message: 'z' } });
    expect(JSON.parse(renderFault(error, 'gemini', 'r').body)).toMatchObject({ error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: error.message } });
  });

  it('SDKs are told not to hammer where waiting is no use', () => {
    const shouldRetry = (error: AppError) => renderFault(error, 'openai-chat', 'r').headers['x-should-retry'];
    expect(shouldRetry(new AppError('account_unavailable'))).toBe('false');
    expect(shouldRetry(new AppError('model_cooldown', { headers: { 'retry-after': '61' } }))).toBe('false');
    expect(shouldRetry(new AppError('model_cooldown', { headers: { 'retry-after': '60' } }))).toBeUndefined();
    expect(shouldRetry(new AppError('upstream_error'))).toBeUndefined();
  });
});
