import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, memberOf } from '../../support/ask.ts';
import { beginLogin, clientFile } from '../../support/cli-login.ts';
import { makeFolder, runKeyward, startDaemon, type CommandOutcome, type RunningDaemon } from '../../support/daemon.ts';
import { freePort } from '../../support/free-port.ts';
import { startIdentityProvider, type IdentityProvider } from '../../support/identity-provider.ts';
import { approveByWalk, logInByWalk } from '../../support/people-walk.ts';
import { runCommand } from '../../support/run-command.ts';

/* docs/people.md as somebody new reads it, command by command: the built command line, the built daemon, a real provider. */

const docs = readFileSync(resolve(import.meta.dirname, '../../../docs/people.md'), 'utf8');
const rootSecret = 'root-secret-0123456789abcdef';

let operator: string;
let daemon: RunningDaemon;
let port: number;
/** The home of somebody on the team. */
let home: string;
beforeEach(async () => {
  [operator, home, port] = [makeFolder(), makeFolder(), await freePort()];
});
afterEach(async () => {
  await daemon.stop();
  for (const folder of [operator, home]) rmSync(folder, { recursive: true, force: true });
});

const serve = async (settings: string, env: Readonly<Record<string, string>> = {}): Promise<void> => {
  writeFileSync(join(operator, 'config.yaml'), `port: ${port}\ndata-dir: "./data"\nauth-dir: "./auth"\nremote-management: { secret-key: "${rootSecret}" }\n${settings}`, { mode: 0o600 });
  daemon = await startDaemon({ folder: operator, env });
};
const server = (): string => `http://localhost:${port}`;
const keyward = (folder: string, ...args: readonly string[]): CommandOutcome => runKeyward(folder, args);
/** On the machine of the daemon, as its user. */
const operate = (...args: readonly string[]): CommandOutcome => keyward(operator, ...args, '--config', daemon.configPath);
const userCodeIn = (output: string): string => /\b[B-Z]{4}-[B-Z]{4}\b/.exec(output)?.[0] ?? '';
const models = async (key: string): Promise<number> => (await ask(daemon.url, '/v1/models', { key })).status;

describe('without a provider', () => {
  beforeEach(() => serve('identity: { enabled: true }\n'));

  it('`keyward login`, and `keyward approve` on the machine itself', async () => {
    const { command, address } = await beginLogin(home, ['--server', server()]);
    const approved = operate('approve', '--name', 'ann');
    expect(approved).toMatchObject({ status: 0, stdout: expect.stringMatching(/[2-9A-Z]{3}-[2-9A-Z]{3}-[2-9A-Z]{3}/) });
    const page = await logInByWalk(address, /[2-9A-HJKMNP-Z]{3}(?:-[2-9A-HJKMNP-Z]{3}){2}/.exec(approved.stdout)?.[0] ?? '');
    expect(page.body).toContain('You are logged in');
    expect([await command.exitCode, command.output()]).toEqual([0, expect.stringContaining(`Logged in at ${server()} as ann.`)]);
    expect(JSON.parse(keyward(home, 'whoami', '--json').stdout)).toMatchObject({ server: server(), label: 'ann', scopes: ['models:use', 'models:read'] });
    expect(await models(keyward(home, 'token').stdout.trim())).toBe(200);
    // Bound to a key of this home: as it is stored it is no use elsewhere.
    const [stored] = [JSON.parse(readFileSync(clientFile(home, 'tokens', `localhost-${port}.session.json`), 'utf8'))];
    expect(await models(String(memberOf(stored, 'access_token')))).toBe(401);
  });

  it('`keyward login --device`, over SSH: the page, or `keyward approve` with its code', async () => {
    const command = runCommand({ folder: home, args: ['login', '--device', '--server', server()] });
    await command.says('Waiting until it is approved');
    const code = userCodeIn(command.output());
    expect(command.output()).toContain(`${server()}/device`);
    const approved = operate('approve', code, '--name', 'bob', '--yes');
    expect(approved).toMatchObject({ status: 0, stdout: 'Approved: the login goes on where it was started.\n', stderr: expect.stringContaining('Keyward command line') });
    expect([await command.exitCode, command.output()]).toEqual([0, expect.stringContaining('as bob.')]);
  });

  it('`keyward run` gives a tool a key that ends with it, and `sessions` shows and ends the login', async () => {
    const { command, address } = await beginLogin(home, ['--server', server()]);
    const code = /[2-9A-HJKMNP-Z]{3}(?:-[2-9A-HJKMNP-Z]{3}){2}/.exec(operate('approve', '--name', 'ann').stdout)?.[0] ?? '';
    await logInByWalk(address, code);
    expect(await command.exitCode).toBe(0);
    const tool = `fetch(process.env.OPENAI_BASE_URL + '/models', { headers: { authorization: 'Bearer ' + process.env.OPENAI_API_KEY } }).then(({ status }) => console.log(status + ' ' + process.env.OPENAI_API_KEY))`;
    const run = keyward(home, 'run', process.execPath, '-e', tool);
    const [status = '', key = ''] = run.stdout.trim().split(' ');
    expect([run.status, status, await models(key)]).toEqual([0, '200', 401]);

    const listed = operate('sessions', 'list');
    expect(listed).toMatchObject({ status: 0, stdout: expect.stringMatching(/ann/) });
    const token = keyward(home, 'token').stdout.trim();
    expect(await models(token)).toBe(200);
    const sessions: unknown = JSON.parse(operate('sessions', 'list', '--json').stdout);
    const rows = Array.isArray(sessions) ? sessions : memberOf(sessions, 'sessions');
    const id = String(memberOf(Array.isArray(rows) ? rows[0] : undefined, 'id'));
    expect(operate('sessions', 'revoke', id)).toMatchObject({ status: 0 });
    expect(await models(token)).toBe(401);
    rmSync(clientFile(home, 'tokens', `localhost-${port}.bearer.json`));
    expect(keyward(home, 'token')).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('keyward login') });
  });
});

