import { expect, it } from 'vitest';
import { accountsFromFiles } from '../../../internal/providers/accounts-from-files.ts';
import { resolveLoginProfiles } from '../../../internal/providers/logins/resolve.ts';
import { makeAuthFolder } from '../../support/auth-folder.ts';
import { configOf } from '../../support/config.ts';

it('a file whose proxy is none makes no account: its requests would go out by another way than the operator wants', async () => {
  const folder = makeAuthFolder();
  const claude = { type: 'claude', access_token: 'at', refresh_token: 'rt' };
  folder.put('a.json', { ...claude, email: 'a@example.com', proxy_url: 'me:canary-0007@10.0.0.1:1080' });
  folder.put('b.json', { ...claude, email: 'b@example.com', proxy_url: 'socks5://me:word@10.0.0.1:1080' });
  folder.put('c.json', { ...claude, email: 'c@example.com', proxy_url: 'direct' });
  const { directory } = await folder.open();
  const config = configOf({});
  const { accounts, problems } = accountsFromFiles(directory.files(), resolveLoginProfiles(config), config);
  expect(accounts.map(({ origin }) => origin)).toEqual(['b.json', 'c.json']);
  expect(problems).toMatchObject([{ name: 'a.json', code: 'invalid_field', severity: 'error' }]);
  expect(problems[0]?.message).not.toContain('canary');
});
