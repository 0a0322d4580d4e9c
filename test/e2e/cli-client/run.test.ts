import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { logIn } from '../../support/cli-login.ts';
import { makeFolder, runKeyward, startDaemon } from '../../support/daemon.ts';
import { findProgram } from '../../support/find-program.ts';
import { startStandIn, type StandIn } from '../../support/keyward-stand-in.ts';
import { runCommand } from '../../support/run-command.ts';

let server: StandIn;
let folder: string;
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

const node = (script: string): readonly string[] => [process.execPath, '-e', script];
/** Writes its environment, then what the server says to its key. */
const telling = node(`fetch(process.env.OPENAI_BASE_URL + '/models', { headers: { authorization: 'Bearer ' + process.env.OPENAI_API_KEY } }).then(({ status }) => console.log(JSON.stringify({ ...process.env, status })))`);

/** A program of this name that writes its arguments and environment. */
function program(name: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, name), `#!${process.execPath}\nconsole.log(JSON.stringify({ args: process.argv.slice(2), env: process.env }));\n`);
  chmodSync(join(bin, name), 0o755);
  return bin;
}

describe('keyward run', () => {
  it('gives the tool base URLs and a key of its own, which ends with it', async () => {
    await logIn(folder, ['--server', server.url]);
    const { status, stdout, stderr } = runKeyward(folder, ['run', ...telling]);
    const env: Record<string, string> = JSON.parse(stdout);
    const { OPENAI_API_KEY: key = '' } = env;
    expect([status, stderr]).toEqual([0, '']);
    expect(env).toMatchObject({
      status: 200,
      OPENAI_BASE_URL: `${server.url}/v1`,
      ANTHROPIC_BASE_URL: server.url,
      GOOGLE_GEMINI_BASE_URL: server.url,
      ANTHROPIC_AUTH_TOKEN: key,
      ANTHROPIC_API_KEY: key,
      GEMINI_API_KEY: key,
      GOOGLE_API_KEY: key,
      KEYWARD_API_TOKEN: key,
    });
    expect(await server.takes(key)).toBe(false);
    expect((await server.events()).slice(-2)).toEqual([{ event: 'run key', id: expect.any(String), name: 'run: node' }, { event: 'run key ended', id: expect.any(String), name: 'run: node' }]);
  });

  it('passes arguments, standard input and the exit code on', async () => {
    await logIn(folder, ['--server', server.url]);
    expect(runKeyward(folder, ['run', '--', 'sh', '-c', 'exit 7']).status).toBe(7);
    const command = runCommand({ folder, args: ['run', 'sh', '-c', 'read line; echo "$line $1 --help"', 'sh', '--json'] });
    command.type('hello');
    expect(await command.exitCode).toBe(0);
    expect(command.output()).toBe('hello --json --help\n');
  });

  it.each<['SIGTERM' | 'SIGINT' | 'SIGHUP', number]>([['SIGTERM', 143], ['SIGINT', 130], ['SIGHUP', 129]])('hands %s on, waits for the tool, and revokes the key', async (signal, code) => {
    await logIn(folder, ['--server', server.url]);
    const before = await server.count('run key ended');
    const command = runCommand({ folder, args: ['run', ...node("console.log('ready'); setInterval(() => {}, 1000)")] });
    await command.says('ready');
    command.kill(signal);
    expect(await command.exitCode).toBe(code);
    expect((await server.count('run key ended')) - before).toBe(1);
  });

  it('lets a tool that finishes in its own way on a signal do so', async () => {
    await logIn(folder, ['--server', server.url]);
    const command = runCommand({ folder, args: ['run', ...node("process.on('SIGTERM', () => setTimeout(() => { console.log('saved'); process.exit(3) }, 100)); console.log('ready'); setInterval(() => {}, 1000)")] });
    await command.says('ready');
    command.kill('SIGTERM');
    expect(await command.exitCode).toBe(3);
    expect(command.output()).toBe('ready\nsaved\n');
  });

  it.skipIf(findProgram('script') === undefined)('on a terminal the tool gets Ctrl-C once, as without `keyward run`', async () => {
    await logIn(folder, ['--server', server.url]);
    const before = await server.count('run key ended');
    const counting = "let count = 0; process.on('SIGINT', () => { count += 1; if (count === 1) setTimeout(() => { console.log('got ' + count); process.exit(4) }, 300) }); console.log('ready'); setInterval(() => {}, 1000)";
    const command = runCommand({ folder, args: ['run', ...node(counting)], through: ['script', '-qec'] });
    await command.says('ready');
    command.type('\u0003');
    // The shell that `script` starts has an exit code of its own for it.
    await command.exitCode;
    expect(command.output()).toContain('got 1');
    expect((await server.count('run key ended')) - before).toBe(1);
  });

  it('says clearly that a command is not there, and makes no key for it', async () => {
    await logIn(folder, ['--server', server.url]);
    const before = await server.count('run key');
    expect(runKeyward(folder, ['run', '--', 'no-such-tool', '-x'])).toMatchObject({ status: 127, stdout: '', stderr: expect.stringMatching(/^keyward: no-such-tool was not found.*PATH/) });
    writeFileSync(join(folder, 'plain'), 'text');
    expect(runKeyward(folder, ['run', './plain'])).toMatchObject({ status: 126, stderr: expect.stringContaining('may not be executed') });
    expect(await server.count('run key')).toBe(before);
    expect(runKeyward(folder, ['run']).status).toBe(2);
  });

  it('says so when the key could not be revoked, and still gives the exit code', async () => {
    await logIn(folder, ['--server', server.url]);
    const { status, stderr } = runKeyward(folder, ['run', ...node(`fetch('${server.url}/trouble/503').then(() => process.exit(5))`)]);
    expect(status).toBe(5);
    expect(stderr).toMatch(/could not be revoked: the server answered HTTP 503\. It ends by itself 20\d\d-/);
  });

  it('takes KEYWARD_API_TOKEN as it is, and revokes nothing', async () => {
    await logIn(folder, ['--server', server.url]);
    const before = (await server.events()).length;
    const { stdout } = runKeyward(folder, ['run', ...telling], { KEYWARD_API_TOKEN: 'kw_live_given' });
    expect(JSON.parse(stdout)).toMatchObject({ OPENAI_API_KEY: 'kw_live_given', OPENAI_BASE_URL: `${server.url}/v1` });
    expect((await server.events()).length).toBe(before);
    const elsewhere = runKeyward(folder, ['run', '--server', 'https://keyward.example.com/', 'sh', '-c', 'echo $ANTHROPIC_BASE_URL'], { KEYWARD_API_TOKEN: 'kw_live_given' });
    expect(elsewhere.stdout).toBe('https://keyward.example.com\n');
  });

  it('starts Claude Code without the key it would ask about, and Codex with the base URL it reads from arguments alone', async () => {
    await logIn(folder, ['--server', server.url]);
    program('claude');
    const path = `${program('codex')}:${process.env['PATH'] ?? ''}`;
    const claude = JSON.parse(runKeyward(folder, ['run', 'claude', '-p', 'hi'], { PATH: path, CLAUDE_CODE_USE_BEDROCK: '1', ANTHROPIC_API_KEY: 'sk-own' }).stdout);
    expect(claude.args).toEqual(['-p', 'hi']);
    expect([claude.env.ANTHROPIC_API_KEY, claude.env.CLAUDE_CODE_USE_BEDROCK, claude.env.ANTHROPIC_AUTH_TOKEN]).toEqual([undefined, undefined, expect.stringMatching(/^kw_live_run_/)]);
    const codex = JSON.parse(runKeyward(folder, ['run', 'codex', 'exec', 'hi'], { PATH: path }).stdout);
    expect(codex.args).toEqual(['-c', `openai_base_url="${server.url}/v1"`, 'exec', 'hi']);
  });

  it('without login and daemon says what to do', () => {
    expect(runKeyward(folder, ['run', 'sh', '-c', 'true'])).toMatchObject({ status: 1, stderr: expect.stringMatching(/not logged in, and no Keyward runs on this machine.*keyward login.*KEYWARD_API_TOKEN.*keyward serve/) });
  });
});

