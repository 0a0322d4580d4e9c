import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBrowserWalk } from '../../support/browser-walk.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { freePort } from '../../support/free-port.ts';
import { rootSecret, startIdentityDaemon, type IdentityDaemon } from '../../support/identity-daemon.ts';
import { askForCode, deviceForm, logIn, postForm, refreshForm, standing, type Form, type Told } from '../../support/oauth-calls.ts';
import { fieldsOf } from '../../support/people-world.ts';

/* Security rule 31: what counts once counts once, over two processes on the same data. */

let daemon: IdentityDaemon;
let twin: RunningDaemon;
beforeAll(async () => {
  daemon = await startIdentityDaemon();
  const folder = join(daemon.folder, 'twin');
  mkdirSync(join(folder, 'auth'), { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'config.yaml'), `port: ${await freePort()}\npublic-url: "${daemon.publicUrl}"\ndata-dir: "../data"\nauth-dir: "./auth"\nremote-management: { secret-key: "${rootSecret}" }\nidentity: { enabled: true }\n`, { mode: 0o600 });
  // By its socket a second daemon knows that it is one.
  rmSync(join(daemon.folder, 'data', 'control.sock'));
  twin = await startDaemon({ folder });
});
afterAll(async () => {
  await twin.stop();
  await daemon.stop();
});

/** The same request to both, many times, at one moment. */
const race = (form: Form, times = 5): Promise<readonly Told[]> => Promise.all(Array.from({ length: times }, () => [daemon.url, twin.url]).flat().map((url) => postForm(url, '/oauth/token', form)));
const winners = (answers: readonly Told[]): number => answers.filter(({ json }) => typeof json['access_token'] === 'string').length;
const errorsOf = (answers: readonly Told[]): ReadonlySet<unknown> => new Set(answers.filter(({ status }) => status !== 200).map(({ json }) => json['error']));

