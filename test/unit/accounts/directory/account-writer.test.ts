import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NewLogin } from '../../../../internal/accounts/directory/ports.ts';
import { jwt, makeAuthFolder, tokenSet } from '../../../support/auth-folder.ts';

const claude = { type: 'claude', email: 'ann@example.com', access_token: 'at-1', refresh_token: 'rt-1' };
const whole = (more: object = {}): string => JSON.stringify({ ...claude, ...more });

describe('an edit of operator fields', () => {
  it('is on disk and live when it is answered, and tokens stay', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { directory, accountWriter } = await folder.open();
    const patched = await accountWriter.patch('a.json', { disabled: true, proxy_url: 'direct', headers: { 'X-A': '1' } });
    expect(patched).toMatchObject({ ok: true, value: { operator: { disabled: true, proxyUrl: 'direct' } } });
    expect(folder.json('a.json')).toEqual({ ...claude, disabled: true, proxy_url: 'direct', headers: { 'X-A': '1' } });
    expect(directory.files()[0]?.operator.disabled).toBe(true);
    expect(patched.ok && directory.files()[0]?.hash === patched.value.hash).toBe(true);
  });

  it('with the hash of an older version is refused', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { directory, accountWriter } = await folder.open();
    const hash = directory.files()[0]?.hash;
    expect((await accountWriter.patch('a.json', { note: 'one' }, hash)).ok).toBe(true);
    expect(await accountWriter.patch('a.json', { note: 'two' }, hash)).toMatchObject({ ok: false, error: { code: 'precondition_failed' } });
    expect(folder.json('a.json')['note']).toBe('one');
  });

  it.each([
    ['none.json', { note: 'x' }, 'item_not_found'],
    ['a.json', { priority: 'x' }, 'invalid_auth_file'],
    ['a.json', { refresh_token: 'x' }, 'invalid_auth_file'],
    ['broken.json', { note: 'x' }, 'invalid_auth_file'],
    ['../a.json', { note: 'x' }, 'invalid_auth_file'],
  ])('%s %j is refused and changes nothing', async (name, fields, code) => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    folder.put('broken.json', { type: 'acme' });
    const { accountWriter } = await folder.open();
    expect(await accountWriter.patch(name, fields)).toMatchObject({ ok: false, error: { code } });
    expect(folder.json('a.json')).toEqual(claude);
    expect(folder.names()).toEqual(['a.json', 'broken.json']);
  });
});

describe('storing a whole file', () => {
  it('keeps its bytes and is live at once', async () => {
    const folder = makeAuthFolder();
    const { directory, accountWriter } = await folder.open();
    const text = ` ${whole()}\n\n`;
    expect(await accountWriter.put('a.json', text, { mayReplace: false })).toMatchObject({ ok: true, value: { name: 'a.json' } });
    expect(folder.read('a.json')).toBe(text);
    expect(directory.files().map(({ name }) => name)).toEqual(['a.json']);
  });

  it.each([
    ['bad JSON', '{"type":"claude"', {}],
    ['no type', '{}', {}],
    ['a type nobody serves', '{"type":"acme"}', {}],
    ['too much', whole({ x: 'y'.repeat(300_000) }), {}],
  ])('%s is refused before anything is written', async (_what, text) => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { accountWriter } = await folder.open();
    for (const name of ['a.json', 'b.json']) expect(await accountWriter.put(name, text, { mayReplace: true })).toMatchObject({ ok: false, error: { code: 'invalid_auth_file' } });
    expect([folder.names(), folder.json('a.json')]).toEqual([['a.json'], claude]);
  });

  it.each(['../a.json', 'x/../../a.json', '/tmp/a.json', '.keyward.json', 'a.txt', 'a\u202e.json', ''])('the name %j is refused', async (name) => {
    const folder = makeAuthFolder();
    const { accountWriter } = await folder.open();
    expect(await accountWriter.put(name, whole(), { mayReplace: true })).toMatchObject({ ok: false, error: { code: 'invalid_auth_file' } });
    expect(folder.names()).toEqual([]);
  });

  it('replaces what is there only when it may, and keeps the old version', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { accountWriter } = await folder.open();
    expect(await accountWriter.put('a.json', whole({ note: 'new' }), { mayReplace: false })).toMatchObject({ ok: false, error: { code: 'precondition_failed' } });
    expect(await accountWriter.put('a.json', whole({ note: 'new' }), { mayReplace: true })).toMatchObject({ ok: true });
    expect(folder.json('a.json')['note']).toBe('new');
    expect(folder.backups()).toEqual(['a.json']);
  });

  it('replaces only the version that was meant', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { directory, accountWriter } = await folder.open();
    const expectedHash = directory.files()[0]?.hash ?? '';
    folder.put('a.json', { ...claude, note: 'saved meanwhile' });
    expect(await accountWriter.put('a.json', whole({ note: 'new' }), { mayReplace: true, expectedHash })).toMatchObject({ ok: false, error: { code: 'precondition_failed' } });
    expect(folder.json('a.json')['note']).toBe('saved meanwhile');
    expect(await accountWriter.put('none.json', whole(), { mayReplace: true, expectedHash })).toMatchObject({ ok: false, error: { code: 'precondition_failed' } });
    await directory.rescan();
    expect(await accountWriter.put('a.json', whole({ note: 'new' }), { mayReplace: true, expectedHash: directory.files()[0]?.hash ?? '' })).toMatchObject({ ok: true });
  });

  it('a broken file of ours can be replaced', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', '{');
    const { directory, accountWriter } = await folder.open();
    expect(await accountWriter.put('a.json', whole(), { mayReplace: true })).toMatchObject({ ok: true });
    expect(directory.problems()).toEqual([]);
  });

  it('a directory in its place is refused', async () => {
    const folder = makeAuthFolder();
    mkdirSync(join(folder.path, 'a.json'));
    const { accountWriter } = await folder.open();
    expect((await accountWriter.put('a.json', whole(), { mayReplace: true })).ok).toBe(false);
  });
});

