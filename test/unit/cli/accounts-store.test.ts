import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AccountStore, ListedAccount, Revocation } from '../../../internal/cli/accounts/account-store.ts';
import { importAccount } from '../../../internal/cli/commands/accounts-import.ts';
import { listAccounts } from '../../../internal/cli/commands/accounts-list.ts';
import { logOutOfAccount, type AccountsLogoutFlags } from '../../../internal/cli/commands/accounts-logout.ts';
import { switchAccount } from '../../../internal/cli/commands/accounts-switch.ts';
import { err, ok, type Result } from '../../../internal/fault/result.ts';
import { createFakeProcess, linesOf } from './fake-process.ts';

const account = (file: string, more: Partial<ListedAccount> = {}): ListedAccount => ({ file, provider: 'anthropic', account: 'ann@example.com', state: 'ready', expires: '', lastRefresh: '', prefix: '', problem: '', ...more });

const ann = account('claude-ann@example.com.json', { expires: '2030-01-02T03:04:05.000Z', prefix: 'a' });
const bob = account('claude-bob@example.com.json', { account: 'bob@example.com', state: 'needs_login', problem: 'the provider no longer takes the refresh token' });
const second = account('claude-1a2b3c4d-ann@example.com.json');
const codex = account('codex-ann@example.com.json', { provider: 'codex' });
const all = [ann, bob, second, codex];

interface FakeStore extends AccountStore {
  readonly calls: unknown[];
}

function createStore(accounts: readonly ListedAccount[], revocation: Result<Revocation, { readonly code: string; readonly message: string }> = ok({ kind: 'revoked' })): FakeStore {
  const calls: unknown[] = [];
  const note = <T>(call: unknown, answer: T): Promise<T> => {
    calls.push(call);
    return Promise.resolve(answer);
  };
  return {
    calls,
    list: () => Promise.resolve(ok(accounts)),
    remove: (file, options) => note(['remove', file, options], revocation),
    setDisabled: (file, isDisabled) => note(['disable', file, isDisabled], ok(undefined)),
    importFile: (name, text, options) => note(['file', name, text, options], ok({ file: name, account: '' })),
    importVertex: (text, options) => note(['vertex', text, options], ok({ file: 'vertex-p.json', account: 'sa@p.iam.gserviceaccount.com' })),
    close: () => note(['close'], undefined),
  };
}

const opening = (store: AccountStore) => () => Promise.resolve(ok(store));
const yes: AccountsLogoutFlags = { json: false, keepAtVendor: false, yes: true };

describe('accounts list', () => {
  it('prints a table with times to the minute, what is wrong, and the command that mends it', async () => {
    const cli = createFakeProcess([]);
    const store = createStore([ann, bob]);
    expect(await listAccounts(cli, { json: false }, opening(store))).toBe(0);
    expect(cli.out()).toBe(
      [
        'file                         provider   account          state        expires            last refresh  prefix  problem',
        'claude-ann@example.com.json  anthropic  ann@example.com  ready        2030-01-02 03:04Z  –             a       –',
        'claude-bob@example.com.json  anthropic  bob@example.com  needs_login  –                  –             –       the provider no longer takes the refresh token',
        '',
        'What needs_login waits for; file and settings stay as they are:',
        '',
        '  keyward accounts login anthropic',
        '',
      ].join('\n'),
    );
    expect(store.calls).toEqual([['close']]);
  });

  it('--json prints one document', async () => {
    const cli = createFakeProcess([]);
    await listAccounts(cli, { json: true }, opening(createStore([ann])));
    expect(JSON.parse(cli.out())).toEqual({
      accounts: [{ file: ann.file, provider: 'anthropic', account: 'ann@example.com', state: 'ready', expires: ann.expires, last_refresh: null, prefix: 'a', problem: null }],
    });
  });

  it('an empty directory says how the first account is made', async () => {
    const cli = createFakeProcess([]);
    expect(await listAccounts(cli, { json: false }, opening(createStore([])))).toBe(0);
    expect(cli.out()).toContain('keyward accounts login');
  });

  it.each([
    ['no_answer', 1],
    ['invalid_config', 2],
  ])('a store that cannot be opened (%s) ends with %d and the reason', async (code, exitCode) => {
    const cli = createFakeProcess([]);
    expect(await listAccounts(cli, { json: false }, () => Promise.resolve(err({ code, message: 'It is so.' })))).toBe(exitCode);
    expect(cli.err()).toBe('keyward: It is so.\n');
  });
});

