import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { controlSocketPath } from '../../../internal/cli/control.ts';
import type { DoctorReport, Finding } from '../../../internal/cli/doctor/report.ts';
import { runCli } from '../../../internal/cli/run.ts';
import { resolveLoginProfiles } from '../../../internal/providers/logins/resolve.ts';
import { accountsFromFiles } from '../../../internal/providers/accounts-from-files.ts';
import { systemClock } from '../../../internal/clock/clock.ts';
import { silentLogger } from '../../../internal/log/logger.ts';
import { createLedgers, emptyLedger } from '../../../internal/tokens/ledger.ts';
import { digestOf } from '../../../internal/tokens/newest.ts';
import { readOnDisk } from '../../../internal/accounts/directory/decode-on-disk.ts';
import { createKeyring } from '../../../internal/accounts/auth-file/keyring.ts';
import { configOf } from '../../support/config.ts';
import { claudeFile, codexFile, tokens } from '../../http/management/auth-file-samples.ts';
import { createFakeProcess, type FakeProcess } from './fake-process.ts';

const key = 'kw_0123456789abcdefghijklmnopqrstuvwxyz';
const head = `port: 0\ndata-dir: ./data\nauth-dir: ./auth\napi-keys: [${key}]\n`;

interface Bench {
  readonly cli: FakeProcess;
  readonly authDir: string;
  readonly examine: () => Promise<{ readonly code: number; readonly report: DoctorReport; readonly out: string }>;
}

function open(files: Readonly<Record<string, string>>, config = '', env: Readonly<Record<string, string>> = {}): Bench {
  const cli = createFakeProcess(['doctor', '--config', 'config.yaml', '--json'], { env });
  writeFileSync(join(cli.cwd, 'config.yaml'), `${head}${config}`, { mode: 0o600 });
  const authDir = join(cli.cwd, 'auth');
  mkdirSync(authDir, { mode: 0o700 });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(authDir, name), text, { mode: 0o600 });
  return {
    cli,
    authDir,
    examine: async () => {
      const code = await runCli(cli, () => Promise.reject(new Error('the daemon must not start')));
      const report: DoctorReport = JSON.parse(cli.out());
      return { code, report, out: cli.out() };
    },
  };
}

const find = (report: DoctorReport, code: string): Finding | undefined => report.findings.find((finding) => finding.code === code);

describe('doctor on accounts behind logins', () => {
  it('lists the files of the auth directory, without a secret, and changes nothing in it', async () => {
    const bench = open({ 'claude-ann.json': claudeFile, 'codex-bob.json': codexFile }, 'oauth: { anthropic: { client-id: x }, codex: { client-id: y } }\n');
    const { code, report, out } = await bench.examine();
    expect(report.accounts).toEqual([
      { file: 'claude-ann.json', provider: 'anthropic', account: 'ann@example.com', state: 'ready', prefix: 'team', sealed: false, problem: '' },
      { file: 'codex-bob.json', provider: 'codex', account: 'bob@example.com', state: 'ready', prefix: '', sealed: false, problem: '' },
    ]);
    for (const secret of Object.values(tokens)) expect(out).not.toContain(secret);
    expect([code, find(report, 'no-upstreams'), find(report, 'login-client-missing')]).toEqual([0, undefined, undefined]);
    expect(readdirSync(bench.authDir).sort()).toEqual(['claude-ann.json', 'codex-bob.json']);
  });

  it('names files that are not used, and why', async () => {
    const { report } = await open({ 'bad.json': '{"type":', 'odd.json': '{"type":"nobody"}', 'copy-a.json': codexFile, 'copy-b.json': codexFile }).examine();
    expect(find(report, 'account-not-json')).toMatchObject({ level: 'warning', message: expect.stringMatching(/^bad\.json: .*line 1.* The file is not used\.$/) });
    expect(find(report, 'account-unknown-type')?.message).toContain('nobody');
    expect(find(report, 'account-duplicate-of')).toMatchObject({ level: 'info', message: expect.stringMatching(/^copy-b\.json: .*copy-a\.json/) });
  });

  it('warns of a login that nothing names the client of, with the setting to add', async () => {
    const { report } = await open({ 'claude-ann.json': claudeFile }).examine();
    expect(find(report, 'login-client-missing')).toMatchObject({ message: expect.stringContaining('until 2026-12-24T12:00:00.000Z'), fix: expect.stringContaining('`oauth.anthropic.client-id`') });
    const fromEnvironment = await open({ 'claude-ann.json': claudeFile }, '', { KEYWARD_OAUTH_ANTHROPIC_CLIENT_ID: 'x' }).examine();
    expect(find(fromEnvironment.report, 'login-client-missing')).toBeUndefined();
  });

  it('says that tokens stand in plain text, or that the key of an encrypted directory is missing', async () => {
    expect(find((await open({ 'x.json': codexFile }).examine()).report, 'accounts-not-encrypted')?.level).toBe('info');
    const keyless = await open({ 'x.json': codexFile }, 'auth-dir-encryption: env\n').examine();
    expect(find(keyless.report, 'auth-dir-key-missing')).toMatchObject({ level: 'error' });
    expect(find(keyless.report, 'account-plaintext')?.fix).toContain('accounts encrypt');
    expect(keyless.code).toBe(1);
  });

  it('an open state folder is told', async () => {
    const bench = open({});
    mkdirSync(join(bench.authDir, '.keyward'), { mode: 0o755 });
    expect(find((await bench.examine()).report, 'auth-dir-state-mode')?.fix).toContain('chmod 700');
    expect(statSync(join(bench.authDir, '.keyward')).mode & 0o777).toBe(0o755);
  });
});

