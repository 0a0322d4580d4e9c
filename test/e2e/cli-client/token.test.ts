import { cpSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, chmodSync, writeFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { age, clientFile, logIn } from '../../support/cli-login.ts';
import { binary, makeFolder, runKeyward } from '../../support/daemon.ts';
import { startStandIn, type StandIn } from '../../support/keyward-stand-in.ts';
import { runCommand } from '../../support/run-command.ts';
import { until } from '../../support/until.ts';
import { spawnSync } from 'node:child_process';

let server: StandIn;
let folder: string;
const context = 'work';
beforeAll(async () => {
  server = await startStandIn();
});
afterAll(() => server.stop());
beforeEach(() => {
  folder = makeFolder();
});
afterEach(async () => {
  await server.setTrouble('');
  rmSync(folder, { recursive: true, force: true });
});

const login = (): Promise<unknown> => logIn(folder, ['--server', server.url, '--context', context]);
const token = (env: Readonly<Record<string, string>> = {}): ReturnType<typeof runKeyward> => runKeyward(folder, ['token'], env);
const sessionFile = (): string => clientFile(folder, 'tokens', `${context}.session.json`);
/** What the server saw since: refreshes, bearer tokens, refusals. */
async function watch(): Promise<() => Promise<readonly number[]>> {
  const counts = (): Promise<readonly number[]> => Promise.all([server.count('issued', 'refresh_token'), server.count('bearer token'), server.count('refused')]);
  const before = await counts();
  return async () => (await counts()).map((count, index) => count - (before[index] ?? 0));
}

describe('keyward token', () => {
  it('prints a bearer credential and nothing else, and asks nobody while that is fresh', async () => {
    await login();
    const seen = await watch();
    const first = token();
    expect(first).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/^bearer-\w+\n$/) });
    expect(await server.takes(first.stdout.trim())).toBe(true);
    expect([token().stdout, runKeyward(folder, ['token', '--context', context]).stdout, runKeyward(folder, ['token', `--context=${context}`]).stdout]).toEqual([first.stdout, first.stdout, first.stdout]);
    expect(await seen()).toEqual([0, 1, 0]);
  });

  it('renews it when less than a fifth of its life is left', async () => {
    await login();
    const first = token().stdout;
    age(folder, context, 'bearer', 0.75);
    expect(token().stdout).toBe(first);
    age(folder, context, 'bearer', 0.1);
    expect(token().stdout).not.toBe(first);
  });

  it('gives KEYWARD_API_TOKEN before all else, as it is', async () => {
    expect(token({ KEYWARD_API_TOKEN: 'kw_live_given' })).toEqual({ status: 0, stdout: 'kw_live_given\n', stderr: '' });
    await login();
    expect(token({ KEYWARD_API_TOKEN: 'kw_live_given' }).stdout).toBe('kw_live_given\n');
  });

  it('without a login refuses on standard error with what to do', () => {
    expect(token()).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(/not logged in.*keyward login.*KEYWARD_API_TOKEN/) });
    expect(runKeyward(folder, ['token', '--context', 'none'])).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('There is no context none') });
  });

  it('reads neither ./.env nor ./config.yaml (security rule 23)', async () => {
    await login();
    const good = token().stdout;
    const repository = join(folder, 'cloned');
    cpSync(clientFile(folder), join(repository, 'client'), { recursive: true });
    writeFileSync(join(repository, '.env'), 'KEYWARD_API_TOKEN=kw_live_theirs\nKEYWARD_CLIENT_DIR=./client\nHTTPS_PROXY=http://127.0.0.1:1\n');
    writeFileSync(join(repository, 'config.yaml'), 'data-dir: "./client"\n');
    age(folder, context, 'bearer', 1);
    const { stdout } = spawnSync(process.execPath, [binary, 'token'], { cwd: repository, env: { HOME: folder, PATH: process.env['PATH'] ?? '' }, encoding: 'utf8' });
    expect(stdout).toMatch(/^bearer-\w+\n$/);
    expect(stdout).not.toBe(good);
  });

  it('trusts no file that others can read, and no link', async () => {
    await login();
    const path = clientFile(folder, 'contexts.json');
    chmodSync(path, 0o644);
    expect(token()).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining(`chmod 600 ${path}`) });
    chmodSync(path, 0o600);
    renameSync(path, `${path}.real`);
    symlinkSync(`${path}.real`, path);
    expect(token()).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('is a link and is not read') });
  });

  it('loads nothing of the command line while nothing is due, and takes less than 60 ms for it', async () => {
    await login();
    token();
    const coverage = join(folder, 'coverage');
    token({ NODE_V8_COVERAGE: coverage });
    const loaded = readdirSync(coverage).flatMap((name) => [...readFileSync(join(coverage, name), 'utf8').matchAll(/"url":"file:[^"]*\/dist\/([^"]+)"/g)].map((match) => match[1] ?? ''));
    // `chunks/token-chunk-…` is what the part for keychains shares with it.
    expect(loaded.filter((name) => !/^(?:keyward\.mjs|token\.mjs|chunks\/token-chunk-\w+\.mjs)$/.test(name))).toEqual([]);
    expect(loaded).toContain('token.mjs');
    expect([...new Set(loaded)].reduce((bytes, name) => bytes + statSync(join(dirname(binary), name)).size, 0)).toBeLessThan(20_000);
    // The least of many: the machine does other things meanwhile.
    const times = Array.from({ length: 25 }, () => {
      const startedMs = performance.now();
      spawnSync(process.execPath, [binary, 'token'], { cwd: folder, env: { HOME: folder, PATH: process.env['PATH'] ?? '' } });
      return performance.now() - startedMs;
    });
    expect(Math.min(...times)).toBeLessThan(60);
  });
});

