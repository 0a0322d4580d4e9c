import { chmodSync, existsSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createKeyring, type Keyring } from '../../../internal/accounts/auth-file/keyring.ts';
import { createTextSeal } from '../../../internal/accounts/auth-file/sealing.ts';
import { decryptAll, encryptAll, rotateKey, type EncryptionStep } from '../../../internal/accounts/directory/encryption.ts';
import type { AuthDirectory } from '../../../internal/accounts/directory/ports.ts';
import { envKeyring, jwt, keyText, makeAuthFolder, plainKeyring, tokenSet, type AuthFolder } from '../../support/auth-folder.ts';

/* Rule 28: tokens at rest can be encrypted, and no wrong turn of keys, files or crashes loses or leaks one. */

const [keyA, keyB] = [keyText(1), keyText(2)];
const secretWords = /canary/;

const files: Readonly<Record<string, object>> = {
  'claude.json': { type: 'claude', email: 'ann@example.com', access_token: 'canary-at', refresh_token: 'canary-rt', id_token: '', expired: '2026-11-01T10:00:00Z', x_unknown: [1, 2] },
  'codex.json': { type: 'codex', id_token: jwt({ email: 'ann@example.com', canary: 'canary', 'https://api.openai.com/auth': { chatgpt_account_id: 'w-1' } }), access_token: 'canary-at', refresh_token: 'canary-rt' },
  'gemini.json': { type: 'gemini', token: { access_token: 'canary-at', refresh_token: 'canary-rt', token_type: 'Bearer', client_secret: 'canary-cs' }, email: 'bob@example.com', project_id: 'p' },
  'iflow.json': { type: 'iflow', email: 'ann@example.com', api_key: 'canary-key', cookie: 'canary-cookie', access_token: 'canary-at' },
  'kimi.json': { type: 'kimi', access_token: 'canary-at', refresh_token: 'canary-rt-kimi' },
  'vertex.json': { type: 'vertex', service_account: { project_id: 'p', client_email: 'svc@p', private_key: 'canary-pem' }, location: 'us-central1' },
};

function fill(folder: AuthFolder): void {
  for (const [name, content] of Object.entries(files)) folder.put(name, content);
}

const tokens = (directory: AuthDirectory): unknown => directory.files().map(({ name, identity, tokens: set, serviceAccount, operator }) => [name, identity, set.accessToken?.reveal(), set.refreshToken?.reveal(), set.apiKey?.reveal(), serviceAccount, operator]);

/** A folder whose files were encrypted under key A, with what they held before. */
async function encrypted(more: { readonly keyring?: Keyring } = {}): Promise<{ readonly folder: AuthFolder; readonly before: unknown; readonly keyring: Keyring }> {
  const folder = makeAuthFolder();
  fill(folder);
  const before = tokens((await folder.open()).directory);
  const keyring = more.keyring ?? envKeyring(keyA);
  const report = await encryptAll({ ...folder.deps, keyring });
  expect(report).toMatchObject({ ok: true, value: { changed: Object.keys(files), failed: [] } });
  return { folder, before, keyring };
}

const fileKeyring = (folder: AuthFolder): Keyring => createKeyring({ mode: 'file', envKeys: undefined, keyFile: join(folder.path, '..', 'data', 'auth-dir.key'), uid: folder.deps.uid });
const everything = (folder: AuthFolder): string => [...folder.names().map((name) => folder.read(name)), ...folder.backups().map((name) => folder.read(`.keyward/backups/${name}`))].join('\n');

