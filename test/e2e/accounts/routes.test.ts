import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, memberOf, type Asked } from '../../support/ask.ts';
import { makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { startAnthropic, type SimulatedAnthropic } from '../../support/simulated-logins/anthropic.ts';
import { until } from '../../support/until.ts';

/* The account routes of the built daemon on a real directory, its refresher at work beside them. */

const secret = 'management-secret-0123456789';
const clientKey = 'sk-client-0123456789abcdef';
const name = 'claude-ann@example.com.json';
let folder: string;
let vendor: SimulatedAnthropic;
let daemon: RunningDaemon;

beforeAll(async () => {
  vendor = await startAnthropic();
  folder = makeFolder();
  mkdirSync(join(folder, 'auth'), { mode: 0o700 });
  daemon = await startDaemon({ folder, config: `api-keys: ["${clientKey}"]\nremote-management: { secret-key: "${secret}" }\noauth: ${JSON.stringify({ anthropic: vendor.entry() })}\n` });
});
afterAll(async () => {
  await daemon.stop();
  await vendor.close();
  rmSync(folder, { recursive: true, force: true });
});

const management = (path: string, question: Parameters<typeof ask>[2] = {}): Promise<Asked> => ask(daemon.url, `/v0/management${path}`, { ...question, key: secret });
const onDisk = (): Readonly<Record<string, unknown>> => JSON.parse(readFileSync(join(folder, 'auth', name), 'utf8'));
const accountFiles = (): readonly string[] => readdirSync(join(folder, 'auth')).filter((each) => each.endsWith('.json'));
const file = (expired: string): object => ({ type: 'claude', email: 'ann@example.com', access_token: vendor.book.newSecret('at'), refresh_token: vendor.book.issueRefreshToken(), expired, 'their-own': { kept: 1.5 } });

describe('account files over the management API', () => {
  it('an edit with the tag that was read holds, though the tokens were refreshed in between; a stale one is 412', async () => {
    expect((await management(`/auth-files?name=${name}`, { json: file(new Date(Date.now() + 2_000).toISOString()) })).status).toBe(200);
    const before = String(onDisk()['refresh_token']);
    const read = await management(`/auth-files?name=${name}`);
    const row = memberOf(read.json, 'files');
    const stated = memberOf(Array.isArray(row) ? row[0] : undefined, 'etag');
    const tag = typeof stated === 'string' ? stated : '';
    expect(tag).not.toBe('');
    await until('the refresher has written to the same file', () => onDisk()['refresh_token'] !== before);
    const edit = (note: string, ifMatch: string) => management('/auth-files/fields', { method: 'PATCH', json: { name, note, prefix: 'team' }, headers: { 'if-match': ifMatch } });
    expect((await edit('mine', tag)).status).toBe(200);
    expect((await edit('late', tag)).status).toBe(412);
    expect(onDisk()).toMatchObject({ note: 'mine', prefix: 'team', 'their-own': { kept: 1.5 }, refresh_token: expect.stringMatching(/^rt-/) });
    expect(vendor.seen).toHaveLength(1);
  });

  it('what an edit did is live when it is answered', async () => {
    const ids = async (): Promise<string> => (await ask(daemon.url, '/v1/models', { key: clientKey })).text;
    expect(await ids()).toContain('"team/claude-');
    expect((await management('/auth-files/status', { method: 'PATCH', json: { name, disabled: true } })).status).toBe(200);
    expect(await ids()).not.toContain('claude-');
    expect((await management('/auth-files/status', { method: 'PATCH', json: { name, disabled: false } })).status).toBe(200);
    expect(await ids()).toContain('"team/claude-');
    expect((await management(`/auth-files/models?name=${name}`)).text).toContain('claude-');
  });

  it('a download is the file, attached and unstored, and can be uploaded again', async () => {
    const got = await management(`/auth-files/download?name=${name}`);
    expect([got.status, got.headers['cache-control'], got.text]).toEqual([200, expect.stringContaining('no-store'), readFileSync(join(folder, 'auth', name), 'utf8')]);
    expect((await management(`/auth-files?name=${name}`, { body: got.text, headers: { 'content-type': 'application/json' } })).status).toBe(200);
    expect(readFileSync(join(folder, 'auth', name), 'utf8')).toBe(got.text);
  });

  it.each([
    ['../escape.json', 400], ['..%2Fescape.json', 400], ['%2e%2e%2fescape.json', 400], ['/etc/escape.json', 400], ['a%00.json', 400], ['a%5Cb.json', 400], ['.hidden.json', 400], ['no-json.txt', 400], [`${'x'.repeat(300)}.json`, 400], ['a%E2%80%AE.json', 400],
  ])('the name %s is refused, and nothing is written', async (odd, status) => {
    const before = accountFiles();
    expect((await management(`/auth-files?name=${odd}`, { body: JSON.stringify(file('2099-01-01T00:00:00Z')), headers: { 'content-type': 'application/json' } })).status).toBe(status);
    for (const path of [`/auth-files/download?name=${odd}`, `/auth-files/models?name=${odd}`]) expect((await management(path)).status).toBeGreaterThanOrEqual(400);
    expect((await management(`/auth-files?name=${odd}`, { method: 'DELETE' })).status).toBeGreaterThanOrEqual(400);
    expect(accountFiles()).toEqual(before);
    expect(existsSync(join(folder, 'escape.json'))).toBe(false);
  });

  it.each<[string, string, number]>([
    ['half a file', '{"type":"claude",', 400],
    ['a list', '[]', 422],
    ['257 kB', JSON.stringify({ type: 'claude', refresh_token: 'x'.repeat(257 * 1_024) }), 413],
    ['a type that nobody serves', '{"type":"nobody","refresh_token":"x"}', 422],
  ])('%s is refused before anything is written', async (_what, body, status) => {
    const before = readdirSync(join(folder, 'auth')).sort();
    const answer = await management('/auth-files?name=bad.json', { body, headers: { 'content-type': 'application/json' } });
    expect(answer.status).toBe(status);
    expect(readdirSync(join(folder, 'auth')).sort()).toEqual(before);
  });

  it('what a link leads to is changed neither by an edit nor by a removal', async () => {
    writeFileSync(join(folder, 'outside.json'), JSON.stringify(file('2099-01-01T00:00:00Z')), { mode: 0o600 });
    symlinkSync(join(folder, 'outside.json'), join(folder, 'auth', 'link.json'));
    const before = readFileSync(join(folder, 'outside.json'), 'utf8');
    await until('it is told of', async () => (await management('/auth-files')).text.includes('link.json'));
    expect((await management('/auth-files/fields', { method: 'PATCH', json: { name: 'link.json', note: 'x' } })).status).toBeGreaterThanOrEqual(400);
    await management('/auth-files?name=link.json', { method: 'DELETE' });
    expect(readFileSync(join(folder, 'outside.json'), 'utf8')).toBe(before);
    rmSync(join(folder, 'auth', 'link.json'), { force: true });
  });

  it('a file of 300 kB and a folder in the directory are left alone, and the others serve', async () => {
    writeFileSync(join(folder, 'auth', 'huge.json'), JSON.stringify({ type: 'claude', refresh_token: 'x'.repeat(300_000) }), { mode: 0o600 });
    mkdirSync(join(folder, 'auth', 'folder.json'));
    await until('they are told of', async () => {
      const { text } = await management('/status');
      return text.includes('too_large') && text.includes('not_regular');
    });
    expect((await ask(daemon.url, '/v1/models', { key: clientKey })).text).toContain('"team/claude-');
  });

  it('all=true removes accounts, and nothing else that stands there', async () => {
    writeFileSync(join(folder, 'auth', 'notes.txt'), 'mine');
    expect((await management('/auth-files?all=true', { method: 'DELETE' })).text).toContain(name);
    expect(existsSync(join(folder, 'auth', name))).toBe(false);
    expect(readFileSync(join(folder, 'auth', 'notes.txt'), 'utf8')).toBe('mine');
    expect(statSync(join(folder, 'auth', 'folder.json')).isDirectory()).toBe(true);
    expect((await ask(daemon.url, '/v1/models', { key: clientKey })).text).not.toContain('claude-');
  });

  it('no token of all this is in the log or the audit', async () => {
    const audit = await management('/audit');
    for (const hidden of vendor.book.secrets()) expect([daemon.output().includes(hidden), audit.text.includes(hidden)]).toEqual([false, false]);
    expect(audit.text).toContain('account.removed');
  });
});
