import { describe, expect, it } from 'vitest';
import { AppError, toAppError } from '../../../internal/fault/app-error.ts';
import { faults, type FaultCode } from '../../../internal/fault/codes.ts';
import { dialectOfPath, renderFault, type FaultDialect } from '../../../internal/http/fault-wire.ts';

const bodyOf = (error: AppError, dialect: FaultDialect): unknown => JSON.parse(renderFault(error, dialect, 'req-1').body);

describe('an error on the wire', () => {
  it('has OpenAI’s shape', () => {
    expect(bodyOf(new AppError('missing_api_key'), 'openai-chat')).toEqual({ error: { message: 'invalid password', type: 'authentication_error', code: 'missing_api_key' } });
    expect(bodyOf(new AppError('model_cooldown', { fields: { reset_seconds: 30 } }), 'openai-responses')).toMatchObject({ error: { code: 'model_cooldown', reset_seconds: 30 } });
  });

  it('has Anthropic’s shape', () => {
    expect(bodyOf(new AppError('invalid_api_key'), 'anthropic-messages')).toEqual({ type: 'error', error: { message: 'invalid password', type: 'authentication_error', code: 'invalid_api_key' }, request_id: 'req-1' });
  });

  it('has Gemini’s shape with its own types', () => {
    expect(bodyOf(new AppError('invalid_api_key'), 'gemini')).toEqual({
      error: {
        code: 401, message: 'invalid password', status: 'UNAUTHENTICATED', type: 'authentication_error',
        details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'invalid_api_key', domain: 'keyward' }],
      },
    });
  });

  it('carries further members in every shape', () => {
    for (const dialect of ['openai-chat', 'anthropic-messages', 'gemini', 'management'] as const) {
      expect(bodyOf(new AppError('model_cooldown', { fields: { reset_seconds: 30 } }), dialect)).toMatchObject({ error: { reset_seconds: 30 } });
    }
  });

  it('says exactly the seed’s words where management is off', () => {
    const answer = renderFault(new AppError('not_found'), 'management', 'req-1');
    expect([answer.status, answer.body]).toEqual([404, '{"error":{"message":"Not Found","type":"not_found"}}']);
  });

  it.each(Object.keys(faults))('%s has a status, a JSON body and the request id in every dialect', (code) => {
    const known = Object.keys(faults).find((each): each is FaultCode => each === code);
    for (const dialect of ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini', 'management'] as const) {
      const answer = renderFault(new AppError(known ?? 'internal_error'), dialect, 'req-1');
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.headers['x-request-id']).toBe('req-1');
      expect(JSON.parse(answer.body)).toHaveProperty('error.message');
    }
  });

  it('never shows what a foreign error said', () => {
    const answer = renderFault(toAppError(new Error('canary /etc/passwd')), 'openai-chat', 'req-1');
    expect(answer.status).toBe(500);
    expect(JSON.stringify(answer)).not.toContain('canary');
  });

  it('challenges with the reason on 401 alone', () => {
    expect(renderFault(new AppError('missing_api_key'), 'gemini', 'r').headers['www-authenticate']).toBe('Bearer realm="keyward", error_description="missing_api_key"');
    expect(renderFault(new AppError('key_revoked'), 'gemini', 'r').headers['www-authenticate']).toBe('Bearer realm="keyward", error="invalid_token", error_description="key_revoked"');
    expect(renderFault(new AppError('origin_not_allowed'), 'gemini', 'r').headers['www-authenticate']).toBeUndefined();
  });

  it('keeps the error’s own headers', () => {
    expect(renderFault(new AppError('auth_unavailable', { headers: { 'retry-after': '5' } }), 'openai-chat', 'r').headers['retry-after']).toBe('5');
  });
});

describe('the dialect of an error', () => {
  it.each<[string, Record<string, string>, FaultDialect]>([
    ['/v1/chat/completions', {}, 'openai-chat'],
    ['/v1/chat/completions', { 'anthropic-version': '2023-06-01' }, 'openai-chat'],
    ['/v1/responses', {}, 'openai-responses'],
    ['/v1/responses/r_1', {}, 'openai-responses'],
    ['/v1/responsesx', {}, 'openai-chat'],
    ['/v1/messages', {}, 'anthropic-messages'],
    ['/v1/messages/count_tokens', {}, 'anthropic-messages'],
    ['/v1beta/models/M:generateContent', {}, 'gemini'],
    ['/v1beta', {}, 'gemini'],
    ['/v1/models', {}, 'openai-chat'],
    ['/v1/models', { 'anthropic-version': '2023-06-01' }, 'anthropic-messages'],
    ['/v1/models', { 'x-goog-api-key': 'k' }, 'gemini'],
    ['/v1/models/a/b:streamGenerateContent', {}, 'gemini'],
    ['/v1/models/llama3:8b', {}, 'openai-chat'],
    ['/v0/management', {}, 'management'],
    ['/v0/management/config', {}, 'management'],
    ['/v0/managementx', {}, 'openai-chat'],
    ['/', {}, 'openai-chat'],
  ])('on %s with %j is %s', (path, headers, expected) => {
    expect(dialectOfPath(path, headers)).toBe(expected);
  });
});
