import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../../internal/cli/run.ts';
import { listenAsDaemon, type Reply, type SeenCall } from './control-fixtures.ts';
import { createFakeProcess, type FakeProcess } from './fake-process.ts';

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly seen: readonly SeenCall[];
}

/** Runs a command beside a daemon that answers by this table; anything else is not found. */
async function keyward(argv: readonly string[], table: Readonly<Record<string, Reply>>, more: Parameters<typeof createFakeProcess>[1] = {}, prepare: (cli: FakeProcess) => void = () => undefined): Promise<Outcome> {
  const cli = createFakeProcess(argv, more);
  prepare(cli);
  const daemon = await listenAsDaemon(cli.home, ({ method, url }) => table[`${method} ${decodeURIComponent(url.replace('/v0/management', '').replace(/\?.*/, ''))}`] ?? { status: 404, body: { error: { code: 'item_not_found', message: 'not here' } } });
  const code = await runCli(cli, () => Promise.reject(new Error('not a serve')));
  return { code, out: cli.out(), err: cli.err(), seen: daemon.seen };
}

const search = { id: 'client_ab12', name: 'search', organization: 'acme', grants: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'], authentication: 'client_secret_basic', status: 'active' };
const listed: Reply = { body: { clients: [search], next_after: null } };

describe('keyward clients', () => {
  it('create prints the secret alone on standard output, and sends limits as keys do', async () => {
    const { code, out, err, seen } = await keyward(['clients', 'create', 'search', '--organization', 'acme', '--grants', 'client-credentials,token-exchange', '--models', 'gpt-*', '--rpm', '60', '--daily-tokens', '1000', '--scopes', 'models:use'], { 'POST /oauth-clients': { status: 201, body: { ...search, client_secret: 'kws_secret' } } });
    expect([code, out]).toEqual([0, 'kws_secret\n']);
    expect(err).toMatch(/search, client id client_ab12\. This is the only time/);
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ name: 'search', organization: 'acme', grants: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'], models: ['gpt-*'], requests_per_minute: 60, daily_budget: { tokens: 1_000 }, scopes: ['models:use'] });
  });

  it('create sends public keys, and never private ones', async () => {
    const made: Reply = { status: 201, body: { ...search, authentication: 'private_key_jwt' } };
    const args = ['clients', 'create', 'ci', '--authentication', 'private_key_jwt', '--jwks', 'ci.json'];
    const publicKey = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' };
    const good = await keyward(args, { 'POST /oauth-clients': made }, {}, (cli) => writeFileSync(join(cli.cwd, 'ci.json'), JSON.stringify({ keys: [publicKey] })));
    expect([good.code, good.out, JSON.parse(good.seen[0]?.body ?? '')]).toEqual([0, 'client_ab12\n', { name: 'ci', authentication: 'private_key_jwt', jwks: { keys: [publicKey] } }]);
    const bad = await keyward(args, { 'POST /oauth-clients': made }, {}, (cli) => writeFileSync(join(cli.cwd, 'ci.json'), JSON.stringify({ keys: [{ ...publicKey, d: 'private' }] })));
    expect([bad.code, bad.seen.length]).toEqual([2, 0]);
    expect(bad.err).toContain('holds private keys');
  });

  it('list, show, rotate, revoke and delete find a client by name or id', async () => {
    expect((await keyward(['clients', 'list'], { 'GET /oauth-clients': listed })).out).toMatch(/client_ab12 +search +acme +active +client_secret_basic +client_credentials, token-exchange/);
    expect((await keyward(['clients', 'list'], { 'GET /oauth-clients': { body: { clients: [], next_after: null } } })).out).toContain('keyward clients create');
    expect((await keyward(['clients', 'show', 'client_ab12', '--json'], { 'GET /oauth-clients/client_ab12': { body: search } })).out).toBe(`${JSON.stringify(search)}\n`);
    const rotated = await keyward(['clients', 'rotate', 'search', '--overlap', '1d'], { 'GET /oauth-clients': listed, 'POST /oauth-clients/client_ab12/rotate': { body: { ...search, client_secret: 'kws_new' } } });
    expect([rotated.out, rotated.seen[1]?.body]).toEqual(['kws_new\n', '{"overlap":"1d"}']);
    const revoked = await keyward(['clients', 'revoke', 'search'], { 'GET /oauth-clients': listed, 'POST /oauth-clients/client_ab12/revoke': { body: search } });
    expect([revoked.code, revoked.seen.at(-1)?.url]).toEqual([0, '/v0/management/oauth-clients/client_ab12/revoke']);
    expect((await keyward(['clients', 'delete', 'search'], { 'GET /oauth-clients': listed, 'DELETE /oauth-clients/client_ab12': { body: { status: 'ok' } } })).seen.at(-1)?.method).toBe('DELETE');
  });

  it('a name that several have changes none', async () => {
    const { code, err, seen } = await keyward(['clients', 'revoke', 'search'], { 'GET /oauth-clients': { body: { clients: [search, { ...search, id: 'client_cd34' }], next_after: null } } });
    expect([code, seen.length]).toEqual([2, 1]);
    expect(err).toMatch(/client_ab12, client_cd34/);
    expect(await keyward(['clients', 'show', 'nobody'], { 'GET /oauth-clients': listed })).toMatchObject({ code: 1, err: expect.stringContaining('keyward clients list') });
  });
});

describe('keyward sessions', () => {
  const session = { id: 'ses_1', person: { id: 'person_1', label: 'ann@example.com\u001b[31m' }, client_id: 'keyward-cli', scopes: ['models:use'], created_at: '2026-11-28T12:00:00Z', created_from: '10.0.0.1', last_used_at: null, last_used_from: null, expires_at: '2026-12-28T12:00:00Z', status: 'active' };

  it('list shows whose, from where and until when; foreign text stays harmless', async () => {
    const { out, seen } = await keyward(['sessions', 'list', '--person', 'person_1'], { 'GET /sessions': { body: { sessions: [session], next_after: null } } });
    expect(out).toMatch(/ses_1 +ann@example\.com +keyward-cli +models:use +active +2026-11-28 12:00Z +10\.0\.0\.1 +– +– +2026-12-28 12:00Z/);
    expect(out).not.toContain('\u001b');
    expect(seen[0]?.url).toContain('person=person_1');
  });

  it('revoke ends each by its id', async () => {
    const { code, out, seen } = await keyward(['sessions', 'revoke', 'ses_1', 'ses_2'], { 'DELETE /sessions/ses_1': { body: {} }, 'DELETE /sessions/ses_2': { body: {} } });
    expect([code, seen.length]).toEqual([0, 2]);
    expect(out).toContain('ses_2 is ended');
    expect(await keyward(['sessions', 'revoke', 'ses_9'], {})).toMatchObject({ code: 1, err: expect.stringContaining('There is no session ses_9') });
  });
});

describe('keyward approve', () => {
  const pending: Reply = { body: { client_id: 'keyward-cli', client_name: 'Keyward CLI', scopes: ['models:use'], requested_from: '10.0.0.1', requested_at: '2026-11-28T12:00:00Z', expires_at: '2026-11-28T12:10:00Z' } };
  const table = { 'GET /device-codes/ABCD-EFGH': pending, 'POST /device-codes/ABCD-EFGH/approve': { body: {} }, 'POST /device-codes/ABCD-EFGH/deny': { body: {} } };

  it('without a code prints a one-time code alone on standard output', async () => {
    const { out, err } = await keyward(['approve'], { 'POST /approval-codes': { status: 201, body: { code: 'once-123', expires_at: '2026-11-28T12:10:00Z' } } });
    expect(out).toBe('once-123\n');
    expect(err).toContain('until 2026-11-28 12:10Z');
  });

  it('shows who asks for what before it asks for a yes', async () => {
    const yes = await keyward(['approve', 'abcd-efgh'], table, { stdinIsTerminal: true, stdin: 'y\n' });
    expect([yes.code, yes.seen.at(-1)?.url]).toEqual([0, '/v0/management/device-codes/ABCD-EFGH/approve']);
    expect(yes.err).toMatch(/Keyward CLI, keyward-cli[\s\S]*models:use[\s\S]*10\.0\.0\.1[\s\S]*Approve only what you/);
    const no = await keyward(['approve', 'ABCD-EFGH'], table, { stdinIsTerminal: true, stdin: '\n' });
    expect([no.code, no.seen.length]).toEqual([2, 1]);
    const nobody = await keyward(['approve', 'ABCD-EFGH'], table);
    expect([nobody.code, nobody.seen.length]).toEqual([2, 1]);
  });

  it('--yes approves and --deny denies without asking', async () => {
    expect((await keyward(['approve', 'ABCD-EFGH', '--yes'], table)).out).toContain('Approved');
    expect((await keyward(['approve', 'ABCD-EFGH', '--deny'], table)).out).toContain('Denied');
    expect(await keyward(['approve', 'WRNG-CODE', '--yes'], table)).toMatchObject({ code: 1, err: expect.stringContaining('No login waits with the code WRNG-CODE') });
  });
});
