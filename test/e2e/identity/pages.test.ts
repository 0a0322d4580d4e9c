import { authorizationCodeGrant, buildAuthorizationUrl, calculatePKCECodeChallenge, initiateDeviceAuthorization, None, pollDeviceAuthorizationGrant, randomPKCECodeVerifier, randomState, type Configuration, type DeviceAuthorizationResponse } from 'openid-client';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, memberOf } from '../../support/ask.ts';
import { startIdentityDaemon, type IdentityDaemon } from '../../support/identity-daemon.ts';
import { chromiumPath, openLoopbackProgram, openPage, startChromium, type WatchedPage } from '../../support/pages-browser.ts';

/* Chromium, openid-client and the built daemon: logins that the holder of the management secret approves, on the pages. */

const asked = 'openid models:use models:read';

if (chromiumPath === undefined) {
  it('needs a Chromium to approve on the pages, and this machine has none', () => {
    expect(chromiumPath).toBeUndefined();
  });
} else {
  const program = chromiumPath;
  let browser: Browser;
  let daemon: IdentityDaemon;
  let cli: Configuration;

  beforeAll(async () => {
    [browser, daemon] = await Promise.all([startChromium(program), startIdentityDaemon()]);
    cli = await daemon.client('keyward-cli', undefined, None());
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await daemon.stop();
  });

  const codeOfApproval = async (name: string): Promise<string> => {
    const { status, body } = await daemon.manage('POST', '/approval-codes', { name });
    expect(status).toBe(201);
    return String(body['code']);
  };
  const begin = (of: Configuration = cli): Promise<DeviceAuthorizationResponse> => initiateDeviceAuthorization(of, { scope: asked });
  const poll = (device: DeviceAuthorizationResponse) => pollDeviceAuthorizationGrant(cli, { ...device, interval: 0.01 });
  const models = async (token: string): Promise<number> => (await ask(daemon.url, '/v1/models', { key: token })).status;
  const enter = async ({ page, press }: WatchedPage, code: string): Promise<void> => {
    await page.getByLabel('Code', { exact: true }).fill(code);
    await press('Continue');
  };
  /** Stands before the question, signed in as `name`. */
  const reach = async (shown: WatchedPage, userCode: string, name: string, at = daemon): Promise<void> => {
    await shown.page.goto(`${at.publicUrl}/device`);
    await enter(shown, userCode);
    await shown.page.getByLabel('Approval code').fill(at === daemon ? await codeOfApproval(name) : String((await at.manage('POST', '/approval-codes', { name })).body['code']));
    await shown.press('Continue');
  };
  const auditOf = async (action: string): Promise<readonly unknown[]> => {
    const { body } = await daemon.manage('GET', `/audit?action=${action}&limit=50`);
    const rows: unknown = body['events'];
    return Array.isArray(rows) ? rows : [];
  };

  describe('a device login, approved on the page', () => {
    it('shows who asks for what with the warning, and lets the device in as whoever the approval code names', async () => {
      const shown = await openPage(browser);
      const device = await begin();
      await reach(shown, device.user_code.toLowerCase(), 'ann');
      expect(await shown.heading()).toBe('Let this device in?');
      const text = await shown.text();
      for (const words of [device.user_code, 'Keyward command line', 'the machine that Keyward runs on', 'Signed in as ann', 'Only go on if you started this login yourself, just now, on a device you hold. Nobody from support will ever ask you to.']) expect(text).toContain(words);
      expect(await shown.page.getByText('Only go on if you started this login yourself').isVisible()).toBe(true);
      await shown.press('Approve');
      expect(await shown.heading()).toBe('The device is in');

      const tokens = await poll(device);
      expect(tokens.scope).toBe('models:use models:read');
      expect(await models(tokens.access_token)).toBe(200);
      expect((await daemon.manage('GET', '/sessions?limit=1')).body['sessions']).toEqual([expect.objectContaining({ person: { id: tokens.claims()?.sub, label: 'ann' }, status: 'active' })]);
      expect((await auditOf('approval.given'))[0]).toMatchObject({ actor: tokens.claims()?.sub, actor_label: 'ann', target: 'client:keyward-cli', from: expect.stringMatching(/^(?:127\.0\.0\.1|::1)$/) });
      expect(shown.complaints).toEqual([]);
      await shown.close();
    });

    it('gives nothing when it is denied, and the program is told so', async () => {
      const shown = await openPage(browser);
      const device = await begin();
      await reach(shown, device.user_code, 'ann');
      await shown.press('Deny');
      expect(await shown.heading()).toBe('The device stays out');
      await expect(poll(device)).rejects.toMatchObject({ error: 'access_denied' });
      expect(memberOf((await auditOf('approval.denied'))[0], 'target')).toBe('client:keyward-cli');
      expect(shown.complaints).toEqual([]);
      await shown.close();
    });

    it('of a code that was decided about says so in this browser, and in others that nobody waits', async () => {
      const [shown, other] = [await openPage(browser), await openPage(browser)];
      const device = await begin();
      await reach(shown, device.user_code, 'ann');
      const twin = await shown.page.context().newPage();
      await twin.goto(`${daemon.publicUrl}/device`);
      await reach(other, device.user_code, 'bob');
      await shown.press('Approve');
      expect(await shown.heading()).toBe('The device is in');

      await twin.getByRole('button', { name: 'Approve' }).click();
      expect(await twin.locator('h1').innerText()).toBe('That code is used');
      await other.press('Approve');
      expect(await other.heading()).toBe('This login waits no more');
      await other.page.goto(`${daemon.publicUrl}/device`);
      await enter(other, device.user_code);
      expect(await other.page.getByRole('alert').innerText()).toContain('No login waits under this code.');
      const tokens = await poll(device);
      expect((await daemon.manage('GET', '/sessions?limit=1')).body['sessions']).toEqual([expect.objectContaining({ person: { id: tokens.claims()?.sub, label: 'ann' } })]);
      // The code of the device counts once as well, also for who asks no too soon.
      await shown.page.waitForTimeout(4_700);
      await expect(poll(device)).rejects.toMatchObject({ error: 'invalid_grant' });
      await shown.close();
      await other.close();
    });

    it('only fills the code of a link in: nothing is looked up, and nothing goes on, before somebody sends it off', async () => {
      const shown = await openPage(browser);
      const device = await begin();
      const requests: string[] = [];
      shown.page.on('request', (request) => void requests.push(`${request.method()} ${new URL(request.url()).pathname}`));
      expect(device.verification_uri_complete).toBe(`${daemon.publicUrl}/device?user_code=${device.user_code}`);
      await shown.page.goto(device.verification_uri_complete ?? '');
      expect(await shown.page.getByLabel('Code', { exact: true }).inputValue()).toBe(device.user_code);
      expect(await shown.text()).toContain('Did somebody send you this code?');
      await shown.page.waitForTimeout(500);
      expect(requests.filter((request) => request !== 'GET /favicon.ico')).toEqual(['GET /device']);

      // Signed in already, and still nothing but a field.
      await shown.press('Continue');
      await shown.page.getByLabel('Approval code').fill(await codeOfApproval('ann'));
      await shown.press('Continue');
      expect(await shown.heading()).toBe('Let this device in?');
      const second = await begin();
      await shown.page.goto(second.verification_uri_complete ?? '');
      expect(await shown.heading()).toBe('Connect a device');
      await shown.press('Continue');
      expect(await shown.heading()).toBe('Let this device in?');
      expect(await shown.text()).toContain(second.user_code);
      await shown.press('Deny');
      await expect(poll(second)).rejects.toMatchObject({ error: 'access_denied' });
      await shown.close();
    });

    it('takes no code of `keyward approve` twice, nor a wrong one', async () => {
      const shown = await openPage(browser);
      const device = await begin();
      const code = await codeOfApproval('ann');
      await shown.page.goto(`${daemon.publicUrl}/device`);
      await enter(shown, device.user_code);
      await shown.page.getByLabel('Approval code').fill('K7Q-MX3-R9T');
      await shown.press('Continue');
      expect(await shown.page.getByRole('alert').isVisible()).toBe(true);
      await shown.page.getByLabel('Approval code').fill(code);
      await shown.press('Continue');
      expect(await shown.heading()).toBe('Let this device in?');

      const other = await openPage(browser);
      await other.page.goto(`${daemon.publicUrl}/device`);
      await enter(other, device.user_code);
      await other.page.getByLabel('Approval code').fill(code);
      await other.press('Continue');
      expect(await other.page.getByRole('alert').isVisible()).toBe(true);
      expect(memberOf((await auditOf('approval.refused'))[0], 'code')).toBe('approval_code_wrong');
      await shown.close();
      await other.close();
    });
  });

  describe('a device code that nobody approved in time', () => {
    it('is called too old, before and after the question, and is no wrong guess', async () => {
      const brief = await startIdentityDaemon({ identity: '  device-code-ttl: 8s\n' });
      const of = await brief.client('keyward-cli', undefined, None());
      const shown = await openPage(browser);
      const device = await begin(of);
      expect(device.expires_in).toBe(8);
      await reach(shown, device.user_code, 'ann', brief);
      expect(await shown.heading()).toBe('Let this device in?');
      await shown.page.waitForTimeout(8_100);
      await shown.press('Approve');
      expect(await shown.heading()).toBe('This code is too old');
      // Six wrong guesses would close the page to this address.
      for (let time = 0; time < 7; time++) {
        await shown.page.goto(`${brief.publicUrl}/device`);
        await enter(shown, device.user_code);
        expect(await shown.heading()).toBe('This code is too old');
      }
      await expect(pollDeviceAuthorizationGrant(of, { ...device, interval: 0.01 })).rejects.toMatchObject({ error: 'expired_token' });
      expect((await brief.manage('GET', '/sessions')).body['sessions']).toEqual([]);
      await shown.close();
      await brief.stop();
    }, 60_000);

    it('of wrong codes only six are looked at', async () => {
      const closed = await startIdentityDaemon();
      const shown = await openPage(browser);
      await reach(shown, 'BBBB-BBBB', 'ann', closed);
      for (let time = 1; time < 6; time++) {
        expect(await shown.page.getByRole('alert').innerText()).toContain('No login waits under this code.');
        await enter(shown, 'CCCC-CCCC');
      }
      await enter(shown, 'DDDD-DDDD');
      expect(await shown.heading()).toBe('Too many wrong codes');
      await shown.close();
      await closed.stop();
    });
  });

  describe('a login in the browser, as `keyward login` does it', () => {
    const start = async (shown: WatchedPage) => {
      const waiting = await openLoopbackProgram();
      const verifier = randomPKCECodeVerifier();
      const state = randomState();
      const address = buildAuthorizationUrl(cli, { redirect_uri: waiting.redirectUri, scope: asked, state, code_challenge: await calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' });
      await shown.page.goto(address.href);
      return { ...waiting, redeem: async (returned: URL) => authorizationCodeGrant(cli, returned, { pkceCodeVerifier: verifier, expectedState: state }) };
    };

    it('goes back to the program with a code that counts once', async () => {
      const shown = await openPage(browser);
      const login = await start(shown);
      await shown.page.getByLabel('Approval code').fill(await codeOfApproval('ann'));
      await shown.press('Continue');
      expect(await shown.heading()).toBe('Let this application in?');
      const text = await shown.text();
      for (const words of ['Keyward command line', 'A program on this computer', 'Signed in as ann', 'Only go on if you started this login yourself']) expect(text).toContain(words);
      await shown.press('Approve');
      const returned = await login.returned;
      expect(returned.searchParams.get('iss')).toBe(daemon.issuer);
      const tokens = await login.redeem(returned);
      expect(tokens).toMatchObject({ scope: 'models:use models:read', refresh_token: expect.any(String) });
      expect(await models(tokens.access_token)).toBe(200);
      await shown.page.getByRole('heading', { name: 'Back in the program' }).waitFor();
      await expect(login.redeem(returned)).rejects.toMatchObject({ error: 'invalid_grant' });
      // Whoever replays a code may be a thief: the login that it gave ends.
      expect(await models(tokens.access_token)).toBe(401);
      expect(shown.complaints).toEqual([]);
      login.close();
      await shown.close();
    });

    it('tells the program when it is denied', async () => {
      const shown = await openPage(browser);
      const login = await start(shown);
      await shown.page.getByLabel('Approval code').fill(await codeOfApproval('ann'));
      await shown.press('Continue');
      await shown.press('Deny');
      const returned = await login.returned;
      expect(Object.fromEntries(returned.searchParams)).toMatchObject({ error: 'access_denied', iss: daemon.issuer });
      await expect(login.redeem(returned)).rejects.toMatchObject({ error: 'access_denied' });
      expect(shown.complaints).toEqual([]);
      login.close();
      await shown.close();
    });

    it('asks again though somebody has just signed in, and another browser cannot answer', async () => {
      const [shown, other] = [await openPage(browser), await openPage(browser)];
      const first = await start(shown);
      const address = shown.page.url();
      await shown.page.getByLabel('Approval code').fill(await codeOfApproval('ann'));
      await shown.press('Continue');
      await other.page.goto(address);
      expect(await other.heading()).toBe('This login waits no more');
      await shown.press('Approve');
      await first.returned;
      await shown.page.getByRole('heading', { name: 'Back in the program' }).waitFor();
      const second = await start(shown);
      expect(await shown.heading()).toBe('Let this application in?');
      await shown.press('Deny');
      expect((await second.returned).searchParams.get('error')).toBe('access_denied');
      first.close();
      second.close();
      await shown.close();
      await other.close();
    });

    it('that cannot begin shows a page to people, and JSON to programs', async () => {
      const shown = await openPage(browser);
      const address = `${daemon.publicUrl}/oauth/authorize?client_id=${encodeURIComponent('<img src=x>')}`;
      await shown.page.goto(address);
      expect(await shown.heading()).toBe('This login cannot begin');
      expect(await shown.text()).toContain('invalid_client');
      expect(await shown.page.locator('img').count()).toBe(0);
      expect(shown.complaints).toEqual([]);
      expect((await ask(daemon.url, address.slice(daemon.publicUrl.length), { headers: { accept: '*/*' } })).json).toMatchObject({ error: 'invalid_client' });
      await shown.close();
    });

    it('without PKCE, or to an address that is not this machine, gets no further', async () => {
      const walk = async (change: Record<string, string>): Promise<string> => {
        const parameters = { client_id: 'keyward-cli', response_type: 'code', redirect_uri: 'http://127.0.0.1:1/callback', scope: asked, state: 'x', code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256', ...change };
        const answer = await fetch(`${daemon.publicUrl}/oauth/authorize?${new URLSearchParams(parameters).toString()}`, { redirect: 'manual' });
        return `${answer.status} ${answer.headers.get('location') ?? (await answer.text())}`;
      };
      expect(await walk({ code_challenge: '', code_challenge_method: '' })).toMatch(/^303 http:\/\/127\.0\.0\.1:1\/callback\?error=invalid_request&/);
      expect(await walk({ redirect_uri: 'https://evil.example/callback' })).toMatch(/^400 .*invalid_redirect_uri|^400 .*redirect_uri/);
      expect(await walk({ redirect_uri: 'http://127.0.0.1.evil.example/callback' })).toMatch(/^400 /);
      expect(await walk({ code_challenge_method: 'plain' })).toMatch(/error=invalid_request/);
    });
  });
}