/** A code by a browser login that the operator has approved. */
async function authorizationCode(redirectUri = 'http://127.0.0.1:9/callback'): Promise<{ readonly code: string; readonly form: Form }> {
  const verifier = randomBytes(32).toString('base64url');
  const browser = createBrowserWalk();
  const query = new URLSearchParams({ client_id: 'keyward-cli', response_type: 'code', redirect_uri: redirectUri, scope: 'models:use models:read', state: 's', code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' });
  const asked = await browser.open(`${daemon.publicUrl}/oauth/authorize?${query.toString()}`);
  const { body } = await daemon.manage('POST', '/approval-codes', { name: 'ann' });
  const consent = await browser.send(asked.url, { ...fieldsOf({ body: asked.body, status: 200, headers: {} }, 'approval'), approval_code: String(body['code']) });
  const done = await browser.send(asked.url, { ...fieldsOf({ body: consent.body, status: 200, headers: {} }, 'decide'), decision: 'approve' });
  const onwards = /href="([^"]+\/oauth\/authorize\/[^"]+)"/.exec(done.body)?.[1]?.replaceAll('&amp;', '&') ?? /url=([^"]+)"/.exec(done.body)?.[1] ?? done.url;
  const back = await browser.open(onwards, 'http://127.0.0.1:9/');
  const code = new URL(back.url).searchParams.get('code') ?? '';
  return { code, form: { grant_type: 'authorization_code', client_id: 'keyward-cli', code, redirect_uri: redirectUri, code_verifier: verifier } };
}

describe('of many who use one at a moment, over two processes, one gets tokens at most, and nothing outlives a second use:', () => {
  it('a refresh token', async () => {
    for (let round = 0; round < 5; round++) {
      const login = await logIn(daemon, { name: `r${round}` });
      const answers = await race(refreshForm(login.refresh));
      expect(winners(answers)).toBeLessThanOrEqual(1);
      expect(errorsOf(answers)).toEqual(new Set(['invalid_grant']));
      // Nobody can tell which of them was the thief.
      for (const { json } of answers) if (typeof json['refresh_token'] === 'string') expect((await postForm(twin.url, '/oauth/token', refreshForm(json['refresh_token']))).json['error']).toBe('invalid_grant');
      for (const { json } of answers) if (typeof json['access_token'] === 'string') expect(await standing(daemon, json['access_token'])).toBe('401 token_revoked');
      expect(await standing(daemon, login.access)).toBe('401 token_revoked');
    }
  }, 30_000);

  it('a device code', async () => {
    for (let round = 0; round < 5; round++) {
      const { userCode, deviceCode } = await askForCode(daemon);
      await daemon.manage('POST', `/device-codes/${userCode}/approve`, { name: `d${round}` });
      const answers = await race(deviceForm(deviceCode));
      expect(winners(answers)).toBeLessThanOrEqual(1);
      for (const error of errorsOf(answers)) expect(['invalid_grant', 'slow_down']).toContain(error);
    }
  }, 30_000);

  it('an authorization code', async () => {
    for (let round = 0; round < 3; round++) {
      const { code, form } = await authorizationCode();
      expect(code).not.toBe('');
      const answers = await race(form);
      expect(winners(answers)).toBeLessThanOrEqual(1);
      expect(errorsOf(answers)).toEqual(new Set(['invalid_grant']));
      for (const { json } of answers) if (typeof json['access_token'] === 'string') expect(await standing(twin, json['access_token'])).toBe('401 token_revoked');
    }
  }, 30_000);

  it('a code alone gives tokens, with the right verifier, address and client', async () => {
    const { form } = await authorizationCode();
    const wrong = (more: object): Promise<Told> => postForm(daemon.url, '/oauth/token', { ...Object(form), ...more });
    for (const more of [{ code_verifier: 'x'.repeat(43) }, { redirect_uri: 'http://127.0.0.1:8/callback' }]) expect((await wrong(more)).json['error']).toBe('invalid_grant');
    const fresh = await authorizationCode();
    const { json } = await postForm(twin.url, '/oauth/token', fresh.form);
    expect(await standing(daemon, String(json['access_token']))).toBe('200');
  });

  it('a question on the page: approved and denied at once has one outcome', async () => {
    for (let round = 0; round < 5; round++) {
      const { userCode, deviceCode } = await askForCode(daemon);
      const manage = (url: string, act: string): Promise<Response> => fetch(`${url}/v0/management/device-codes/${userCode}/${act}`, { method: 'POST', headers: { authorization: `Bearer ${rootSecret}` } });
      const statuses = (await Promise.all([manage(daemon.url, 'approve'), manage(twin.url, 'deny'), manage(twin.url, 'approve'), manage(daemon.url, 'deny')])).map(({ status }) => status);
      expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 404, 404, 404]);
      const { status, json } = await postForm(daemon.url, '/oauth/token', deviceForm(deviceCode));
      const isApproved = statuses.indexOf(200) % 2 === 0;
      expect([status, json['error']]).toEqual(isApproved ? [200, undefined] : [400, 'access_denied']);
    }
  }, 30_000);
});

describe('a device code', () => {
  it('says how often it may be asked about, and who asks sooner is told to slow down, five seconds more each time, kept', async () => {
    const started = await postForm(daemon.url, '/oauth/device_authorization', { client_id: 'keyward-cli' });
    expect(started.json['interval']).toBe(5);
    const form = deviceForm(String(started.json['device_code']));
    const ask = async (): Promise<string> => {
      const { json } = await postForm(daemon.url, '/oauth/token', form);
      return `${String(json['error'])} ${/every (\d+) seconds/.exec(String(json['error_description']))?.[1] ?? ''}`.trim();
    };
    expect([await ask(), await ask(), await ask(), await ask()]).toEqual(['authorization_pending', 'slow_down 10', 'slow_down 15', 'slow_down 20']);
    // The patience of five seconds is not enough any more.
    await new Promise((next) => setTimeout(next, 5_000));
    expect(await ask()).toBe('slow_down 25');
  }, 15_000);

  it('that is approved still has to be asked for at its pace', async () => {
    const { userCode, deviceCode } = await askForCode(daemon);
    expect((await postForm(daemon.url, '/oauth/token', deviceForm(deviceCode))).json['error']).toBe('authorization_pending');
    await daemon.manage('POST', `/device-codes/${userCode}/approve`, { name: 'ann' });
    expect((await postForm(daemon.url, '/oauth/token', deviceForm(deviceCode))).json['error']).toBe('slow_down');
  });

  it('of one client gives another client nothing, and is not used up by it', async () => {
    const { userCode, deviceCode } = await askForCode(daemon);
    await daemon.manage('POST', `/device-codes/${userCode}/approve`, { name: 'ann' });
    const app = await daemon.manage('POST', '/oauth-clients', { name: 'app', authentication: 'none', grants: ['urn:ietf:params:oauth:grant-type:device_code'] });
    expect((await postForm(twin.url, '/oauth/token', deviceForm(deviceCode, String(app.body['id'])))).json['error']).toBe('invalid_grant');
    expect((await postForm(daemon.url, '/oauth/token', deviceForm(deviceCode))).status).toBe(200);
  });
});
