import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const binary = resolve(import.meta.dirname, '../../dist/keyward.mjs');

/** The built daemon as a process of its own, with a home and data of its own. */
export interface RunningDaemon {
  /** `http://127.0.0.1:PORT`, or `https:` where TLS is on. */
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly configPath: string;
  readonly process: ChildProcess;
  /** All that it wrote so far. */
  readonly output: () => string;
  /** SIGTERM; resolves with the exit code. The folder goes too, unless the setup brought its own. */
  readonly stop: () => Promise<number | null>;
}

export interface DaemonSetup {
  /** YAML without `port`, `data-dir` and `auth-dir`, which are set here. Absent: the folder holds a `config.yaml` already. */
  readonly config?: string;
  /** A folder made by `makeFolder`, which outlives the daemon: to start another one on the same data. */
  readonly folder?: string;
  /** Absolute; `config.yaml` in the folder where absent. */
  readonly configPath?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'keyward-test-'));
}

/** What a config in a test's own folder begins with. */
export const configHead = 'port: 0\ndata-dir: "./data"\nauth-dir: "./auth"\n';

function environmentIn(folder: string, env: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { HOME: folder, PATH: process.env['PATH'] ?? '', ...env };
}

export async function startDaemon(setup: DaemonSetup): Promise<RunningDaemon> {
  const folder = setup.folder ?? makeFolder();
  const configPath = setup.configPath ?? join(folder, 'config.yaml');
  if (setup.config !== undefined) writeFileSync(configPath, `${configHead}${setup.config}`, { mode: 0o600 });
  const child = spawn(process.execPath, [binary, 'serve', '--config', configPath, ...(setup.args ?? [])], {
    cwd: folder,
    env: environmentIn(folder, setup.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  const { scheme, port } = await new Promise<{ readonly scheme: string; readonly port: number }>((done, fail) => {
    const look = (): void => {
      const match = /listening on (https?):\/\/(?:127\.0\.0\.1|0\.0\.0\.0):(\d+)/.exec(text);
      if (match !== null) done({ scheme: match[1] ?? 'http', port: Number(match[2]) });
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', (code) => fail(new Error(`the daemon ended with ${code}:\n${text}`)));
  });
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    port,
    folder,
    configPath,
    process: child,
    output: () => text,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      if (setup.folder === undefined) rmSync(folder, { recursive: true, force: true });
      return child.exitCode;
    },
  };
}

export interface CommandOutcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the built binary that ends by itself, with `folder` as working directory and home. */
export function runKeyward(folder: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): CommandOutcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [binary, ...args], { cwd: folder, env: environmentIn(folder, env), encoding: 'utf8', timeout: 15_000 });
  return { status, stdout, stderr };
}
