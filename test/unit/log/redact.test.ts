import { describe, expect, it } from 'vitest';
import { createFieldRedactor, redactQuery, redactText, showHeader } from '../../../internal/log/redact.ts';
import { Secret } from '../../../internal/secret/secret.ts';

const canary = 'canary-4f9d21c7e0';

describe('redaction', () => {
  it.each(['key', 'auth_token', 'state', 'code', 'user_code', 'access_token', 'X-API-Key', 'k%65y', 'KEY', 'anything_new'])('query parameter %s loses its value', (name) => {
    const shown = redactQuery(`alt=sse&${name}=${canary}&limit=5`);
    expect(shown).not.toContain(canary);
    expect(shown).toContain('alt=sse&');
    expect(shown).toContain('&limit=5');
  });

  it('a bare or broken parameter is cut out whole', () => {
    expect(redactQuery(canary)).toBe('[redacted]');
    expect(redactQuery(`%zz=${canary}`)).toBe('[redacted]');
    expect(redactQuery('')).toBe('');
  });

  it.each(['authorization', 'proxy-authorization', 'x-api-key', 'x-goog-api-key', 'x-management-key', 'cookie', 'set-cookie', 'sec-websocket-protocol', 'x-amz-security-token', 'x-custom', 'x-secret-thing'])('header %s loses its value', (name) => {
    expect(showHeader(name, canary)).toBe('[redacted]');
  });

  it('harmless headers stay, credentials in them do not', () => {
    expect(showHeader('content-type', 'application/json')).toBe('application/json');
    expect(showHeader('user-agent', 'curl/8 (Bearer abcdef)')).toBe('curl/8 ([redacted])');
    expect(showHeader('user-agent', 'a\u001b[2J')).toBe(String.raw`a\x1b[2J`);
  });

  it('credentials in free text are cut out', () => {
    const text = redactText(`GET https://x.test/v1?alt=sse&key=${canary} failed: Authorization: Bearer ${canary}, sk-proj-${canary}, AIza${canary}, eyJhbGciOi.${canary}.x`);
    expect(text).not.toContain(canary);
    expect(text).toContain('https://x.test/v1?alt=sse&key=[redacted] failed');
  });

  it('fields lose secrets by type and by name at any depth, and keep counts', () => {
    const error = Object.assign(new Error(`boom ?key=${canary}`), { code: 'ECONNRESET', headers: { authorization: canary }, cause: new Error(`token=1 Bearer ${canary}`) });
    const redacted = createFieldRedactor()({
      secret: canary,
      config: { 'api-keys': [canary], nested: [{ headers: { Authorization: canary, accept: 'x' } }] },
      wrapped: [new Secret(canary), new Map([['cookie', canary]])],
      baseUrl: `https://x.test/?key=${canary}`,
      body: Buffer.from(canary),
      err: error,
      inputTokens: 12,
      tokens: { input: 3 },
    });
    expect(JSON.stringify(redacted)).not.toContain(canary);
    expect(JSON.stringify(redacted)).not.toContain(Buffer.from(canary).toString('base64'));
    expect(redacted).toMatchObject({ inputTokens: 12, tokens: { input: 3 }, err: { code: 'ECONNRESET', cause: { type: 'Error' } }, config: { nested: [{ headers: { accept: 'x' } }] } });
  });

  it('a line without secrets is not copied', () => {
    const fields = { a: 1, b: 'two', requestId: 'req_1' };
    expect(createFieldRedactor()(fields)).toBe(fields);
  });
});
