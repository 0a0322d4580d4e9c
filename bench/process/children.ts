import { fork, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';

const stopLimitMs = 8_000;
const announceLimitMs = 15_000;
const announcement = v.object({ port: v.number() });

export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Of this process's monotonic clock, just before it was started. */
  readonly startedAtMs: number;
  readonly hasEnded: () => boolean;
  /** The last lines it wrote, for a reader who wonders why it ended. */
  readonly lastWords: () => string;
  /** SIGTERM to this process alone, SIGKILL when it does not go. */
  readonly stop: () => Promise<void>;
}

export interface SpawnOptions {
  readonly cwd: string;
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Where stdout and stderr go, appended. */
  readonly outputPath: string;
}

/** Every process that the bench started and has not ended yet. */
export class Children {
  readonly #running = new Set<Child>();

  spawn(command: string, args: readonly string[], options: SpawnOptions): Child {
    const output = openSync(options.outputPath, 'a');
    const startedAtMs = performance.now();
    try {
      return this.#adopt(spawn(command, [...args], { cwd: options.cwd, env: { ...options.env }, stdio: ['ignore', output, output] }), options.outputPath, startedAtMs);
    } finally {
      closeSync(output);
    }
  }

  /** A program of the bench itself, with an IPC channel; resolves with the port it announced (0 for none). */
  async forkProgram(path: string, args: readonly string[], options: SpawnOptions): Promise<{ readonly child: Child; readonly port: number }> {
    const output = openSync(options.outputPath, 'a');
    const forked = fork(path, [...args], { cwd: options.cwd, env: { ...options.env }, serialization: 'advanced', stdio: ['ignore', output, output, 'ipc'] });
    closeSync(output);
    const child = this.#adopt(forked, options.outputPath, performance.now());
    const [first] = await Promise.race([
      once(forked, 'message', { signal: AbortSignal.timeout(announceLimitMs) }),
      once(forked, 'exit').then(() => {
        throw new Error(`${path} ended at its start: ${child.lastWords()}`);
      }),
    ]);
    return { child, port: v.parse(announcement, first).port };
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((child) => child.stop()));
  }

  #adopt(process: ChildProcess, outputPath: string, startedAtMs: number): Child {
    let failure = '';
    const hasEnded = (): boolean => failure !== '' || process.exitCode !== null || process.signalCode !== null;
    const child: Child = {
      process,
      pid: process.pid ?? 0,
      startedAtMs,
      hasEnded,
      lastWords: () => failure || readFileSync(outputPath, 'utf8').trim().split('\n').slice(-3).join(' | ') || `exit code ${process.exitCode}`,
      stop: async () => {
        this.#running.delete(child);
        if (hasEnded()) return;
        const ended = once(process, 'exit');
        process.kill('SIGTERM');
        const inTime = await Promise.race([ended.then(() => true), sleep(stopLimitMs, false, { ref: false })]);
        if (inTime) return;
        process.kill('SIGKILL');
        await ended;
      },
    };
    process.once('error', (cause) => {
      failure = cause.message;
    });
    process.once('exit', () => this.#running.delete(child));
    this.#running.add(child);
    return child;
  }
}
