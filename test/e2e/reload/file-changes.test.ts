import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { configHead, makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { until } from '../../support/until.ts';

const secret = 'management-secret-for-tests';
const kept = 'sk-kept-0123456789abcdef';
const going = 'sk-going-0123456789abcdef';
const coming = 'sk-coming-0123456789abcdef';
const textWith = (...keys: readonly string[]): string => `${configHead}api-keys: ${JSON.stringify(keys)}\nremote-management:\n  secret-key: "${secret}"\n`;

let folder: string;
let daemon: RunningDaemon;

beforeEach(() => {
  folder = makeFolder();
});
afterEach(async () => {
  await daemon.stop();
  rmSync(folder, { recursive: true });
});

const isLetIn = async (key: string): Promise<boolean> => (await ask(daemon.url, '/v1/models', { key })).status === 200;
const status = async (): Promise<unknown> => (await ask(daemon.url, '/v0/management/status', { key: secret })).json;
const readiness = async (): Promise<unknown> => (await ask(daemon.url, '/readyz')).json;

/** How a file gets new content: each row prepares the place and returns the path to start with and the change. */
const ways: readonly (readonly [string, () => { readonly configPath: string; readonly change: (text: string) => void }])[] = [
  [
    'a rewrite in place',
    () => {
      const configPath = join(folder, 'config.yaml');
      return { configPath, change: (text) => writeFileSync(configPath, text) };
    },
  ],
  [
    'a rename over it, as editors save',
    () => {
      const configPath = join(folder, 'config.yaml');
      return {
        configPath,
        change: (text) => {
          writeFileSync(`${configPath}~`, text, { mode: 0o600 });
          renameSync(`${configPath}~`, configPath);
        },
      };
    },
  ],
  [
    'a swapped link above it, as Kubernetes mounts',
    () => {
      let version = 0;
      const place = (text: string): void => {
        version += 1;
        mkdirSync(join(folder, `..v${version}`));
        writeFileSync(join(folder, `..v${version}`, 'config.yaml'), text, { mode: 0o600 });
        symlinkSync(`..v${version}`, join(folder, '..data_tmp'));
        renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
      };
      place(textWith(kept, going));
      symlinkSync('..data/config.yaml', join(folder, 'config.yaml'));
      return { configPath: join(folder, 'config.yaml'), change: place };
    },
  ],
];

describe.each(ways)('a change of the file by %s', (way, prepare) => {
  it('within 2 s a key added to it is accepted and one taken out is refused, without a restart', async () => {
    const { configPath, change } = prepare();
    if (!way.includes('link')) writeFileSync(configPath, textWith(kept, going), { mode: 0o600 });
    daemon = await startDaemon({ folder, configPath });
    expect([await isLetIn(kept), await isLetIn(going), await isLetIn(coming)]).toEqual([true, true, false]);

    change(textWith(kept, going, coming));
    await until('the added key is accepted', () => isLetIn(coming), 2_000);
    change(textWith(kept, coming));
    await until('the removed key is refused', async () => !(await isLetIn(going)), 2_000);
    expect([await isLetIn(kept), await isLetIn(coming)]).toEqual([true, true]);
  });
});

describe('an invalid file', () => {
  beforeEach(async () => {
    writeFileSync(join(folder, 'config.yaml'), `${textWith(kept)}openai-compatibility:\n  - { name: up, base-url: "http://127.0.0.1:9", models: [{ name: m }] }\n`, { mode: 0o600 });
    daemon = await startDaemon({ folder });
  });

  it.each([
    ['YAML that does not parse', 'api-keys: ["unclosed\n', /config\.yaml:\d+:\d+/],
    ['a value that does not fit', `${textWith(coming)}request-retry: "often"\n`, /config\.yaml:7:\d+/],
    ['an empty file, which would open the door', '', /api-keys/],
    ['its keys gone, which would open the door', `remote-management:\n  secret-key: "${secret}"\n`, /api-keys/],
  ])('%s changes nothing, is logged, and shows in the status and as degraded until it is mended', async (_, bad, told) => {
    expect(await readiness()).toEqual({ status: 'ok', codes: [] });
    const good = readFileSync(daemon.configPath, 'utf8');
    writeFileSync(daemon.configPath, bad);
    await until('the refusal shows', async () => JSON.stringify(await readiness()).includes('config_refused'), 2_000);

    expect(await readiness()).toEqual({ status: 'degraded', codes: ['config_refused'] });
    expect((await ask(daemon.url, '/readyz')).status).toBe(200);
    expect(await status()).toMatchObject({ config: { refused: { at: expect.any(String), problems: expect.arrayContaining([expect.objectContaining({ severity: 'error', message: expect.any(String) })]) } } });
    expect([await isLetIn(kept), await isLetIn(coming), (await ask(daemon.url, '/v1/models')).status]).toEqual([true, false, 401]);
    await until('the refusal is logged', () => told.test(daemon.output().split('not reloaded')[1] ?? ''));

    writeFileSync(daemon.configPath, good);
    await until('the mended file is taken', async () => !JSON.stringify(await readiness()).includes('config_refused'), 2_000);
    expect(await status()).toMatchObject({ config: { refused: null } });
  });

  it('a file that is gone changes nothing either, and is taken up when it is back', async () => {
    const good = readFileSync(daemon.configPath, 'utf8');
    rmSync(daemon.configPath);
    await until('the refusal shows', async () => JSON.stringify(await readiness()).includes('config_refused'), 2_000);
    expect(await isLetIn(kept)).toBe(true);
    writeFileSync(daemon.configPath, good.replace(kept, coming), { mode: 0o600 });
    await until('the file is followed again', () => isLetIn(coming), 2_000);
  });
});

describe('SIGHUP', () => {
  it('reloads now, without the quiet time that a file watcher waits', async () => {
    const configPath = join(folder, 'config.yaml');
    writeFileSync(configPath, textWith(kept), { mode: 0o600 });
    daemon = await startDaemon({ folder });
    const tookMs: number[] = [];
    for (let n = 0; n < 8; n++) {
      const key = `sk-number-${n}-0123456789`;
      writeFileSync(configPath, textWith(kept, key));
      daemon.process.kill('SIGHUP');
      tookMs.push(await until('the new key is accepted', () => isLetIn(key)));
    }
    // The watcher alone takes 150 ms of quiet, always.
    expect(Math.min(...tookMs)).toBeLessThan(140);
  });
});
