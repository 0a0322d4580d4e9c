import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../../internal/cli/run.ts';
import { createFakeProcess, type FakeProcess } from './fake-process.ts';

const authDir = (cli: FakeProcess): string => join(cli.home, '.keyward', 'auth');
const run = (cli: FakeProcess): Promise<number> => runCli(cli, () => Promise.reject(new Error('the daemon must not start')));
const again = (cli: FakeProcess, ...argv: string[]): FakeProcess => createFakeProcess(['accounts', ...argv], { home: cli.home, cwd: cli.cwd });

/** A home with a config and these account files; no daemon runs. */
function prepare(argv: readonly string[], files: Readonly<Record<string, object | string>> = {}, config = ''): FakeProcess {
  const cli = createFakeProcess(['accounts', ...argv]);
  mkdirSync(join(cli.home, '.keyward'), { mode: 0o700 });
  writeFileSync(join(cli.home, '.keyward', 'config.yaml'), `api-keys: ["kw_0123456789abcdef"]\n${config}`, { mode: 0o600 });
  const names = Object.keys(files);
  if (names.length > 0) mkdirSync(authDir(cli), { mode: 0o700 });
  for (const name of names) writeFileSync(join(authDir(cli), name), typeof files[name] === 'string' ? files[name] : JSON.stringify(files[name]), { mode: 0o600 });
  return cli;
}

const ann = { type: 'claude', email: 'ann@example.com', access_token: 'at-ann', refresh_token: 'rt-ann', expired: '2020-01-01T00:00:00Z', last_refresh: '2019-12-31T00:00:00Z', prefix: 'team' };

function serviceAccount(more: object = {}): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } });
  return JSON.stringify({ type: 'service_account', project_id: 'my-project', client_email: 'sa@my-project.iam.gserviceaccount.com', private_key: privateKey, token_uri: 'https://oauth2.googleapis.com/token', ...more });
}

describe('accounts list without a daemon', () => {
  it('tells what the files tell: who, state, expiry, prefix, and which file is of no use', async () => {
    const cli = prepare(['list', '--json'], {
      'claude-ann.json': ann,
      'claude-off.json': { ...ann, email: 'off@example.com', refresh_token: 'rt-off', disabled: true },
      'codex-old.json': { type: 'codex', email: 'old@example.com', access_token: 'at-old', expired: '2020-01-01T00:00:00Z' },
      'codex-none.json': { type: 'codex', email: 'none@example.com' },
      'broken.json': '{"type":"claude",',
    });
    expect(await run(cli)).toBe(0);
    const { accounts }: { readonly accounts: readonly Readonly<Record<string, unknown>>[] } = JSON.parse(cli.out());
    expect(accounts.map(({ file, provider, account, state, prefix }) => [file, provider, account, state, prefix])).toEqual([
      ['broken.json', '', '', 'unusable', ''],
      ['claude-ann.json', 'anthropic', 'ann@example.com', 'ready', 'team'],
      ['claude-off.json', 'anthropic', 'off@example.com', 'disabled', 'team'],
      ['codex-none.json', 'codex', 'none@example.com', 'needs_login', ''],
      ['codex-old.json', 'codex', 'old@example.com', 'expired', ''],
    ]);
    expect(accounts[0]?.['problem']).toContain('JSON');
    expect(accounts[1]).toMatchObject({ expires: '2020-01-01T00:00:00.000Z', last_refresh: '2019-12-31T00:00:00.000Z' });
    for (const secret of ['at-ann', 'rt-ann', 'at-old']) expect(cli.out()).not.toContain(secret);
  });

  it('tells of problems that making accounts comes upon, as a daemon does', async () => {
    const cli = prepare(['list', '--json'], {
      'claude-a.json': { ...ann, headers: { 'Keep-Alive': '5' } },
      'claude-b.json': ann,
      'corp-bob.json': { type: 'corp', email: 'bob@example.com', refresh_token: 'rt-bob' },
      'vertex-p.json': { type: 'vertex', project_id: 'p' },
    }, 'oauth:\n  corp: { issuer: "https://id.example.com", base-url: "https://llm.example.com/v1" }\n');
    expect({ code: await run(cli), err: cli.err() }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(cli.out())).toMatchObject({
      accounts: [
        { file: 'claude-a.json', state: 'ready', problem: expect.stringContaining('"Keep-Alive"') },
        { file: 'claude-b.json', state: 'ready', problem: expect.stringMatching(/^It is the same account as claude-a\.json/) },
        { file: 'corp-bob.json', state: 'ready', problem: expect.stringContaining('`oauth.corp.client-id`') },
        { file: 'vertex-p.json', state: 'unusable', problem: expect.stringContaining('service account') },
      ],
    });
  });

  it('makes no directory only to look into it', async () => {
    const cli = prepare(['list', '--json']);
    expect(await run(cli)).toBe(0);
    expect(JSON.parse(cli.out())).toEqual({ accounts: [] });
    expect(existsSync(authDir(cli))).toBe(false);
  });

  it('a config that is not valid is named with its problem, exit code 2', async () => {
    const cli = prepare(['list'], {}, 'oauth: 5\n');
    expect(await run(cli)).toBe(2);
    expect(cli.err()).toMatch(/config\.yaml:\d+:\d+.*oauth/);
  });
});

