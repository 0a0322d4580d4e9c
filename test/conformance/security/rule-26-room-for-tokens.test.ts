import { statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeAuthFolder } from '../../support/auth-folder.ts';

const claude = { type: 'claude', email: 'ann@example.com', access_token: 'at-1', refresh_token: 'rt-1' };

describe('rule 26: room for new tokens is there before the old one is sent', () => {
  it('the temp file stands beside its target, 0600, with more than the file takes', async () => {
    const folder = makeAuthFolder();
    folder.put('a.json', claude);
    const { tokenWriter } = await folder.open();
    const reserved = await tokenWriter.reserve('a.json');
    const [temp = ''] = folder.names().filter((name) => name.endsWith('.tmp'));
    const stats = statSync(join(folder.path, temp));
    expect([(stats.mode & 0o777).toString(8), stats.size > 32_000, stats.blocks * 512 >= stats.size]).toEqual(['600', true, true]);
    if (reserved.ok) await reserved.value.release();
    expect(folder.names()).toEqual(['a.json']);
  });

  it('whatever would keep the new tokens from being written is told before: nothing is reserved', async () => {
    const folder = makeAuthFolder();
    folder.put('full.json', { ...claude, x: 'y'.repeat(240_000) });
    folder.put('a.json', claude);
    symlinkSync('a.json', join(folder.path, 'link.json'));
    const { tokenWriter } = await folder.open();
    expect(await tokenWriter.reserve('full.json')).toMatchObject({ ok: false, error: { kind: 'not_writable' } });
    expect(await tokenWriter.reserve('link.json')).toMatchObject({ ok: false, error: { kind: 'read_only' } });
    expect(await tokenWriter.reserve('none.json')).toMatchObject({ ok: false, error: { kind: 'missing' } });
    expect(folder.names().filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
