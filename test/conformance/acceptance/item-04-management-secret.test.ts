import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';

const secret = 'your-secure-management-key';
const refusal = (code: string) => ({ error: { message: 'invalid password', type: 'authentication_error', code } });
let daemon: RunningDaemon;

beforeAll(async () => {
  daemon = await startDaemon({ config: `api-keys: ["your-api-key-1"]\nremote-management:\n  secret-key: "${secret}"\n  allow-remote: false\n` });
});
afterAll(() => daemon.stop());

describe('management endpoints require a secret key: include it in the Authorization header', () => {
  it.each([
    ['Authorization: Bearer', { authorization: `Bearer ${secret}` }],
    ['Authorization: bearer', { authorization: `bearer ${secret}` }],
    ['a bare Authorization', { authorization: secret }],
    ['X-Management-Key', { 'x-management-key': secret }],
  ])('the right one in %s is let in', async (_, headers) => {
    expect((await ask(daemon.url, '/v0/management/config', { headers })).status).toBe(200);
    expect((await ask(daemon.url, '/v0/management/usage', { headers })).status).toBe(200);
  });

  it('none is 401', async () => {
    const answer = await ask(daemon.url, '/v0/management/config');
    expect([answer.status, answer.json]).toEqual([401, refusal('missing_management_key')]);
  });

  it('a wrong one is 401, a client key is a wrong one', async () => {
    for (const key of ['wrong', 'your-api-key-1']) {
      const answer = await ask(daemon.url, '/v0/management/config', { key });
      expect([answer.status, answer.json]).toEqual([401, refusal('invalid_management_key')]);
    }
  });

  it('the management secret is no client key', async () => {
    expect((await ask(daemon.url, '/v1/models', { key: secret })).status).toBe(401);
  });

  it('an unknown path below it is 404 to who holds the secret, 401 to who does not', async () => {
    expect((await ask(daemon.url, '/v0/management/nothing-here', { key: secret })).status).toBe(404);
    expect((await ask(daemon.url, '/v0/management/nothing-here')).status).toBe(401);
  });
});
