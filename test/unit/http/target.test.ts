import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTarget } from '../../../internal/http/target.ts';

const host = ['Host', 'localhost:8317'];

function outcomeOf(rawUrl: string, rawHeaders: readonly string[] = host, httpVersion?: string): string {
  const parsed = parseTarget(rawUrl, rawHeaders, httpVersion);
  return parsed.ok ? `${parsed.value.path} | ${parsed.value.query}` : `${parsed.error.status} ${parsed.error.code}`;
}

const refused = '400 invalid_request_target';

describe('a request target', () => {
  it.each([
    ['/', '/ | '],
    ['/v1/models', '/v1/models | '],
    ['/v1/messages?beta=true', '/v1/messages | beta=true'],
    ['/v1beta/models/gemini-2.5-flash:generateContent?key=K&alt=sse', '/v1beta/models/gemini-2.5-flash:generateContent | key=K&alt=sse'],
    ['/v1/models/prefix/model', '/v1/models/prefix/model | '],
    ['/v1/models/a%20b', '/v1/models/a%20b | '],
    ['/anthropic/callback?state=a%2Fb&code=x%2ey', '/anthropic/callback | state=a%2Fb&code=x%2ey'],
    ['/v1/models?', '/v1/models | '],
    ['/v1/models?a?b', '/v1/models | a?b'],
    ['/v1/models/.../x', '/v1/models/.../x | '],
    ['/v1/models/.a', '/v1/models/.a | '],
    ['/v1/models/', '/v1/models/ | '],
  ])('%s is served as sent', (rawUrl, expected) => {
    expect(outcomeOf(rawUrl)).toBe(expected);
  });

  it.each([
    '', '*', 'v1/models', 'http://evil.test/v1/models', 'HTTP://localhost:8317/', 'localhost:8317',
    '//v1/models', '/v1//models', '/v1/models//', '/v1/../v0/management/config', '/v1/./models', '/v1/..', '/.', '/..',
    '/v1%2fmodels', '/v1%2Fmodels', '/v1%5cmodels', '/v1%5Cmodels', '/v1/%2e%2e/x', '/v1/%2E', '/v1/models%00', '/v1/.%2e/x', '/v1/a%0d%0ab', '/v1/%7f',
    '/v1\\models', '/v1/models#x', '/v1/models?a#b', '/v1/mod els', '/v1/mod\tels', '/v1/models\u0000', '/v1/modèles', '/v1/models?q=é', '/v1/models?a\\b',
    '/v1/%', '/v1/%2', '/v1/%zz', '/v1/%ff', '/v1/%c3%28', '/v1/models?a=%', '/v1/models?a=%g0', '/v1/models?a=%00', '/v1/{x}', '/v1/a|b', '/v1/a"b', '/v1/a^b', '/v1/`', '/v1/models??key=K',
  ])('%j is refused', (rawUrl) => {
    expect(outcomeOf(rawUrl)).toBe(refused);
  });

  it('is at most 8 kB', () => {
    expect(outcomeOf(`/${'a'.repeat(8_191)}`)).not.toBe(refused);
    expect(outcomeOf(`/${'a'.repeat(8_192)}`)).toBe(refused);
  });

  it.each([
    [['Host', 'a', 'host', 'b'], '400 duplicate_header'],
    [['Host', 'a', 'HOST', 'a'], '400 duplicate_header'],
    [['Host', 'a', 'Authorization', 'Bearer x', 'authorization', 'Bearer x'], '400 duplicate_header'],
    [['Accept', '*/*'], '400 invalid_request'],
    [['Host', 'a', 'X-Other', '1', 'X-Other', '2', 'Authorization', 'x'], '/v1/models | '],
  ])('with headers %j it is %s', (rawHeaders, expected) => {
    expect(outcomeOf('/v1/models', rawHeaders)).toBe(expected);
  });

  it('needs no Host in HTTP/1.0', () => {
    expect(outcomeOf('/healthz', [], '1.0')).toBe('/healthz | ');
  });
});

const alphabet = ['/', '.', '%', '2', 'e', 'f', '5', 'c', '0', '?', '#', '\\', ':', '@', ';', '&', '=', ' ', 'a', 'v1', '%2e', '%2F', '%41', '%c3%a9', '\t', 'é', '\u202e', '{', '|', '+', '~', "'", '"', '<', '*', '\u0000'];
const hostileTarget = fc.array(fc.constantFrom(...alphabet), { maxLength: 14 }).map((parts) => `/${parts.join('')}`);

describe('any text as a request target', () => {
  it('never makes the parse throw', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), hostileTarget), (rawUrl) => {
      const parsed = parseTarget(rawUrl, host);
      expect(typeof parsed.ok).toBe('boolean');
    }), { numRuns: 3_000 });
  });

  it('is read by the URL parser of the platform exactly as by ours, or refused', () => {
    let served = 0;
    fc.assert(fc.property(hostileTarget, (rawUrl) => {
      const parsed = parseTarget(rawUrl, host);
      if (!parsed.ok) return;
      served += 1;
      const { path, query } = parsed.value;
      // Both as an absolute URL and as a reference against a base, which is how routers read it.
      for (const url of [new URL(`http://localhost:8317${rawUrl}`), new URL(rawUrl, 'http://localhost:8317')]) {
        expect(url.host).toBe('localhost:8317');
        expect(url.pathname).toBe(path);
        expect([...url.searchParams]).toEqual([...new URLSearchParams(query)]);
        expect(url.hash).toBe('');
      }
    }), { numRuns: 5_000 });
    expect(served).toBeGreaterThan(100);
  });

  it('decodes once to the same number of segments', () => {
    fc.assert(fc.property(hostileTarget, (rawUrl) => {
      const parsed = parseTarget(rawUrl, host);
      if (!parsed.ok) return;
      const decoded = decodeURIComponent(parsed.value.path);
      expect(decoded.split('/').length).toBe(parsed.value.path.split('/').length);
      expect(decoded.split('/').filter((segment) => segment === '.' || segment === '..')).toEqual([]);
    }), { numRuns: 3_000 });
  });
});
