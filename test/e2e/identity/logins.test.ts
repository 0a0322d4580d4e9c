import { initiateDeviceAuthorization, None, pollDeviceAuthorizationGrant, refreshTokenGrant, tokenRevocation, type Configuration } from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { startIdentityDaemon, type IdentityDaemon } from '../../support/identity-daemon.ts';

let daemon: IdentityDaemon;
let cli: Configuration;
beforeAll(async () => {
  daemon = await startIdentityDaemon();
  cli = await daemon.client('keyward-cli', undefined, None());
});
afterAll(() => daemon.stop());

const isGood = async (key: string): Promise<string> => {
  const { status, code } = await ask(daemon.url, '/v1/models', { key });
  return `${status} ${code}`.trim();
};

const firstId = (rows: unknown): string => (Array.isArray(rows) ? String(Reflect.get(Object(rows[0]), 'id')) : '');

/** A login by device grant that the operator has approved. */
async function logIn(name = 'ann', scope = 'openid models:use models:read') {
  const device = await initiateDeviceAuthorization(cli, { scope });
  const approved = await daemon.manage('POST', `/device-codes/${device.user_code}/approve`, { name });
  expect(approved.status).toBe(200);
  // The first question may come at once.
  return pollDeviceAuthorizationGrant(cli, { ...device, interval: 0.01 });
}

describe('a person who logs in by device grant', () => {
  it('gets a token that is good at once, and is known by name', async () => {
    const tokens = await logIn('ann');
    expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 3_600, scope: 'models:use models:read', refresh_token: expect.any(String) });
    expect(tokens.claims()?.sub).toMatch(/^person_[0-9a-f]{20}$/);
    expect(await isGood(tokens.access_token)).toBe('200');
    const { body } = await daemon.manage('GET', '/sessions');
    expect(body['sessions']).toEqual([expect.objectContaining({ person: { id: tokens.claims()?.sub, label: 'ann' }, client_id: 'keyward-cli', status: 'active', scopes: ['models:use', 'models:read'], created_from: '127.0.0.1' })]);
  });

  it('gets a new refresh token with each refresh, and the old one used again ends the login', async () => {
    const first = await logIn();
    const second = await refreshTokenGrant(cli, first.refresh_token ?? '');
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(await isGood(second.access_token)).toBe('200');
    await expect(refreshTokenGrant(cli, first.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
    await expect(refreshTokenGrant(cli, second.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
    expect([await isGood(first.access_token), await isGood(second.access_token)]).toEqual(['401 token_revoked', '401 token_revoked']);
  });

  it('is out on the next request when the operator ends the login', async () => {
    const tokens = await logIn();
    expect(await isGood(tokens.access_token)).toBe('200');
    const { body } = await daemon.manage('GET', '/sessions?limit=1');
    expect((await daemon.manage('DELETE', `/sessions/${firstId(body['sessions'])}`)).status).toBe(200);
    expect(await isGood(tokens.access_token)).toBe('401 token_revoked');
    await expect(refreshTokenGrant(cli, tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('ends it with a revoked refresh token, and a revoked access token alone ends only that', async () => {
    const tokens = await logIn();
    await tokenRevocation(cli, tokens.access_token);
    expect(await isGood(tokens.access_token)).toBe('401 token_revoked');
    const again = await refreshTokenGrant(cli, tokens.refresh_token ?? '');
    expect(await isGood(again.access_token)).toBe('200');
    await tokenRevocation(cli, again.refresh_token ?? '');
    expect(await isGood(again.access_token)).toBe('401 token_revoked');
  });
});
