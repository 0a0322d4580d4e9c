import { describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { startDaemon } from '../../support/daemon.ts';

const secret = 'your-secure-management-key';
const path = '/v0/management/config';

describe('authentication that fails is 401; after 5 wrong keys guessing is slowed, never the owner locked out', () => {
  it('the sixth wrong key is 403 with Retry-After, a missing key never counts, a correct one passes within 5 s and clears it', async () => {
    const daemon = await startDaemon({ config: `remote-management:\n  secret-key: "${secret}"\n` });
    try {
      for (let count = 0; count < 10; count++) expect((await ask(daemon.url, path)).status).toBe(401);
      for (let count = 0; count < 5; count++) expect(await ask(daemon.url, path, { key: `guess-${count}` })).toMatchObject({ status: 401, code: 'invalid_management_key' });

      const sixth = await ask(daemon.url, path, { key: 'guess-6' });
      expect(sixth).toMatchObject({ status: 403, code: 'too_many_failures', json: { error: { type: 'permission_error' } } });
      expect(Number(sixth.headers['retry-after'])).toBeGreaterThan(0);

      const startedMs = performance.now();
      expect((await ask(daemon.url, path, { key: secret })).status).toBe(200);
      expect(performance.now() - startedMs).toBeLessThan(5_000);
      expect((await ask(daemon.url, path, { key: 'guess-7' })).status).toBe(401);
    } finally {
      await daemon.stop();
    }
  });
});
