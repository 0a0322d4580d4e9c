import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCli } from '../../../internal/cli/run.ts';
import { createFakeProcess } from './fake-process.ts';
import { resolveLoginProfiles } from '../../../internal/providers/logins/resolve.ts';
import { accountsFromFiles } from '../../../internal/providers/accounts-from-files.ts';
import { createLedgers, emptyLedger } from '../../../internal/tokens/ledger.ts';
import { systemClock } from '../../../internal/clock/clock.ts';
import { silentLogger } from '../../../internal/log/logger.ts';
import { readLocalParts } from '../../../internal/cli/accounts/local-parts.ts';
import { openAuthDirectory } from '../../../internal/accounts/directory/open-auth-directory.ts';
import { digestOf } from '../../../internal/tokens/newest.ts';
import { answerJson, startScriptedUpstream } from '../../support/scripted-upstream.ts';
import { tokenSet } from '../../support/auth-folder.ts';

it('after a logout without a daemon no live token is left beside the file that went, and what was spent stays known', async () => {
  const cli = createFakeProcess(['accounts', 'logout', 'claude', '--yes', '--keep-at-vendor']);
  const authDir = join(cli.home, '.keyward', 'auth');
  mkdirSync(authDir, { recursive: true, mode: 0o700 });
  writeFileSync(join(cli.home, '.keyward', 'config.yaml'), 'api-keys: ["kw_0123456789abcdef"]\n', { mode: 0o600 });
  writeFileSync(join(authDir, 'claude-ann.json'), JSON.stringify({ type: 'claude', email: 'ann@example.com', access_token: 'at-ann', refresh_token: 'rt-ann' }), { mode: 0o600 });
  const parts = readLocalParts(cli, undefined);
  if (!parts.ok) throw new Error(parts.error.message);
  const { directory } = await openAuthDirectory(parts.value.directoryDeps);
  const [login] = accountsFromFiles(directory.files(), resolveLoginProfiles(parts.value.loaded.config), parts.value.loaded.config).logins;
  await directory.close();
  const ledgers = createLedgers({ folder: join(authDir, '.keyward'), clock: systemClock, log: silentLogger });
  await ledgers.write(login?.key ?? '', { ...emptyLedger, spent: new Map([['digest', Date.now()]]), newest: { tokens: tokenSet('at-live', 'rt-live') } });
  expect(await runCli(cli, () => Promise.reject(new Error('the daemon must not start')))).toBe(0);
  expect(readdirSync(authDir)).toEqual(['.keyward']);
  const left = readFileSync(join(authDir, '.keyward', `${login?.key}.json`), 'utf8');
  expect(left).toContain('digest');
  for (const secret of ['at-live', 'rt-live']) expect(left).not.toContain(secret);
});

it('a logout without a daemon ends the newest token, which the file may not have, and forgets it', async () => {
  const vendor = await startScriptedUpstream((_seen, res) => answerJson(res, 200, {}));
  try {
    const cli = createFakeProcess(['accounts', 'logout', 'corp', '--yes']);
    const authDir = join(cli.home, '.keyward', 'auth');
    mkdirSync(authDir, { recursive: true, mode: 0o700 });
    writeFileSync(join(cli.home, '.keyward', 'config.yaml'), `oauth:\n  corp: { client-id: c, authorize-url: "${vendor.url}/a", token-url: "${vendor.url}/t", revocation-url: "${vendor.url}/revoke", base-url: "${vendor.url}" }\n`, { mode: 0o600 });
    writeFileSync(join(authDir, 'corp-ann.json'), JSON.stringify({ type: 'corp', email: 'ann@example.com', access_token: 'at-old', refresh_token: 'rt-old' }), { mode: 0o600 });
    const parts = readLocalParts(cli, undefined);
    if (!parts.ok) throw new Error(parts.error.message);
    const { directory } = await openAuthDirectory(parts.value.directoryDeps);
    const [login] = accountsFromFiles(directory.files(), parts.value.profiles, parts.value.loaded.config).logins;
    await directory.close();
    const ledgers = createLedgers({ folder: join(authDir, '.keyward'), clock: systemClock, log: silentLogger });
    await ledgers.write(login?.key ?? '', { ...emptyLedger, spent: new Map([[digestOf(tokenSet('at-old', 'rt-old')) ?? '', Date.now()]]), newest: { tokens: tokenSet('at-live', 'rt-live') } });
    expect({ code: await runCli(cli, () => Promise.reject(new Error('the daemon must not start'))), err: cli.err() }).toEqual({ code: 0, err: '' });
    expect(vendor.seen.map(({ body }) => new URLSearchParams(body.toString()).get('token'))).toEqual(['rt-live']);
    expect(readdirSync(authDir)).toEqual(['.keyward']);
    expect(readFileSync(join(authDir, '.keyward', `${login?.key}.json`), 'utf8')).not.toContain('rt-live');
  } finally {
    await vendor.close();
  }
});
