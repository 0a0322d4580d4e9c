import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';

const binary = resolve(import.meta.dirname, '../../../dist/keyward.mjs');

/** Runs the binary in a Node that says it is `version`. */
function runAs(version: string): { readonly status: number | null; readonly stderr: string; readonly stdout: string } {
  const pretend = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`;
  return spawnSync(process.execPath, ['--import', pretend, binary, '--version'], { encoding: 'utf8' });
}

describe('the built binary', () => {
  it.each([['20.20.2'], ['22.21.9'], ['18.0.0']])('refuses Node %s with a sentence and exit code 1', (version) => {
    const { status, stderr, stdout } = runAs(version);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^keyward needs Node 22\.22 or newer, .*\n$/);
  });

  it.each([['22.22.0'], ['24.0.0'], ['100.1.0']])('runs on Node %s', (version) => {
    expect(runAs(version)).toMatchObject({ status: 0, stderr: '' });
  });

  it('its entry is a script that a Node without the last ten years’ syntax can parse', () => {
    const text = readFileSync(binary, 'utf8');
    expect(text).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(statSync(binary).mode & 0o111).toBe(0o111);
    // What the transformer has to rewrite for old engines is what they could not parse.
    const strip = (target: string): string => transformSync(text, { target, format: 'esm', supported: { 'dynamic-import': true } }).code;
    expect(strip('es2015')).toBe(strip('esnext'));
  });
});

describe('the demo', () => {
  it('runs a plain, a streamed and a refused request through the built daemon and cleans up', () => {
    const demo = resolve(import.meta.dirname, '../../../scripts/demo.ts');
    const { status, stdout, stderr } = spawnSync(process.execPath, [demo, '--once', '--port', '0'], { encoding: 'utf8', timeout: 30_000, cwd: join(binary, '../..') });
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toMatch(/1\. A plain request.*\n.*✔ 200/);
    expect(stdout).toMatch(/2\. The same, streamed.*\n.*✔ Hello! I am a simulated model/);
    expect(stdout).toMatch(/3\. A request with a wrong key\n.*✔ refused with 401 invalid_api_key/);
  });
});
