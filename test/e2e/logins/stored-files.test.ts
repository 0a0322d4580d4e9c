import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeyring } from '../../../internal/accounts/auth-file/keyring.ts';
import { openAuthDirectory, type OpenAuthDirectory } from '../../../internal/accounts/directory/open-auth-directory.ts';
import { systemClock } from '../../../internal/clock/clock.ts';
import { silentLogger } from '../../../internal/log/logger.ts';
import { resolveLoginProfiles } from '../../../internal/providers/logins/resolve.ts';
import { parsePasted } from '../../../internal/upstreamauth/parse-return.ts';
import { configOf } from '../../support/config.ts';
import { startHttpProxy } from '../../support/forward-proxies.ts';
import { createGrantsWorld } from '../../support/grants-world.ts';
import { createLoginWorld, type LoginWorld } from '../../support/login-world.ts';
import { startAnthropic } from '../../support/simulated-logins/anthropic.ts';
import { startCodex } from '../../support/simulated-logins/codex.ts';
import { startIflow } from '../../support/simulated-logins/iflow.ts';

let folder: string;
let opened: OpenAuthDirectory;
const closers: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keyward-logins-'));
  const path = join(folder, 'auth');
  const uid = process.getuid?.();
  opened = await openAuthDirectory({ path, clock: systemClock, log: silentLogger, uid, ofFileType: resolveLoginProfiles(configOf({})).ofFileType, keyring: createKeyring({ mode: 'off', envKeys: undefined, keyFile: '', uid }), hasEvents: false });
});

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  await opened.directory.close();
  rmSync(folder, { recursive: true, force: true });
});

function worldOf(oauth: object): LoginWorld {
  const world = createLoginWorld({ oauth, storeLogin: opened.accountWriter.storeLogin, isKnown: opened.accountWriter.knows });
  closers.push(world.close);
  return world;
}

async function finish(world: LoginWorld, provider: string, url: string): ReturnType<LoginWorld['logins']['finish']> {
  const returned = parsePasted(url);
  if (!returned.ok) throw returned.error;
  return world.logins.finish(provider, returned.value);
}

const files = (): readonly string[] => readdirSync(join(folder, 'auth')).filter((name) => name.endsWith('.json')).sort();
const read = (name: string): Readonly<Record<string, unknown>> => JSON.parse(readFileSync(join(folder, 'auth', name), 'utf8'));

describe('what a login leaves in the auth directory', () => {
  it('three workspaces under one e-mail are three files, 0600; a second login at one of them keeps its name and what the operator said', async () => {
    const vendor = await startAnthropic();
    closers.push(vendor.close);
    const world = worldOf({ anthropic: vendor.entry() });
    for (const organization of ['a', 'b', 'c']) {
      vendor.setOrganization(organization);
      await finish(world, 'anthropic', vendor.book.grant((await world.logins.start('anthropic', {})).url).url);
    }
    const names = files();
    expect(names.length).toBe(3);
    for (const name of names) {
      expect(statSync(join(folder, 'auth', name)).mode & 0o777).toBe(0o600);
      expect(read(name)).toMatchObject({ type: 'claude', email: 'ann@example.com', client_id: 'anthropic-client', refresh_token: expect.stringMatching(/^rt-/), expired: expect.any(String) });
    }
    const [first = ''] = names;
    const before = read(first);
    expect(await opened.accountWriter.patch(first, { prefix: 'team-a' })).toMatchObject({ ok: true });
    vendor.setOrganization(String(before['organization_uuid']));
    const again = await finish(world, 'anthropic', vendor.book.grant((await world.logins.start('anthropic', {})).url).url);
    expect(again.fileName).toBe(first);
    expect(files()).toEqual(names);
    expect(read(first)).toMatchObject({ prefix: 'team-a' });
    expect(read(first)['refresh_token']).not.toBe(before['refresh_token']);
  });

  it('two people of one team are two files', async () => {
    const vendor = await startCodex();
    closers.push(vendor.close);
    const world = worldOf({ codex: vendor.entry() });
    for (const person of ['ann', 'bea']) {
      vendor.setAccount('acc-team', `${person}@example.com`, 'team');
      await finish(world, 'codex', vendor.book.grant((await world.logins.start('codex', {})).url).url);
    }
    expect(files().length).toBe(2);
    await opened.directory.rescan();
    expect(new Set(opened.directory.files().map(({ identity }) => identity)).size).toBe(2);
  });

  it('a login without PKCE is off the first time; once confirmed, the next one leaves it on', async () => {
    const vendor = await startIflow();
    closers.push(vendor.close);
    const world = worldOf({ iflow: vendor.entry() });
    const logIn = async (): ReturnType<typeof finish> => finish(world, 'iflow', vendor.book.grant((await world.logins.start('iflow', {})).url, 'redirect').url);
    const first = await logIn();
    expect(first.isDisabled).toBe(true);
    expect(read(first.fileName)).toMatchObject({ disabled: true, api_key: vendor.apiKeys()[0] });
    expect(await opened.accountWriter.patch(first.fileName, { disabled: false })).toMatchObject({ ok: true });
    const second = await logIn();
    expect(second).toMatchObject({ fileName: first.fileName, isDisabled: false });
    expect(read(first.fileName)['disabled']).not.toBe(true);
  });

  it('a login that cannot be stored says so, and names no token', async () => {
    const vendor = await startCodex();
    closers.push(vendor.close);
    const world = worldOf({ codex: vendor.entry() });
    const started = await world.logins.start('codex', {});
    rmSync(join(folder, 'auth'), { recursive: true });
    writeFileSync(join(folder, 'auth'), 'no folder any more');
    await expect(finish(world, 'codex', vendor.book.grant(started.url).url)).rejects.toMatchObject({ code: 'auth_file_not_writable' });
    expect(world.logins.statusOf(started.state)).toMatchObject({ kind: 'failed', code: 'auth_file_not_writable' });
    for (const secret of vendor.book.secrets()) expect(JSON.stringify(world.logins.statusOf(started.state))).not.toContain(secret);
  });
});

describe('proxies', () => {
  it('logins and refreshes go by the proxy of their entry, a refresh by the file’s where it has one', async () => {
    const [vendor, entryProxy, fileProxy] = await Promise.all([startCodex(), startHttpProxy(), startHttpProxy()]);
    closers.push(vendor.close, entryProxy.close, fileProxy.close);
    const oauth = { codex: vendor.entry({ 'proxy-url': `http://127.0.0.1:${entryProxy.port}` }) };
    const world = worldOf(oauth);
    const { fileName } = await finish(world, 'codex', vendor.book.grant((await world.logins.start('codex', {})).url).url);
    expect(entryProxy.destinations).toEqual([new URL(vendor.url).host]);
    await opened.accountWriter.patch(fileName, { proxy_url: `http://127.0.0.1:${fileProxy.port}` });
    const file = await opened.tokenWriter.read(fileName);
    if (!file.ok) throw new Error(file.error.message);
    const grants = createGrantsWorld(oauth);
    closers.push(grants.close);
    await expect(grants.grants.refresh(grants.login('codex'), file.value.tokens, file.value, new AbortController().signal)).resolves.toMatchObject({ kind: 'issued' });
    expect(entryProxy.destinations.length).toBe(1);
    expect(fileProxy.destinations).toEqual([new URL(vendor.url).host]);
  });
});