describe('with a provider, by the example of the page', () => {
  let provider: IdentityProvider;
  afterAll(() => provider.stop());

  it('the config as written, a login, the rights of the groups, and the end', async () => {
    provider = await startIdentityProvider({ signInRedirect: `http://localhost:${port}/oauth/signin/callback` });
    const example = /```yaml\n(public-url[^]*?)```/.exec(docs)?.[1] ?? '';
    const settings = example.replace('https://keyward.example.com', server()).replace('https://id.example.com', provider.issuer);
    expect(settings).toContain('group-scopes');
    await serve(settings.replace('"email", "offline_access"', '"email", "groups", "offline_access"'), { KEYWARD_OIDC_SECRET: 'keyward-secret-0123456789-abcdef' });
    await provider.setAccount('ann', { name: 'Ann Example', groups: ['platform'] });
    await provider.setAccount('zoe', { name: 'Zoe Example', groups: [] });

    const { command, address } = await beginLogin(home, ['--server', server(), '--scope', 'models:use models:read keys:read keys:write usage:read']);
    expect((await logInByWalk(address)).body).toContain('You are logged in');
    expect([await command.exitCode, command.output()]).toEqual([0, expect.stringContaining('as ann@example.com.')]);
    const token = keyward(home, 'token').stdout.trim();
    expect((await ask(daemon.url, '/v0/management/usage', { key: token })).status).toBe(200);
    expect((await ask(daemon.url, '/v0/management/config', { key: token })).status).toBe(403);

    const device = runCommand({ folder: home, args: ['login', '--device', '--server', server()] });
    await device.says('Waiting until it is approved');
    expect((await approveByWalk(server(), userCodeIn(device.output()))).body).toContain('The device is in');
    expect(await device.exitCode).toBe(0);

    // As the page has it: whoever is in no group may not sign in, and approvals by code are not asked for.
    await provider.signInAs('zoe');
    const other = runCommand({ folder: home, args: ['login', '--device', '--server', server()] });
    await other.says('Waiting until it is approved');
    expect((await approveByWalk(server(), userCodeIn(other.output()))).body).toContain('You are in none of the groups');
    other.kill('SIGINT');
    await other.exitCode;
  });
});

it('every command on the page is one that there is', () => {
  const commands = [...docs.matchAll(/`keyward ([a-z][a-z -]*?)(?: (?:ck_|--|<)[^`]*)?`/g)].map((match) => match[1] ?? '');
  const blocks = [...docs.matchAll(/^keyward ([a-z][^#\n]*)/gm)].map((match) => (match[1] ?? '').trim());
  const all = new Set([...commands, ...blocks].map((command) => command.split(/ --| <| [A-Z]/)[0] ?? ''));
  expect([...all].sort()).toEqual(['approve', 'login', 'run', 'sessions revoke']);
  const folder = makeFolder();
  for (const command of all) expect([command, runKeyward(folder, [...command.split(' '), '--help']).status]).toEqual([command, 0]);
  rmSync(folder, { recursive: true });
});
