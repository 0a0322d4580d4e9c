import { describe, expect, it } from 'vitest';
import { makeAuthFolder, tokenSet } from '../../../support/auth-folder.ts';

describe('an answer that no file has room for', () => {
  const claude = { type: 'claude', email: 'ann@example.com', access_token: 'at-1', refresh_token: 'rt-1' };

  it('never makes a file too large to be read again', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { directory, tokenWriter, accountWriter } = await folder.open();
    const reserved = await tokenWriter.reserve('a.json');
    if (!reserved.ok) throw new Error(reserved.error.message);
    expect(await reserved.value.commit({ tokens: tokenSet('x'.repeat(1_000_000), 'rt-2') })).toMatchObject({ ok: false, error: { kind: 'not_writable' } });
    expect(await accountWriter.patch('a.json', { note: 'x'.repeat(300_000) })).toMatchObject({ ok: false, error: { code: 'auth_file_not_writable' } });
    await directory.rescan();
    expect(directory.problems()).toEqual([]);
    expect(folder.json('a.json')).toEqual(claude);
    await reserved.value.release();
    expect(folder.names()).toEqual(['a.json']);
  });
});
