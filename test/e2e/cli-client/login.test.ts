import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBrowserWalk } from '../../support/browser-walk.ts';
import { beginLogin, clientFile, logIn } from '../../support/cli-login.ts';
import { makeFolder, runKeyward } from '../../support/daemon.ts';
import { freePort } from '../../support/free-port.ts';
import { startStandIn, type StandIn } from '../../support/keyward-stand-in.ts';
import { runCommand } from '../../support/run-command.ts';
import { until } from '../../support/until.ts';

let server: StandIn;
let folder: string;
beforeAll(async () => {
  server = await startStandIn();
});
afterAll(() => server.stop());
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const isStored = (): boolean => existsSync(clientFile(folder, 'contexts.json'));

describe('keyward login by browser', () => {
  it('keeps tokens that are bound to a key of this machine, in files that only the user can read', async () => {
    const before = await server.count('issued');
    const { output } = await logIn(folder, ['--server', server.url]);
    expect(output).toMatch(/Logged in at http:\/\/127\.0\.0\.1:\d+ as ann@example\.com of acme\./);
    expect((await server.events()).filter(({ event }) => event === 'issued').slice(before)).toEqual([{ event: 'issued', grant: 'authorization_code', bound: true }]);
    const root = clientFile(folder);
    const modes = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => statSync(join(root, name))).map((stats) => `${stats.isDirectory() ? 'd' : 'f'}${(stats.mode & 0o777).toString(8)}`);
    expect(new Set(modes)).toEqual(new Set(['d700', 'f600']));
    expect(JSON.parse(runKeyward(folder, ['whoami', '--json']).stdout)).toMatchObject({ server: server.url, subject: 'ann', label: 'ann@example.com', organization: 'acme', credential: 'login', scopes: ['openid', 'models:use', 'models:read'], renews: true });
  });

  it('ends on a page whose address holds neither code nor state, and that loads nothing', async () => {
    const { page } = await logIn(folder, ['--server', server.url]);
    expect(page.status).toBe(200);
    expect(page.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/login\/[\w-]+$/);
    expect(page.body).toContain('You are logged in');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect([page.headers.get('referrer-policy'), page.headers.get('cache-control')]).toEqual(['no-referrer', 'no-store']);
  });

  it('proves with PKCE and DPoP that the code is its own', async () => {
    const { command, address } = await beginLogin(folder, ['--server', server.url]);
    const asked = Object.fromEntries(new URL(address).searchParams);
    expect(asked).toMatchObject({ client_id: 'keyward-cli', response_type: 'code', code_challenge_method: 'S256', code_challenge: expect.stringMatching(/^[\w-]{43}$/), dpop_jkt: expect.stringMatching(/^[\w-]{43}$/), scope: 'openid profile email models:use models:read' });
    expect(asked['redirect_uri']).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    command.kill('SIGINT');
    await command.exitCode;
  });

  it('goes on waiting when another page comes back to it', async () => {
    const { command, address, redirectUri } = await beginLogin(folder, ['--server', server.url]);
    for (const query of ['code=stolen&state=other', 'code=stolen', 'code=a&code=b&state=x', '']) expect((await fetch(`${redirectUri}?${query}`)).status).toBe(400);
    expect((await fetch(redirectUri.replace('/callback', '/'))).status).toBe(404);
    await createBrowserWalk().open(address);
    expect(await command.exitCode).toBe(0);
  });

  it('takes no code that another issuer sent (RFC 9207)', async () => {
    const { command, redirectUri, state } = await beginLogin(folder, ['--server', server.url]);
    const tokenRequests = await server.count('token request');
    const page = await createBrowserWalk().open(`${redirectUri}?code=abc&state=${state}&iss=${encodeURIComponent('https://evil.example')}`);
    expect(page.body).toContain('The login failed');
    expect([await command.exitCode, (await server.count('token request')) - tokenRequests, isStored()]).toEqual([1, 0, false]);
  });

  it('says so when the person says no, and stores nothing', async () => {
    const { command, address } = await beginLogin(folder, ['--server', server.url, '--scope', 'keys:read']);
    await createBrowserWalk().open(address);
    expect([await command.exitCode, isStored()]).toEqual([1, false]);
    expect(command.output()).toContain('The login was refused in the browser. Nothing was stored');
  });

  it('leaves nothing behind on Ctrl-C', async () => {
    const { command, redirectUri } = await beginLogin(folder, ['--server', server.url]);
    command.kill('SIGINT');
    expect(await command.exitCode).toBe(1);
    expect(command.output()).toContain('cancelled; nothing was stored');
    expect(isStored()).toBe(false);
    await expect(fetch(redirectUri)).rejects.toThrow('fetch failed');
  });

  it('suggests --device where a browser cannot come back', async () => {
    const { command } = await beginLogin(folder, ['--server', server.url], { SSH_CONNECTION: '10.0.0.1 5 10.0.0.2 22' });
    expect(command.output()).toContain('This is an SSH session');
    expect(command.output()).toContain('keyward login --device');
    command.kill('SIGINT');
    await command.exitCode;
  });

  it('ends the login that it takes the place of', async () => {
    await logIn(folder, ['--server', server.url]);
    const ended = await server.count('family ended');
    await logIn(folder, ['--server', server.url]);
    expect((await server.count('family ended')) - ended).toBe(1);
    expect(JSON.parse(runKeyward(folder, ['contexts', 'list', '--json']).stdout).contexts).toHaveLength(1);
    expect(runKeyward(folder, ['token']).status).toBe(0);
  });

  it('works with a server that wants a nonce in every proof', async () => {
    const strict = await startStandIn({ requireNonce: true });
    try {
      await logIn(folder, ['--server', strict.url]);
      expect(runKeyward(folder, ['whoami']).status).toBe(0);
    } finally {
      await strict.stop();
    }
  });
});

