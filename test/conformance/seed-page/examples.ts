import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** An example of the page as printed, but for the port. */
export function readExample(name: string, port: number): string {
  return readFileSync(join(import.meta.dirname, 'examples', name), 'utf8').replaceAll('localhost:8317', `localhost:${port}`);
}

/** A folder to run examples in, whose scripts find the packages of this project. */
export function makeExampleFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-page-'));
  symlinkSync(resolve(import.meta.dirname, '../../../node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** Runs a program without what this machine's environment would add, proxies above all. */
export function run(program: string, args: readonly string[], folder: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise((done) => {
    const child = execFile(program, args, { cwd: folder, env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env }, encoding: 'utf8', timeout: 15_000 }, (_, stdout, stderr) => done({ status: child.exitCode ?? -1, stdout, stderr }));
  });
}

/** Runs the printed shell command. */
export function runShell(command: string, folder: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return run('/bin/sh', ['-c', command], folder, env);
}

/** Runs the printed script with `before` and `after` around it, which only import and observe. */
export function runScript(script: string, folder: string, around: { readonly before?: string; readonly after: string }): Promise<Ran> {
  const file = join(folder, 'example.mjs');
  writeFileSync(file, `${around.before ?? ''}\n${script}\n${around.after}\n`);
  return run(process.execPath, [file], folder);
}
