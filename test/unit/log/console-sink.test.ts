import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { openConsoleSink } from '../../../internal/log/console-sink.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyward-console-'));
afterAll(() => rmSync(folder, { recursive: true }));

function openFile(name: string): { readonly fd: number; readonly text: () => string } {
  const path = join(folder, name);
  return { fd: openSync(path, 'w', 0o600), text: () => readFileSync(path, 'utf8') };
}

describe('the console', () => {
  it('gets every line once and in order, however they are flushed', async () => {
    const { fd, text } = openFile('order');
    const clock = createManualClock();
    const sink = openConsoleSink({ fd, clock, onDropped: () => expect.unreachable() });
    let expected = '';
    for (let index = 0; index < 2_000; index++) {
      const line = `${index} ${'x'.repeat(index % 97)}\n`;
      expected += line;
      sink.write(line);
      if (index % 500 === 0) clock.advance(100);
      if (index % 700 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await vi.waitFor(() => {
      clock.advance(100);
      expect(text()).toBe(expected);
    });
    sink.close();
    closeSync(fd);
  });

  it('writes what is held when it closes', () => {
    const { fd, text } = openFile('close');
    const sink = openConsoleSink({ fd, clock: createManualClock(), onDropped: () => expect.unreachable() });
    sink.write('last words\n');
    sink.close();
    expect(text()).toBe('last words\n');
    closeSync(fd);
  });

  it('drops lines while the disk is full, and never throws', () => {
    const fd = openSync('/dev/full', 'w');
    let dropped = 0;
    const sink = openConsoleSink({ fd, clock: createManualClock(), onDropped: () => (dropped += 1) });
    sink.write('one\n');
    sink.flush();
    sink.write('two\n');
    sink.flush();
    expect(dropped).toBe(2);
    sink.close();
    closeSync(fd);
  });

  it('gives a descriptor up that is gone', () => {
    const { fd } = openFile('gone');
    const sink = openConsoleSink({ fd, clock: createManualClock(), onDropped: () => undefined });
    closeSync(fd);
    sink.write('into the void\n');
    expect(() => sink.close()).not.toThrow();
  });

  it('a daemon whose terminal hung up still stops on SIGTERM', () => {
    // `script` gives the process a terminal and takes it away when its own shell ends.
    const script = join(import.meta.dirname, 'log-after-hangup.ts');
    const marker = join(folder, 'stopped');
    const shell = `trap '' HUP; ${JSON.stringify(process.execPath)} ${JSON.stringify(script)} ${JSON.stringify(marker)} & sleep 0.5; exit 0`;
    const ran = spawnSync('script', ['-qec', `bash -c ${JSON.stringify(shell.replaceAll('$', '\\$'))}`, '/dev/null'], { encoding: 'utf8', timeout: 10_000 });
    expect(ran.error).toBeUndefined();
    return vi.waitFor(() => expect(readFileSync(marker, 'utf8')).toBe('stopped'), { timeout: 5_000 });
  });
});
