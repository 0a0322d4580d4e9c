import { describe, expect, it } from 'vitest';
import { compileRoutes, type RouteRow } from '../../../internal/http/route-table.ts';

interface Row extends RouteRow {
  readonly name: string;
}

const row = (method: string, path: string, kind: 'open' | 'client' | 'management' = 'client'): Row => ({ method, path, access: { kind }, name: `${method} ${path}` });

const table = compileRoutes([
  row('GET', '/', 'open'),
  row('GET', '/v1/models'),
  row('GET', '/v1/models/:model+'),
  row('POST', '/v1/models/:call+'),
  row('POST', '/v1/responses'),
  row('GET', '/v1/responses/:id'),
  row('DELETE', '/v1/responses/:id'),
  row('POST', '/v1/responses/compact'),
  row('GET', '/v1/responses/:id/input_items'),
  row('GET', '/v0/management/logs', 'management'),
  row('GET', '/v0/management/request-error-logs/:name', 'management'),
  row('GET', '/v0/management/:rest+', 'management'),
]);

function find(method: string, path: string): string {
  const match = table.match(method, path);
  switch (match.kind) {
    case 'found':
      return `${match.row.name} ${JSON.stringify(match.params)}`;
    case 'not-found':
      return '404';
    case 'wrong-method':
      return `405 ${match.allow}`;
    case 'options':
      return `options ${match.allow} ${match.access.kind}`;
  }
}

describe('the route table', () => {
  it.each([
    ['GET', '/', 'GET / {}'],
    ['GET', '/v1/models', 'GET /v1/models {}'],
    ['HEAD', '/v1/models', 'GET /v1/models {}'],
    ['GET', '/v1/models/gpt', 'GET /v1/models/:model+ {"model":"gpt"}'],
    ['GET', '/v1/models/prefix/model', 'GET /v1/models/:model+ {"model":"prefix/model"}'],
    ['POST', '/v1/models/or/gemini:generateContent', 'POST /v1/models/:call+ {"call":"or/gemini:generateContent"}'],
    ['GET', '/v1/responses/r_1', 'GET /v1/responses/:id {"id":"r_1"}'],
    ['DELETE', '/v1/responses/r_1', 'DELETE /v1/responses/:id {"id":"r_1"}'],
    ['POST', '/v1/responses/compact', 'POST /v1/responses/compact {}'],
    ['GET', '/v1/responses/r_1/input_items', 'GET /v1/responses/:id/input_items {"id":"r_1"}'],
    ['GET', '/v0/management/logs', 'GET /v0/management/logs {}'],
    ['GET', '/v0/management/request-error-logs/a.log', 'GET /v0/management/request-error-logs/:name {"name":"a.log"}'],
    ['GET', '/v0/management/anything/else', 'GET /v0/management/:rest+ {"rest":"anything/else"}'],
  ])('%s %s is %s', (method, path, expected) => {
    expect(find(method, path)).toBe(expected);
  });

  it.each([
    ['GET', '/v1'], ['GET', '/v1/models/'], ['GET', '/v1/response'], ['GET', '/v1/responses/'], ['GET', '/v1/responses/a/b'], ['GET', '/V1/models'],
    ['GET', '/v1/%6dodels'], ['GET', '/v0/%6danagement/logs'], ['GET', '/v0/management'], ['GET', '/v0/managementlogs'], ['GET', '/__proto__'], ['GET', '/constructor'],
  ])('%s %s is 404', (method, path) => {
    expect(find(method, path)).toBe('404');
  });

  it('answers a known path with its methods when the method is not served', () => {
    expect(find('PUT', '/v1/responses/r_1')).toBe('405 DELETE, GET, HEAD, OPTIONS');
    expect(find('GET', '/v1/responses/compact')).toBe('405 OPTIONS, POST');
    expect(find('HEAD', '/v1/responses')).toBe('405 OPTIONS, POST');
    expect(find('PATCH', '/v1/models/a/b')).toBe('405 GET, HEAD, OPTIONS, POST');
    expect(find('__proto__', '/v1/models')).toBe('405 GET, HEAD, OPTIONS');
  });

  it('hands OPTIONS to the CORS rule with what the path serves and demands', () => {
    expect(find('OPTIONS', '/v1/models')).toBe('options GET, HEAD, OPTIONS client');
    expect(find('OPTIONS', '/v0/management/logs')).toBe('options GET, HEAD, OPTIONS management');
    expect(find('OPTIONS', '/nowhere')).toBe('404');
  });

  it('decodes a parameter exactly once', () => {
    expect(find('GET', '/v1/models/a%2520b%20c')).toBe('GET /v1/models/:model+ {"model":"a%20b c"}');
  });

  it('a parameter may have an ending: it is not captured, must not stand alone, and gives way to literals only', () => {
    const table = compileRoutes([row('GET', '/m/:x'), row('GET', '/m/:name(-auth-url)'), row('GET', '/m/status'), row('POST', '/m/:name(-auth-url)')]);
    const hit = (method: string, path: string): unknown => {
      const match = table.match(method, path);
      return match.kind === 'found' ? [match.row.path, match.params] : match.kind;
    };
    expect(hit('GET', '/m/gemini-cli-auth-url')).toEqual(['/m/:name(-auth-url)', { name: 'gemini-cli' }]);
    expect(hit('POST', '/m/x-auth-url')).toEqual(['/m/:name(-auth-url)', { name: 'x' }]);
    expect(hit('GET', '/m/-auth-url')).toEqual(['/m/:x', { x: '-auth-url' }]);
    expect(hit('GET', '/m/status')).toEqual(['/m/status', {}]);
    expect(hit('DELETE', '/m/x-auth-url')).toBe('wrong-method');
    expect(hit('GET', '/m/a/b-auth-url')).toBe('not-found');
  });

  it('refuses to compile rows that collide or are malformed', () => {
    expect(() => compileRoutes([row('GET', '/a/:x'), row('GET', '/a/:y')])).toThrow(TypeError);
    expect(() => compileRoutes([row('GET', '/a'), row('GET', '/a')])).toThrow(TypeError);
    expect(() => compileRoutes([row('get', '/a')])).toThrow(TypeError);
    expect(() => compileRoutes([row('GET', '/:rest+/a')])).toThrow(TypeError);
    expect(() => compileRoutes([row('GET', 'a')])).toThrow(TypeError);
    expect(() => compileRoutes([row('GET', '/a/:x(-y)'), row('GET', '/a/:z(-y)')])).toThrow(TypeError);
    expect(() => compileRoutes([row('GET', '/a/:x(-y')])).toThrow(TypeError);
  });
});
