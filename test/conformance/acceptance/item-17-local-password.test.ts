import { describe, expect, it } from 'vitest';
import { describePeer } from '../../../internal/http/peer.ts';
import { ask } from '../../support/ask.ts';
import { startDaemon } from '../../support/daemon.ts';
import { createDoorBench, rulesOf } from '../../support/door-fixtures.ts';
import { findFarAddress } from '../../support/far-address.ts';

const password = 'local-password-for-the-terminal';
const far = findFarAddress();

describe('local password: for localhost-only management access', () => {
  it('it is accepted from loopback, enough on its own when no secret is configured', async () => {
    const daemon = await startDaemon({ config: 'api-keys: ["sk-client-0123456789"]\n', args: ['--password', password] });
    try {
      expect((await ask(daemon.url, '/v0/management/config', { key: password })).status).toBe(200);
      expect((await ask(daemon.url, '/v0/management/config', { key: 'wrong' })).status).toBe(401);
      expect((await ask(daemon.url, '/v0/management/config')).status).toBe(401);
      expect((await ask(daemon.url, '/v0/management/config', { key: password, headers: { 'x-forwarded-for': '203.0.113.9' } })).status).toBe(403);
    } finally {
      await daemon.stop();
    }
  });

  it('beside a secret both are accepted, and the local one sees no secrets in plain', async () => {
    const daemon = await startDaemon({ config: 'api-keys: ["sk-client-0123456789"]\nremote-management:\n  secret-key: "your-secure-management-key"\n', args: ['--password', password] });
    try {
      expect((await ask(daemon.url, '/v0/management/config', { key: password })).status).toBe(200);
      expect((await ask(daemon.url, '/v0/management/config', { key: 'your-secure-management-key' })).status).toBe(200);
      expect(await ask(daemon.url, '/v0/management/config?reveal=true', { key: password })).toMatchObject({ status: 403, code: 'root_required' });
    } finally {
      await daemon.stop();
    }
  });

  it.each(['203.0.113.9', '2001:db8::1', '::ffff:203.0.113.9'])('it is wrong when the socket comes from %s, even with allow-remote', async (remoteAddress) => {
    const rules = rulesOf({ 'api-keys': ['sk-client-0123456789'], 'remote-management': { 'secret-key': 'a-strong-management-secret-7f3a', 'allow-remote': true }, 'insecure-plaintext-management': true }, { localPassword: password });
    const peer = describePeer({ remoteAddress, isUnixSocket: false, headers: {}, trustedProxies: rules.trustedProxies });
    expect(await createDoorBench().ask(rules, { access: 'management', path: '/v0/management/config', headers: { authorization: `Bearer ${password}` }, peer })).toBe('401 invalid_management_key');
  });

  if (far === undefined) {
    it('this machine has no address but loopback to try it from', () => {
      expect(findFarAddress()).toBeUndefined();
    });
  } else {
    it('it is refused from another address of this machine', async () => {
      const config = 'host: "0.0.0.0"\napi-keys: ["sk-client-0123456789"]\nremote-management:\n  secret-key: "a-strong-management-secret-7f3a"\n  allow-remote: true\ninsecure-plaintext-management: true\n';
      const daemon = await startDaemon({ config, args: ['--password', password] });
      try {
        expect((await ask(`http://${far}:${daemon.port}`, '/v0/management/config', { key: password })).status).toBe(401);
        expect((await ask(daemon.url, '/v0/management/config', { key: password })).status).toBe(200);
      } finally {
        await daemon.stop();
      }
    });
  }
});
