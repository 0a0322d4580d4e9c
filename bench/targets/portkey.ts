import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { takeFreePort } from '../process/free-port.ts';
import { chatPath } from '../workloads.ts';
import { originOf, upstreamKey, type TargetKind } from './target.ts';

const folder = join(import.meta.dirname, '../peers');
const modules = join(folder, 'node_modules');
const program = join(modules, '@portkey-ai/gateway/build/start-server.js');
const installLimitMs = 180_000;

const manifestSchema = v.object({ dependencies: v.record(v.string(), v.string()) });
const installedSchema = v.object({ version: v.string() });

/** `@portkey-ai/gateway`, the published package as it is, in a folder of its own. It checks no client key. */
export function portkeyTarget(mayInstall: boolean): TargetKind {
  return {
    id: 'portkey',
    title: 'Portkey gateway',
    prepare: () => {
      if (isInstalled()) return undefined;
      if (!mayInstall) return '@portkey-ai/gateway is not installed and --no-install was given';
      const reason = install();
      return isInstalled() ? undefined : `@portkey-ai/gateway could not be installed (${reason})`;
    },
    launch: async ({ children, upstream, folder: cwd }) => {
      const port = await takeFreePort();
      const child = children.spawn(process.execPath, ['--import', join(folder, 'loopback.mjs'), program, `--port=${port}`, '--headless'], {
        cwd,
        env: { HOME: cwd, NODE_ENV: 'production' },
        outputPath: join(cwd, 'portkey.log'),
      });
      const headers = { Authorization: `Bearer ${upstreamKey}`, 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${originOf(upstream)}/v1` };
      return { child, endpoint: { host: '127.0.0.1', port, path: chatPath, headers } };
    },
    startLimitMs: 30_000,
  };
}

/** Every pinned package is there in exactly its pinned version, and the adapter once: with a newer one inside, its streams fail. */
function isInstalled(): boolean {
  if (existsSync(join(modules, '@portkey-ai/gateway/node_modules/@hono/node-server'))) return false;
  const { dependencies } = v.parse(manifestSchema, JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  return Object.entries(dependencies).every(([name, version]) => {
    const path = join(modules, name, 'package.json');
    return existsSync(path) && v.parse(installedSchema, JSON.parse(readFileSync(path, 'utf8'))).version === version;
  });
}

/** The reason of a failure, or an empty text. Scripts of the packages do not run. */
function install(): string {
  rmSync(modules, { recursive: true, force: true });
  process.stdout.write('installing @portkey-ai/gateway into bench/peers …\n');
  // npm lies beside node; the bench may run under a Node of node_modules, which has none, so the shell's PATH decides.
  const done = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--omit=dev', '--loglevel=error'], {
    cwd: folder,
    timeout: installLimitMs,
    encoding: 'utf8',
  });
  if (done.error !== undefined) return done.error.message;
  return done.status === 0 ? '' : (done.stderr.trim().split('\n').at(-1) ?? `npm ended with ${done.status}`);
}