describe('keyward login by device', () => {
  it('shows page and code, warns of codes of others, and finishes when it is approved', async () => {
    const command = runCommand({ folder, args: ['login', '--device', '--server', server.url] });
    await command.says('Waiting until it is approved');
    const [, page = ''] = /^ {2}(http\S+)$/m.exec(command.output()) ?? [];
    const [, code = ''] = /^ {2}(\w{4}-\w{4})$/m.exec(command.output()) ?? [];
    expect(command.output()).toContain('Only enter a code that you started yourself');
    const browser = createBrowserWalk();
    const form = await browser.open(page);
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(form.body)?.[1] ?? '';
    const confirm = await browser.send(page, { xsrf, user_code: code });
    await browser.send(page, { xsrf: /name="xsrf" value="([^"]+)"/.exec(confirm.body)?.[1] ?? xsrf, user_code: code, confirm: 'yes' });
    expect(await command.exitCode).toBe(0);
    expect(command.output()).toContain('as ann@example.com of acme');
    expect((await server.events()).findLast(({ event }) => event === 'issued')).toMatchObject({ grant: 'urn:ietf:params:oauth:grant-type:device_code', bound: true });
  });

  it('asks no more often than the server says, and leaves nothing on Ctrl-C', async () => {
    const before = await server.count('token request');
    const command = runCommand({ folder, args: ['login', '--device', '--server', server.url] });
    await command.says('Waiting until it is approved');
    await until('the first poll', async () => (await server.count('token request')) > before, 8_000);
    command.kill('SIGINT');
    expect([await command.exitCode, (await server.count('token request')) - before, isStored()]).toEqual([1, 1, false]);
  });
});

describe('a server that cannot be logged in to is told with what to do', () => {
  it('nothing listens there', async () => {
    const outcome = runKeyward(folder, ['login', '--server', `http://127.0.0.1:${await freePort()}`]);
    expect(outcome).toMatchObject({ status: 1, stderr: expect.stringMatching(/cannot be reached: nothing listens there.*keyward serve/) });
  });

  it('it calls itself by another name', () => {
    const outcome = runKeyward(folder, ['login', '--server', server.url.replace('127.0.0.1', 'localhost')]);
    expect(outcome).toMatchObject({ status: 1, stderr: expect.stringContaining(`log in with \`--server ${server.url}\``) });
  });

  it.each([
    ['http://keyward.example.com', /plain http to another machine/],
    ['http://10.1.2.3:8317', /plain http to another machine/],
    ['https://user:pw@keyward.example.com', /neither user name, query nor fragment/],
    ['https://169.254.169.254', /never connects to/],
    ['https:///', /no address of a server/],
  ])('%s is refused before anything is sent', (url, text) => {
    expect(runKeyward(folder, ['login', '--server', url])).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(text) });
  });

  it('a store that is not there is told before anybody is sent to a browser', () => {
    expect(runKeyward(folder, ['login', '--server', server.url], { KEYWARD_CREDENTIAL_STORE: 'keychain' })).toMatchObject({ status: 1, stderr: expect.stringMatching(/keychain of this system cannot be used.*KEYWARD_CREDENTIAL_STORE=file/) });
    expect(runKeyward(folder, ['login', '--server', server.url], { KEYWARD_CREDENTIAL_STORE: 'vault' })).toMatchObject({ status: 2, stderr: expect.stringContaining('it may be file, keychain or auto') });
  });
});
