import { describe, expect, it } from 'vitest';
import type { TokenWriter } from '../../../internal/accounts/directory/ports.ts';
import { makeAuthFolder, tokenSet } from '../../support/auth-folder.ts';

const claude = { type: 'claude', email: 'ann@example.com', access_token: 'at-1', refresh_token: 'rt-1' };

async function refresh(tokenWriter: TokenWriter, name: string, number: number): Promise<boolean> {
  const reserved = await tokenWriter.reserve(name);
  if (!reserved.ok) return false;
  const committed = await reserved.value.commit({ tokens: tokenSet(`at-${number}`, `rt-${number}`) });
  await reserved.value.release();
  return committed.ok;
}

describe('rule 25: two files of one identity are one account', () => {
  it('a copy keeps the identity through refreshes of either, whatever the file has to go by', async () => {
    for (const content of [claude, { type: 'corp', access_token: 'at-1', refresh_token: 'rt-1' }, { type: 'codex', email: 'ann@example.com', account_id: 'w-1', refresh_token: 'rt-1' }]) {
      const folder = makeAuthFolder();
      folder.put('a.json', content);
      folder.put('copy.json', content);
      const opened = await folder.open();
      const [identity] = opened.directory.files().map((file) => file.identity);
      for (const [number, name] of ['a.json', 'copy.json', 'a.json'].entries()) expect(await refresh(opened.tokenWriter, name, number + 2)).toBe(true);
      expect(opened.directory.files().map((file) => file.identity)).toEqual([identity, identity]);
    }
  });
});
