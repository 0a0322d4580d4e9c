import { describe, expect, it } from 'vitest';
import { compileRoutes } from '../../../internal/http/route-table.ts';
import { parseTarget } from '../../../internal/http/target.ts';

const table = compileRoutes([
  { method: 'GET', path: '/v1/models/:model+', access: { kind: 'client' } },
  { method: 'GET', path: '/v0/management/config', access: { kind: 'management' } },
]);

function reach(rawUrl: string, rawHeaders: readonly string[] = ['Host', 'localhost']): string {
  const target = parseTarget(rawUrl, rawHeaders);
  if (!target.ok) return String(target.error.status);
  const match = table.match('GET', target.value.path);
  return match.kind === 'found' ? match.row.access.kind : match.kind;
}

describe('rule 5: the target is parsed once, and access is a property of the matched route', () => {
  it.each([
    '/v1/../v0/management/config', '/v1/models/../../v0/management/config', '/v1/models/%2e%2e/%2e%2e/v0/management/config', '/v1/models/..%2f..%2fv0/management/config',
    'http://localhost/v0/management/config', '//v0/management/config', '/v0//management/config', '/v0%2fmanagement/config', '/v0\\management\\config', '/v0/management/config%00',
  ])('%s is 400 before routing', (rawUrl) => {
    expect(reach(rawUrl)).toBe('400');
  });

  it('an encoded letter reaches no route by another door', () => {
    expect(reach('/v0/%6danagement/config')).toBe('not-found');
    expect(reach('/v0/management/config')).toBe('management');
  });

  it.each([[['Host', 'localhost', 'Host', 'evil.test']], [['Host', 'localhost', 'Authorization', 'a', 'AUTHORIZATION', 'b']]])('headers %j are 400', (rawHeaders) => {
    expect(reach('/v0/management/config', rawHeaders)).toBe('400');
  });
});