describe('keyward run without a login, beside a daemon', () => {
  it('has the daemon make a key for a day at most, and end it', async () => {
    const daemon = await startDaemon({ config: 'api-keys: ["sk-static-0123456789abcdef"]\n' });
    try {
      const { status, stdout, stderr } = runKeyward(daemon.folder, ['run', '--config', daemon.configPath, ...telling]);
      const { OPENAI_API_KEY: key, ...env }: Record<string, string> = JSON.parse(stdout);
      expect([status, key, stderr.includes(String(key))]).toEqual([0, expect.stringMatching(/^kw_live_/), false]);
      expect(env).toMatchObject({ status: 200, OPENAI_BASE_URL: `${daemon.url}/v1` });
      expect(await ask(daemon.url, '/v1/models', { key: String(key) })).toMatchObject({ status: 401, code: 'key_revoked' });
      const [made] = JSON.parse(runKeyward(daemon.folder, ['keys', 'list', '--tag', 'run', '--json', '--config', daemon.configPath]).stdout).keys;
      expect(made).toMatchObject({ name: 'run: node', status: 'revoked', limits: { scopes: ['models:use', 'models:read'] } });
      expect(Math.round((Date.parse(made.expires_at) - Date.parse(made.created_at)) / 3_600_000)).toBe(24);
      expect(readFileSync(join(daemon.folder, 'config.yaml'), 'utf8')).not.toContain(String(key));
    } finally {
      await daemon.stop();
    }
  });
});
