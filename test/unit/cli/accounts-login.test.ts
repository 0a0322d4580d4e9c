import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { LoginRefusal } from '../../../internal/cli/accounts/login-driver.ts';
import type { Surroundings } from '../../../internal/cli/accounts/surroundings.ts';
import { loginToAccount, type AccountsLoginFlags } from '../../../internal/cli/commands/accounts-login.ts';
import { err, ok } from '../../../internal/fault/result.ts';
import type { StartedLogin } from '../../../internal/upstreamauth/ports.ts';
import { until } from '../../support/until.ts';
import { createFakeProcess, type FakeProcess } from './fake-process.ts';
import { codeLogin, createFakeDriver, createTypist, desktop, deviceLogin, ownState, stored, type FakeDriver } from './login-fixtures.ts';

const plain: AccountsLoginFlags = { json: false, browser: true, device: false };
const rightPaste = `http://localhost:54545/callback?code=the-secret-code&state=${ownState}`;

interface Scene {
  readonly cli: FakeProcess;
  readonly driver: FakeDriver;
  readonly typist: ReturnType<typeof createTypist>;
  readonly signals: EventEmitter;
  readonly opened: string[];
  readonly exitCode: Promise<number>;
}

interface Setting {
  readonly started?: StartedLogin;
  readonly flags?: Partial<AccountsLoginFlags>;
  readonly surroundings?: Partial<Surroundings>;
  readonly judge?: (pasted: string) => LoginRefusal | undefined;
}

function play({ started = codeLogin, flags = {}, surroundings = {}, judge }: Setting = {}): Scene {
  const signals = new EventEmitter();
  const typist = createTypist();
  const cli = createFakeProcess([], { signals, openLines: () => typist });
  const driver = createFakeDriver(ok(started), judge);
  const opened: string[] = [];
  const exitCode = loginToAccount(cli, started.provider, { ...plain, ...flags }, {
    openDriver: () => Promise.resolve(ok(driver)),
    surroundings: { ...desktop, ...surroundings },
    openBrowser: (address) => {
      opened.push(address);
      return Promise.resolve(true);
    },
  });
  return { cli, driver, typist, signals, opened, exitCode };
}

const isWaiting = ({ cli }: Scene): Promise<unknown> => until('the login to wait', () => `${cli.out()}${cli.err()}`.includes('Ctrl-C cancels'));

