import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, memberOf } from '../../support/ask.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { until } from '../../support/until.ts';

const secret = 'your-management-secret';
const clientKey = 'sk-client-0123456789abcdef';
/** The 2 s of contract §10, and what a busy machine takes beyond. */
const limitMs = 4_000;
let daemon: RunningDaemon;

beforeAll(async () => {
  daemon = await startDaemon({ config: `api-keys: ["${clientKey}"]\nremote-management:\n  secret-key: "${secret}"\n` });
});
afterAll(() => daemon.stop());

const fileIn = (name: string): string => join(daemon.folder, 'auth', name);
const put = (name: string, members: object): void => writeFileSync(fileIn(name), JSON.stringify({ refresh_token: `rt-${name}`, access_token: 'at', expired: '2099-01-01T00:00:00Z', ...members }), { mode: 0o600 });

async function ids(): Promise<readonly string[]> {
  const data = memberOf((await ask(daemon.url, '/v1/models', { key: clientKey })).json, 'data');
  return Array.isArray(data) ? data.map((model) => String(memberOf(model, 'id'))) : [];
}
const lists = async (prefix: string): Promise<boolean> => (await ids()).some((id) => id.startsWith(prefix));

describe('files of the auth directory are live by themselves', () => {
  it('one that is dropped there serves', async () => {
    expect(await ids()).toEqual([]);
    put('claude-ann@example.com.json', { type: 'claude', email: 'ann@example.com' });
    await until('the models of a dropped file are listed', () => lists('claude-'), limitMs);
  });

  it('one that is altered serves as altered', async () => {
    put('claude-ann@example.com.json', { type: 'claude', email: 'ann@example.com', prefix: 'team' });
    await until('the new prefix is listed', () => lists('team/claude-'), limitMs);
    put('claude-ann@example.com.json', { type: 'claude', email: 'ann@example.com', disabled: true });
    await until('a disabled file serves nothing', async () => (await ids()).length === 0, limitMs);
  });

  it('one that is put in place by a rename serves, and a broken one beside it is reported alone', async () => {
    writeFileSync(fileIn('codex.tmp'), JSON.stringify({ type: 'codex', email: 'bob@example.com', refresh_token: 'rt', access_token: 'at', expired: '2099-01-01T00:00:00Z' }), { mode: 0o600 });
    renameSync(fileIn('codex.tmp'), fileIn('codex-bob@example.com-plus.json'));
    writeFileSync(fileIn('broken.json'), '{"type":', { mode: 0o600 });
    await until('the models of a renamed file are listed', () => lists('gpt-'), limitMs);
    await until('the broken file is reported', async () => {
      const files = memberOf((await ask(daemon.url, '/v0/management/auth-files?name=broken.json', { key: secret })).json, 'files');
      return Array.isArray(files) && memberOf(files[0], 'status') === 'error';
    }, limitMs);
  });

  it('one that is removed serves no more', async () => {
    rmSync(fileIn('codex-bob@example.com-plus.json'));
    await until('nothing is listed', async () => (await ids()).length === 0, limitMs);
  });
});
