import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { makeFolder, startDaemon, type DaemonSetup, type RunningDaemon } from '../../support/daemon.ts';
import { send } from '../../support/raw-http.ts';

const secret = 'management-secret-0123456789';
const asManager = { authorization: `Bearer ${secret}` };
const key = 'sk-client-0123456789abcdef';
const base = `api-keys: ["${key}"]\nremote-management: { secret-key: "${secret}" }\n`;

const running: RunningDaemon[] = [];
async function start(setup: DaemonSetup): Promise<RunningDaemon> {
  const daemon = await startDaemon(setup);
  running.push(daemon);
  return daemon;
}
afterEach(async () => {
  for (const daemon of running.splice(0)) await daemon.stop();
});

const modeOf = (path: string): number => statSync(path).mode & 0o777;

function over(socketPath: string, path: string, headers: Record<string, string> = {}): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const req = request({ socketPath, path, headers: { host: 'localhost', ...headers } }, (res) => {
      let body = '';
      res.on('data', (chunk: Buffer) => (body += chunk.toString()));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, body }));
    });
    req.on('error', reject);
    req.end();
  });
}

describe('rule 22: the control socket is its owner’s alone', () => {
  it('it is 0600 in a folder of mode 0700, whatever the umask and an earlier mode of the folder', async () => {
    const folder = makeFolder();
    mkdirSync(join(folder, 'data'), { mode: 0o777 });
    chmodSync(join(folder, 'data'), 0o777);
    const mask = process.umask(0);
    const daemon = await start({ folder, config: base }).finally(() => process.umask(mask));
    expect([modeOf(join(folder, 'data')), modeOf(join(daemon.folder, 'data/control.sock'))]).toEqual([0o700, 0o600]);
  });

  it('it needs no secret, and a forwarded request is not its owner’s', async () => {
    const { folder } = await start({ config: base });
    const socket = join(folder, 'data/control.sock');
    expect((await over(socket, '/v0/management/status')).status).toBe(200);
    expect((await over(socket, '/metrics')).status).toBe(200);
    for (const name of ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip', 'cf-ray']) expect((await over(socket, '/v0/management/status', { [name]: 'for=1.2.3.4' })).status, name).not.toBe(200);
  });

  it('one left by a killed daemon is replaced', async () => {
    const folder = makeFolder();
    const first = await startDaemon({ folder, config: base });
    first.process.kill('SIGKILL');
    await once(first.process, 'exit');
    expect(existsSync(join(folder, 'data/control.sock'))).toBe(true);
    await start({ folder, config: base });
    expect((await over(join(folder, 'data/control.sock'), '/v0/management/status')).status).toBe(200);
  });

  it('a live one is respected: the second daemon ends with 1 and a sentence, the first goes on', async () => {
    const { folder } = await start({ config: base });
    await expect(startDaemon({ folder, config: base })).rejects.toThrow(/ended with 1:[^]*another Keyward uses .*control\.sock/);
    expect((await over(join(folder, 'data/control.sock'), '/v0/management/status')).status).toBe(200);
  });

  it('a file that is no socket is never removed', async () => {
    const folder = makeFolder();
    mkdirSync(join(folder, 'data'), { mode: 0o700 });
    writeFileSync(join(folder, 'data/control.sock'), 'a diary');
    await expect(startDaemon({ folder, config: base })).rejects.toThrow(/ended with 1:[^]*is no socket/);
    expect(readFileSync(join(folder, 'data/control.sock'), 'utf8')).toBe('a diary');
  });
});

describe('rule 22: what a stranger learns of a daemon’s state', () => {
  it('/metrics needs management; with `metrics-open: true` local callers may, forwarded ones not', async () => {
    const closed = await start({ config: base });
    for (const headers of [{}, { authorization: `Bearer ${key}` }, { 'x-forwarded-for': '127.0.0.1' }]) expect((await send(closed.url, { path: '/metrics', headers })).status).toBe(401 + ('x-forwarded-for' in headers ? 2 : 0));
    expect((await send(closed.url, { path: '/metrics', headers: asManager })).body.toString()).toContain('# HELP');
    const open = await start({ config: `${base}metrics-open: true\n` });
    expect((await send(open.url, { path: '/metrics' })).status).toBe(200);
    for (const name of ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip', 'cf-ray']) expect((await send(open.url, { path: '/metrics', headers: { [name]: '127.0.0.1' } })).status, name).toBe(403);
    expect((await send(open.url, { path: '/v0/management/status' })).status).toBe(401);
  });

  it('without any management secret /metrics is as hidden as management, and still opens with `metrics-open`', async () => {
    expect((await send((await start({ config: `api-keys: ["${key}"]\n` })).url, { path: '/metrics', headers: asManager })).status).toBe(404);
    expect((await send((await start({ config: `api-keys: ["${key}"]\nmetrics-open: true\n` })).url, { path: '/metrics' })).status).toBe(200);
  });

  it('/readyz tells codes only: degraded is 200, and no path, name, line or secret is in it', async () => {
    const daemon = await start({ config: base });
    const ready = async () => {
      const answer = await send(daemon.url, { path: '/readyz' });
      return [answer.status, JSON.parse(answer.body.toString())];
    };
    expect(await ready()).toEqual([200, { status: 'degraded', codes: ['no_accounts'] }]);
    writeFileSync(daemon.configPath, `${readFileSync(daemon.configPath, 'utf8')}codex-api-key: [{ api-key: "sk-upstream-in-a-broken-file" }\n`);
    daemon.process.kill('SIGHUP');
    await expect.poll(ready).toEqual([200, { status: 'degraded', codes: ['config_refused', 'no_accounts'] }]);
    writeFileSync(daemon.configPath, `port: 0\ndata-dir: "./data"\nauth-dir: "./auth"\n${base}codex-api-key: [{ api-key: "sk-upstream-0123456789" }]\n`);
    daemon.process.kill('SIGHUP');
    await expect.poll(ready).toEqual([200, { status: 'ok', codes: [] }]);
  });
});

describe('rule 22: management in a place of its own', () => {
  const with_ = (listen: string): string => `api-keys: ["${key}"]\nremote-management: { secret-key: "${secret}", listen: "${listen}" }\n`;

  it('on its own port: there with the secret, and 404 on the main port', async () => {
    const daemon = await start({ config: with_('127.0.0.1:0') });
    const binds: unknown = JSON.parse((await over(join(daemon.folder, 'data/control.sock'), '/v0/management/status')).body).binds;
    const own = Array.isArray(binds) ? binds.map(String).find((bind) => bind.startsWith('http://127.0.0.1:') && !bind.endsWith(`:${daemon.port}`)) : undefined;
    if (own === undefined) throw new Error(`no management bind in ${JSON.stringify(binds)}`);
    expect((await send(own, { path: '/v0/management/status', headers: asManager })).status).toBe(200);
    expect((await send(own, { path: '/v0/management/status' })).status).toBe(401);
    expect((await send(daemon.url, { path: '/v0/management/status', headers: asManager })).status).toBe(404);
    expect((await send(daemon.url, { path: '/v0/management/nothing' })).status).toBe(404);
    for (const path of ['/v1/models', '/v1/chat/completions', '/']) expect((await send(own, { path, headers: { authorization: `Bearer ${key}` } })).status, path).toBe(404);
  });

  it('on a Unix socket: 0600 in a folder made 0700, with the secret, and 404 on the main port', async () => {
    const folder = makeFolder();
    const path = join(folder, 'run/management.sock');
    const daemon = await start({ folder, config: with_(`unix:${path}`) });
    expect([modeOf(join(folder, 'run')), modeOf(path)]).toEqual([0o700, 0o600]);
    expect((await over(path, '/v0/management/status', asManager)).status).toBe(200);
    // Local by definition, yet not the control socket: the secret is asked.
    expect((await over(path, '/v0/management/status')).status).toBe(401);
    expect((await send(daemon.url, { path: '/v0/management/status', headers: asManager })).status).toBe(404);
  });

  it('a folder that others may enter is refused', async () => {
    const folder = makeFolder();
    mkdirSync(join(folder, 'shared'));
    chmodSync(join(folder, 'shared'), 0o755);
    await expect(startDaemon({ folder, config: with_(`unix:${join(folder, 'shared/m.sock')}`) })).rejects.toThrow(/ended with 1:[^]*0700/);
  });
});
