import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../internal/clock/clock.ts';
import type { LoadedConfig } from '../../../internal/config/loaded.ts';
import type { ConfigStore, PrepareConfig } from '../../../internal/config/ports.ts';
import type { ConfigProblem } from '../../../internal/config/problem.ts';
import { createConfigStore } from '../../../internal/config/store.ts';
import { err, ok } from '../../../internal/fault/result.ts';
import { silentLogger } from '../../../internal/log/logger.ts';

let folder = '';
let file = '';
let store: ConfigStore | undefined;
let live: LoadedConfig | undefined;
const lines: string[] = [];
const env: Record<string, string> = {};

/** Refuses port 666, so that a part that cannot be built has a name. */
const prepare: PrepareConfig = (next) =>
  next.config.port === 666
    ? err([{ severity: 'error', path: 'port', message: 'is taken' }])
    : ok({ warnings: [], commit: () => (live = next) });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-store-'));
  file = join(folder, 'config.yaml');
  lines.length = 0;
  live = undefined;
});
afterEach(async () => {
  await store?.close();
  rmSync(folder, { recursive: true, force: true });
});

const log = { ...silentLogger, warn: (...parts: readonly unknown[]) => void lines.push(String(parts.at(-1))), error: (...parts: readonly unknown[]) => void lines.push(String(parts.at(-1))) };

async function open(text: string): Promise<ConfigStore> {
  writeFileSync(file, text);
  const opened = await createConfigStore({ path: file, env, home: folder, clock: systemClock, prepare, log });
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  store = opened.value;
  return store;
}
const keyed = '# mine\napi-keys:\n  - "k1" # one\nport: 8317\n';
const keys = (): readonly string[] | undefined => live?.config['api-keys'].map((key) => key.reveal());
const codeOf = (result: { readonly ok: boolean; readonly error?: unknown }): unknown => (result.error instanceof Error && 'code' in result.error ? result.error.code : undefined);

describe('opening', () => {
  it('a valid file is live at once, and what Keyward does not use is told', async () => {
    const opened = await open(`${keyed}x-unknown: 1\n`);
    expect(opened.current()).toBe(live);
    expect(lines).toEqual(["config: ignored key 'x-unknown'"]);
  });

  it.each<[string, () => void, RegExp]>([
    ['absent', () => undefined, /does not exist; `keyward init` writes one/],
    ['a directory', () => mkdirSync(file), /is a directory; a config file was expected/],
    ['not UTF-8', () => writeFileSync(file, Buffer.from([0x61, 0x3a, 0x20, 0xff])), /is not UTF-8 text/],
    ['refused by a part', () => writeFileSync(file, 'port: 666\n'), /is taken/],
  ])('a file that is %s has its own sentence', async (_case, arrange, sentence) => {
    arrange();
    const opened = await createConfigStore({ path: file, env, home: folder, clock: systemClock, prepare });
    expect(opened.ok ? '' : opened.error[0]?.message).toMatch(sentence);
  });
});

describe('reloading', () => {
  it('names what changed and what waits for a restart', async () => {
    const opened = await open(keyed);
    writeFileSync(file, `${keyed.replace('8317', '9000')}debug: true\ntls: {enable: true, cert: a, key: b}\n`);
    const change = await opened.reload();
    expect(change).toMatchObject({ ok: true, value: { changed: ['debug', 'port', 'tls.cert', 'tls.enable', 'tls.key'], restartRequired: ['port', 'tls.enable'] } });
    expect(live?.config.debug).toBe(true);
  });

  it.each([['not YAML', 'port: [1\n'], ['not valid', 'port: many\n'], ['refused by a part', keyed.replace('8317', '666')]])('a file that is %s changes nothing, is visible, and is forgotten after a good one', async (_case, text) => {
    const opened = await open(keyed);
    const before = live;
    writeFileSync(file, text);
    expect((await opened.reload()).ok).toBe(false);
    expect(live).toBe(before);
    expect(opened.current()).toBe(before);
    expect(opened.lastRefusal()?.problems.length).toBeGreaterThan(0);
    expect(lines.join()).toMatch(/not reloaded: .*config\.yaml/);
    writeFileSync(file, keyed);
    expect((await opened.reload()).ok).toBe(true);
    expect(opened.lastRefusal()).toBeUndefined();
  });

  it('a secret’s file that changes is a change of the config', async () => {
    writeFileSync(join(folder, 'key'), 'first\n');
    const opened = await open('api-keys: ["file:key"]\n');
    writeFileSync(join(folder, 'key'), 'second\n');
    expect(await opened.reload()).toMatchObject({ ok: true, value: { changed: ['api-keys'] } });
    expect(keys()).toEqual(['second']);
  });

  it('a hundred saves and reloads at the same time end with the last one live, and none ever saw a torn file', async () => {
    const opened = await open(keyed);
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, index) => {
        writeFileSync(`${file}.new`, `${keyed}request-retry: ${index % 90}\n`);
        renameSync(`${file}.new`, file);
        return opened.reload();
      }),
    );
    expect(outcomes.every((outcome) => outcome.ok)).toBe(true);
    expect(live?.config['request-retry']).toBe(9);
  });
});