describe('refreshing', () => {
  it.each([2, 8])('%i commands at once make exactly one refresh and one token', async (count) => {
    await login();
    token();
    age(folder, context, 'session', 1);
    age(folder, context, 'bearer', 1);
    const seen = await watch();
    const commands = Array.from({ length: count }, () => runCommand({ folder, args: ['token'] }));
    expect(await Promise.all(commands.map(({ exitCode }) => exitCode))).toEqual(Array.from({ length: count }, () => 0));
    expect(new Set(commands.map((command) => command.output())).size).toBe(1);
    expect(await seen()).toEqual([1, 1, 0]);
  });

  it('a spent token is never sent: a restored backup gets the newest back', async () => {
    await login();
    const backup = readFileSync(sessionFile(), 'utf8');
    age(folder, context, 'session', 1);
    token();
    writeFileSync(sessionFile(), backup, { mode: 0o600 });
    age(folder, context, 'session', 1);
    rmSync(clientFile(folder, 'tokens', `${context}.bearer.json`));
    const seen = await watch();
    expect(token().status).toBe(0);
    expect(await seen()).toEqual([0, 1, 0]);
    expect(readFileSync(sessionFile(), 'utf8')).not.toBe(backup);
  });

  it('a spent token that has no successor here is not sent either', async () => {
    await login();
    const backup = readFileSync(sessionFile(), 'utf8');
    age(folder, context, 'session', 1);
    token();
    const statePath = clientFile(folder, 'state', `${context}.json`);
    writeFileSync(statePath, JSON.stringify({ ...JSON.parse(readFileSync(statePath, 'utf8')), newest: null }), { mode: 0o600 });
    writeFileSync(sessionFile(), backup, { mode: 0o600 });
    age(folder, context, 'session', 1);
    age(folder, context, 'bearer', 1);
    const seen = await watch();
    expect(token()).toMatchObject({ status: 1, stderr: expect.stringMatching(/was spent before.*keyward login --context work/) });
    expect(await seen()).toEqual([0, 0, 0]);
  });

  it('a lost answer is told as such, and costs no more than that login (security rule 26)', async () => {
    await login();
    age(folder, context, 'session', 1);
    await server.setTrouble('drop-answer');
    expect(token().status).toBe(1);
    // The token is tried once more, as the access token has ended.
    expect(token()).toMatchObject({ status: 1, stderr: expect.stringContaining('the answer to its last refresh was lost') });
    const seen = await watch();
    expect(token().stderr).toContain('the answer to its last refresh was lost');
    expect(await seen()).toEqual([0, 0, 0]);
    await login();
    expect(token().status).toBe(0);
  });

  it('a command killed while the server answers leaves a note, not a login that seems good', async () => {
    const slow = await startStandIn({ tokenDelayMs: 1_500 });
    try {
      await logIn(folder, ['--server', slow.url, '--context', context]);
      age(folder, context, 'session', 1);
      const before = await slow.count('token request');
      const command = runCommand({ folder, args: ['token'] });
      await until('the refresh to be sent', async () => (await slow.count('token request')) > before);
      command.kill('SIGKILL');
      await command.exitCode;
      await until('the server to have done it', async () => (await slow.count('issued', 'refresh_token')) === 1);
      expect(token()).toMatchObject({ status: 1, stderr: expect.stringContaining('the answer to its last refresh was lost') });
    } finally {
      await slow.stop();
    }
  });

  it('Ctrl-C while the server answers loses nothing', async () => {
    const slow = await startStandIn({ tokenDelayMs: 1_000 });
    try {
      await logIn(folder, ['--server', slow.url, '--context', context]);
      age(folder, context, 'session', 1);
      const before = await slow.count('token request');
      const command = runCommand({ folder, args: ['token'] });
      await until('the refresh to be sent', async () => (await slow.count('token request')) > before);
      command.kill('SIGINT');
      expect(await command.exitCode).toBe(0);
      expect(token().stdout).toBe(command.stdout());
    } finally {
      await slow.stop();
    }
  });

  it('without the server a token is given as long as it lasts', async () => {
    await login();
    const first = token().stdout;
    age(folder, context, 'bearer', 0.9);
    await server.setTrouble('503');
    expect(token()).toEqual({ status: 0, stdout: first, stderr: '' });
    age(folder, context, 'bearer', 0.2);
    expect(token()).toMatchObject({ status: 1, stdout: '' });
    await server.setTrouble('');
    expect(token().status).toBe(0);
  });

  it('a login that was ended at the server says so and how to go on', async () => {
    await login();
    const { refresh_token: refreshToken } = JSON.parse(readFileSync(sessionFile(), 'utf8'));
    await fetch(`${server.url}/oauth/revoke`, { method: 'POST', body: new URLSearchParams({ token: refreshToken, client_id: 'keyward-cli' }) });
    expect(token()).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(/login at http.* is over.*keyward login --context work/) });
  });
});
