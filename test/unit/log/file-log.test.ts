import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { createFileLog, type FileLog } from '../../../internal/log/file-log.ts';
import { createLogFiles } from '../../../internal/log/log-files.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyward-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

const opened: FileLog[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((log) => log.close()));
});

interface Setup {
  readonly directory: string;
  readonly clock: ManualClock;
  readonly log: FileLog;
  readonly dropped: () => number;
  readonly line: (message: string) => string;
}

let count = 0;

function setUp(options: { readonly maxTotalBytes?: number; readonly rotateAtBytes?: number } = {}): Setup {
  const directory = join(folder, String((count += 1)), 'logs');
  const clock = createManualClock();
  let dropped = 0;
  const log = createFileLog({ directory, clock, maxTotalBytes: () => options.maxTotalBytes ?? 0, rotateAtBytes: options.rotateAtBytes ?? 1_000, onDropped: (lines) => void (dropped += lines) });
  opened.push(log);
  return { directory, clock, log, dropped: () => dropped, line: (message) => `{"level":30,"time":${clock.nowMs()},"msg":"${message}"}\n` };
}

describe('file log', () => {
  it('writes nothing, and makes no folder, until it is switched on', async () => {
    const { directory, log, line } = setUp();
    log.write(line('before'));
    await log.flush();
    expect(existsSync(directory)).toBe(false);
    log.setEnabled(true);
    log.write(line('on'));
    log.setEnabled(false);
    log.write(line('off'));
    await log.flush();
    expect(readFileSync(join(directory, 'keyward.log'), 'utf8')).toBe(line('on'));
  });

  it('is 0600 in a 0700 folder, also where the file was looser before', async () => {
    const { directory, log, line } = setUp();
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, 'keyward.log'), '', { mode: 0o644 });
    chmodSync(join(directory, 'keyward.log'), 0o644);
    log.setEnabled(true);
    log.write(line('x'));
    await log.flush();
    expect(statSync(join(directory, 'keyward.log')).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  it('writes within 100 ms of the clock', async () => {
    const { directory, clock, log, line } = setUp();
    log.setEnabled(true);
    log.write(line('x'));
    clock.advance(100);
    await vi.waitFor(() => expect(existsSync(join(directory, 'keyward.log'))).toBe(true));
  });

  it('rotates by size and keeps the total under the cap, oldest gone first', async () => {
    const { directory, clock, log } = setUp({ rotateAtBytes: 1_000, maxTotalBytes: 3_500 });
    log.setEnabled(true);
    for (let n = 0; n < 8; n += 1) {
      clock.advance(1_000);
      log.write(`${String(n).repeat(1_000)}\n`);
      await log.flush();
      for (const name of readdirSync(directory)) utimesSync(join(directory, name), n, statSync(join(directory, name)).mtimeMs < 1_000_000 ? statSync(join(directory, name)).mtimeMs / 1_000 : n);
    }
    await log.prune();
    const kept = readdirSync(directory).filter((name) => name !== 'keyward.log').sort();
    expect(kept).toHaveLength(3);
    expect(kept.map((name) => readFileSync(join(directory, name), 'utf8')[0])).toEqual(['5', '6', '7']);
    for (const name of kept) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  });

  it('a disk that takes nothing costs lines, which are counted, and the log goes on afterwards', async () => {
    const { directory, log, dropped, line } = setUp();
    mkdirSync(join(directory, '..'), { recursive: true });
    writeFileSync(directory, 'a file where the folder should be');
    log.setEnabled(true);
    log.write(line('a'));
    log.write(line('b'));
    await log.flush();
    expect(dropped()).toBe(2);
    rmSync(directory);
    log.write(line('c'));
    await log.flush();
    expect(readFileSync(join(directory, 'keyward.log'), 'utf8')).toBe(line('c'));
  });

  it('a full device costs lines, never an exception', async () => {
    const { directory, log, dropped, line } = setUp();
    mkdirSync(directory, { recursive: true });
    symlinkSync('/dev/full', join(directory, 'keyward.log'));
    log.setEnabled(true);
    log.write(line('a'));
    await log.flush();
    expect(dropped()).toBe(1);
  });
});

describe('reading logs back', () => {
  it('gives the newest lines over rotated files, oldest first, after an instant', async () => {
    const { directory, clock, log, line } = setUp({ rotateAtBytes: 200 });
    const files = createLogFiles({ directory, fileLog: log });
    log.setEnabled(true);
    const times: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      clock.advance(1_000);
      times.push(clock.nowMs());
      log.write(line(`m${n}`));
      await log.flush();
    }
    const messages = async (limit: number, afterMs: number): Promise<readonly string[]> => (await files.tail({ limit, afterMs })).lines.map((text) => JSON.parse(text).msg);
    expect(readdirSync(directory).length).toBeGreaterThan(2);
    expect(await messages(5, 0)).toEqual(['m7', 'm8', 'm9', 'm10', 'm11']);
    expect(await messages(100, 0)).toEqual(Array.from({ length: 12 }, (_, n) => `m${n}`));
    expect(await messages(100, times[9] ?? 0)).toEqual(['m10', 'm11']);
    expect((await files.tail({ limit: 1, afterMs: 0 })).latestMs).toBe(times[11]);
    expect(await files.tail({ limit: 9, afterMs: clock.nowMs() })).toEqual({ lines: [], latestMs: clock.nowMs() });
  });

  it('clearing empties the current file and removes rotated ones, and logging goes on', async () => {
    const { directory, clock, log, line } = setUp({ rotateAtBytes: 60 });
    const files = createLogFiles({ directory, fileLog: log });
    log.setEnabled(true);
    for (let n = 0; n < 3; n += 1) {
      clock.advance(1_000);
      log.write(line(`a line long enough to rotate ${n}`));
      await log.flush();
    }
    log.write(line('short'));
    expect(await files.clear()).toBe(3);
    expect(await files.tail({ limit: 9, afterMs: 0 })).toEqual({ lines: [], latestMs: 0 });
    log.write(line('again'));
    expect((await files.tail({ limit: 9, afterMs: 0 })).lines).toEqual([line('again').trim()]);
  });

  it('is empty where there is no folder', async () => {
    const { directory, log } = setUp();
    const files = createLogFiles({ directory, fileLog: log });
    expect(await files.tail({ limit: 9, afterMs: 0 })).toEqual({ lines: [], latestMs: 0 });
    expect(await files.listErrorLogs()).toEqual([]);
    expect(files.isEnabled()).toBe(false);
  });

  it.each(['../keyward.log', 'error-../../x.log', '/etc/passwd', 'error-a.log/..', 'keyward.log', 'error-\0.log', '.error-x.log'])('gives no file for the name %j', async (name) => {
    const { directory, log, line } = setUp();
    log.setEnabled(true);
    log.write(line('x'));
    await log.flush();
    expect(await createLogFiles({ directory, fileLog: log }).readErrorLog(name)).toBeUndefined();
  });

  it('follows no link out of the folder', async () => {
    const { directory, log, line } = setUp();
    log.setEnabled(true);
    log.write(line('x'));
    await log.flush();
    writeFileSync(join(folder, 'outside'), 'secret');
    symlinkSync(join(folder, 'outside'), join(directory, 'error-v1-2026-11-24T120000000Z-req_1.log'));
    const files = createLogFiles({ directory, fileLog: log });
    expect(await files.readErrorLog('error-v1-2026-11-24T120000000Z-req_1.log')).toBeUndefined();
    expect(await files.readRequestLog('req_1')).toBeUndefined();
  });
});
