import { readFileSync, statSync } from 'node:fs';
import { hashSync } from '@node-rs/bcrypt';
import { describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { startDaemon } from '../../support/daemon.ts';

const secret = 'your-secure-management-key';
const hashed = hashSync(secret, { cost: 4 });

describe('the management secret may stand in config.yaml as plain text or as a bcrypt hash', () => {
  it.each([
    ['plain text', secret],
    ['a $2a$ hash', hashed.replace(/^\$2.\$/, '$2a$')],
    ['a $2b$ hash', hashed.replace(/^\$2.\$/, '$2b$')],
    ['a $2y$ hash', hashed.replace(/^\$2.\$/, '$2y$')],
  ])('%s works, and the file is never rewritten', async (_, written) => {
    const daemon = await startDaemon({ config: `# kept as it is\nremote-management:\n    secret-key:   '${written}'   # odd spacing too\n` });
    const before = { bytes: readFileSync(daemon.configPath), stat: statSync(daemon.configPath, { bigint: true }) };
    try {
      expect((await ask(daemon.url, '/v0/management/config', { key: secret })).status).toBe(200);
      expect((await ask(daemon.url, '/v0/management/config', { key: secret })).status).toBe(200);
      expect((await ask(daemon.url, '/v0/management/config', { key: 'wrong' })).status).toBe(401);
      // The hash read off a stolen file opens nothing.
      expect((await ask(daemon.url, '/v0/management/config', { key: written })).status).toBe(written === secret ? 200 : 401);
      daemon.process.kill('SIGHUP');
      expect((await ask(daemon.url, '/v0/management/reload', { method: 'POST', key: secret })).status).toBe(200);
      const after = statSync(daemon.configPath, { bigint: true });
      expect(readFileSync(daemon.configPath).equals(before.bytes)).toBe(true);
      expect([after.ino, after.mtimeNs, after.ctimeNs]).toEqual([before.stat.ino, before.stat.mtimeNs, before.stat.ctimeNs]);
    } finally {
      expect(await daemon.stop()).toBe(0);
    }
  });
});
