import { once } from 'node:events';
import { appendFileSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openDriver, type SqlDatabase } from '../../../internal/storage/sqlite/driver.ts';
import { isObject } from '../../../internal/management/values.ts';
import { makeFolder, runKeyward, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { asClient, asManager, clientKey, managementSecret, upstreamKey } from '../../support/four-dialects.ts';
import { send, type RawAnswer } from '../../support/raw-http.ts';
import { answerJson, chatCompletion, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { until } from '../../support/until.ts';

let upstream: ScriptedUpstream;
let folder = '';
let daemon: RunningDaemon | undefined;
beforeAll(async () => {
  upstream = await startScriptedUpstream((_seen, res) => answerJson(res, 200, chatCompletion));
});
afterAll(() => upstream.close());
afterEach(async () => {
  await daemon?.stop();
  rmSync(folder, { recursive: true });
});

async function start(more = ''): Promise<RunningDaemon> {
  if (!existsSync(folder)) folder = makeFolder();
  const config = `remote-management:\n  secret-key: ${managementSecret}\napi-keys: [${clientKey}]\nopenai-compatibility:\n  - name: up\n    base-url: ${upstream.url}/v1\n    api-key-entries: [{ api-key: ${upstreamKey} }]\n    models: [{ name: gpt-4o, alias: gpt-4o }]\n${more}`;
  daemon = await startDaemon({ folder, config });
  return daemon;
}

const database = (): string => join(folder, 'data', 'state', 'keyward.db');
const setRetries = (url: string, value: number): Promise<RawAnswer> => send(url, { method: 'PUT', path: '/v0/management/request-retry', headers: { ...asManager, 'content-type': 'application/json' }, body: JSON.stringify({ value }) });
const chat = (url: string): Promise<RawAnswer> => send(url, { method: 'POST', path: '/v1/chat/completions', headers: asClient, body: '{"model":"gpt-4o","messages":[]}' });
const audit = (...args: readonly string[]): ReturnType<typeof runKeyward> => runKeyward(folder, ['audit', ...args, '--config', join(folder, 'config.yaml')]);

function shown(...args: readonly string[]): readonly Readonly<Record<string, unknown>>[] {
  const parsed: unknown = JSON.parse(audit('show', '--json', ...args).stdout);
  const events: unknown = isObject(parsed) ? parsed['events'] : [];
  return Array.isArray(events) ? events.filter(isObject) : [];
}

async function kill(running: RunningDaemon): Promise<void> {
  running.process.kill('SIGKILL');
  await once(running.process, 'exit');
}

/** Nobody else can write meanwhile. */
async function whileLocked(work: () => Promise<void>): Promise<void> {
  const lock: SqlDatabase = openDriver(database(), 1_000);
  lock.execute('BEGIN IMMEDIATE');
  try {
    await work();
  } finally {
    lock.execute('ROLLBACK');
    lock.close();
  }
}

describe('rule 36: the audit at the built daemon', () => {
  it('`keyward audit` verifies, shows and exports with the daemon running and without, and names a row that was edited with exit code 1', async () => {
    const { url, stop } = await start();
    expect((await setRetries(url, 2)).status).toBe(200);
    await send(url, { path: '/v0/management/config', headers: { authorization: 'Bearer wrong' } });
    await until('the rows are stored', () => shown().length >= 3);
    expect(audit('verify').stdout).toContain('The chain is intact.');
    expect(shown().map(({ action, outcome, actor }) => ({ action, outcome, actor }))).toEqual([
      { action: 'management.refused', outcome: 'refused', actor: 'anonymous' },
      { action: 'config.changed', outcome: 'ok', actor: 'root' },
      { action: 'daemon.started', outcome: 'ok', actor: 'keyward' },
    ]);
    await stop();
    const lines = audit('export').stdout.trimEnd().split('\n');
    expect([lines.length, lines[3]]).toEqual([4, expect.stringContaining('daemon.stopped')]);
    expect(audit('verify', '--json')).toMatchObject({ status: 0, stderr: '' });

    const hand = openDriver(database(), 1_000);
    hand.execute("DROP TRIGGER audit_event_unchanged; UPDATE audit_event SET actor = 'nobody' WHERE id = 2");
    hand.close();
    const found = audit('verify');
    expect([found.status, found.stdout]).toEqual([1, expect.stringMatching(/NOT intact:\n- row 2 \(config\.changed, .*\) was edited/)]);
    expect(JSON.parse(audit('verify', '--json').stdout)).toMatchObject({ intact: false, findings: [{ kind: 'edited', id: 2 }] });
  });

  it('what happened more than a second before a kill -9 is on record, and the chain is whole', async () => {
    const running = await start();
    expect((await setRetries(running.url, 2)).status).toBe(200);
    await chat(running.url);
    for (let n = 0; n < 50; n += 1) await send(running.url, { method: 'POST', path: '/v1/chat/completions', headers: { authorization: 'Bearer wrong' } });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await kill(running);
    expect(shown().map(({ action }) => action)).toEqual(['door.refused', 'config.changed', 'daemon.started']);
    expect(audit('verify').status).toBe(0);
    const again = await start();
    expect((await setRetries(again.url, 3)).status).toBe(200);
    await again.stop();
    expect(audit('verify')).toMatchObject({ status: 0, stderr: '' });
  });

  it('with audit.fail-closed a change is on record when it is answered: kill -9 at that moment takes nothing', async () => {
    const running = await start('audit: { fail-closed: true }\n');
    expect((await setRetries(running.url, 2)).status).toBe(200);
    await kill(running);
    expect(shown().map(({ action }) => action)).toEqual(['config.changed', 'management.asked', 'daemon.started']);
    expect(audit('verify').status).toBe(0);
  });

  it('with audit.fail-closed nothing is changed, revealed or passed on while nothing can be recorded, and all is well again afterwards', async () => {
    const { url } = await start('audit: { fail-closed: true }\n');
    expect((await chat(url)).status).toBe(200);
    await whileLocked(async () => {
      const refused = await setRetries(url, 2);
      expect([refused.status, refused.body.toString()]).toEqual([503, expect.stringContaining('audit_unavailable')]);
      expect((await send(url, { path: '/v0/management/config?reveal=true', headers: asManager })).body.toString()).not.toContain(upstreamKey);
      const before = upstream.seen.length;
      const exchange = await chat(url);
      expect([exchange.status, exchange.headers['retry-after'], exchange.body.toString(), upstream.seen.length - before]).toEqual([503, '5', expect.stringContaining('audit_unavailable'), 0]);
      expect((await send(url, { path: '/readyz' })).status).toBe(503);
    });
    await until('exchanges are served again', async () => (await chat(url)).status === 200);
    expect((await setRetries(url, 2)).status).toBe(200);
    expect((await send(url, { path: '/v0/management/config?reveal=true', headers: asManager })).body.toString()).toContain(upstreamKey);
  });

  it('with audit.fail-closed no tokens of a login are stored that could not be put on record', async () => {
    const vendor = await startScriptedUpstream((_seen, res) => answerJson(res, 200, { access_token: 'at-0001', refresh_token: 'rt-0001', expires_in: 28_800, token_type: 'Bearer', account: { uuid: 'acc-1', email_address: 'ann@example.com' } }));
    const { url } = await start(`audit: { fail-closed: true }\noauth:\n  anthropic: { client-id: ours, token-url: "${vendor.url}/token", redirect-port: 0 }\n`);
    const begin = async (): Promise<string> => {
      const answer: unknown = JSON.parse((await send(url, { path: '/v0/management/anthropic-auth-url', headers: asManager })).body.toString());
      return isObject(answer) ? String(answer['state']) : '';
    };
    const finish = (state: string): Promise<RawAnswer> => send(url, { path: `/anthropic/callback?code=c&state=${state}`, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' } });
    const files = (): readonly string[] => readdirSync(join(folder, 'auth')).filter((name) => name.endsWith('.json'));
    const state = await begin();
    await whileLocked(async () => void (await finish(state)));
    expect([vendor.seen.length, files()]).toEqual([1, []]);
    await finish(await begin());
    await until('the end is on record', () => shown('--action', 'login.finished').length === 1);
    expect(files()).toHaveLength(1);
    const actions = shown().map(({ action, outcome }) => `${String(action)} ${String(outcome)}`).toReversed();
    expect(actions.filter((action) => action.startsWith('login.'))).toEqual(['login.started ok', 'login.storing asked', 'login.failed failed', 'login.started ok', 'login.storing asked', 'login.finished ok']);
    await vendor.close();
  });

  it('without it the same goes on, and is on record as soon as that is possible', async () => {
    const { url } = await start();
    await whileLocked(async () => {
      expect((await setRetries(url, 2)).status).toBe(200);
      expect((await chat(url)).status).toBe(200);
    });
    await until('the change is on record', () => shown('--action', 'config.changed').length === 1);
  });

  it('an edit of the config file is on record, whoever made it', async () => {
    const { configPath } = await start();
    appendFileSync(configPath, 'request-retry: 7\n');
    await until('the edit is on record', () => shown('--actor', 'file').length === 1);
    expect(shown('--actor', 'file')).toMatchObject([{ action: 'config.changed', from: 'file', target: 'request-retry', after: { 'request-retry': 7 } }]);
  });

  it('without the key of its chain the daemon does not start, and says what to do', async () => {
    const { stop } = await start();
    await stop();
    rmSync(join(folder, 'data', 'audit.key'));
    await expect(start()).rejects.toThrow(/the daemon ended with 1:[^]*audit\.key is missing, and there is an audit chain that was made with it: put it back from a backup/);
    daemon = undefined;
    expect(audit('verify')).toMatchObject({ status: 1, stderr: expect.stringContaining('audit.key is missing') });
    expect(shown().length).toBeGreaterThan(0);
  });
});
