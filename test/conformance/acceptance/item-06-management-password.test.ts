import { describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { startDaemon } from '../../support/daemon.ts';

const env = { MANAGEMENT_PASSWORD: 'your-secure-management-key' };

describe('the management password can be set by the environment variable MANAGEMENT_PASSWORD', () => {
  it.each([
    ['an empty secret-key', 'remote-management:\n  secret-key: ""\n'],
    ['no secret-key', ''],
  ])('it works with %s', async (_, section) => {
    const daemon = await startDaemon({ config: section, env });
    try {
      expect((await ask(daemon.url, '/v0/management/config', { key: env.MANAGEMENT_PASSWORD })).status).toBe(200);
      expect((await ask(daemon.url, '/v0/management/config', { key: 'wrong' })).status).toBe(401);
      expect((await ask(daemon.url, '/v0/management/config')).status).toBe(401);
    } finally {
      await daemon.stop();
    }
  });

  it('it takes precedence over the config file, whose secret is then not accepted', async () => {
    const daemon = await startDaemon({ config: 'remote-management:\n  secret-key: "the-secret-in-the-file"\n', env });
    try {
      expect((await ask(daemon.url, '/v0/management/config', { key: 'the-secret-in-the-file' })).status).toBe(401);
      expect((await ask(daemon.url, '/v0/management/config', { key: env.MANAGEMENT_PASSWORD })).status).toBe(200);
    } finally {
      await daemon.stop();
    }
  });
});
