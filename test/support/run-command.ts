import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { binary } from './daemon.ts';
import { until } from './until.ts';

/** A command of the built binary that waits for something: its input is a pipe that stays open until the test ends it. */
export interface RunningCommand {
  readonly pid: number;
  readonly stdout: () => string;
  /** All that it wrote, both streams in their order. */
  readonly output: () => string;
  readonly type: (line: string) => void;
  readonly endInput: () => void;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Resolves once the output holds the text. */
  readonly says: (text: string) => Promise<void>;
  readonly exitCode: Promise<number | null>;
}

export interface CommandSetup {
  readonly folder: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A program and its first arguments that run the command line given as their last one, such as `script -qec`. */
  readonly through?: readonly [string, ...string[]];
}

export function runCommand({ folder, args, env = {}, through }: CommandSetup): RunningCommand {
  const line = [process.execPath, binary, ...args];
  const quoted = line.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
  const [program = '', ...rest] = through === undefined ? line : [...through, quoted, '/dev/null'];
  const child = spawn(program, rest, { cwd: folder, env: { HOME: folder, PATH: process.env['PATH'] ?? '', ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
    output += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  child.stdin.on('error', () => undefined);
  const exitCode = once(child, 'close').then(() => child.exitCode);
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    output: () => output,
    type: (text) => void child.stdin.write(`${text}\n`),
    endInput: () => void child.stdin.end(),
    kill: (signal) => void child.kill(signal),
    says: async (text) => {
      let isOver = false;
      void exitCode.then(() => (isOver = true));
      await until(`the command to say ${JSON.stringify(text)}`, () => isOver || output.includes(text), 10_000);
      if (!output.includes(text)) throw new Error(`the command ended without saying ${JSON.stringify(text)}; it said:\n${output}`);
    },
    exitCode,
  };
}
