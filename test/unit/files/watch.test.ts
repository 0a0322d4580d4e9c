import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../internal/clock/clock.ts';
import { watchFiles, type FileWatch } from '../../../internal/files/watch.ts';

let folder = '';
let file = '';
let watch: FileWatch | undefined;
const onChange = vi.fn<(paths: readonly string[]) => void>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-watch-'));
  file = join(folder, 'config.yaml');
  writeFileSync(file, 'one');
  onChange.mockReset();
});
afterEach(async () => {
  await watch?.close();
  rmSync(folder, { recursive: true, force: true });
});

const follow = async (paths: readonly string[] = [file]): Promise<void> => {
  watch = await watchFiles({ paths, clock: systemClock, onChange, debounceMs: 20, sweepMs: 100 });
};
const expectChange = (): Promise<void> => vi.waitFor(() => expect(onChange).toHaveBeenCalledWith([file]), { timeout: 5_000 });

describe('following files', () => {
  it.each<[string, () => void]>([
    ['a write in place', () => writeFileSync(file, 'two')],
    ['a rename over it', () => { writeFileSync(`${file}.new`, 'two'); renameSync(`${file}.new`, file); }],
    ['delete and create', () => { unlinkSync(file); writeFileSync(file, 'two'); }],
    ['a deletion', () => unlinkSync(file)],
    ['an editor’s backup dance', () => { renameSync(file, `${file}~`); writeFileSync(file, 'two'); unlinkSync(`${file}~`); }],
  ])('%s is noticed', async (_how, change) => {
    await follow();
    change();
    await expectChange();
  });

  it('a swapped link above the file (Kubernetes ..data) is noticed', async () => {
    const mount = join(folder, 'mount');
    for (const version of ['v1', 'v2']) {
      mkdirSync(join(mount, version), { recursive: true });
      writeFileSync(join(mount, version, 'secret'), version);
    }
    symlinkSync('v1', join(mount, '..data'));
    symlinkSync('..data/secret', join(mount, 'secret'));
    await follow([join(mount, 'secret')]);
    symlinkSync('v2', join(mount, '..data_tmp'));
    renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledWith([join(mount, 'secret')]), { timeout: 5_000 });
  });

  it('a touch without a change is no change', async () => {
    await follow();
    utimesSync(file, new Date(0), new Date(0));
    const marker = join(folder, 'marker');
    await watch?.close();
    await follow([file, marker]);
    utimesSync(file, new Date(1_000_000), new Date(1_000_000));
    writeFileSync(marker, 'later');
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledWith([marker]), { timeout: 5_000 });
    expect(onChange.mock.calls.flat(2)).not.toContain(file);
  });

  it('a file in a folder that does not exist yet is noticed when it comes', async () => {
    const later = join(folder, 'later', 'file');
    await follow([later]);
    mkdirSync(join(folder, 'later'));
    writeFileSync(later, 'here');
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledWith([later]), { timeout: 5_000 });
  });

  it('nothing is reported after close', async () => {
    await follow();
    writeFileSync(file, 'two');
    await watch?.close();
    const calls = onChange.mock.calls.length;
    const second = vi.fn<(paths: readonly string[]) => void>();
    watch = await watchFiles({ paths: [file], clock: systemClock, onChange: second, debounceMs: 20, sweepMs: 50 });
    writeFileSync(file, 'three');
    await vi.waitFor(() => expect(second).toHaveBeenCalled(), { timeout: 5_000 });
    expect(onChange.mock.calls).toHaveLength(calls);
  });
});
