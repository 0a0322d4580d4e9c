import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, memberOf } from '../../support/ask.ts';
import { makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';

/* What editors, tools and orchestrators do to a file, as clients of the built daemon see it: in `/v1/models` within 2 s. */

const clientKey = 'sk-client-0123456789abcdef';
const limitMs = 2_000;

const content = (name: string, version: string): string => JSON.stringify({ type: 'claude', email: `${name}@example.com`, access_token: `at-${name}`, refresh_token: `rt-${name}`, expired: '2099-01-01T00:00:00Z', prefix: `${name}-${version}` });
const pause = (ms: number): Promise<void> => new Promise((next) => setTimeout(next, ms));

interface Change {
  readonly name: string;
  readonly what: string;
  readonly make: (path: string, next: string, folder: string) => void | Promise<void>;
  readonly prepare?: (folder: string) => void;
}

const changes: readonly Change[] = [
  { name: 'place', what: 'a write in place', make: (path, next) => writeFileSync(path, next) },
  { name: 'rename', what: 'a rename over it', make: (path, next) => { writeFileSync(`${path}.new`, next, { mode: 0o600 }); renameSync(`${path}.new`, path); } },
  { name: 'again', what: 'delete and create', make: (path, next) => { unlinkSync(path); writeFileSync(path, next, { mode: 0o600 }); } },
  { name: 'later', what: 'delete and, after a moment, create', make: async (path, next) => { unlinkSync(path); await pause(200); writeFileSync(path, next, { mode: 0o600 }); } },
  { name: 'dance', what: 'an editor’s backup dance', make: (path, next) => { renameSync(path, `${path}~`); writeFileSync(path, next, { mode: 0o600 }); unlinkSync(`${path}~`); } },
  { name: 'copy', what: 'an editor’s copy and overwrite', make: (path, next) => { copyFileSync(path, `${path}.orig`); writeFileSync(path, ''); writeFileSync(path, next); } },
  { name: 'half', what: 'a write in two halves', make: async (path, next) => { writeFileSync(path, next.slice(0, 40)); await pause(600); writeFileSync(path, next); } },
  {
    name: 'link', what: 'a swapped link above it (Kubernetes ..data)',
    prepare: (folder) => {
      for (const version of ['one', 'two']) {
        mkdirSync(join(folder, `..${version}`), { mode: 0o700 });
        writeFileSync(join(folder, `..${version}`, 'link.json'), content('link', version), { mode: 0o600 });
      }
      rmSync(join(folder, 'link.json'));
      symlinkSync('..one', join(folder, '..data'));
      symlinkSync(join('..data', 'link.json'), join(folder, 'link.json'));
    },
    make: (_path, _next, folder) => { symlinkSync('..two', join(folder, '..next')); renameSync(join(folder, '..next'), join(folder, '..data')); },
  },
];

describe.each([
  ['with the system’s events', {}],
  ['on a system without watches left', { NODE_OPTIONS: `--import=${resolve(import.meta.dirname, '../../support/without-watching.mjs')}` }],
])('account files, %s', (_how, env) => {
  let folder: string;
  let daemon: RunningDaemon;
  /** From the end of a change until it was listed, by name. */
  const tookMs = new Map<string, number>();
  /** Names that were gone from the list at any time. */
  const lost = new Set<string>();

  async function listed(): Promise<ReadonlySet<string>> {
    const data = memberOf((await ask(daemon.url, '/v1/models', { key: clientKey })).json, 'data');
    return new Set(Array.isArray(data) ? data.map((model) => String(memberOf(model, 'id')).split('/', 1)[0] ?? '') : []);
  }

  beforeAll(async () => {
    folder = makeFolder();
    const auth = join(folder, 'auth');
    mkdirSync(auth, { mode: 0o700 });
    for (const { name, prepare } of changes) {
      writeFileSync(join(auth, `${name}.json`), content(name, 'one'), { mode: 0o600 });
      prepare?.(auth);
    }
    writeFileSync(join(auth, 'bystander.json'), content('bystander', 'one'), { mode: 0o600 });
    daemon = await startDaemon({ folder, env, config: `api-keys: ["${clientKey}"]\nforce-model-prefix: true\n` });

    const madeAtMs = new Map<string, number>();
    const making = Promise.all(changes.map(async ({ name, make }) => {
      await make(join(auth, `${name}.json`), content(name, 'two'), auth);
      madeAtMs.set(name, performance.now());
    }));
    const endMs = performance.now() + limitMs + 2_000;
    while (tookMs.size < changes.length && performance.now() < endMs) {
      const prefixes = await listed();
      for (const { name } of [...changes, { name: 'bystander' }]) {
        const madeMs = madeAtMs.get(name);
        if (prefixes.has(`${name}-two`)) { if (!tookMs.has(name)) tookMs.set(name, performance.now() - (madeMs ?? performance.now())); }
        else if (!prefixes.has(`${name}-one`)) lost.add(name);
      }
      await pause(10);
    }
    await making;
  });
  afterAll(async () => {
    await daemon.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(changes)('$what is listed within 2 s, and nothing is gone meanwhile', ({ name }) => {
    expect(tookMs.get(name)).toBeLessThan(limitMs);
    expect(lost).not.toContain(name);
  });

  it('a file that comes and one that goes follow within 2 s, and the others stay', async () => {
    writeFileSync(join(folder, 'auth', 'new.json'), content('new', 'one'), { mode: 0o600 });
    unlinkSync(join(folder, 'auth', 'place.json'));
    const startedMs = performance.now();
    let prefixes = await listed();
    while ((!prefixes.has('new-one') || prefixes.has('place-two')) && performance.now() - startedMs < limitMs) {
      await pause(10);
      prefixes = await listed();
    }
    expect([...prefixes].sort()).toEqual([...changes.map(({ name }) => `${name}-two`).filter((each) => each !== 'place-two'), 'bystander-one', 'new-one'].sort());
    expect(lost).toEqual(new Set());
  });
});
