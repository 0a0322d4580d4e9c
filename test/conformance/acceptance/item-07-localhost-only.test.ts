import { describe, expect, it } from 'vitest';
import { describePeer } from '../../../internal/http/peer.ts';
import { ask } from '../../support/ask.ts';
import { startDaemon } from '../../support/daemon.ts';
import { createDoorBench, rulesOf } from '../../support/door-fixtures.ts';
import { findFarAddress } from '../../support/far-address.ts';

const secret = 'a-strong-management-secret-7f3a';
const far = findFarAddress();
const config = (allowRemote: boolean, more = ''): string => `host: "0.0.0.0"\napi-keys: ["sk-client-0123456789abcdef"]\nremote-management:\n  secret-key: "${secret}"\n  allow-remote: ${allowRemote}\n${more}`;
const disabled = { error: { message: 'remote management disabled', type: 'permission_error', code: 'remote_management_disabled' } };

describe('localhost-only access: by default management endpoints are restricted to localhost', () => {
  if (far === undefined) {
    it('this machine has no address but loopback, so the door is asked in this process alone', () => {
      expect(findFarAddress()).toBeUndefined();
    });
  } else {
    it('allow-remote: false refuses a caller from another address with 403, whatever its headers say, and takes loopback', async () => {
      const daemon = await startDaemon({ config: config(false) });
      const farUrl = `http://${far}:${daemon.port}`;
      try {
        for (const headers of [{}, { 'x-forwarded-for': '127.0.0.1' }, { 'x-real-ip': '127.0.0.1' }, { forwarded: 'for=127.0.0.1' }, { host: `localhost:${daemon.port}` }]) {
          const answer = await ask(farUrl, '/v0/management/config', { key: secret, headers });
          expect([answer.status, answer.json]).toEqual([403, disabled]);
        }
        expect((await ask(daemon.url, '/v0/management/config', { key: secret })).status).toBe(200);
        // The client door is another one.
        expect((await ask(farUrl, '/v1/models', { key: 'sk-client-0123456789abcdef' })).status).toBe(200);
      } finally {
        await daemon.stop();
      }
    });

    it('allow-remote: true allows remote management access, still only with the secret', async () => {
      const daemon = await startDaemon({ config: config(true, 'insecure-plaintext-management: true\n') });
      const farUrl = `http://${far}:${daemon.port}`;
      try {
        expect((await ask(farUrl, '/v0/management/config', { key: secret })).status).toBe(200);
        expect((await ask(farUrl, '/v0/management/config', { key: 'wrong' })).status).toBe(401);
        expect((await ask(farUrl, '/v0/management/config')).status).toBe(401);
      } finally {
        await daemon.stop();
      }
    });
  }

  it.each([
    ['203.0.113.9', false, '403 remote_management_disabled'],
    ['2001:db8::9', false, '403 remote_management_disabled'],
    ['::ffff:203.0.113.9', false, '403 remote_management_disabled'],
    ['203.0.113.9', true, 'ok root'],
    ['127.0.0.1', false, 'ok root'],
    ['127.8.9.10', false, 'ok root'],
    ['::1', false, 'ok root'],
    ['::ffff:127.0.0.1', false, 'ok root'],
  ])('a caller whose socket comes from %s with allow-remote: %s gets %s', async (remoteAddress, allowRemote, outcome) => {
    const rules = rulesOf({ 'api-keys': ['sk-client-0123456789abcdef'], 'remote-management': { 'secret-key': secret, 'allow-remote': allowRemote }, 'insecure-plaintext-management': true });
    const peer = describePeer({ remoteAddress, isUnixSocket: false, headers: {}, trustedProxies: rules.trustedProxies });
    const { ask: askDoor } = createDoorBench();
    expect(await askDoor(rules, { access: 'management', path: '/v0/management/config', headers: { authorization: `Bearer ${secret}` }, peer })).toBe(outcome);
  });

  it('X-Forwarded-For: 127.0.0.1 makes nobody local', async () => {
    const rules = rulesOf({ 'api-keys': ['sk-client-0123456789abcdef'], 'remote-management': { 'secret-key': secret } });
    const headers = { authorization: `Bearer ${secret}`, 'x-forwarded-for': '127.0.0.1' };
    for (const remoteAddress of ['203.0.113.9', '127.0.0.1']) {
      const peer = describePeer({ remoteAddress, isUnixSocket: false, headers, trustedProxies: rules.trustedProxies });
      expect(await createDoorBench().ask(rules, { access: 'management', path: '/v0/management/config', headers, peer })).toBe('403 remote_management_disabled');
    }
  });

  it('enabling remote access needs a strong secret and an encrypted way: else the daemon does not start', async () => {
    await expect(startDaemon({ config: config(true) })).rejects.toThrow(/ended with 2:[^]*remote-management\.allow-remote/);
    await expect(startDaemon({ config: config(true, 'insecure-plaintext-management: true\n').replace(secret, 'short') })).rejects.toThrow(/ended with 2:[^]*remote-management\.secret-key/);
  });
});
