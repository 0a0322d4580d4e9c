import { existsSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clientFile, logIn } from '../../support/cli-login.ts';
import { binary, makeFolder, runKeyward, type CommandOutcome } from '../../support/daemon.ts';
import { startStandIn, type StandIn } from '../../support/keyward-stand-in.ts';

let one: StandIn;
let other: StandIn;
let folder: string;
beforeAll(async () => {
  [one, other] = await Promise.all([startStandIn(), startStandIn()]);
});
afterAll(() => Promise.all([one.stop(), other.stop()]));
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const keyward = (...args: readonly string[]): CommandOutcome => runKeyward(folder, args);
/** With a text on standard input. */
function feed(input: string, ...args: readonly string[]): CommandOutcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [binary, ...args], { cwd: folder, env: { HOME: folder, PATH: process.env['PATH'] ?? '' }, input, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('contexts', () => {
  it('several servers stand side by side; the current one is used', async () => {
    await logIn(folder, ['--server', one.url, '--context', 'home']);
    await logIn(folder, ['--server', other.url, '--context', 'work']);
    expect(JSON.parse(keyward('contexts', 'list', '--json').stdout)).toMatchObject({ current: 'work', contexts: [{ name: 'home', server: one.url, credential: 'login' }, { name: 'work', server: other.url }] });
    expect(keyward('contexts', 'list').stdout).toMatch(/^ +name +server +who +organization +credential\n +home .*\n\* +work .* ann@example\.com +acme +login\n$/);
    expect(JSON.parse(keyward('whoami', '--json').stdout).server).toBe(other.url);
    expect(keyward('contexts', 'use', 'home').status).toBe(0);
    expect(JSON.parse(keyward('whoami', '--json').stdout).server).toBe(one.url);
    expect(JSON.parse(keyward('whoami', '--json', '--context', 'work').stdout).server).toBe(other.url);
    expect(keyward('contexts', 'use', 'nowhere')).toMatchObject({ status: 1, stderr: expect.stringContaining('There is no context nowhere') });
    expect(readFileSync(clientFile(folder, 'contexts.json'), 'utf8')).not.toMatch(/token|"d"/);
  });

  it('a name that could be no file name is refused', () => {
    for (const name of ['../x', 'A', '.x', 'a/b', '']) expect(keyward('login', '--server', one.url, '--context', name, '--no-browser')).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('The name of a context') });
    expect(existsSync(clientFile(folder, 'contexts.json'))).toBe(false);
  });

  it('logout ends the login at the server and forgets it; login finds the server again', async () => {
    await logIn(folder, ['--server', one.url]);
    const token = keyward('token').stdout.trim();
    const ended = await one.count('family ended');
    expect(keyward('logout')).toMatchObject({ status: 0, stdout: expect.stringContaining('no longer good anywhere') });
    expect((await one.count('family ended')) - ended).toBe(1);
    for (const kind of ['session', 'bearer', 'key']) expect(existsSync(clientFile(folder, 'tokens', `127.0.0.1-${new URL(one.url).port}.${kind}.json`))).toBe(false);
    expect(token).not.toBe('');
    expect(keyward('token')).toMatchObject({ status: 1, stderr: expect.stringContaining(`logged out of ${one.url}`) });
    await logIn(folder, []);
    expect(JSON.parse(keyward('whoami', '--json').stdout).server).toBe(one.url);
  });

  it('logout forgets also when the server is away, and says so', async () => {
    const gone = await startStandIn();
    await logIn(folder, ['--server', gone.url, '--context', 'gone']);
    await gone.stop();
    const outcome = keyward('logout');
    expect(outcome).toMatchObject({ status: 1, stderr: expect.stringMatching(/did not end the login: nothing listens there.*keyward sessions revoke/) });
    expect(existsSync(clientFile(folder, 'tokens', 'gone.session.json'))).toBe(false);
    expect(keyward('contexts', 'remove', 'gone').status).toBe(0);
    expect(keyward('contexts', 'list').stdout).toContain('There are no contexts yet');
  });
});