describe('removing a file', () => {
  it('takes its old versions along, and the account is gone at once', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { directory, accountWriter } = await folder.open();
    await accountWriter.patch('a.json', { note: 'x' });
    expect(folder.backups()).toEqual(['a.json']);
    expect(await accountWriter.remove('a.json')).toEqual({ ok: true, value: undefined });
    expect([folder.names(), folder.backups(), directory.files()]).toEqual([[], [], []]);
    expect(await accountWriter.remove('a.json')).toMatchObject({ ok: false, error: { code: 'item_not_found' } });
  });

  it('a broken file can be removed; one that changed, and what is no account file, cannot', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', '{');
    folder.put('b.json', claude);
    folder.put('notes.txt', 'x');
    writeFileSync(join(folder.path, '..', 'outside.json'), whole());
    symlinkSync('../outside.json', join(folder.path, 'link.json'));
    const { directory, accountWriter } = await folder.open();
    expect((await accountWriter.remove('a.json')).ok).toBe(true);
    expect(directory.problems().filter(({ name }) => name === 'a.json')).toEqual([]);
    expect(await accountWriter.remove('b.json', 'f'.repeat(64))).toMatchObject({ ok: false, error: { code: 'precondition_failed' } });
    expect(await accountWriter.remove('link.json')).toMatchObject({ ok: false, error: { code: 'auth_file_not_writable' } });
    for (const name of ['notes.txt', '../outside.json', '.keyward', '.keyward/write.lock']) expect((await accountWriter.remove(name)).ok).toBe(false);
    expect(folder.names()).toEqual(['b.json', 'link.json', 'notes.txt']);
    expect(existsSync(join(folder.path, '..', 'outside.json'))).toBe(true);
  });
});

describe('giving a file away', () => {
  it('gives its bytes, whether it can be used or not', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', ` ${whole()}`);
    folder.put('b.json', '{ broken');
    const { accountWriter } = await folder.open();
    expect(await accountWriter.download('a.json', { isOpened: false })).toEqual({ ok: true, value: ` ${whole()}` });
    expect(await accountWriter.download('b.json', { isOpened: true })).toEqual({ ok: true, value: '{ broken' });
    expect(await accountWriter.download('c.json', { isOpened: true })).toMatchObject({ ok: false, error: { code: 'item_not_found' } });
    expect((await accountWriter.download('../../etc/passwd.json', { isOpened: true })).ok).toBe(false);
  });
});

