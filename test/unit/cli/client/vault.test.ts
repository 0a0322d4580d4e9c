import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Keychain } from '../../../../internal/accounts/auth-file/key-stores.ts';
import { chooseStore } from '../../../../internal/cli/client/choose-store.ts';
import { clientPlaces, entryPath } from '../../../../internal/cli/client/places.ts';
import { sealUnder } from '../../../../internal/accounts/auth-file/sealing.ts';
import { openSealed } from '../../../../internal/cli/client/open-sealed.ts';
import { openVault, type Vault } from '../../../../internal/cli/client/vault.ts';
import { createFakeProcess } from '../fake-process.ts';

function fakeKeychain(): { readonly open: () => Promise<Keychain>; readonly forget: () => void } {
  let text: string | undefined;
  return {
    open: () => Promise.resolve({ get: () => Promise.resolve(text), set: (value) => Promise.resolve(void (text = value)) }),
    forget: () => (text = undefined),
  };
}

const broken = (): Promise<Keychain> => Promise.reject(new Error('no secret service'));

async function opened(vault: ReturnType<typeof openVault>): Promise<Vault> {
  const result = await vault;
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

describe('the store of a login', () => {
  it('auto takes the keychain where it works, and a file where it does not', async () => {
    const cli = createFakeProcess([]);
    expect((await opened(chooseStore(cli, fakeKeychain().open))).store).toBe('keychain');
    expect((await opened(chooseStore(cli, broken))).store).toBe('file');
    expect(await chooseStore(createFakeProcess([], { env: { KEYWARD_CREDENTIAL_STORE: 'keychain' } }), broken)).toMatchObject({ ok: false, error: { code: 'keychain_unavailable' } });
    expect((await opened(chooseStore(createFakeProcess([], { env: { KEYWARD_CREDENTIAL_STORE: 'file' } }), () => Promise.reject(new TypeError('asked'))))).store).toBe('file');
  });

  it('with the keychain nothing readable is on disk, and only its key opens it', async () => {
    const cli = createFakeProcess([]);
    const keychain = fakeKeychain();
    const vault = await opened(chooseStore(cli, keychain.open));
    await vault.write('work', 'session', 'the-refresh-token');
    const path = entryPath(clientPlaces(cli), 'work', 'session');
    expect(readFileSync(path, 'utf8')).not.toContain('refresh');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const again = await opened(openVault(cli, 'keychain', { openKeychain: keychain.open }));
    expect(await again.read('work', 'session')).toEqual({ ok: true, value: 'the-refresh-token' });
    // Sealed for its place: a file that was moved does not open as another.
    await (await opened(openVault(cli, 'file'))).write('work', 'bearer', readFileSync(path, 'utf8'));
    expect(await again.read('work', 'bearer')).toMatchObject({ ok: false, error: { code: 'storage_unreadable' } });
    keychain.forget();
    expect(await openVault(cli, 'keychain', { openKeychain: keychain.open })).toMatchObject({ ok: false, error: { message: expect.stringContaining('keyward login') } });
  });

  it('leaves no old version of a token behind', async () => {
    const cli = createFakeProcess([], { env: { KEYWARD_CREDENTIAL_STORE: 'file' } });
    const vault = await opened(chooseStore(cli));
    await vault.write('work', 'session', 'first');
    await vault.write('work', 'session', 'second');
    expect(readdirSync(clientPlaces(cli).tokens)).toEqual(['work.session.json']);
    await vault.remove('work', 'session');
    expect(await vault.read('work', 'session')).toEqual({ ok: true, value: undefined });
  });
});

describe('what is sealed', () => {
  it('opens for its key and subject alone, and not when a letter of it was changed', async () => {
    const key = { id: 'k1', bytes: new Uint8Array(32).fill(7) };
    const sealed = await sealUnder(key, 'grüße', 'work session');
    expect(openSealed([key], sealed, 'work session')).toBe('grüße');
    expect(openSealed([key], sealed, 'home session')).toBeUndefined();
    expect(openSealed([{ ...key, id: 'k2' }], sealed, 'work session')).toBeUndefined();
    expect(openSealed([{ ...key, bytes: new Uint8Array(32).fill(8) }], sealed, 'work session')).toBeUndefined();
    for (let at = 0; at < sealed.length; at += 1) {
      const other = sealed[at] === 'A' ? 'g' : 'A';
      // The last letter of a part carries bits that count for nothing; the parts before it are each changed whole.
      if (sealed[at] === '.' || sealed[at + 1] === '.' || at === sealed.length - 1) continue;
      expect(openSealed([key], `${sealed.slice(0, at)}${other}${sealed.slice(at + 1)}`, 'work session')).toBeUndefined();
    }
    for (const odd of ['', '....', `${sealed}.x`, sealed.replace('..', '.x.'), sealed.slice(0, -8)]) expect(openSealed([key], odd, 'work session')).toBeUndefined();
  });
});
