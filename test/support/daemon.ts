import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const binary = resolve(import.meta.dirname, '../../dist/keyward.mjs');

/** The built daemon as a process of its own, with a home and data of its own. */
export interface RunningDaemon {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly configPath: string;
  readonly process: ChildProcess;
  /** All that it wrote so far. */
  readonly output: () => string;
  /** SIGTERM; resolves with the exit code. */
  readonly stop: () => Promise<number | null>;
}

export interface DaemonSetup {
  /** YAML without `port`, `data-dir` and `auth-dir`, which are set here. */
  readonly config: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export async function startDaemon(setup: DaemonSetup): Promise<RunningDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-test-'));
  const configPath = join(folder, 'config.yaml');
  writeFileSync(configPath, `port: 0\ndata-dir: "./data"\nauth-dir: "./auth"\n${setup.config}`, { mode: 0o600 });
  const child = spawn(process.execPath, [binary, 'serve', '--config', configPath, ...(setup.args ?? [])], {
    cwd: folder,
    env: { HOME: folder, PATH: process.env['PATH'] ?? '', ...setup.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  const port = await new Promise<number>((done, fail) => {
    const look = (): void => {
      const match = /http[s]?:\/\/127\.0\.0\.1:(\d+)/.exec(text);
      if (match !== null) done(Number(match[1]));
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', (code) => fail(new Error(`the daemon ended with ${code}:\n${text}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
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
      rmSync(folder, { recursive: true, force: true });
      return child.exitCode;
    },
  };
}