describe('watching', () => {
  it('an edit of the file, and of a file that a secret is in, is live by itself', async () => {
    writeFileSync(join(folder, 'key'), 'first');
    const opened = await open('api-keys: ["file:key"]\n');
    await opened.watch();
    writeFileSync(join(folder, 'key'), 'second');
    await vi.waitFor(() => expect(keys()).toEqual(['second']), { timeout: 5_000 });
    writeFileSync(`${file}.new`, 'api-keys: [third]\n');
    renameSync(`${file}.new`, file);
    await vi.waitFor(() => expect(keys()).toEqual(['third']), { timeout: 5_000 });
  });

  it('a save between opening and watching is not missed', async () => {
    const opened = await open(keyed);
    writeFileSync(file, 'api-keys: [k9]\n');
    await opened.watch();
    expect(keys()).toEqual(['k9']);
  });
});

describe('writing', () => {
  it('an edit is on disk and live, touches only its line, and leaves a backup; both are 0600', async () => {
    const opened = await open(keyed);
    const change = await opened.edit([{ kind: 'append', path: ['api-keys'], value: 'k2' }]);
    expect(change).toMatchObject({ ok: true, value: { changed: ['api-keys'] } });
    expect(readFileSync(file, 'utf8')).toBe('# mine\napi-keys:\n  - "k1" # one\n  - "k2"\nport: 8317\n');
    expect(keys()).toEqual(['k1', 'k2']);
    expect(readFileSync(`${file}.bak`, 'utf8')).toBe(keyed);
    expect([statSync(file).mode & 0o777, statSync(`${file}.bak`).mode & 0o777]).toEqual([0o600, 0o600]);
  });

  it.each([
    ['port: [1\n', 'invalid_yaml'],
    ['port: many\n', 'invalid_config'],
    ['port: 666\napi-keys: [a]\n', 'invalid_config'],
  ])('replacing by %j is %s, and neither file nor state changes', async (text, code) => {
    const opened = await open(keyed);
    const before = live;
    expect(codeOf(await opened.replace(text))).toBe(code);
    expect(readFileSync(file, 'utf8')).toBe(keyed);
    expect(live).toBe(before);
    expect(existsSync(`${file}.bak`)).toBe(false);
  });

  it('names every problem of a refused text, with places', async () => {
    const opened = await open(keyed);
    const refused = await opened.replace('port: many\ndebug: 3\n');
    const problems: readonly ConfigProblem[] = refused.ok || !Array.isArray(refused.error.fields['problems']) ? [] : refused.error.fields['problems'];
    expect(problems.map(({ path, line, column }) => [path, line, column])).toEqual([['port', 1, 7], ['debug', 2, 8]]);
  });

  it('a stale ETag is refused, the present one is taken', async () => {
    const opened = await open(keyed);
    const { hash } = opened.current();
    expect((await opened.edit([{ kind: 'set', path: ['debug'], value: true }], { ifMatch: hash })).ok).toBe(true);
    expect(codeOf(await opened.edit([{ kind: 'set', path: ['debug'], value: false }], { ifMatch: hash }))).toBe('precondition_failed');
  });

  it('an edit goes on top of what an editor saved a moment ago', async () => {
    const opened = await open(keyed);
    writeFileSync(file, `${keyed}# by hand\n`);
    await opened.edit([{ kind: 'set', path: ['port'], value: 9_000 }]);
    expect(readFileSync(file, 'utf8')).toBe(`${keyed.replace('8317', '9000')}# by hand\n`);
  });

  it('an edit of a file that was broken by hand is refused and leaves it', async () => {
    const opened = await open(keyed);
    writeFileSync(file, 'port: [1\n');
    expect(codeOf(await opened.edit([{ kind: 'set', path: ['port'], value: 1 }]))).toBe('invalid_config');
    expect(readFileSync(file, 'utf8')).toBe('port: [1\n');
  });

  it('a config that is a link is read but never written', async () => {
    writeFileSync(join(folder, 'real.yaml'), keyed);
    symlinkSync('real.yaml', file);
    const opened = await createConfigStore({ path: file, env, home: folder, clock: systemClock, prepare });
    expect(opened.ok && codeOf(await opened.value.edit([{ kind: 'set', path: ['port'], value: 1 }]))).toBe('config_not_writable');
    expect(readFileSync(join(folder, 'real.yaml'), 'utf8')).toBe(keyed);
  });

  it('fifty edits at once all land, one after another', async () => {
    const opened = await open(keyed);
    const edits = Array.from({ length: 50 }, (_, index) => opened.edit([{ kind: 'append', path: ['api-keys'], value: `n${index}` }]));
    expect((await Promise.all(edits)).every((result) => result.ok)).toBe(true);
    expect(keys()).toHaveLength(51);
  });
});