describe('rule 28: encrypted files', () => {
  it('hold no token in plain text, old versions neither, and mean the same account as before', async () => {
    const { folder, before, keyring } = await encrypted();
    expect(everything(folder)).not.toMatch(secretWords);
    expect(folder.json('claude.json')).toMatchObject({ type: 'claude', email: 'ann@example.com', expired: '2026-11-01T10:00:00Z', x_unknown: [1, 2], id_token: '' });
    const { directory } = await folder.open({ keyring });
    expect(directory.problems()).toEqual([]);
    expect(tokens(directory)).toEqual(before);
    expect(directory.files().every(({ isSealed }) => isSealed)).toBe(true);
  });

  it('stay encrypted through refresh, edit, upload and login', async () => {
    const { folder, keyring } = await encrypted();
    const { directory, tokenWriter, accountWriter } = await folder.open({ keyring });
    for (const { name } of directory.files()) {
      const reserved = await tokenWriter.reserve(name);
      expect(reserved.ok && (await reserved.value.commit({ tokens: tokenSet('canary-new', 'canary-newer') })).ok).toBe(true);
      if (reserved.ok) await reserved.value.release();
      expect((await accountWriter.patch(name, { prefix: 'p' })).ok).toBe(true);
    }
    expect((await accountWriter.put('up.json', JSON.stringify({ type: 'xai', access_token: 'canary-up' }), { mayReplace: false })).ok).toBe(true);
    expect((await accountWriter.storeLogin({ type: 'qwen', suggestedName: 'in.json', isDisabled: false, tokens: tokenSet('canary-in', 'canary-in') })).ok).toBe(true);
    expect(everything(folder)).not.toMatch(secretWords);
    expect(directory.files().map((file) => file.tokens.accessToken?.reveal())).toEqual([...Object.keys(files).slice(0, 2), 'gemini', 'iflow'].map(() => 'canary-new').concat('canary-in', 'canary-new', 'canary-up', 'canary-new'));
  });

  it('are decrypted to what they were, byte for byte in every member', async () => {
    const { folder, before, keyring } = await encrypted();
    expect(await decryptAll({ ...folder.deps, keyring })).toMatchObject({ ok: true, value: { changed: Object.keys(files), failed: [] } });
    for (const [name, content] of Object.entries(files)) expect(folder.json(name)).toMatchObject(content);
    expect(tokens((await folder.open()).directory)).toEqual(before);
  });
});

describe('rule 28: a wrong or missing key', () => {
  it.each([
    ['another key', () => envKeyring(keyB)],
    ['no key', () => envKeyring('')],
    ['no key, but half of one', () => envKeyring('c2hvcnQ')],
    ['encryption off', () => plainKeyring],
  ])('%s: the files are problems, and nothing of them is overwritten by any writer', async (_what, keyring) => {
    const { folder } = await encrypted();
    const before = everything(folder);
    const { directory, tokenWriter, accountWriter } = await folder.open({ keyring: keyring() });
    expect(directory.files()).toEqual([]);
    expect(directory.problems().map(({ name, code, severity }) => `${name} ${code} ${severity}`)).toEqual(Object.keys(files).map((name) => `${name} sealed error`));
    for (const name of Object.keys(files)) {
      expect((await tokenWriter.reserve(name)).ok).toBe(false);
      expect((await accountWriter.patch(name, { note: 'x' })).ok).toBe(false);
    }
    expect((await rotateKey({ ...folder.deps, keyring: keyring() })).ok).toBe(keyring().mode === 'env' && (await keyring().read()).ok);
    await decryptAll({ ...folder.deps, keyring: keyring() });
    await encryptAll({ ...folder.deps, keyring: keyring() });
    expect(everything(folder)).toBe(before);
  });

  it('that goes missing while the daemon runs keeps the accounts in use, and a refresh is refused before its token is sent', async () => {
    const { folder } = await encrypted();
    const keys = { text: keyA };
    const fickle: Keyring = { ...envKeyring(keyA), read: () => envKeyring(keys.text).read() };
    const { directory, tokenWriter } = await folder.open({ keyring: fickle });
    keys.text = '';
    expect(await tokenWriter.reserve('claude.json')).toMatchObject({ ok: false });
    await directory.rescan();
    expect(directory.files()).toHaveLength(Object.keys(files).length);
  });
});