describe('doctor on accounts that need a login', () => {
  it('without a daemon: by what the last one noted, or for want of any good token', async () => {
    const bench = open({ 'codex-bob.json': codexFile, 'old.json': JSON.stringify({ type: 'claude', email: 'c@x', access_token: 'at', expired: '2020-01-01T00:00:00Z' }) });
    const profiles = resolveLoginProfiles(configOf({}));
    const read = await readOnDisk({ path: bench.authDir, uid: process.getuid?.(), ofFileType: profiles.ofFileType, keyring: createKeyring({ mode: 'off', envKeys: undefined, keyFile: '/nowhere', uid: undefined }) }, 'codex-bob.json');
    if (read.kind !== 'usable') throw new TypeError('the sample is no account file');
    const [login] = accountsFromFiles([read.decoded.file], profiles, configOf({})).logins;
    const ledgers = createLedgers({ folder: join(bench.authDir, '.keyward'), clock: systemClock, log: silentLogger });
    await ledgers.write(login?.key ?? '', { ...emptyLedger, dead: [{ digest: digestOf(read.decoded.file.tokens) ?? '', reason: 'refresh_refused', detail: 'The vendor said invalid_grant.', atMs: Date.UTC(2026, 10, 24) }] });
    const { report } = await bench.examine();
    const needs = report.findings.filter(({ code }) => code === 'account-needs-login');
    expect(needs.map(({ message }) => message)).toEqual([expect.stringContaining('needs a login since 2026-11-24T00:00:00.000Z: The vendor said invalid_grant.'), expect.stringContaining('no refresh token')]);
    expect(needs[0]?.fix).toBe('Run `keyward accounts login codex`.');
    expect(report.accounts.map(({ state }) => state)).toEqual(['needs_login', 'needs_login']);
  });

  it('with a daemon: by what that says', async () => {
    const bench = open({ 'codex-bob.json': codexFile });
    const socket = controlSocketPath(join(bench.cli.cwd, 'data'));
    mkdirSync(dirname(socket), { mode: 0o700 });
    const status = { accounts: [{ label: 'codex (bob@example.com)', file: 'codex-bob.json', login: 'needs_login', detail: 'Ask again.', since: '2026-11-24T09:00:00.000Z' }] };
    const server = createServer((_req, res) => res.end(JSON.stringify(status))).listen(socket);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    expect(find((await bench.examine()).report, 'account-needs-login')).toMatchObject({ message: expect.stringContaining('since 2026-11-24T09:00:00.000Z: Ask again.') });
  });
});

describe('doctor on other programs', () => {
  it.each([
    ['.cli-proxy-api/codex.json', { type: 'codex', refresh_token: tokens.codexRefresh }],
    ['.codex/auth.json', { tokens: { refresh_token: tokens.codexRefresh } }],
    ['.gemini/oauth_creds.json', { refresh_token: tokens.codexRefresh }],
    ['.claude/.credentials.json', { claudeAiOauth: { refreshToken: tokens.codexRefresh } }],
    ['.qwen/oauth_creds.json', { refresh_token: tokens.codexRefresh }],
  ])('warns of the same refresh token in ~/%s, without showing it', async (path, content) => {
    const bench = open({ 'codex-bob.json': codexFile });
    mkdirSync(dirname(join(bench.cli.home, path)), { recursive: true });
    writeFileSync(join(bench.cli.home, path), JSON.stringify(content));
    const { report, out } = await bench.examine();
    expect(find(report, 'tokens-shared')).toMatchObject({ level: 'warning', message: expect.stringMatching(/^codex-bob\.json and .* hold the same refresh token/) });
    expect(out).not.toContain(tokens.codexRefresh);
  });

  it('says nothing of other tokens, of files that are none, and of its own directory under another name', async () => {
    const bench = open({ 'codex-bob.json': codexFile });
    mkdirSync(join(bench.cli.home, '.codex'), { recursive: true });
    writeFileSync(join(bench.cli.home, '.codex/auth.json'), JSON.stringify({ tokens: { refresh_token: 'another' } }));
    mkdirSync(join(bench.cli.home, '.claude'), { recursive: true });
    writeFileSync(join(bench.cli.home, '.claude/.credentials.json'), '{');
    expect(find((await bench.examine()).report, 'tokens-shared')).toBeUndefined();
    const own = createFakeProcess(['doctor', '--config', 'config.yaml', '--json']);
    mkdirSync(join(own.home, '.cli-proxy-api'), { mode: 0o700 });
    writeFileSync(join(own.home, '.cli-proxy-api/codex-bob.json'), codexFile, { mode: 0o600 });
    writeFileSync(join(own.cwd, 'config.yaml'), head.replace('./auth', '~/.cli-proxy-api'), { mode: 0o600 });
    await runCli(own, () => Promise.reject(new Error('the daemon must not start')));
    expect(own.out()).toContain('codex-bob.json');
    expect(own.out()).not.toContain('tokens-shared');
  });
});
