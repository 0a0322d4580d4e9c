import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDockerfile, type Stage } from './dockerfile.ts';

/*
 * No container engine is at hand where the tests run, so the Dockerfile's steps are carried out in empty folders: each
 * stage is a folder, COPY takes the files git knows, RUN runs what is npm or node.
 */

const repository = resolve(import.meta.dirname, '../../..');
const text = readFileSync(join(repository, 'Dockerfile'), 'utf8');
const stages = parseDockerfile(text);
const image = stages.at(-1);
const scratch = mkdtempSync(join(tmpdir(), 'keyward-image-'));
const path = `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`;
const run = promisify(execFile);

/** What npm needs to know of the way to its registry: mirrors, proxies, and the certificates of those that read along. */
const onTheWay = /^(?:NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|(?:https?|no)_proxy|npm_config_(?:registry|ca|cafile|cache|strict_ssl|https?_proxy|proxy|noproxy|userconfig))$/i;
const registryEnvironment = Object.fromEntries(Object.entries(process.env).filter(([name, value]) => onTheWay.test(name) && value !== ''));

const folderOf = (stage: Stage): string => join(scratch, stage.name || 'image');
const readInstructions = (name: string): readonly string[] => image?.instructions.filter((step) => step.name === name).map((step) => step.rest) ?? [];

function listTracked(source: string): readonly string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--', source], { cwd: repository, encoding: 'utf8' });
  return listed.split('\0').filter((file) => file !== '' && existsSync(join(repository, file)));
}

/** COPY: from another stage's folder, or from what git tracks (a file that exists on one machine only must not pass). */
function copy(stage: Stage, workdir: string, rest: string): void {
  const words = rest.split(/\s+/);
  const from = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : undefined;
  const target = words.pop() ?? '';
  const into = target.startsWith('/') ? join(folderOf(stage), target) : join(workdir, target);
  for (const source of words) {
    if (from !== undefined) {
      const origin = join(scratch, from, source);
      cpSync(origin, target.endsWith('/') ? join(into, source.split('/').at(-1) ?? '') : into, { recursive: true });
      continue;
    }
    const files = listTracked(source);
    expect(files, `COPY ${source}: git knows no such file`).not.toEqual([]);
    for (const file of files) {
      const isFolder = file !== source;
      const to = isFolder ? join(into, file.slice(source.length)) : target.endsWith('/') ? join(into, file) : into;
      mkdirSync(dirname(to), { recursive: true });
      cpSync(join(repository, file), to);
    }
  }
}

async function replay(stage: Stage): Promise<void> {
  let workdir = folderOf(stage);
  mkdirSync(workdir, { recursive: true });
  for (const { name, rest } of stage.instructions) {
    if (name === 'WORKDIR') mkdirSync((workdir = join(folderOf(stage), rest)), { recursive: true });
    if (name === 'COPY') copy(stage, workdir, rest);
    if (name !== 'RUN') continue;
    if (/^(npm|node) /.test(rest)) await run('sh', ['-c', rest], { cwd: workdir, env: { ...registryEnvironment, PATH: path, HOME: process.env['HOME'] ?? scratch, npm_config_prefer_offline: 'true' } });
    else expect(rest, 'a RUN that is neither npm nor node only prepares the data directory').toMatch(/^mkdir -p \/data && chown node:node \/data && chmod 700 \/data$/);
  }
}

describe('the Dockerfile, carried out in empty folders', () => {
  beforeAll(async () => {
    for (const stage of stages) await replay(stage);
  }, 240_000);
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it('builds an image whose entry point prints the version of package.json', async () => {
    const { stdout } = await run(process.execPath, [join(scratch, 'image/app/dist/keyward.mjs'), '--version'], { cwd: scratch, env: { PATH: path } });
    const manifest: { readonly version: string } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
    expect(stdout.trim()).toBe(manifest.version);
  });

  it('carries no development packages, no sources and no secrets into the image', () => {
    const app = join(scratch, 'image/app');
    expect(['cmd', 'internal', 'scripts', '.env', 'config.yaml'].filter((file) => existsSync(join(app, file)))).toEqual([]);
    expect(new Set(readdirSync(join(app, 'node_modules')))).toEqual(new Set(['@node-rs', 'better-sqlite3']));
  });

  it('the first run of its command writes a config with keys, answers the health check, and stops cleanly', async () => {
    const data = join(scratch, 'image/data');
    mkdirSync(data, { recursive: true });
    const port = await findFreePort();
    const command: readonly string[] = JSON.parse(readInstructions('CMD')[0] ?? '[]');
    const child = spawn(process.execPath, [join(scratch, 'image/app/dist/keyward.mjs'), ...command, '--port', String(port)], {
      cwd: data,
      env: { PATH: path, HOME: data, KEYWARD_CONFIG: join(data, 'config.yaml') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    const ended = once(child, 'exit');
    try {
      const check = healthCheck(port);
      await expect.poll(async () => (child.exitCode === null ? run(process.execPath, check).then(() => 'healthy', () => 'not yet') : `ended: ${output}`), { timeout: 15_000, interval: 100 }).toBe('healthy');
      expect(statSync(join(data, 'config.yaml')).mode & 0o777).toBe(0o600);
      const key = /"(kw_[\w-]+)"/.exec(readFileSync(join(data, 'config.yaml'), 'utf8'))?.[1];
      expect(key).toBeDefined();
      expect(output).not.toContain(key);
      expect((await fetch(`http://127.0.0.1:${port}/v1/models`)).status).toBe(401);
      expect((await fetch(`http://127.0.0.1:${port}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(200);
    } finally {
      child.kill('SIGTERM');
    }
    expect(await ended).toEqual([0, null]);
  });
});

describe('the image', () => {
  it('runs a slim LTS Node, not as root, with one volume and a health check', () => {
    expect(stages.map((stage) => stage.base)).toEqual(['node:24-bookworm-slim', 'node:24-bookworm-slim']);
    expect(readInstructions('USER')).toEqual(['node']);
    expect(readInstructions('VOLUME')).toEqual(['/data']);
    expect(readInstructions('HEALTHCHECK')).toHaveLength(1);
  });
});

/** The arguments for node of the image's own HEALTHCHECK, at another port. */
function healthCheck(port: number): readonly string[] {
  const command = /CMD (\[.*\])$/.exec(readInstructions('HEALTHCHECK')[0] ?? '')?.[1] ?? '[]';
  const words: readonly string[] = JSON.parse(command);
  expect(words[0]).toBe('node');
  return words.slice(1).map((word) => word.replace(':8317', `:${port}`));
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