describe('rule 28: what a seal is bound to', () => {
  it('a sealed member that was put into another account’s file, or under another type, is refused', async () => {
    const { folder, keyring } = await encrypted();
    const sealedOf = (name: string): unknown => folder.json(name)['keyward_sealed'];
    folder.put('iflow.json', { ...folder.json('iflow.json'), keyward_sealed: sealedOf('claude.json') });
    folder.put('codex.json', { ...folder.json('codex.json'), keyward_sealed: sealedOf('kimi.json') });
    folder.put('claude.json', { ...folder.json('claude.json'), email: 'eve@example.com' });
    folder.put('vertex.json', { ...folder.json('vertex.json'), location: 'europe-west1', keyward_identity: undefined });
    folder.put('gemini.json', { ...folder.json('gemini.json'), type: 'antigravity' });
    const { directory } = await folder.open({ keyring });
    expect(directory.files().map(({ name }) => name)).toEqual(['kimi.json']);
    expect(directory.problems().map(({ name, code }) => `${name} ${code}`)).toEqual(['claude.json', 'codex.json', 'gemini.json', 'iflow.json', 'vertex.json'].map((name) => `${name} sealed`));
  });

  it('altered or cut text is refused, wherever it was altered', async () => {
    const { folder, keyring } = await encrypted();
    const sealed = String(folder.json('claude.json')['keyward_sealed']);
    const parts = sealed.split('.');
    for (const index of [0, 2, 3, 4]) {
      const part = parts[index] ?? '';
      const altered = parts.with(index, `${part.slice(0, 6)}${part[6] === 'A' ? 'B' : 'A'}${part.slice(7)}`).join('.');
      folder.put('claude.json', { ...folder.json('claude.json'), keyward_sealed: altered });
      const { directory } = await folder.open({ keyring });
      expect(directory.problems().map(({ name, code }) => `${name} ${code}`)).toEqual(['claude.json sealed']);
    }
  });

  it('a ledger’s text opens for its own login alone, and never as a file’s', async () => {
    const seal = createTextSeal(envKeyring(keyA));
    const sealed = (await seal?.seal('canary', 'login-1')) ?? '';
    expect([await seal?.open(sealed, 'login-1'), await seal?.open(sealed, 'login-2'), await createTextSeal(envKeyring(keyB))?.open(sealed, 'login-1')]).toEqual(['canary', undefined, undefined]);
    const folder = makeAuthFolder();
    folder.put('a.json', { type: 'claude', email: 'login-1', keyward_identity: 'login-1', keyward_sealed: sealed });
    expect((await folder.open({ keyring: envKeyring(keyA) })).directory.problems().map(({ code }) => code)).toEqual(['sealed']);
    expect(createTextSeal(plainKeyring)).toBeUndefined();
  });
});

describe('rule 28: plain text in encrypted mode', () => {
  it('a file with plain tokens is an error and not used, also where it has a sealed member too', async () => {
    const { folder, keyring } = await encrypted();
    folder.put('plain.json', { type: 'claude', email: 'new@example.com', access_token: 'canary', refresh_token: 'canary' });
    folder.put('kimi.json', { ...folder.json('kimi.json'), refresh_token: 'canary-pasted' });
    const { directory, tokenWriter, accountWriter } = await folder.open({ keyring });
    expect(directory.problems().map(({ name, code, severity }) => `${name} ${code} ${severity}`)).toEqual(['kimi.json plaintext error', 'plain.json plaintext error']);
    expect((await tokenWriter.reserve('plain.json')).ok).toBe(false);
    expect(await accountWriter.download('plain.json', { isOpened: false })).toMatchObject({ ok: false, error: { code: 'invalid_auth_file' } });
    expect(await encryptAll({ ...folder.deps, keyring })).toMatchObject({ ok: true, value: { changed: ['kimi.json', 'plain.json'], failed: [] } });
    await directory.rescan();
    expect(directory.problems()).toEqual([]);
    expect(directory.files().find(({ name }) => name === 'kimi.json')?.tokens.refreshToken?.reveal()).toBe('canary-pasted');
    expect(everything(folder)).not.toMatch(secretWords);
  });

  it('downloads stay sealed unless they are opened on purpose', async () => {
    const { folder, keyring } = await encrypted();
    const { accountWriter } = await folder.open({ keyring });
    for (const name of Object.keys(files)) {
      expect(await accountWriter.download(name, { isOpened: false })).toEqual({ ok: true, value: folder.read(name) });
      const opened = await accountWriter.download(name, { isOpened: true });
      expect(opened.ok && JSON.parse(opened.value)).toMatchObject(files[name] ?? {});
    }
  });

  it('a sealed download can be uploaded again', async () => {
    const { folder, keyring } = await encrypted();
    const { accountWriter, directory } = await folder.open({ keyring });
    const text = folder.read('kimi.json');
    expect((await accountWriter.remove('kimi.json')).ok).toBe(true);
    expect((await accountWriter.put('kimi.json', text, { mayReplace: false })).ok).toBe(true);
    expect([folder.read('kimi.json'), directory.files().length]).toEqual([text, Object.keys(files).length]);
  });
});

