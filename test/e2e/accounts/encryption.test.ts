import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesBelow } from '../../conformance/canary/canaries.ts';
import { ask, memberOf } from '../../support/ask.ts';
import { configHead, makeFolder, runKeyward, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { bearerOf, startSimulatedGate, type SimulatedGate } from '../../support/simulated-gate.ts';
import { startAnthropic, type SimulatedAnthropic } from '../../support/simulated-logins/anthropic.ts';

const secret = 'management-secret-0123456789';
const clientKey = 'sk-client-0123456789abcdef';
const goodKey = randomBytes(32).toString('base64url');
let folder: string;
let vendor: SimulatedAnthropic;
let gate: SimulatedGate;
let daemon: RunningDaemon | undefined;

const config = (mode: string): string => `api-keys: ["${clientKey}"]
remote-management: { secret-key: "${secret}" }
debug: true
auth-dir-encryption: ${mode}
oauth: ${JSON.stringify({ anthropic: vendor.entry({ 'base-url': gate.url }) })}
`;
/** As a login at the simulated vendor names it. */
const fileName = 'claude-d7f31cd5-ann@example.com.json';
const path = (): string => join(folder, 'auth', fileName);
const sealed = (): string => readFileSync(path(), 'utf8');
/** Every file of the auth directory with its bytes. */
const onDisk = (): string => JSON.stringify(filesBelow(join(folder, 'auth')).map(({ path: name, bytes }) => `${name} ${bytes.toString('base64')}`).toSorted());
const start = async (key: string): Promise<RunningDaemon> => (daemon = await startDaemon({ folder, config: config('env'), env: { KEYWARD_AUTH_DIR_KEY: key } }));
const message = async (): Promise<number> => (await ask(daemon?.url ?? '', '/v1/messages', { key: clientKey, headers: { 'anthropic-version': '2023-06-01' }, json: { model: 'claude-sonnet-4-5', max_tokens: 8, messages: [{ role: 'user', content: 'hi' }] } })).status;

beforeEach(async () => {
  [vendor, gate] = await Promise.all([startAnthropic(), startSimulatedGate()]);
  folder = makeFolder();
  mkdirSync(join(folder, 'auth'), { mode: 0o700 });
  writeFileSync(join(folder, 'config.yaml'), `${configHead}${config('env')}`, { mode: 0o600 });
  // Expired, so that the first request has it refreshed.
  writeFileSync(path(), JSON.stringify({ type: 'claude', email: 'ann@example.com', prefix: '', access_token: vendor.book.newSecret('at'), refresh_token: vendor.book.issueRefreshToken(), expired: '2020-01-01T00:00:00Z', note: 'the operator’s' }), { mode: 0o600 });
  expect(runKeyward(folder, ['accounts', 'encrypt', '--config', join(folder, 'config.yaml')], { KEYWARD_AUTH_DIR_KEY: goodKey }).status).toBe(0);
});
afterEach(async () => {
  await daemon?.stop();
  await vendor.close();
  await gate.close();
  rmSync(folder, { recursive: true, force: true });
});

const hidden = (bytes: string | Buffer): readonly string[] => vendor.book.secrets().filter((each) => bytes.includes(each));

describe('an encrypted auth directory under the built daemon', () => {
  it('is refreshed, spent, edited and restarted, and no token ever stands on disk in plain text', async () => {
    const before = sealed();
    await start(goodKey);
    expect(await message()).toBe(200);
    expect(vendor.book.secrets()).toContain(bearerOf(gate.seen.at(-1)?.headers ?? {}));
    expect(sealed()).not.toBe(before);
    expect(vendor.seen).toHaveLength(1);
    const edited = await ask(daemon?.url ?? '', '/v0/management/auth-files/fields', { method: 'PATCH', key: secret, json: { name: fileName, note: 'another' } });
    expect(edited.status).toBe(200);
    expect(JSON.parse(sealed())).toMatchObject({ type: 'claude', note: 'another', email: 'ann@example.com' });
    await daemon?.stop();
    // The refreshed token is read back out of the sealed file: nothing is refreshed again.
    await start(goodKey);
    expect(await message()).toBe(200);
    expect(vendor.seen).toHaveLength(1);
    await daemon?.stop();
    for (const { path: name, bytes } of filesBelow(folder)) expect([name, hidden(bytes)]).toEqual([name, []]);
    expect(hidden(daemon?.output() ?? '')).toEqual([]);
  });

  it('with another key at a restart nothing on disk changes, nothing is sent, and the reason is told; with the right one it serves again', async () => {
    const before = onDisk();
    await start(randomBytes(32).toString('base64url'));
    const { url } = daemon ?? { url: '' };
    expect([404, 503]).toContain(await message());
    const status = await ask(url, '/v0/management/status', { key: secret });
    expect(memberOf(memberOf(status.json, 'auth_dir'), 'problems')).toMatchObject([{ name: fileName, severity: 'error' }]);
    const edited = await ask(url, '/v0/management/auth-files/fields', { method: 'PATCH', key: secret, json: { name: fileName, note: 'another' } });
    expect(edited.status).toBeGreaterThanOrEqual(400);
    expect(onDisk()).toBe(before);
    expect([vendor.seen, gate.seen]).toEqual([[], []]);
    // A new login of the same person gets a file of its own beside it.
    const file = sealed();
    const started = await ask(url, '/v0/management/anthropic-auth-url', { key: secret });
    const { url: redirect } = vendor.book.grant(String(memberOf(started.json, 'url')));
    const login = await ask(url, '/v0/management/oauth-callback', { key: secret, json: { provider: 'anthropic', redirect_url: redirect } });
    expect(login.json).toMatchObject({ status: 'ok', name: 'claude-d7f31cd5-ann@example.com-2.json' });
    await daemon?.stop();
    expect(sealed()).toBe(file);
    rmSync(join(folder, 'auth', 'claude-d7f31cd5-ann@example.com-2.json'));
    await start(goodKey);
    expect(await message()).toBe(200);
  });

  it('a plain-text token in it is an error that names the command, and stays as it is', async () => {
    const plain = JSON.stringify({ type: 'claude', email: 'bob@example.com', access_token: vendor.book.newSecret('at'), refresh_token: vendor.book.issueRefreshToken(), expired: '2020-01-01T00:00:00Z' });
    writeFileSync(join(folder, 'auth', 'claude-bob.json'), plain, { mode: 0o600 });
    await start(goodKey);
    const status = await ask(daemon?.url ?? '', '/v0/management/status', { key: secret });
    expect(memberOf(memberOf(status.json, 'auth_dir'), 'problems')).toMatchObject([{ name: 'claude-bob.json', severity: 'error', message: expect.stringContaining('encrypt') }]);
    expect(readFileSync(join(folder, 'auth', 'claude-bob.json'), 'utf8')).toBe(plain);
    expect(await message()).toBe(200);
  });

  it('a new login there is sealed at once', async () => {
    await start(goodKey);
    const { url } = daemon ?? { url: '' };
    vendor.setOrganization('22222222-2222-4222-8222-222222222222');
    const started = await ask(url, '/v0/management/anthropic-auth-url', { key: secret });
    const granted = vendor.book.grant(String(memberOf(started.json, 'url')));
    expect((await ask(url, '/v0/management/oauth-callback', { key: secret, json: { provider: 'anthropic', redirect_url: granted.url } })).status).toBe(200);
    for (const { path: name, bytes } of filesBelow(join(folder, 'auth'))) expect([name, hidden(bytes)]).toEqual([name, []]);
    expect(await message()).toBe(200);
  });
});