describe('accounts enable and disable', () => {
  it.each([
    ['its file', bob.file],
    ['its file without ending', 'claude-bob@example.com'],
    ['its e-mail, in any case', 'BOB@example.com'],
  ])('switch an account by %s', async (_by, name) => {
    const store = createStore(all);
    expect(await switchAccount(createFakeProcess([]), 'off', name, { json: false }, opening(store))).toBe(0);
    expect(store.calls).toEqual([['disable', bob.file, true], ['close']]);
  });

  it.each([
    ['off', 'ready', '', 'no request goes to it'],
    ['on', 'ready', '', 'is switched on: requests may go to it'],
    ['on', 'refreshing', '', 'its tokens are being refreshed'],
    ['on', 'needs_login', 'the refresh token was refused', 'cannot serve yet. State: needs_login (the refresh token was refused)'],
  ] as const)('say what that means: %s with %s', async (to, state, problem, said) => {
    const cli = createFakeProcess([]);
    const store = createStore([account('a.json', { state, problem })]);
    expect(await switchAccount(cli, to, 'a', { json: false }, opening(store))).toBe(0);
    expect(store.calls[0]).toEqual(['disable', 'a.json', to === 'off']);
    expect(cli.out()).toContain(said);
  });

  it('a name of several accounts changes nothing, lists them and ends with 2', async () => {
    const cli = createFakeProcess([]);
    const store = createStore(all);
    expect(await switchAccount(cli, 'on', 'ann@example.com', { json: false }, opening(store))).toBe(2);
    expect(store.calls).toEqual([['close']]);
    for (const { file } of [ann, second, codex]) expect(cli.err()).toContain(file);
  });

  it('an account that is not there ends with 1 and where to look', async () => {
    const cli = createFakeProcess([]);
    expect(await switchAccount(cli, 'on', 'nobody', { json: false }, opening(createStore(all)))).toBe(1);
    expect(cli.err()).toContain('keyward accounts list');
  });

  it('a refusal is told, and ends with 1', async () => {
    const cli = createFakeProcess([]);
    const store: AccountStore = { ...createStore(all), setDisabled: () => Promise.resolve(err({ code: 'auth_file_not_writable', message: 'The disk is full.' })) };
    expect(await switchAccount(cli, 'on', bob.file, { json: false }, opening(store))).toBe(1);
    expect(cli.err()).toBe('keyward: The disk is full.\n');
  });

  it('--json prints one document', async () => {
    const cli = createFakeProcess([]);
    await switchAccount(cli, 'off', bob.file, { json: true }, opening(createStore(all)));
    expect(JSON.parse(cli.out())).toEqual({ status: 'ok', file: bob.file, account: bob.account, provider: 'anthropic', disabled: true, state: 'needs_login' });
  });
});

