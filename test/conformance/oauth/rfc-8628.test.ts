import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/until.ts';
import { basicOf, deviceGrant, expectRefusal, startOAuthWorld, type OAuthAnswer, type OAuthWorld, type TestClient } from '../../support/oauth-world.ts';

let world: OAuthWorld;
/** A device of somebody else, which has a secret. */
let box: TestClient;
beforeAll(async () => {
  world = await startOAuthWorld();
  box = await world.makeClient({ name: 'box', grants: [deviceGrant] });
});
afterAll(() => world.stop());

const poll = (device_code: string, more: Readonly<Record<string, string>> = {}): Promise<OAuthAnswer> => world.token({ grant_type: deviceGrant, client_id: 'keyward-cli', device_code, ...more });

describe('RFC 8628 §3.1 and §3.2: asking for a code', () => {
  it('§3.1 the client says who it is, and proves it where it has a secret', async () => {
    expectRefusal(await world.post('/device_authorization', { scope: 'models:use' }), 401, 'invalid_client');
    expectRefusal(await world.post('/device_authorization', { client_id: 'nobody' }), 401, 'invalid_client');
    expectRefusal(await world.post('/device_authorization', { client_id: box.id }), 401, 'invalid_client');
    expectRefusal(await world.post('/device_authorization', {}, basicOf(box.id, 'wrong')), 401, 'invalid_client');
    expect((await world.post('/device_authorization', {}, box.basic)).status).toBe(200);
  });

  it('§3.1 parameters that stand twice are invalid_request, unknown ones passed over, empty ones left out', async () => {
    expectRefusal(await world.askCode([['scope', 'models:use'], ['scope', 'models:use']]), 400, 'invalid_request');
    expect((await world.askCode({ unheard_of: '1', scope: '' })).status).toBe(200);
  });

  it('§3.2 the answer has both codes, the page, its life and the interval, and no cache keeps it', async () => {
    const answer = await world.askCode();
    expect([answer.status, answer.headers.get('cache-control'), answer.headers.get('content-type')]).toEqual([200, 'no-store', expect.stringMatching(/^application\/json/)]);
    expect(answer.body).toEqual({ device_code: expect.any(String), user_code: expect.any(String), verification_uri: `${world.publicUrl}/device`, verification_uri_complete: `${world.publicUrl}/device?user_code=${answer.at('user_code')}`, expires_in: 600, interval: 5 });
  });

  it('§3.3 the page is there, and a code in its address is filled in and decides nothing', async () => {
    const device = await world.askCode();
    for (const name of ['verification_uri', 'verification_uri_complete']) {
      const page = await fetch(device.at(name));
      expect([page.status, page.headers.get('content-type')], name).toEqual([200, expect.stringMatching(/^text\/html/)]);
    }
    expectRefusal(await poll(device.at('device_code')), 400, 'authorization_pending');
  });

  it('§5.2 a device code is 160 random bits and more, and is not made of the user code', async () => {
    const device = await world.askCode();
    expect(device.at('device_code')).toMatch(/^[\w-]{43,}$/);
    expect(device.at('device_code')).not.toContain(device.at('user_code').replace('-', ''));
  });

  it('§6.1 a user code is eight letters that cannot be mistaken, in two groups, and is taken in small letters without the dash', async () => {
    const device = await world.askCode();
    expect(device.at('user_code')).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
    await world.decide(device.at('user_code').toLowerCase().replace('-', ''));
    expect((await poll(device.at('device_code'))).status).toBe(200);
  });
});

