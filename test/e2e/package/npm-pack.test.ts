import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const repository = resolve(import.meta.dirname, '../../..');
const scratch = mkdtempSync(join(tmpdir(), 'keyward-pack-'));
const installed = join(scratch, 'installed');
/** How this machine reaches its package registry. */
const network = Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(?:node_extra_ca_certs|ssl_cert_(?:file|dir)|(?:https?|no)_proxy|npm_config_(?:registry|cache))$/i.test(name)));
const env = { ...network, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`, HOME: process.env['HOME'] ?? scratch };
const run = promisify(execFile);
const keyward = (...argv: string[]) => run(join(installed, 'node_modules/.bin/keyward'), argv, { cwd: installed, env: { ...env, HOME: scratch } });

describe('the package that npm pack makes, installed into an empty folder', () => {
  beforeAll(async () => {
    // Without its prepack script: `npm test` has just built dist/, and other tests are running from it.
    await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', scratch], { cwd: repository, env });
    const tarball = readdirSync(scratch).find((file) => file.endsWith('.tgz')) ?? '';
    mkdirSync(installed);
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(scratch, tarball)], { cwd: installed, env });
  }, 240_000);
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it('`keyward --version` prints the version of package.json', async () => {
    const manifest: { readonly version: string } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
    expect((await keyward('--version')).stdout.trim()).toBe(manifest.version);
  });

  it('`keyward config schema` prints a JSON Schema that knows the settings', async () => {
    const schema: unknown = JSON.parse((await keyward('config', 'schema')).stdout);
    expect(schema).toMatchObject({ properties: { 'api-keys': expect.anything(), 'remote-management': expect.anything() } });
  });

  it('`keyward init` and `keyward config check` agree', async () => {
    await keyward('init', '--config', 'config.yaml');
    expect(JSON.parse((await keyward('config', 'check', 'config.yaml', '--json')).stdout)).toMatchObject({ valid: true });
  });

  it('holds the bundle, the example config and the docs, and no sources, tests or secrets', () => {
    const root = join(installed, 'node_modules/keyward');
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
    expect(files).toEqual(expect.arrayContaining(['dist/keyward.mjs', 'config.example.yaml', 'README.md', 'LICENSE', 'docs/migrating.md']));
    expect(files.filter((file) => /^(cmd|internal|test|scripts|auth-dir|\.env)|config\.yaml$/.test(file))).toEqual([]);
  });
});