describe('accounts logout', () => {
  it.each([
    ['its file', 'anthropic', 'claude-bob@example.com.json', bob],
    ['its file without ending', 'anthropic', 'claude-bob@example.com', bob],
    ['its e-mail, in any case', 'Claude', 'BOB@example.com', bob],
    ['the provider alone, where it has one account', 'openai', undefined, codex],
    ['its file, where the e-mail has several', 'anthropic', ann.file, ann],
  ] as const)('takes an account by %s', async (_by, provider, name, meant) => {
    const cli = createFakeProcess([]);
    const store = createStore(all);
    expect(await logOutOfAccount(cli, provider, name, yes, opening(store))).toBe(0);
    expect(store.calls).toEqual([['remove', meant.file, { isKeptAtVendor: false }], ['close']]);
    expect(cli.out()).toContain(`Removed ${meant.file}.`);
  });

  it.each([
    ['an e-mail', 'ann@example.com', [ann.file, second.file]],
    ['a provider', undefined, [ann.file, bob.file, second.file]],
  ])('%s that means several accounts ends nothing, lists them and ends with 2', async (_what, name, files) => {
    const cli = createFakeProcess([]);
    const store = createStore(all);
    expect(await logOutOfAccount(cli, 'anthropic', name, yes, opening(store))).toBe(2);
    expect(store.calls).toEqual([['close']]);
    for (const file of files) expect(cli.err()).toContain(file);
    expect(cli.err()).not.toContain(codex.file);
  });

  it.each([
    ['anthropic', 'nobody'],
    ['kimi', undefined],
    ['codex', bob.file],
  ])('an account that is not there (%s, %s) ends with 1', async (provider, name) => {
    const cli = createFakeProcess([]);
    const store = createStore(all);
    expect(await logOutOfAccount(cli, provider, name, yes, opening(store))).toBe(1);
    expect(store.calls).toEqual([['close']]);
    expect(cli.err()).toContain('keyward accounts list');
  });

  it.each([
    [{ kind: 'revoked' }, 0, 'no longer good anywhere'],
    [{ kind: 'kept' }, 0, 'stays good at the provider'],
    [{ kind: 'not_offered' }, 0, 'offers no way to end a login from here'],
    [{ kind: 'failed', detail: 'it answered 503' }, 1, 'did not end the login: it answered 503'],
  ] as const)('says how it went at the provider: %j ends with %d', async (revocation, exitCode, said) => {
    const cli = createFakeProcess([]);
    expect(await logOutOfAccount(cli, 'codex', undefined, { ...yes, keepAtVendor: revocation.kind === 'kept' }, opening(createStore(all, ok(revocation))))).toBe(exitCode);
    expect(`${cli.out()}${cli.err()}`).toContain(said);
    expect(cli.out()).toContain(`Removed ${codex.file}.`);
  });

  it('of a service account says that its key is to be deleted at Google', async () => {
    const cli = createFakeProcess([]);
    await logOutOfAccount(cli, 'vertex', undefined, yes, opening(createStore([account('vertex-p.json', { provider: 'vertex' })], ok({ kind: 'not_offered' }))));
    expect(cli.out()).toContain('until you delete it there');
  });

  it('--keep-at-vendor removes the file alone', async () => {
    const store = createStore(all);
    await logOutOfAccount(createFakeProcess([]), 'codex', undefined, { ...yes, keepAtVendor: true }, opening(store));
    expect(store.calls[0]).toEqual(['remove', codex.file, { isKeptAtVendor: true }]);
  });

  it('--json prints one document', async () => {
    const cli = createFakeProcess([]);
    await logOutOfAccount(cli, 'codex', undefined, { ...yes, json: true }, opening(createStore(all, ok({ kind: 'failed', detail: 'x' }))));
    expect(JSON.parse(cli.out())).toEqual({ status: 'ok', file: codex.file, account: 'ann@example.com', provider: 'codex', at_vendor: 'failed', detail: 'x' });
  });

  it.each([
    ['y', true],
    [' YES ', true],
    ['n', false],
    ['', false],
  ])('on a terminal it asks; %j means %s', async (typed, isMeant) => {
    const cli = createFakeProcess([], { stdinIsTerminal: true, openLines: () => linesOf([typed]) });
    const store = createStore(all);
    expect(await logOutOfAccount(cli, 'codex', undefined, { ...yes, yes: false }, opening(store))).toBe(isMeant ? 0 : 2);
    expect(cli.err()).toContain(`remove ${codex.file}? [y/N]`);
    expect(store.calls.length).toBe(isMeant ? 2 : 1);
  });

  it('where nobody can be asked it ends nothing without --yes', async () => {
    const cli = createFakeProcess([], { stdin: 'y\n' });
    const store = createStore(all);
    expect(await logOutOfAccount(cli, 'codex', undefined, { ...yes, yes: false }, opening(store))).toBe(2);
    expect(cli.err()).toContain('--yes');
    expect(store.calls).toEqual([['close']]);
  });

  it('a refusal of the store ends with its reason', async () => {
    const cli = createFakeProcess([]);
    expect(await logOutOfAccount(cli, 'codex', undefined, yes, opening(createStore(all, err({ code: 'auth_file_not_writable', message: 'It is a link.' }))))).toBe(1);
    expect(cli.err()).toBe('keyward: It is a link.\n');
  });
});

describe('accounts import', () => {
  it('hands an account file over with its own name', async () => {
    const cli = createFakeProcess([]);
    writeFileSync(join(cli.cwd, 'claude-ann.json'), '{"type":"claude"}');
    const store = createStore([]);
    expect(await importAccount(cli, 'file', 'claude-ann.json', { json: false, replace: false }, opening(store))).toBe(0);
    expect(store.calls).toEqual([['file', 'claude-ann.json', '{"type":"claude"}', { mayReplace: false }], ['close']]);
    expect(cli.out()).toContain('Imported an account as claude-ann.json.');
  });

  it('hands a service account over with location and prefix', async () => {
    const cli = createFakeProcess([]);
    writeFileSync(join(cli.cwd, 'key.json'), '{}');
    const store = createStore([]);
    expect(await importAccount(cli, 'vertex', 'key.json', { json: true, replace: false, location: 'europe-west4', prefix: 'eu' }, opening(store))).toBe(0);
    expect(store.calls[0]).toEqual(['vertex', '{}', { location: 'europe-west4', prefix: 'eu' }]);
    expect(JSON.parse(cli.out())).toEqual({ status: 'ok', file: 'vertex-p.json', account: 'sa@p.iam.gserviceaccount.com' });
  });

  it.each([
    ['missing.json', 'does not exist'],
    ['.', 'is not a file'],
    ['big.json', 'larger than 256 kB'],
  ])('%s opens no store', async (path, said) => {
    const cli = createFakeProcess([]);
    writeFileSync(join(cli.cwd, 'big.json'), ' '.repeat(262_145));
    const code = await importAccount(cli, 'file', path, { json: false, replace: false }, () => Promise.reject(new Error('must not be opened')));
    expect(code).toBe(1);
    expect(cli.err()).toContain(said);
  });
});