describe('rule 28: keys', () => {
  it('a key file is made 0600 by the first encryption, and refused when others can read it', async () => {
    const folder = makeAuthFolder();
    fill(folder);
    const keyring = fileKeyring(folder);
    const keyFile = join(folder.path, '..', 'data', 'auth-dir.key');
    expect(await keyring.read()).toMatchObject({ ok: false, error: { kind: 'no_key' } });
    expect((await encryptAll({ ...folder.deps, keyring })).ok).toBe(true);
    expect((statSync(keyFile).mode & 0o777).toString(8)).toBe('600');
    chmodSync(keyFile, 0o640);
    expect(await keyring.read()).toMatchObject({ ok: false, error: { kind: 'unavailable' } });
    expect(await keyring.add()).toMatchObject({ ok: false });
    chmodSync(keyFile, 0o600);
    expect(await keyring.read()).toMatchObject({ ok: true });
  });

  it('a key file that cannot be understood is never replaced', async () => {
    const folder = makeAuthFolder();
    const keyring = fileKeyring(folder);
    await keyring.add();
    const keyFile = join(folder.path, '..', 'data', 'auth-dir.key');
    writeFileSync(keyFile, 'c2hvcnQ\n');
    expect(await keyring.add()).toMatchObject({ ok: false, error: { kind: 'bad_key' } });
    expect(readFileSync(keyFile, 'utf8')).toBe('c2hvcnQ\n');
  });

  it('of several keys the first writes and all read', async () => {
    const { folder, before } = await encrypted();
    const keyring = envKeyring(keyB, keyA);
    const { directory, accountWriter } = await folder.open({ keyring });
    expect(tokens(directory)).toEqual(before);
    await accountWriter.patch('claude.json', { note: 'x' });
    const { directory: withNew } = await folder.open({ keyring: envKeyring(keyB) });
    expect(withNew.files().map(({ name }) => name)).toEqual(['claude.json']);
  });

  it('without a keychain the message says so and what to do instead', async () => {
    const keyring = createKeyring({ mode: 'keychain', envKeys: undefined, keyFile: '', uid: undefined, openKeychain: () => Promise.reject(new Error('org.freedesktop.secrets')) });
    expect(await keyring.read()).toMatchObject({ ok: false, error: { kind: 'unavailable', message: expect.stringContaining('`auth-dir-encryption` to file or env') } });
    expect(await encryptAll({ ...makeAuthFolder().deps, keyring })).toMatchObject({ ok: false });
  });

  it('a keychain holds the keys, also while a second one is there', async () => {
    let kept: string | undefined;
    const keyring = createKeyring({ mode: 'keychain', envKeys: undefined, keyFile: '', uid: undefined, openKeychain: () => Promise.resolve({ get: () => Promise.resolve(kept), set: (text) => Promise.resolve(void (kept = text)) }) });
    const { folder, before } = await encrypted({ keyring });
    expect(await rotateKey({ ...folder.deps, keyring })).toMatchObject({ ok: true, value: { changed: Object.keys(files), failed: [] } });
    expect(tokens((await folder.open({ keyring })).directory)).toEqual(before);
    expect((await keyring.read()).ok && kept?.trim().split('\n')).toHaveLength(1);
  });
});