describe('keyward config init', () => {
  it('keeps a server and a client key as a context', () => {
    expect(feed('kw_live_fromserver\n', 'config', 'init', '--server', 'https://keyward.example.com/', '--key', '-', '--context', 'office').status).toBe(0);
    expect(keyward('token').stdout).toBe('kw_live_fromserver\n');
    expect(JSON.parse(keyward('whoami', '--json').stdout)).toMatchObject({ context: 'office', server: 'https://keyward.example.com', credential: 'key', scopes: null });
    expect(keyward('run', 'sh', '-c', 'echo $OPENAI_BASE_URL $OPENAI_API_KEY').stdout).toBe('https://keyward.example.com/v1 kw_live_fromserver\n');
    expect(keyward('logout').stdout).toContain('it stays good there until it is revoked');
    expect(keyward('token').status).toBe(1);
  });

  it('takes no key from the command line, and nothing that is none', () => {
    expect(keyward('config', 'init', '--key', 'kw_live_seen')).toMatchObject({ status: 2, stderr: expect.stringContaining('where others can see it') });
    expect(feed('', 'config', 'init', '--key', '-').status).toBe(2);
    expect(feed('two words\n', 'config', 'init', '--key', '-')).toMatchObject({ status: 2, stderr: expect.stringContaining('This is no key') });
  });

  it('a login does not take the place of a key, nor the other way round', async () => {
    feed('kw_live_fromserver\n', 'config', 'init', '--server', one.url, '--key', '-');
    await logIn(folder, ['--server', one.url]);
    const base = `127.0.0.1-${new URL(one.url).port}`;
    expect(JSON.parse(keyward('contexts', 'list', '--json').stdout)).toMatchObject({ current: `${base}-2`, contexts: [{ name: base, credential: 'key' }, { name: `${base}-2`, credential: 'login' }] });
  });

  it('prints what a tool needs, and writes it only when told so, keeping what was there', () => {
    expect(JSON.parse(keyward('config', 'init', 'claude', '--server', 'https://k.example').stdout.replace(/^#.*\n/, ''))).toEqual({ apiKeyHelper: 'keyward token', env: { ANTHROPIC_BASE_URL: 'https://k.example', CLAUDE_CODE_API_KEY_HELPER_TTL_MS: '60000' } });
    expect(existsSync(join(folder, '.claude'))).toBe(false);
    mkdirSync(join(folder, '.claude'));
    const path = join(folder, '.claude', 'settings.json');
    const before = '{\n  // mine\n  "model": "sonnet",\n  "env": { "FOO": "bar" }\n}\n';
    writeFileSync(path, before);
    expect(keyward('config', 'init', 'claude', '--write')).toMatchObject({ status: 2, stderr: expect.stringMatching(/\+ .*apiKeyHelper[\s\S]*needs a yes/) });
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(keyward('config', 'init', 'claude', '--write', '--yes')).toMatchObject({ status: 0, stdout: expect.stringContaining(`${path}.bak`) });
    const after = readFileSync(path, 'utf8');
    expect(after).toContain('// mine');
    expect(JSON.parse(after.replace('// mine', ''))).toEqual({ model: 'sonnet', env: { FOO: 'bar', ANTHROPIC_BASE_URL: 'http://localhost:8317', CLAUDE_CODE_API_KEY_HELPER_TTL_MS: '60000' }, apiKeyHelper: 'keyward token' });
    expect(readFileSync(`${path}.bak`, 'utf8')).toBe(before);
    expect(keyward('config', 'init', 'claude', '--write', '--yes').stdout).toContain('has it already');
    expect(keyward('config', 'init', 'claude', '--server', 'https://k.example', '--write', '--yes')).toMatchObject({ status: 1, stderr: expect.stringContaining('another `env.ANTHROPIC_BASE_URL`') });
    expect(keyward('config', 'init', 'openai', '--write')).toMatchObject({ status: 2, stderr: expect.stringContaining('no file to write for openai') });
  });

  it('adds to Codex’s config before and after what is there', () => {
    mkdirSync(join(folder, '.codex'));
    const path = join(folder, '.codex', 'config.toml');
    writeFileSync(path, 'model = "gpt-5.5"\n\n[projects."/x"]\ntrust_level = "trusted"\n');
    expect(keyward('config', 'init', 'codex', '--write', '--yes').status).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('model_provider = "keyward"\nmodel = "gpt-5.5"\n\n[projects."/x"]\ntrust_level = "trusted"\n\n[model_providers.keyward]\nname = "Keyward"\nbase_url = "http://localhost:8317/v1"\nwire_api = "responses"\n\n[model_providers.keyward.auth]\ncommand = "keyward"\nargs = ["token"]\nrefresh_interval_ms = 60000\n');
    expect(keyward('config', 'init', 'codex', '--write', '--yes').stdout).toContain('has it already');
    writeFileSync(path, 'model_provider = "other"\n');
    expect(keyward('config', 'init', 'codex', '--write', '--yes')).toMatchObject({ status: 1, stderr: expect.stringContaining('another `model_provider`') });
  });
});
