import { readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Reservation, TokenWriter } from '../../../../internal/accounts/directory/ports.ts';
import { makeAuthFolder, tokenSet } from '../../../support/auth-folder.ts';

async function reserve(writer: TokenWriter, name: string): Promise<Reservation> {
  const reserved = await writer.reserve(name);
  if (!reserved.ok) throw new Error(reserved.error.message);
  return reserved.value;
}

const claude = { type: 'claude', email: 'ann@example.com', access_token: 'at-1', refresh_token: 'rt-1', prefix: 'mine', x_unknown: 12 };

describe('the token writer', () => {
  it('writes tokens under the operator’s fields as they stand at that moment, and the directory shows it at once', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { directory, tokenWriter } = await folder.open();
    const reservation = await reserve(tokenWriter, 'a.json');
    folder.put('a.json', { ...claude, prefix: 'edited meanwhile', note: 'new' });
    const committed = await reservation.commit({ tokens: tokenSet('at-2', 'rt-2') });
    expect(committed).toMatchObject({ ok: true, value: { operator: { prefix: 'edited meanwhile', note: 'new' } } });
    expect(folder.json('a.json')).toEqual({ ...claude, prefix: 'edited meanwhile', note: 'new', access_token: 'at-2', refresh_token: 'rt-2' });
    expect(directory.files()[0]?.tokens.refreshToken?.reveal()).toBe('rt-2');
    await reservation.release();
    expect(folder.names()).toEqual(['a.json']);
  });

  it('waits for an editor that deletes before it creates, and for one that has written half', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { tokenWriter } = await folder.open();
    const reservation = await reserve(tokenWriter, 'a.json');
    for (const [turn, disturb] of ([() => unlinkSync(join(folder.path, 'a.json')), () => folder.put('a.json', '{"type":"cl')] as const).entries()) {
      disturb();
      setTimeout(() => folder.put('a.json', { ...claude, note: `saved ${turn}` }), 150);
      expect(await reservation.commit({ tokens: tokenSet(`at-${turn}`, `rt-${turn}`) })).toMatchObject({ ok: true });
      expect(folder.json('a.json')).toMatchObject({ note: `saved ${turn}`, refresh_token: `rt-${turn}` });
    }
    await reservation.release();
  });

  it('a file that is gone stays gone', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { tokenWriter } = await folder.open();
    const reservation = await reserve(tokenWriter, 'a.json');
    rmSync(join(folder.path, 'a.json'));
    expect(await reservation.commit({ tokens: tokenSet('at-2', 'rt-2') })).toMatchObject({ ok: false, error: { kind: 'missing' } });
    await reservation.release();
    expect(folder.names()).toEqual([]);
  });

  it('a reservation may be committed again, and one whose space was swept away still can', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { tokenWriter } = await folder.open();
    const reservation = await reserve(tokenWriter, 'a.json');
    for (const name of folder.names().filter((each) => each.endsWith('.tmp'))) rmSync(join(folder.path, name));
    expect((await reservation.commit({ tokens: tokenSet('at-2', 'rt-2') })).ok).toBe(true);
    expect((await reservation.commit({ tokens: tokenSet('at-3', 'rt-3') })).ok).toBe(true);
    await reservation.release();
    expect(folder.json('a.json')).toMatchObject({ refresh_token: 'rt-3' });
    expect(folder.names()).toEqual(['a.json']);
  });

  it('tokens that may not be replaced stay, and the file is not touched', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { tokenWriter } = await folder.open();
    const reservation = await reserve(tokenWriter, 'a.json');
    folder.put('a.json', { ...claude, refresh_token: 'rt-newer' });
    const before = folder.read('a.json');
    const committed = await reservation.commit({ tokens: tokenSet('at-2', 'rt-2') }, (present) => present.refreshToken?.reveal() === 'rt-1');
    expect(committed.ok && committed.value.tokens.refreshToken?.reveal()).toBe('rt-newer');
    expect([folder.read('a.json'), folder.backups()]).toEqual([before, []]);
    expect((await reservation.commit({ tokens: tokenSet('at-2', 'rt-2') }, (present) => present.refreshToken?.reveal() === 'rt-newer')).ok).toBe(true);
    expect(folder.json('a.json')).toMatchObject({ refresh_token: 'rt-2' });
    await reservation.release();
  });

  it('old versions are kept 0600 apart from the accounts, and only a few', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { directory, tokenWriter } = await folder.open();
    for (let turn = 2; turn < 9; turn++) {
      const reservation = await reserve(tokenWriter, 'a.json');
      await reservation.commit({ tokens: tokenSet(`at-${turn}`, `rt-${turn}`) });
      await reservation.release();
    }
    expect(folder.backups()).toEqual(['a.json', 'a.json.1', 'a.json.2']);
    const backups = join(folder.path, '.keyward', 'backups');
    expect(readdirSync(backups).map((name) => (statSync(join(backups, name)).mode & 0o777).toString(8))).toEqual(['600', '600', '600']);
    expect(readFileSync(join(backups, 'a.json'), 'utf8')).toContain('rt-7');
    await directory.rescan();
    expect(directory.files().map(({ name }) => name)).toEqual(['a.json']);
  });

  it('an old version that cannot be kept does not keep new tokens from being written', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { tokenWriter } = await folder.open();
    folder.put('.keyward/backups', 'in the way');
    const reservation = await reserve(tokenWriter, 'a.json');
    expect((await reservation.commit({ tokens: tokenSet('at-2', 'rt-2') })).ok).toBe(true);
    await reservation.release();
    expect([folder.json('a.json')['refresh_token'], folder.names()]).toEqual(['rt-2', ['a.json']]);
  });

  it('a file with nothing but tokens stays the same account when they change', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', { type: 'corp', access_token: 'at-1', refresh_token: 'rt-1' });
    folder.put('copy.json', { type: 'corp', access_token: 'at-1', refresh_token: 'rt-1' });
    const { directory, tokenWriter } = await folder.open();
    const identity = directory.files()[0]?.identity;
    const reservation = await reserve(tokenWriter, 'a.json');
    await reservation.commit({ tokens: tokenSet('at-2', 'rt-2') });
    await reservation.commit({ tokens: tokenSet('at-3', 'rt-3') });
    await reservation.release();
    expect(directory.files().map((file) => file.identity)).toEqual([identity, identity]);
    expect(folder.json('a.json')['keyward_identity']).toBe(identity);
  });

  it('facts that come with a refresh never make another account of the file', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { directory, tokenWriter } = await folder.open();
    const reservation = await reserve(tokenWriter, 'a.json');
    await reservation.commit({ tokens: tokenSet('at-2', 'rt-2'), facts: { account_uuid: 'u-1', organization_uuid: 'o-1' } });
    expect(directory.files()[0]).toMatchObject({ identity: 'email:ann@example.com' });
    expect(directory.files()[0]?.fact('account_uuid')).toBe('u-1');
    await reservation.commit({ tokens: tokenSet('at-3', 'rt-3'), facts: { email: 'eve@example.com' } });
    expect(directory.files()[0]).toMatchObject({ identity: 'email:ann@example.com', email: 'ann@example.com' });
    expect(folder.json('a.json')).toMatchObject({ refresh_token: 'rt-3' });
    await reservation.release();
  });

  it('a byte order mark and the line ends of an editor survive', async () => {
    const folder = makeAuthFolder();
    const text = '\ufeff{\r\n\t"type": "claude",\r\n\t"refresh_token": "rt-1",\r\n\t"access_token": "at-1"\r\n}\r\n';
    folder.put('a.json', text);
    const { tokenWriter } = await folder.open();
    const reservation = await reserve(tokenWriter, 'a.json');
    await reservation.commit({ tokens: tokenSet('at-2', 'rt-2') });
    await reservation.release();
    expect(folder.read('a.json')).toContain('\ufeff{\r\n\t"type": "claude",\r\n\t"refresh_token": "rt-2",\r\n\t"access_token": "at-2"');
  });

  it('refuses before a token is risked: no file, no account, a name from outside the directory', async () => {
    const folder = makeAuthFolder();
    folder.put('bad.json', { type: 'acme' });
    writeFileSync(join(folder.path, '..', 'outside.json'), JSON.stringify(claude));
    const { tokenWriter } = await folder.open();
    expect(await tokenWriter.reserve('none.json')).toMatchObject({ ok: false, error: { kind: 'missing' } });
    expect(await tokenWriter.reserve('bad.json')).toMatchObject({ ok: false, error: { kind: 'unusable' } });
    expect(await tokenWriter.reserve('../outside.json')).toMatchObject({ ok: false, error: { kind: 'missing' } });
    expect(await tokenWriter.read('bad.json')).toMatchObject({ ok: false, error: { kind: 'unusable' } });
    expect(await tokenWriter.read('../outside.json')).toMatchObject({ ok: false });
  });
});
