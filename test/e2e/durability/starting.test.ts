import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { binary, configHead, makeFolder, runKeyward, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { findProgram } from '../../support/find-program.ts';
import { makeSelfSigned } from '../../support/self-signed.ts';
import { until } from '../../support/until.ts';

let folder: string;
const running: RunningDaemon[] = [];

beforeEach(() => {
  folder = makeFolder();
});
afterEach(async () => {
  for (const daemon of running.splice(0)) await daemon.stop();
  rmSync(folder, { recursive: true, force: true });
});

const key = 'sk-client-0123456789abcdef';
async function start(where: string, config: string): Promise<RunningDaemon> {
  const daemon = await startDaemon({ folder: where, config });
  running.push(daemon);
  return daemon;
}

/** What `serve` says on its way out, start-up warnings aside. */
function serveUntilItEnds(config: string, args: readonly string[] = []): { readonly status: number | null; readonly lines: readonly string[]; readonly stdout: string } {
  const configPath = join(folder, 'other.yaml');
  writeFileSync(configPath, config, { mode: 0o600 });
  const { status, stdout, stderr } = runKeyward(folder, ['serve', '--config', configPath, ...args]);
  return { status, stdout, lines: stderr.split('\n').filter((line) => line.startsWith('keyward: ')) };
}

describe('a start that cannot succeed ends with exit code 1 and one line that says what to do', () => {
  it('on a data-dir that another daemon uses, which goes on undisturbed', async () => {
    const first = await start(folder, `api-keys: ["${key}"]\n`);
    const second = serveUntilItEnds(`${configHead}api-keys: ["${key}"]\n`);
    expect([second.status, second.stdout]).toEqual([1, '']);
    expect(second.lines).toEqual([expect.stringMatching(/another Keyward uses .*data.*: stop it, or give this one its own data-dir/)]);
    expect((await ask(first.url, '/v1/models', { key })).status).toBe(200);
    expect(existsSync(join(folder, 'data', 'control.sock'))).toBe(true);
  });

  it('on a port that is taken, by its own or the other loopback address', async () => {
    const first = await start(folder, `api-keys: ["${key}"]\n`);
    const second = serveUntilItEnds(`port: ${first.port}\ndata-dir: ./other-data\nauth-dir: ./auth\napi-keys: ["${key}"]\n`);
    expect([second.status, second.stdout]).toEqual([1, '']);
    expect(second.lines).toEqual([expect.stringMatching(new RegExp(`:${first.port} is in use: .*--port`))]);
    expect((await ask(first.url, '/v1/models', { key })).status).toBe(200);
  });

  it('on a data-dir that cannot be made', () => {
    writeFileSync(join(folder, 'a-file'), '');
    const { status, lines } = serveUntilItEnds(`port: 0\ndata-dir: ./a-file/data\nauth-dir: ./auth\napi-keys: ["${key}"]\n`);
    expect([status, lines]).toEqual([1, [expect.stringContaining(join(folder, 'a-file', 'data'))]]);
  });
});

describe('an invalid config ends the start with exit code 2', () => {
  it('and names file, line, column and what is wrong, all problems at once', () => {
    const { status, lines, stdout } = serveUntilItEnds('port: "many"\nrequest-retry: -1\napi-keys:\n  - "k"\nopenai-compatibility:\n  - { name: up, base-url: "http://127.0.0.1:9", priority: high }\n');
    const file = join(folder, 'other.yaml');
    expect([status, stdout]).toEqual([2, '']);
    expect(lines).toEqual([expect.stringContaining(`${file}:1:7 port`), expect.stringContaining(`${file}:2:16 request-retry`), expect.stringMatching(/other\.yaml:6:\d+ openai-compatibility\.0\.priority/)]);
  });

  it('and names the place where YAML does not parse', () => {
    const { status, lines } = serveUntilItEnds('api-keys: ["k"]\n  port: 1\n');
    expect([status, lines]).toEqual([2, expect.arrayContaining([expect.stringMatching(/other\.yaml:2:\d+ /)])]);
  });

  it.each([
    ['a near miss of a key that guards the door', 'api_keys: ["k"]\n', /api_keys.*api-keys/],
    ['a list of keys with none that can be used', 'api-keys: ["  "]\n', /api-keys/],
    ['open access on a bind that is not loopback', 'host: "0.0.0.0"\n', /insecure-open-access/],
    ['a sample key on a bind that is not loopback', 'host: ""\napi-keys: ["your-api-key-1"]\n', /published sample key/],
    ['a mangled bcrypt hash', 'remote-management:\n  secret-key: "$2a$10$short"\n', /secret-key.*bcrypt/],
  ])('%s', (_, config, told) => {
    const { status, lines, stdout } = serveUntilItEnds(`port: 0\n${config}`);
    expect([status, stdout]).toEqual([2, '']);
    expect(lines.join('\n')).toMatch(told);
  });

  it('a --config that does not exist is exit code 2 and writes nothing', () => {
    const missing = join(folder, 'missing.yaml');
    const { status, stderr } = runKeyward(folder, ['serve', '--config', missing]);
    expect([status, existsSync(missing)]).toEqual([2, false]);
    expect(stderr).toContain(missing);
  });

  it.each([[['serve', '--port', 'many']], [['serve', '--no-such-flag']], [['no-such-command']]])('wrong usage %j is exit code 2', (args) => {
    expect(runKeyward(folder, args).status).toBe(2);
  });
});

describe('a start that succeeds', () => {
  it('says where it listens and which files it uses, in absolute paths, and makes its folders 0700 and its files 0600', async () => {
    const daemon = await start(folder, `api-keys: ["${key}"]\nx-unknown: 1\n`);
    expect(daemon.output()).toContain(`listening on http://127.0.0.1:${daemon.port}`);
    await until('the paths are told', () => daemon.output().includes(`config ${daemon.configPath}, data ${join(folder, 'data')}`));
    await until('the unknown key is told of', () => daemon.output().includes("config: ignored key 'x-unknown'"));
    expect(daemon.output()).not.toContain(key);
    const made = readdirSync(join(folder, 'data'), { recursive: true, encoding: 'utf8' });
    expect(made).toEqual(expect.arrayContaining(['control.sock', expect.stringMatching(/\.db$/)]));
    for (const name of ['.', ...made]) {
      const stats = statSync(join(folder, 'data', name));
      expect([name, (stats.mode & 0o777).toString(8)]).toEqual([name, stats.isDirectory() ? '700' : '600']);
    }
  });

  it('--host and --port win over the file', async () => {
    const daemon = await startDaemon({ folder, config: `host: "0.0.0.0"\napi-keys: ["your-api-key-1"]\n`, args: ['--host', '127.0.0.1', '--port', '0'] });
    running.push(daemon);
    expect(daemon.output()).not.toContain('0.0.0.0');
    expect((await ask(daemon.url, '/v1/models', { key: 'your-api-key-1' })).status).toBe(200);
  });
});

interface FirstRun {
  readonly output: () => string;
  readonly clientKey: string;
  readonly managementKey: string;
  readonly url: string;
  readonly configPath: string;
  readonly stop: () => Promise<void>;
}

/** Starts in an empty home and reads what was written; `asTerminal` runs it on a terminal of its own. */
async function firstRun(asTerminal: boolean): Promise<FirstRun> {
  const pidFile = join(folder, 'pid');
  // Under `script` the daemon is a grandchild: it leaves its id before it takes the shell's place.
  const command = `echo $$ > '${pidFile}'; exec '${process.execPath}' '${binary}' serve --port 0`;
  const [program, args] = asTerminal ? ['script', ['-qec', command, '/dev/null']] : ['/bin/sh', ['-c', command]];
  const child = spawn(program, args, { cwd: folder, env: { HOME: folder, PATH: process.env['PATH'] ?? '', SHELL: '/bin/sh', TERM: 'xterm' }, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  await until('it listens', () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${text}`);
    return /listening on http:\/\/127\.0\.0\.1:\d+/.test(text);
  });
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0] ?? '';
  const configPath = join(folder, '.keyward', 'config.yaml');
  const written = readFileSync(configPath, 'utf8');
  return {
    output: () => text,
    clientKey: /api-keys:\n {2}- "(.+)"/.exec(written)?.[1] ?? '',
    managementKey: /secret-key: "(.+)"/.exec(written)?.[1] ?? '',
    url,
    configPath,
    stop: async () => {
      process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM');
      await exited;
    },
  };
}

describe('the first run without a config', () => {
  it('writes one with fresh random keys, mode 0600 in a folder 0700, names it and keeps the keys out of the output, which is no terminal', async () => {
    const first = await firstRun(false);
    try {
      expect([statSync(first.configPath).mode & 0o777, statSync(join(folder, '.keyward')).mode & 0o777]).toEqual([0o600, 0o700]);
      expect(first.output()).toContain(first.configPath);
      expect(first.clientKey.length).toBeGreaterThan(32);
      expect(first.managementKey.length).toBeGreaterThan(32);
      expect(first.output()).not.toContain(first.clientKey);
      expect(first.output()).not.toContain(first.managementKey);
      expect((await ask(first.url, '/v1/models', { key: first.clientKey })).status).toBe(200);
      expect((await ask(first.url, '/v1/models')).status).toBe(401);
    } finally {
      await first.stop();
    }
  });

  it('the second run keeps the config as it is', async () => {
    const first = await firstRun(false);
    const written = readFileSync(first.configPath, 'utf8');
    await first.stop();
    const second = await firstRun(false);
    await second.stop();
    expect(readFileSync(second.configPath, 'utf8')).toBe(written);
    expect(second.output()).not.toContain('Wrote');
  });

  if (findProgram('script') === undefined || process.platform !== 'linux') {
    it('this machine has no `script` that lends a terminal to a command', () => {
      expect(process.platform === 'linux' && findProgram('script') !== undefined).toBe(false);
    });
  } else {
    it('prints both keys once on a terminal, with a curl to paste', async () => {
      const first = await firstRun(true);
      try {
        expect(first.output().split(first.managementKey).length - 1).toBe(1);
        expect(first.output()).toContain(`curl http://localhost:`);
        expect(first.output()).toContain(`-H 'Authorization: Bearer ${first.clientKey}'`);
      } finally {
        await first.stop();
      }
    });
  }
});

describe('tls.cert and tls.key', () => {
  it('may begin with ~, which is the home of who runs the daemon', async () => {
    const pair = makeSelfSigned();
    writeFileSync(join(folder, 'cert.pem'), pair.cert);
    writeFileSync(join(folder, 'key.pem'), pair.key, { mode: 0o600 });
    const daemon = await startDaemon({ folder, config: 'api-keys: ["sk-client-0123456789"]\ntls: { enable: true, cert: "~/cert.pem", key: "~/key.pem" }\n' });
    running.push(daemon);
    expect(daemon.url).toMatch(/^https:/);
  });
});
