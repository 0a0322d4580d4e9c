import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createBrowserWalk } from '../../support/browser-walk.ts';
import { configHead, makeFolder, runKeyward, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { findProgram } from '../../support/find-program.ts';
import { startIdentityProvider, type IdentityProvider } from '../../support/identity-provider.ts';
import { runCommand, type RunningCommand } from '../../support/run-command.ts';
import { until } from '../../support/until.ts';

let identityProvider: IdentityProvider;
let folder: string;
let daemon: RunningDaemon | undefined;
const commands: RunningCommand[] = [];

beforeAll(async () => {
  identityProvider = await startIdentityProvider();
});
afterAll(() => identityProvider.stop());

beforeEach(() => {
  folder = makeFolder();
});
afterEach(async () => {
  for (const command of commands.splice(0)) {
    command.kill('SIGKILL');
    await command.exitCode;
  }
  await daemon?.stop();
  daemon = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const config = (more = ''): string =>
  `api-keys: ["sk-client-0123456789"]\noauth:\n  corp:\n    issuer: "${identityProvider.issuer}"\n    client-id: native\n    scopes: [openid, offline_access, email, models]\n    base-url: "http://127.0.0.1:9/v1"\n${more}`;

async function prepare(hasDaemon: boolean, more = ''): Promise<void> {
  if (hasDaemon) daemon = await startDaemon({ folder, config: config(more) });
  else writeFileSync(join(folder, 'config.yaml'), `${configHead}${config(more)}`, { mode: 0o600 });
}

function start(...args: string[]): RunningCommand {
  const command = runCommand({ folder, args: ['accounts', ...args, '--config', join(folder, 'config.yaml')] });
  commands.push(command);
  return command;
}

const run = (...args: string[]) => runKeyward(folder, ['accounts', ...args, '--config', join(folder, 'config.yaml')]);

/** The page that the command says to open, for this person. */
async function pageOf(command: RunningCommand, person: string): Promise<string> {
  await command.says('Ctrl-C cancels');
  const url = /^ {2}(http\S+)/m.exec(command.output())?.[1] ?? '';
  return `${url}&login_hint=${person}`;
}

const accountFiles = (): readonly string[] => readdirSync(join(folder, 'auth')).filter((name) => name.endsWith('.json'));

describe.each([
  ['without a daemon', false],
  ['with a running daemon', true],
])('a login on the terminal, %s', (_how, hasDaemon) => {
  it('is finished by the redirect, and the browser sees how it went', async () => {
    await prepare(hasDaemon);
    const command = start('login', 'corp', '--no-browser');
    const end = await createBrowserWalk().open(await pageOf(command, 'gus'));
    expect([end.status, new URL(end.url).pathname.startsWith('/login/')]).toEqual([200, true]);
    expect(await command.exitCode).toBe(0);
    expect(command.output()).toContain('Logged in: corp (gus@example.com)');
    const [name = '', ...others] = accountFiles();
    expect(others).toEqual([]);
    expect(statSync(join(folder, 'auth', name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, 'auth', name), 'utf8')).toContain('refresh_token');
  });

  it('is finished by a paste on a piped input, after a wrong one; the code is in no output', async () => {
    await prepare(hasDaemon);
    const command = start('login', 'corp', '--no-browser', '--json');
    const end = await createBrowserWalk().open(await pageOf(command, 'ida'), 'http://localhost');
    const code = new URL(end.url).searchParams.get('code') ?? '';
    expect(code).not.toBe('');
    command.type('something else');
    await command.says('Try again.');
    command.type(end.url);
    expect(await command.exitCode).toBe(0);
    expect(JSON.parse(command.stdout())).toMatchObject({ status: 'ok', provider: 'corp', account: 'corp (ida@example.com)', file: accountFiles()[0] });
    expect(command.output()).not.toContain(code);
    expect(daemon?.output() ?? '').not.toContain(code);
  });

  it('is finished by a code on another device', async () => {
    await prepare(hasDaemon);
    const command = start('login', 'corp', '--device');
    const walk = createBrowserWalk();
    const form = await walk.open(await pageOf(command, 'x').then((page) => page.replace('&login_hint=x', '')));
    const userCode = /│ {2}([A-Z]{4}-[A-Z]{4}) {2}│/.exec(command.output())?.[1] ?? '';
    const confirmed = await walk.send(`${identityProvider.issuer}/device`, { xsrf: /name="xsrf" value="([^"]+)"/.exec(form.body)?.[1] ?? '', user_code: userCode, confirm: 'yes' });
    expect(confirmed.body).toBe('granted');
    expect(await command.exitCode).toBe(0);
    expect(command.output()).toContain('Logged in: corp (ann@example.com)');
  });

  it('that the person refuses ends with 1 and what the provider said', async () => {
    await prepare(hasDaemon);
    const command = start('login', 'corp', '--no-browser');
    await createBrowserWalk().open(await pageOf(command, 'refuse'));
    expect(await command.exitCode).toBe(1);
    expect(command.output()).toContain('ann said no');
    expect(accountFiles()).toEqual([]);
  });

  it('is cancelled by Ctrl-C, and its page no longer ends in an account', async () => {
    await prepare(hasDaemon);
    const command = start('login', 'corp', '--no-browser');
    const page = await pageOf(command, 'jan');
    command.kill('SIGINT');
    expect(await command.exitCode).toBe(1);
    expect(command.output()).toContain('cancelled; nothing was stored');
    const end = await createBrowserWalk().open(page, 'http://localhost');
    if (hasDaemon) expect((await createBrowserWalk().open(end.url)).status).toBe(400);
    else await expect(createBrowserWalk().open(end.url)).rejects.toThrow();
    expect(accountFiles()).toEqual([]);
  });

  it('without a client id ends with 2 and the lines to add', async () => {
    await prepare(hasDaemon);
    const { status, stderr } = run('login', 'anthropic', '--no-browser');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^oauth:\n {2}anthropic:\n {4}client-id: /m);
  });

  it('of an unknown provider ends with 2 and the names there are', async () => {
    await prepare(hasDaemon);
    const { status, stderr } = run('login', 'nobody', '--no-browser');
    expect(status).toBe(2);
    expect(stderr).toMatch(/anthropic.*corp/);
  });

  it('is listed, and logging out ends it at the provider and removes the file', async () => {
    await prepare(hasDaemon);
    const command = start('login', 'corp', '--no-browser');
    await createBrowserWalk().open(await pageOf(command, 'kim'));
    await command.exitCode;
    const [file = ''] = accountFiles();
    const { refresh_token: refreshToken }: { readonly refresh_token: string } = JSON.parse(readFileSync(join(folder, 'auth', file), 'utf8'));
    expect(JSON.parse(run('list', '--json').stdout)).toMatchObject({ accounts: [{ file, provider: 'corp', account: 'kim@example.com', state: 'ready', problem: null }] });
    const out = run('logout', 'corp', 'kim@example.com', '--yes');
    expect({ status: out.status, stderr: out.stderr }).toEqual({ status: 0, stderr: '' });
    expect(out.stdout).toContain('its tokens are no longer good anywhere');
    expect(accountFiles()).toEqual([]);
    const refreshed = await fetch(`${identityProvider.issuer}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken, client_id: 'native' }) });
    expect(await refreshed.json()).toMatchObject({ error: 'invalid_grant' });
    expect(JSON.parse(run('list', '--json').stdout)).toEqual({ accounts: [] });
  });

  it('an account file of the Go program is imported, checked before anything is written, and never over another', async () => {
    await prepare(hasDaemon);
    const text = JSON.stringify({ type: 'claude', email: 'lea@example.com', access_token: 'at-0123456789', refresh_token: 'rt-0123456789', expired: '2099-01-01T00:00:00Z', own: { kept: true } });
    writeFileSync(join(folder, 'claude-lea@example.com.json'), text);
    writeFileSync(join(folder, 'broken.json'), '{"type":"claude",');
    writeFileSync(join(folder, 'other.json'), '{"type":"nobody"}');
    expect(run('import', 'claude-lea@example.com.json').status).toBe(0);
    expect(JSON.parse(readFileSync(join(folder, 'auth', 'claude-lea@example.com.json'), 'utf8'))).toMatchObject(JSON.parse(text));
    const again = run('import', 'claude-lea@example.com.json');
    expect([again.status, again.stderr.includes('--replace')]).toEqual([1, true]);
    expect(run('import', 'claude-lea@example.com.json', '--replace').status).toBe(0);
    for (const wrong of ['broken.json', 'other.json']) expect(run('import', wrong).status).toBe(1);
    expect(accountFiles()).toEqual(['claude-lea@example.com.json']);
  });
});

describe('where the redirect cannot arrive', () => {
  it('a busy port is named with its holder, and the paste works', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const address = squatter.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      await prepare(false, `    redirect-port: ${port}\n`);
      const command = start('login', 'corp', '--no-browser');
      const end = await createBrowserWalk().open(await pageOf(command, 'mia'), 'http://localhost');
      expect(command.output()).toContain(`port ${port} is in use`);
      if (process.platform === 'linux') expect(command.output()).toContain(`(pid ${process.pid})`);
      command.type(end.url);
      expect(await command.exitCode).toBe(0);
    } finally {
      squatter.close();
    }
  });

  it('an SSH session is told the tunnel line, with the port that waits here', async () => {
    await prepare(false);
    const command = runCommand({ folder, args: ['accounts', 'login', 'corp', '--config', join(folder, 'config.yaml')], env: { SSH_CONNECTION: '198.51.100.9 50122 192.0.2.7 2222', USER: 'ann' } });
    commands.push(command);
    const end = await createBrowserWalk().open(await pageOf(command, 'oda'), 'http://localhost');
    const { port } = new URL(end.url);
    expect(command.output()).toContain(`\n  ssh -p 2222 -L ${port}:127.0.0.1:${port} ann@192.0.2.7\n`);
    expect((await createBrowserWalk().open(end.url)).status).toBe(200);
    expect(await command.exitCode).toBe(0);
  });

  if (findProgram('script') === undefined || process.platform !== 'linux') {
    it('this machine has no `script` that lends a terminal to a command', () => {
      expect(process.platform === 'linux' && findProgram('script') !== undefined).toBe(false);
    });
  } else {
    it('what is pasted on a terminal is not shown on it, however long it is', async () => {
      await prepare(false);
      const command = runCommand({ folder, args: ['accounts', 'login', 'corp', '--no-browser', '--config', join(folder, 'config.yaml')], through: ['script', '-qec'] });
      commands.push(command);
      const end = await createBrowserWalk().open(await pageOf(command, 'ned'), 'http://localhost');
      command.type(`${end.url}&padding=${'x'.repeat(6_000)}`);
      expect(await command.exitCode).toBe(0);
      expect(command.output()).toContain('Logged in: corp (ned@example.com)');
      expect(command.output()).not.toContain(new URL(end.url).searchParams.get('code') ?? '?');
      expect(command.output()).not.toContain('xxx');
    });

    it('Ctrl-C typed there cancels all the same', async () => {
      await prepare(false);
      const command = runCommand({ folder, args: ['accounts', 'login', 'corp', '--no-browser', '--config', join(folder, 'config.yaml')], through: ['script', '-qec'] });
      commands.push(command);
      await command.says('Ctrl-C cancels');
      command.type('\u0003');
      expect(await command.exitCode).toBe(1);
      expect(command.output()).toContain('cancelled; nothing was stored');
    });
  }
});

describe('encryption of the auth directory', () => {
  const stored = (): string => readFileSync(join(folder, 'auth', 'claude-lea.json'), 'utf8');

  beforeEach(async () => {
    await prepare(false);
    writeFileSync(join(folder, 'claude-lea.json'), JSON.stringify({ type: 'claude', email: 'lea@example.com', access_token: 'at-0123456789', refresh_token: 'rt-0123456789', expired: '2099-01-01T00:00:00Z' }));
    expect(run('import', 'claude-lea.json').status).toBe(0);
  });

  it('encrypts, rotates and decrypts, and says which line to set and what it does not protect from', () => {
    const encrypted = run('encrypt', '--key', 'file');
    expect({ status: encrypted.status, stderr: encrypted.stderr }).toEqual({ status: 0, stderr: '' });
    expect(encrypted.stdout).toContain('  auth-dir-encryption: file\n');
    expect(encrypted.stdout).toContain('does not protect');
    expect(stored()).not.toContain('rt-0123456789');
    expect(statSync(join(folder, 'data', 'auth-dir.key')).mode & 0o777).toBe(0o600);
    const before = stored();
    expect(run('rotate-key', '--key', 'file').status).toBe(0);
    expect(stored()).not.toBe(before);
    expect(stored()).not.toContain('rt-0123456789');
    expect(run('decrypt', '--key', 'file').status).toBe(0);
    expect(stored()).toContain('rt-0123456789');
  });

  it('without saying where the key is, it changes nothing and ends with 2', () => {
    const before = stored();
    const { status, stderr } = run('encrypt');
    expect([status, stderr.includes('--key file')]).toEqual([2, true]);
    expect(stored()).toBe(before);
  });

  it('a daemon that keeps tokens another way is not pulled the files from under its feet', async () => {
    daemon = await startDaemon({ folder });
    const before = stored();
    const { status, stderr } = run('encrypt', '--key', 'file');
    expect([status, stderr.includes('Stop it')]).toEqual([1, true]);
    expect(stored()).toBe(before);
  });

  it('what counts is how the daemon was started, not what the config says by now', async () => {
    daemon = await startDaemon({ folder });
    const before = stored();
    appendFileSync(join(folder, 'config.yaml'), 'auth-dir-encryption: file\n');
    await until('the daemon to take the config up', () => (daemon?.output() ?? '').includes('auth-dir-encryption takes effect after a restart'));
    expect(run('encrypt').status).toBe(1);
    expect(stored()).toBe(before);
  });

  it('the key is rotated under a running daemon that keeps its tokens encrypted, which goes on using them', async () => {
    expect(run('encrypt', '--key', 'file').status).toBe(0);
    appendFileSync(join(folder, 'config.yaml'), 'auth-dir-encryption: file\n');
    daemon = await startDaemon({ folder });
    const listed = (): unknown => JSON.parse(run('list', '--json').stdout);
    // It serves, and says what it cannot do: nothing names its client.
    const account = { file: 'claude-lea.json', state: 'ready', problem: expect.stringContaining('client-id') };
    expect(listed()).toMatchObject({ accounts: [account] });
    const before = stored();
    const rotated = run('rotate-key');
    expect({ status: rotated.status, stderr: rotated.stderr }).toEqual({ status: 0, stderr: '' });
    expect(stored()).not.toBe(before);
    expect(listed()).toMatchObject({ accounts: [account] });
  });
});