describe('storing a login', () => {
  const login = (more: Partial<NewLogin> = {}): NewLogin => ({ type: 'claude', suggestedName: 'claude-ann@example.com.json', isDisabled: false, tokens: tokenSet('at-9', 'rt-9', { expiresAtMs: Date.parse('2026-11-01T11:00:00Z') }), facts: { email: 'ann@example.com' }, ...more });
  const workspace = (id: string): NewLogin => login({ type: 'codex', suggestedName: 'codex-ann@example.com.json', tokens: tokenSet(`at-${id}`, `rt-${id}`), facts: { email: 'ann@example.com', account_id: id } });

  it('makes a file that the Go program reads as well', async () => {
    const folder = makeAuthFolder();
    const { directory, accountWriter } = await folder.open();
    expect(await accountWriter.storeLogin(login())).toMatchObject({ ok: true, value: { name: 'claude-ann@example.com.json', identity: 'email:ann@example.com' } });
    expect(folder.json('claude-ann@example.com.json')).toEqual({ type: 'claude', access_token: 'at-9', refresh_token: 'rt-9', expired: '2026-11-01T11:00:00.000Z', email: 'ann@example.com' });
    expect(directory.files()).toHaveLength(1);
  });

  it('of an account that is there keeps the file’s name, the operator’s fields and unknown ones', async () => {
    const folder = makeAuthFolder();
    folder.put('my-name.json', { ...claude, disabled: true, prefix: 'p', 'proxy-url': 'direct', x_unknown: [1, 2] });
    const { accountWriter } = await folder.open();
    expect(await accountWriter.storeLogin(login())).toMatchObject({ ok: true, value: { name: 'my-name.json' } });
    expect(folder.json('my-name.json')).toMatchObject({ disabled: true, prefix: 'p', 'proxy-url': 'direct', x_unknown: [1, 2], access_token: 'at-9', refresh_token: 'rt-9' });
    expect(folder.names()).toEqual(['my-name.json']);
  });

  it('three workspaces of one e-mail are three files, and each is found again', async () => {
    const folder = makeAuthFolder();
    const { accountWriter } = await folder.open();
    for (const id of ['w-1', 'w-2', 'w-3', 'w-2']) expect((await accountWriter.storeLogin(workspace(id))).ok).toBe(true);
    expect(folder.names()).toEqual(['codex-ann@example.com-2.json', 'codex-ann@example.com-3.json', 'codex-ann@example.com.json']);
    expect(folder.names().map((name) => folder.json(name)['account_id'])).toEqual(['w-2', 'w-3', 'w-1']);
  });

  it('a file that knows only the e-mail is taken by the first workspace that logs in, and by no other', async () => {
    const folder = makeAuthFolder();
    folder.put('old.json', claude);
    const { accountWriter } = await folder.open();
    const at = (organization: string): NewLogin => login({ facts: { email: 'ann@example.com', account_uuid: 'u-1', organization_uuid: organization } });
    expect(await accountWriter.storeLogin(at('o-1'))).toMatchObject({ ok: true, value: { name: 'old.json' } });
    expect(await accountWriter.storeLogin(at('o-2'))).toMatchObject({ ok: true, value: { name: 'claude-ann@example.com.json' } });
    expect(await accountWriter.storeLogin(at('o-1'))).toMatchObject({ ok: true, value: { name: 'old.json' } });
    expect(folder.names()).toHaveLength(2);
  });

  it('logins of one account at the same moment, in two processes’ directories, make one file', async () => {
    const folder = makeAuthFolder();
    const [one, two] = [await folder.open(), await folder.open()];
    await Promise.all([one, two, one, two].map(({ accountWriter }) => accountWriter.storeLogin(workspace('w-1'))));
    expect(folder.names()).toHaveLength(1);
  });

  it('a new account of a flow that proves little stays off; one that is known does not turn off', async () => {
    const folder = makeAuthFolder();
    const { accountWriter } = await folder.open();
    const unproven = login({ type: 'antigravity', isDisabled: true, facts: { email: 'ann@example.com', project_id: 'p' } });
    expect(await accountWriter.storeLogin(unproven)).toMatchObject({ ok: true, value: { operator: { disabled: true } } });
    await accountWriter.patch('claude-ann@example.com.json', { disabled: false });
    expect(await accountWriter.storeLogin(unproven)).toMatchObject({ ok: true, value: { operator: { disabled: false } } });
  });

  it('an id token alone tells whose workspace it is', async () => {
    const folder = makeAuthFolder();
    folder.put('c.json', { type: 'codex', email: 'ann@example.com', account_id: 'w-1', refresh_token: 'rt' });
    const { accountWriter } = await folder.open();
    const claims = { email: 'ann@example.com', 'https://api.openai.com/auth': { chatgpt_account_id: 'w-1' } };
    const tokens = { ...tokenSet('at', 'rt-2'), idToken: tokenSet(jwt(claims), undefined).accessToken };
    expect(await accountWriter.storeLogin(login({ type: 'codex', tokens, facts: {} }))).toMatchObject({ ok: true, value: { name: 'c.json' } });
  });

  it('a type that nobody serves is refused', async () => {
    const { accountWriter } = await makeAuthFolder().open();
    expect(await accountWriter.storeLogin(login({ type: 'acme' }))).toMatchObject({ ok: false, error: { code: 'invalid_auth_file' } });
  });
});