describe('a login on the terminal', () => {
  it('opens the browser, shows the page and ends with 0 once the redirect came', async () => {
    const scene = play();
    await isWaiting(scene);
    expect(scene.opened).toEqual([codeLogin.url]);
    expect(scene.cli.out()).toContain(codeLogin.url);
    expect(scene.cli.out()).toContain('You can paste here at any time');
    scene.driver.end(stored);
    expect(await scene.exitCode).toBe(0);
    expect(scene.cli.out()).toContain('Logged in: claude (ann@example.com), kept as claude-ann@example.com.json.');
    expect([scene.driver.isClosed(), scene.typist.isClosed(), scene.signals.eventNames()]).toEqual([true, true, []]);
  });

  it.each([[rightPaste], [`the-secret-code#${ownState}`], [`  "${rightPaste}"  `], [`\u001B[200~${rightPaste}\u001B[201~`]])('takes %j while it waits for the redirect, and shows no code', async (line) => {
    const scene = play();
    await isWaiting(scene);
    scene.typist.type('');
    scene.typist.type(line);
    expect(await scene.exitCode).toBe(0);
    expect(scene.driver.pasted()).toHaveLength(1);
    expect(`${scene.cli.out()}${scene.cli.err()}`).not.toContain('the-secret-code');
  });

  it.each([
    ['hello', 'Try again.'],
    ['the-secret-code', 'Try again.'],
    ['https://id.example.com/authorize?client_id=c', 'Try again.'],
    [`http://localhost:54545/callback?code=the-secret-code&state=${'f'.repeat(32)}`, 'belongs to another login'],
  ])('a wrong paste (%j) is explained and another try works', async (wrong, said) => {
    const scene = play();
    await isWaiting(scene);
    scene.typist.type(wrong);
    await until('the objection', () => scene.cli.out().includes(said));
    expect(scene.driver.pasted()).toEqual([]);
    scene.typist.type(rightPaste);
    expect(await scene.exitCode).toBe(0);
    expect(scene.cli.out()).not.toContain('the-secret-code');
  });

  it('a paste that the daemon refuses is explained, and the redirect still wins', async () => {
    const scene = play({ judge: () => ({ code: 'login_issuer_mismatch', message: 'The answer names another issuer.' }) });
    await isWaiting(scene);
    scene.typist.type(rightPaste);
    await until('the refusal', () => scene.cli.out().includes('The answer names another issuer.'));
    scene.driver.end(stored);
    expect(await scene.exitCode).toBe(0);
  });

  it.each([['login_denied'], ['login_failed'], ['login_state_expired']])('a paste that ends the login (%s) ends the command with 1 and the reason', async (code) => {
    const scene = play({ judge: () => ({ code, message: 'It was not granted.' }) });
    await isWaiting(scene);
    scene.typist.type(rightPaste);
    expect(await scene.exitCode).toBe(1);
    expect(scene.cli.err()).toBe('keyward: It was not granted.\n');
  });

  it('a login that runs out ends with 1 and says so', async () => {
    const scene = play();
    scene.driver.end({ kind: 'failed', code: 'login_state_expired', message: 'This login was not finished in time.' });
    expect(await scene.exitCode).toBe(1);
    expect(scene.cli.err()).toContain('not finished in time');
  });

  it('the end of the input leaves the redirect to be waited for', async () => {
    const scene = play();
    await isWaiting(scene);
    scene.typist.close();
    scene.driver.end(stored);
    expect(await scene.exitCode).toBe(0);
  });

  it('an account that is kept off is said to be, with the command that confirms it', async () => {
    const scene = play();
    scene.driver.end({ kind: 'done', fileName: 'a.json', label: 'a', isDisabled: true });
    expect(await scene.exitCode).toBe(0);
    expect(scene.cli.out()).toContain('It is kept off');
    expect(scene.cli.out()).toContain('\n  keyward accounts enable a.json\n');
  });

  it('lines to copy are shown as lines', async () => {
    const scene = play();
    scene.driver.end({ kind: 'failed', code: 'oauth_client_not_configured', message: 'Add:\noauth:\n  x:' });
    expect(await scene.exitCode).toBe(2);
    expect(scene.cli.err()).toBe('keyward: Add:\noauth:\n  x:\n');
  });

  it('text from elsewhere cannot steer the terminal', async () => {
    const scene = play({ started: { ...deviceLogin, url: 'https://x.example/\u001B[2J', userCode: 'A\u001B]0;x\u0007B' } });
    scene.driver.end({ kind: 'failed', code: 'login_failed', message: 'said \u001B[31mno' });
    await scene.exitCode;
    expect(`${scene.cli.out()}${scene.cli.err()}`).not.toContain('\u001B');
  });
});

describe('where the browser cannot reach', () => {
  it('an SSH session opens no browser and prints the tunnel line with the login’s own port', async () => {
    const scene = play({ surroundings: { ssh: { user: 'ann', host: '192.0.2.7', port: 2_222 } } });
    await isWaiting(scene);
    expect(scene.opened).toEqual([]);
    expect(scene.cli.out()).toContain('\n  ssh -p 2222 -L 54545:127.0.0.1:54545 ann@192.0.2.7\n');
    scene.driver.end(stored);
    await scene.exitCode;
  });

  it('a container opens no browser and says to paste', async () => {
    const scene = play({ surroundings: { isContainer: true } });
    await isWaiting(scene);
    expect(scene.opened).toEqual([]);
    expect(scene.cli.out()).toMatch(/This is a container.*54545[\s\S]*Paste its address here/);
    scene.driver.end(stored);
    await scene.exitCode;
  });

  it.each([
    ['--no-browser', { flags: { browser: false } }],
    ['a machine without display', { surroundings: { hasDisplay: false } }],
  ] as const)('%s opens none', async (_name, setting) => {
    const scene = play(setting);
    await isWaiting(scene);
    expect(scene.opened).toEqual([]);
    expect(scene.cli.out()).not.toContain('opened');
    scene.driver.end(stored);
    await scene.exitCode;
  });

  it('a busy redirect port is named with who holds it, and pasting works', async () => {
    const scene = play({ started: { ...codeLogin, redirect: { uri: 'http://localhost:54545/callback', isListening: false, obstacle: 'port 54545 is in use by node (pid 4711)' } } });
    await isWaiting(scene);
    expect(scene.cli.out()).toContain('port 54545 is in use by node (pid 4711).');
    expect(scene.cli.out()).toContain('paste its address here');
    scene.typist.type(rightPaste);
    expect(await scene.exitCode).toBe(0);
  });

  it('a redirect to a public address needs no tunnel', async () => {
    const scene = play({
      started: { ...codeLogin, redirect: { uri: 'https://keyward.example.com/anthropic/callback', isListening: true, obstacle: undefined } },
      surroundings: { ssh: { user: 'ann', host: '192.0.2.7', port: 22 } },
    });
    await isWaiting(scene);
    expect(scene.cli.out()).not.toContain('ssh ');
    scene.driver.end(stored);
    await scene.exitCode;
  });
});