describe('RFC 8628 §3.4 and §3.5: asking for the token', () => {
  it('§3.4 device_code must be there; one that is none is invalid_grant', async () => {
    expectRefusal(await poll(''), 400, 'invalid_request');
    expectRefusal(await poll('nonsense'), 400, 'invalid_grant');
  });

  it('§3.4 a client that has a secret shows it with each question', async () => {
    const device = await world.post('/device_authorization', { scope: 'models:use' }, box.basic);
    expectRefusal(await poll(device.at('device_code'), { client_id: box.id }), 401, 'invalid_client');
    await world.decide(device.at('user_code'));
    const answer = await world.token({ grant_type: deviceGrant, device_code: device.at('device_code') }, box.basic);
    expect([answer.status, answer.body['scope']]).toEqual([200, 'models:use']);
  });

  it('§3.4 a device code is for the client that asked for it', async () => {
    const device = await world.askCode();
    await world.decide(device.at('user_code'));
    expectRefusal(await world.token({ grant_type: deviceGrant, device_code: device.at('device_code') }, box.basic), 400, 'invalid_grant');
  });

  it('§3.5 before the person has decided it is authorization_pending', async () => {
    expectRefusal(await poll((await world.askCode()).at('device_code')), 400, 'authorization_pending');
  });

  it('§3.5 haste with one code is not held against another', async () => {
    const [one, two] = [await world.askCode(), await world.askCode()];
    await poll(one.at('device_code'));
    expectRefusal(await poll(one.at('device_code')), 400, 'slow_down');
    expectRefusal(await poll(two.at('device_code')), 400, 'authorization_pending');
  });

  it('§3.5 who was refused is told access_denied, and nothing after that', async () => {
    const device = await world.askCode();
    await world.decide(device.at('user_code'), 'deny');
    expectRefusal(await poll(device.at('device_code')), 400, 'access_denied');
  });

  it('§3.5 tokens are delivered once', async () => {
    const device = await world.askCode();
    await world.decide(device.at('user_code'));
    const answers = await Promise.all(Array.from({ length: 6 }, () => poll(device.at('device_code'))));
    expect(answers.filter(({ status }) => status !== 200).every(({ outcome }) => ['400 slow_down', '400 invalid_grant'].includes(outcome))).toBe(true);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('§3.5 a code that nobody approved in time is expired_token, and cannot be approved any more', async () => {
    const short = await startOAuthWorld({ identity: '  device-code-ttl: 1s\n' });
    try {
      const device = await short.askCode();
      await until('the code to end', async () => (await short.manage('GET', `/device-codes/${device.at('user_code')}`)).status === 404);
      expectRefusal(await short.token({ grant_type: deviceGrant, client_id: 'keyward-cli', device_code: device.at('device_code') }), 400, 'expired_token');
      expect((await short.manage('POST', `/device-codes/${device.at('user_code')}/approve`, { name: 'ann' })).status).toBe(404);
    } finally {
      await short.stop();
    }
  });

  it('§4 the metadata names the endpoint and the grant', async () => {
    const metadata: Record<string, unknown> = JSON.parse(await (await fetch(`${world.publicUrl}/.well-known/oauth-authorization-server/oauth`)).text());
    expect(metadata).toMatchObject({ device_authorization_endpoint: `${world.issuer}/device_authorization`, grant_types_supported: expect.arrayContaining([deviceGrant]) });
  });

  it('§5.6 a device that has no secret is let in on the person’s word alone: what was decided is decided once', async () => {
    const device = await world.askCode();
    await world.decide(device.at('user_code'), 'deny');
    expect((await world.manage('POST', `/device-codes/${device.at('user_code')}/approve`, { name: 'ann' })).status).toBe(404);
  });
});

// Time itself is what these are about; they wait side by side.
describe.concurrent('RFC 8628 §3.5: the interval', () => {
  it('§3.5 who asks too often is told slow_down, and each adds five seconds to this and every later interval', async () => {
    const code = (await world.askCode()).at('device_code');
    expectRefusal(await poll(code), 400, 'authorization_pending');
    expectRefusal(await poll(code), 400, 'slow_down');
    // The interval is ten seconds now: what was well after five is hasty still.
    await sleep(5_600);
    expectRefusal(await poll(code), 400, 'slow_down');
  });

  it('§3.5 who keeps to the interval is never told slow_down', async () => {
    const code = (await world.askCode()).at('device_code');
    expectRefusal(await poll(code), 400, 'authorization_pending');
    await sleep(5_000);
    expectRefusal(await poll(code), 400, 'authorization_pending');
  });

  it('§3.5 the answer is that of RFC 6749 §5.1, and a code that was used gives nothing more', async () => {
    const device = await world.askCode();
    await world.decide(device.at('user_code'));
    const answer = await poll(device.at('device_code'));
    expect(answer.body).toMatchObject({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 3_600, refresh_token: expect.any(String), scope: 'models:use models:read' });
    await sleep(5_000);
    expectRefusal(await poll(device.at('device_code')), 400, 'invalid_grant');
  });
});
