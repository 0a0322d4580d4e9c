import { afterEach, describe, expect, it } from 'vitest';
import { createGrantsWorld } from '../../support/grants-world.ts';
import { createLoginWorld, type LoginWorld } from '../../support/login-world.ts';
import { startDeviceVendor, type DeviceVendor, type SimulatedDeviceVendor } from '../../support/simulated-logins/device-vendors.ts';
import { until } from '../../support/until.ts';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(kind: DeviceVendor, more: object = {}): Promise<{ readonly vendor: SimulatedDeviceVendor; readonly world: LoginWorld; readonly name: string; readonly oauth: object }> {
  const vendor = await startDeviceVendor(kind);
  const name = kind === 'github-style' ? 'forge' : kind;
  const oauth = { [name]: vendor.entry({ ...(kind === 'github-style' ? { grant: 'device', 'base-url': 'http://127.0.0.1:1' } : {}), ...more }) };
  const world = createLoginWorld({ oauth });
  closers.push(vendor.close, world.close);
  return { vendor, world, name, oauth };
}

const soon = (): AbortSignal => AbortSignal.timeout(15_000);
const polls = (vendor: SimulatedDeviceVendor): number => vendor.seen.filter(({ url, body }) => url === '/token' && body.toString().includes('device_code')).length;

describe('device logins', () => {
  it('qwen: PKCE binds the device code, and the answer says where the tokens are spent', async () => {
    const { vendor, world, oauth } = await start('qwen');
    const started = await world.logins.start('qwen', { label: 'mine' });
    expect(started).toMatchObject({ grant: 'device', userCode: 'WDJB-MJHT', url: `${vendor.url}/device?user_code=WDJB-MJHT` });
    expect(world.logins.statusOf(started.state)).toEqual({ kind: 'waiting' });
    vendor.decide('agreed');
    await expect(world.logins.wait(started.state, soon())).resolves.toMatchObject({ kind: 'done', label: 'qwen (mine)', isDisabled: false });
    expect(world.stored).toMatchObject([{ type: 'qwen', suggestedName: 'qwen-mine.json', facts: { resource_url: 'portal.qwen.example', email: 'mine' } }]);
    const { refresh, close } = createGrantsWorld(oauth);
    closers.push(close);
    await expect(refresh('qwen', world.stored[0])).resolves.toMatchObject({ kind: 'issued', facts: { resource_url: 'portal.qwen.example' } });
  });

  it('kimi: the account is the subject of its access token', async () => {
    const { vendor, world } = await start('kimi');
    const started = await world.logins.start('kimi', {});
    vendor.decide('agreed');
    await expect(world.logins.wait(started.state, soon())).resolves.toMatchObject({ kind: 'done', label: 'kimi (kimi-user-1)' });
    expect(world.stored[0]?.suggestedName).toMatch(/^kimi-[\da-f]{8}\.json$/);
    expect(world.stored).toMatchObject([{ isDisabled: false, facts: { sub: 'kimi-user-1' } }]);
  });

  it('xai: endpoints are found by discovery, and the id token is checked', async () => {
    const { vendor, world } = await start('xai');
    const started = await world.logins.start('grok', {});
    vendor.decide('agreed');
    await expect(world.logins.wait(started.state, soon())).resolves.toMatchObject({ kind: 'done', label: 'xai (ann@example.com)' });
    expect(world.stored).toMatchObject([{ type: 'xai', facts: { sub: 'xai-1', email: 'ann@example.com' } }]);
  });

  it('xai: metadata that names another host sends nothing there', async () => {
    const { vendor, world } = await start('xai');
    vendor.forge('http://127.0.0.2:9/token');
    await expect(world.logins.start('xai', {})).rejects.toMatchObject({ code: 'login_failed', message: expect.stringContaining('another host') });
    expect(vendor.seen.map(({ url }) => url)).toEqual(['/.well-known/openid-configuration']);
  });

  it('answers in GitHub’s manner are understood: 200 with `error`, 201, nulls, no `token_type`', async () => {
    const { vendor, world } = await start('github-style');
    vendor.trouble(['slow_down']);
    const started = await world.logins.start('forge', {});
    await until('the first poll', () => polls(vendor) === 1);
    vendor.decide('agreed');
    const startedMs = performance.now();
    await expect(world.logins.wait(started.state, soon())).resolves.toMatchObject({ kind: 'done' });
    // RFC 8628 §3.5: one second and the five of `slow_down`.
    expect(performance.now() - startedMs).toBeGreaterThan(4_500);
    expect(world.stored[0]?.tokens.refreshToken).toBeUndefined();
  });

  it('a person who refuses ends the login', async () => {
    const { vendor, world } = await start('kimi');
    const started = await world.logins.start('kimi', {});
    vendor.decide('refused');
    await expect(world.logins.wait(started.state, soon())).resolves.toMatchObject({ kind: 'failed', code: 'login_denied' });
  });

  it('a poll that is not answered is repeated, and the login still succeeds', async () => {
    const { vendor, world } = await start('kimi');
    vendor.trouble(['reset', 'unavailable']);
    const started = await world.logins.start('kimi', {});
    vendor.decide('agreed');
    await expect(world.logins.wait(started.state, soon())).resolves.toMatchObject({ kind: 'done' });
    expect(polls(vendor)).toBe(3);
  });

  it('a cancelled login asks no more', async () => {
    const { vendor, world } = await start('kimi');
    const started = await world.logins.start('kimi', {});
    await until('the first poll', () => polls(vendor) === 1);
    expect(world.logins.cancel(started.state)).toBe(true);
    expect(world.logins.cancel(started.state)).toBe(false);
    await expect(world.logins.wait(started.state)).resolves.toMatchObject({ kind: 'failed', code: 'login_cancelled' });
    vendor.decide('agreed');
    await world.logins.close();
    expect(polls(vendor)).toBe(1);
    expect(world.stored).toEqual([]);
  });

  it('a vendor without a device grant says which login it has', async () => {
    const { world } = await start('kimi');
    await expect(world.logins.start('kimi', { grant: 'authorization-code' })).rejects.toMatchObject({ code: 'login_not_offered' });
    await expect(world.logins.start('vertex', {})).rejects.toMatchObject({ code: 'login_not_offered', message: expect.stringContaining('import') });
    await expect(world.logins.start('nobody', {})).rejects.toMatchObject({ code: 'login_not_offered' });
  });

  it('without a client id the answer has the lines to add', async () => {
    const { world } = await start('kimi', { 'client-id': '' });
    await expect(world.logins.start('kimi', {})).rejects.toMatchObject({ code: 'oauth_client_not_configured', fields: { config_lines: ['oauth:', '  kimi:', expect.stringContaining('client-id')] } });
  });
});
