import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { LineReader } from '../../../internal/cli/line-reader.ts';
import type { CliProcess } from '../../../internal/cli/process-env.ts';

export interface FakeProcess extends CliProcess {
  /** All that was written so far. */
  readonly out: () => string;
  readonly err: () => string;
}

/** A process with empty, own home and working directories that are removed when the test ends. */
export function createFakeProcess(argv: readonly string[], more: Partial<CliProcess> & { readonly stdin?: string } = {}): FakeProcess {
  let out = '';
  let err = '';
  return {
    argv,
    env: {},
    readStdin: () => Promise.resolve(more.stdin ?? ''),
    openLines: () => linesOf((more.stdin ?? '').split('\n').slice(0, -1)),
    stdinIsTerminal: false,
    drained: () => Promise.resolve(true),
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    stdoutIsTerminal: false,
    stderrIsTerminal: false,
    columns: 100,
    cwd: more.cwd ?? createFolder(),
    home: more.home ?? createFolder(),
    nodeVersion: process.versions.node,
    platform: process.platform,
    uid: process.getuid?.(),
    signals: new EventEmitter(),
    version: '9.8.7',
    ...more,
    out: () => out,
    err: () => err,
  };
}

/** These lines, then the end of the input. */
export function linesOf(lines: readonly string[]): LineReader {
  const left = [...lines];
  return { next: () => Promise.resolve(left.shift()), close: () => undefined };
}

/** An empty folder of this test's own. */
export function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