describe('accounts enable and disable without a daemon', () => {
  it('write "disabled" into the file and leave all else as it was', async () => {
    const cli = prepare(['enable', 'claude-ann'], { 'claude-ann.json': { ...ann, expired: '2099-01-01T00:00:00Z', disabled: true, 'my-own': [1] } });
    const stored = (): unknown => JSON.parse(readFileSync(join(authDir(cli), 'claude-ann.json'), 'utf8'));
    expect({ code: await run(cli), err: cli.err() }).toEqual({ code: 0, err: '' });
    expect(stored()).toEqual({ ...ann, expired: '2099-01-01T00:00:00Z', disabled: false, 'my-own': [1] });
    const off = again(cli, 'disable', 'ANN@example.com', '--json');
    expect(await run(off)).toBe(0);
    expect(JSON.parse(off.out())).toMatchObject({ file: 'claude-ann.json', disabled: true, state: 'disabled' });
    expect(stored()).toMatchObject({ disabled: true, refresh_token: 'rt-ann', 'my-own': [1] });
  });

  it('a file that cannot be read is told with its problem', async () => {
    const cli = prepare(['enable', 'broken.json'], { 'broken.json': '{"type":"claude",' });
    expect(await run(cli)).toBe(1);
    expect(cli.err()).toContain('JSON');
  });
});

describe('accounts logout without a daemon', () => {
  it('a copy of the same account keeps its login: nothing is ended until that is removed', async () => {
    const cli = prepare(['logout', 'anthropic', 'claude-ann.json', '--yes'], { 'claude-ann.json': ann, 'claude-copy.json': ann });
    expect(await run(cli)).toBe(1);
    expect(cli.err()).toContain('claude-copy.json');
    expect(existsSync(join(authDir(cli), 'claude-ann.json'))).toBe(true);
    const kept = again(cli, 'logout', 'anthropic', 'claude-copy.json', '--yes', '--keep-at-vendor');
    expect(await run(kept)).toBe(0);
    expect(readdirSync(authDir(cli)).filter((name) => name.endsWith('.json'))).toEqual(['claude-ann.json']);
  });

  it('a provider without revocation endpoint is said to have none, and the file goes', async () => {
    const cli = prepare(['logout', 'claude', '--yes'], { 'claude-ann.json': ann });
    expect({ code: await run(cli), err: cli.err() }).toEqual({ code: 0, err: '' });
    expect(cli.out()).toContain('offers no way to end a login from here');
    expect(existsSync(join(authDir(cli), 'claude-ann.json'))).toBe(false);
  });
});

describe('accounts import without a daemon', () => {
  it('a service account becomes a vertex file, 0600, with its location and prefix', async () => {
    const cli = prepare(['import', 'vertex', 'key.json', '--location', 'europe-west4', '--prefix', 'eu']);
    writeFileSync(join(cli.cwd, 'key.json'), serviceAccount());
    expect({ code: await run(cli), err: cli.err() }).toEqual({ code: 0, err: '' });
    const path = join(authDir(cli), 'vertex-eu-my-project.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ type: 'vertex', project_id: 'my-project', location: 'europe-west4', prefix: 'eu', email: 'sa@my-project.iam.gserviceaccount.com' });
  });

  it('a rotated key of the same service account takes its place; another account of the project gets a file of its own', async () => {
    const cli = prepare(['import', 'vertex', 'key.json']);
    for (const more of [{}, {}, { client_email: 'other@my-project.iam.gserviceaccount.com' }]) {
      writeFileSync(join(cli.cwd, 'key.json'), serviceAccount(more));
      expect(await run(again(cli, 'import', 'vertex', 'key.json'))).toBe(0);
    }
    expect(readdirSync(authDir(cli)).filter((name) => name.endsWith('.json'))).toEqual([expect.stringMatching(/^vertex-my-project-[\da-f]{8}\.json$/), 'vertex-my-project.json']);
  });

  it.each([
    ['a foreign token address', serviceAccount({ token_uri: 'https://evil.example/token' }), 'token_uri'],
    ['no key', JSON.stringify({ type: 'service_account', project_id: 'my-project', client_email: 'sa@p.example' }), 'private_key'],
    ['no JSON', 'hello', 'not valid JSON'],
  ])('a service account with %s is refused before anything is written', async (_what, text, said) => {
    const cli = prepare(['import', 'vertex', 'key.json']);
    writeFileSync(join(cli.cwd, 'key.json'), text);
    expect(await run(cli)).toBe(1);
    expect(cli.err()).toContain(said);
    expect(existsSync(authDir(cli))).toBe(false);
  });

  it('a service account’s own file is pointed to `import vertex`, an unknown type is named', async () => {
    const cli = prepare(['import', 'key.json']);
    writeFileSync(join(cli.cwd, 'key.json'), serviceAccount());
    expect(await run(cli)).toBe(1);
    expect(cli.err()).toContain('keyward accounts import vertex');
    writeFileSync(join(cli.cwd, 'key.json'), '{"type":"stranger"}');
    const other = again(cli, 'import', 'key.json');
    expect(await run(other)).toBe(1);
    expect(other.err()).toContain('"stranger"');
    expect(existsSync(authDir(cli))).toBe(false);
  });
});

describe('accounts login without a daemon', () => {
  it.each([
    ['vertex', 'keyward accounts import vertex'],
    ['machine', 'client credentials'],
    ['nobody', 'anthropic, codex, google'],
  ])('%s is no login to make by hand, and the answer says what instead', async (provider, said) => {
    const cli = prepare(['login', provider], {}, 'oauth:\n  machine: { issuer: "https://id.example.com", client-id: "m", client-secret: "0123456789abcdef", grant: client-credentials, base-url: "https://llm.example.com/v1" }\n');
    expect(await run(cli)).toBe(2);
    expect(cli.err()).toContain(said);
  });

  it('--device where the provider has none says so', async () => {
    const cli = prepare(['login', 'anthropic', '--device']);
    expect(await run(cli)).toBe(2);
    expect(cli.err()).toContain('leave out --device');
  });
});