describe('rule 28: rotation', () => {
  class Crash extends Error {}

  it('ends with every file, old versions included, under a new key and the old one gone', async () => {
    const folder = makeAuthFolder();
    fill(folder);
    const keyring = fileKeyring(folder);
    await encryptAll({ ...folder.deps, keyring });
    const { directory, accountWriter } = await folder.open({ keyring });
    const before = tokens(directory);
    await accountWriter.patch('claude.json', { note: '' });
    const old = await keyring.read();
    const rotated = await rotateKey({ ...folder.deps, keyring });
    expect(rotated).toMatchObject({ ok: true, value: { changed: Object.keys(files), failed: [], retiredKeys: old.ok ? old.value.map(({ id }) => id) : [] } });
    await directory.rescan();
    expect(tokens(directory)).toEqual(before);
    const lost = createKeyring({ mode: 'env', envKeys: old.ok ? old.value.map(({ bytes }) => Buffer.from(bytes).toString('base64url')).join(',') : '', keyFile: '', uid: undefined });
    expect((await folder.open({ keyring: lost })).directory.files()).toEqual([]);
    expect(folder.backups()).toEqual([]);
  });

  it('interrupted after any step, every token can be read, and the next call ends what was begun without a third key', async () => {
    const stepCount = 1 + Object.keys(files).length + 3;
    for (let crashAt = 1; crashAt <= stepCount; crashAt++) {
      const folder = makeAuthFolder();
      fill(folder);
      const keyring = fileKeyring(folder);
      await encryptAll({ ...folder.deps, keyring });
      const before = tokens((await folder.open({ keyring })).directory);
      const steps: EncryptionStep[] = [];
      const onStep = (step: EncryptionStep): void => {
        steps.push(step);
        if (steps.length === crashAt) throw new Crash(step.kind);
      };
      await expect(rotateKey({ ...folder.deps, keyring }, { onStep })).rejects.toBeInstanceOf(Crash);
      expect(tokens((await folder.open({ keyring })).directory)).toEqual(before);
      const during = await keyring.read();
      const isDone = steps.at(-1)?.kind === 'keys_retired';
      expect(during.ok && during.value.length).toBe(isDone ? 1 : 2);
      expect(await rotateKey({ ...folder.deps, keyring })).toMatchObject({ ok: true, value: { failed: [] } });
      const after = await keyring.read();
      expect(after.ok && after.value.length).toBe(1);
      if (!isDone) expect(after.ok && during.ok && after.value[0]?.id === during.value[0]?.id).toBe(true);
      expect(tokens((await folder.open({ keyring })).directory)).toEqual(before);
    }
  }, 60_000);

  it('with a daemon that refreshes all the while loses no token', async () => {
    const folder = makeAuthFolder();
    fill(folder);
    const keyring = fileKeyring(folder);
    await encryptAll({ ...folder.deps, keyring });
    const { tokenWriter } = await folder.open({ keyring: fileKeyring(folder) });
    const rotation = new AbortController();
    let newest = 0;
    const daemon = (async () => {
      while (!rotation.signal.aborted) {
        const reserved = await tokenWriter.reserve('claude.json');
        if (!reserved.ok) throw new Error(reserved.error.message);
        const committed = await reserved.value.commit({ tokens: tokenSet(`at-${newest + 1}`, `rt-${newest + 1}`) });
        if (committed.ok) newest++;
        await reserved.value.release();
      }
    })();
    for (let turn = 0; turn < 5; turn++) expect((await rotateKey({ ...folder.deps, keyring })).ok).toBe(true);
    rotation.abort();
    await daemon;
    const { directory } = await folder.open({ keyring });
    expect(newest).toBeGreaterThan(0);
    expect([directory.problems(), directory.files().find(({ name }) => name === 'claude.json')?.tokens.refreshToken?.reveal()]).toEqual([[], `rt-${newest}`]);
  }, 60_000);

  it('keeps the old key while a file still needs it, such as one behind a link', async () => {
    const folder = makeAuthFolder();
    fill(folder);
    const keyring = fileKeyring(folder);
    await encryptAll({ ...folder.deps, keyring });
    const before = tokens((await folder.open({ keyring })).directory);
    renameSync(join(folder.path, 'kimi.json'), join(folder.path, '..', 'kimi.json'));
    symlinkSync('../kimi.json', join(folder.path, 'kimi.json'));
    expect(await rotateKey({ ...folder.deps, keyring })).toMatchObject({ ok: true, value: { failed: [{ name: 'kimi.json' }], retiredKeys: [] } });
    expect(tokens((await folder.open({ keyring })).directory)).toEqual(before);
  });

  it('keeps the old key while ledgers could not be rewritten', async () => {
    const folder = makeAuthFolder();
    fill(folder);
    const keyring = fileKeyring(folder);
    await encryptAll({ ...folder.deps, keyring });
    expect(await rotateKey({ ...folder.deps, keyring }, { rewriteLedgers: () => Promise.resolve(false) })).toMatchObject({ ok: true, value: { retiredKeys: [] } });
    const keys = await keyring.read();
    expect(keys.ok && keys.value.length).toBe(2);
    expect(existsSync(join(folder.path, '..', 'data', 'auth-dir.key.bak'))).toBe(false);
  });
});
