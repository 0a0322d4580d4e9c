import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';

const notFound = { error: { message: 'Not Found', type: 'not_found' } };

describe.each([
  ['empty', 'remote-management:\n  secret-key: ""\n', {}],
  ['absent', '', {}],
  ['empty and MANAGEMENT_PASSWORD blank', 'remote-management:\n  secret-key: ""\n', { MANAGEMENT_PASSWORD: ' ' }],
])('if secret-key is %s, all /v0/management/* endpoints return 404 Not Found', (_, section, env) => {
  let daemon: RunningDaemon;
  beforeAll(async () => {
    daemon = await startDaemon({ config: `api-keys: ["sk-client-0123456789"]\n${section}`, env });
  });
  afterAll(() => daemon.stop());

  it.each([
    ['GET', '/v0/management/config'],
    ['GET', '/v0/management/usage'],
    ['PUT', '/v0/management/config.yaml'],
    ['PATCH', '/v0/management/api-keys'],
    ['GET', '/v0/management'],
    ['GET', '/v0/management/'],
    ['GET', '/v0/management/no/such/path'],
    ['DELETE', '/v0/management/config'],
  ])('%s %s, with whatever key', async (method, path) => {
    for (const headers of [{}, { authorization: 'Bearer your-secure-management-key' }, { authorization: 'Bearer sk-client-0123456789' }, { authorization: 'Bearer ' }, { 'x-management-key': ' ' }]) {
      const answer = await ask(daemon.url, path, { method, headers });
      expect([answer.status, answer.json]).toEqual([404, notFound]);
    }
  });
});