describe('a device login', () => {
  it('shows page and code in a frame and waits without reading the input', async () => {
    const scene = play({ started: deviceLogin, flags: { device: true, projectId: 'p-1' } });
    await isWaiting(scene);
    expect(scene.driver.wanted()).toEqual([{ provider: 'kimi', isDevice: true, projectId: 'p-1' }]);
    expect(scene.cli.out()).toContain('https://id.example.com/device');
    expect(scene.cli.out()).toContain('│  WDJB-MJHT  │');
    expect(scene.cli.out()).not.toContain('paste');
    scene.driver.end(stored);
    expect(await scene.exitCode).toBe(0);
  });
});

describe('Ctrl-C', () => {
  it.each([['SIGINT'], ['SIGTERM'], ['SIGHUP']])('%s cancels the pending login and ends with 1', async (signal) => {
    const scene = play();
    await isWaiting(scene);
    scene.signals.emit(signal);
    expect(await scene.exitCode).toBe(1);
    expect(scene.driver.cancelled()).toEqual([ownState]);
    expect(scene.cli.err()).toBe('keyward: cancelled; nothing was stored\n');
    expect([scene.driver.isClosed(), scene.typist.isClosed(), scene.signals.eventNames()]).toEqual([true, true, []]);
  });
});

describe('--json', () => {
  it('prints one document on standard output and progress on standard error', async () => {
    const scene = play({ flags: { json: true } });
    await isWaiting(scene);
    scene.typist.type(rightPaste);
    expect(await scene.exitCode).toBe(0);
    expect(JSON.parse(scene.cli.out())).toEqual({ status: 'ok', provider: 'anthropic', file: 'claude-ann@example.com.json', account: 'claude (ann@example.com)', disabled: false });
    expect(scene.cli.err()).toContain(codeLogin.url);
    expect(`${scene.cli.out()}${scene.cli.err()}`).not.toContain('the-secret-code');
  });

  it('a cancelled login is a document too', async () => {
    const scene = play({ flags: { json: true } });
    await isWaiting(scene);
    scene.signals.emit('SIGINT');
    expect(await scene.exitCode).toBe(1);
    expect(JSON.parse(scene.cli.out())).toEqual({ status: 'cancelled', provider: 'anthropic', stored: false });
  });

  it.each([
    ['login_not_offered', 2],
    ['oauth_client_not_configured', 2],
    ['too_many_logins', 1],
    ['login_failed', 1],
  ])('a login that cannot be started (%s) ends with %d and its code', async (code, exitCode) => {
    const cli = createFakeProcess([]);
    const driver = createFakeDriver(err({ code, message: 'No.' }));
    const parts = { openDriver: () => Promise.resolve(ok(driver)), surroundings: desktop, openBrowser: () => Promise.resolve(false) };
    expect(await loginToAccount(cli, 'nobody', { ...plain, json: true }, parts)).toBe(exitCode);
    expect(JSON.parse(cli.out())).toEqual({ status: 'error', provider: 'nobody', code, message: 'No.' });
    expect([driver.isClosed(), cli.err()]).toEqual([true, '']);
  });

  it('a driver that cannot be opened is said with its code', async () => {
    const cli = createFakeProcess([]);
    const parts = { openDriver: () => Promise.resolve(err({ code: 'invalid_config', message: 'The config is not valid.' })), surroundings: desktop, openBrowser: () => Promise.resolve(false) };
    expect(await loginToAccount(cli, 'anthropic', { ...plain, json: true }, parts)).toBe(2);
    expect(JSON.parse(cli.out())).toMatchObject({ status: 'error', code: 'invalid_config' });
  });
});
