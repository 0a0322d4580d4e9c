import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startIdentityDaemon, type IdentityDaemon } from '../../support/identity-daemon.ts';
import { askForCode, basic, logIn, makeClient, postForm, refreshForm, standing, tokenOf, type MadeClient, type Told } from '../../support/oauth-calls.ts';
import { openTables, type Tables } from '../../support/tables.ts';

/* Guessing, timing, enumeration, lockout and bounds at the token endpoint and for user codes; and a store that cannot be read. */

let daemon: IdentityDaemon;
let client: MadeClient;
let tables: Tables;
beforeAll(async () => {
  daemon = await startIdentityDaemon({ config: 'trusted-proxies: ["127.0.0.1/32"]\n' });
  client = await makeClient(daemon);
  tables = openTables(join(daemon.folder, 'data', 'state', 'keyward.db'));
});
afterAll(async () => {
  tables.close();
  await daemon.stop();
});

const grant = { grant_type: 'client_credentials' };
/** As somebody else, over a trusted proxy. */
const from = (address: string): { readonly 'x-forwarded-for': string } => ({ 'x-forwarded-for': address });
const ask = (secret: string, address: string, path = '/oauth/token', form: Readonly<Record<string, string>> = grant): Promise<Told> => postForm(daemon.url, path, form, { ...basic(client.id, secret), ...from(address) });
const refusals = (): number => tables.count("SELECT count(*) AS n FROM audit_event WHERE action = 'token.refused'");

describe('guessing at a client’s secret', () => {
  it.each(['/oauth/token', '/oauth/introspect', '/oauth/revoke'])('is slowed down at %s after five wrong ones, by address, and leaves others alone', async (path) => {
    const address = `192.0.2.${path.length}`;
    const form = path === '/oauth/token' ? grant : { token: 'x' };
    const statuses: number[] = [];
    for (let guess = 0; guess < 12; guess++) statuses.push((await ask(`kws_guess${guess}`, address, path, form)).status);
    expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401]);
    expect(statuses.slice(6)).toEqual([403, 403, 403, 403, 403, 403]);
    expect(Number((await ask('kws_more', address, path, form)).headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect((await ask(client.secret, '192.0.2.200', path, form)).status).toBe(200);
    expect((await postForm(daemon.url, path, form, basic(client.id, client.secret))).status).toBe(200);
    // No lockout: who knows it gets his turn.
    await new Promise((next) => setTimeout(next, 1_100));
    expect((await ask(client.secret, address, path, form)).status).toBe(200);
  });

  it('tells nobody whether the client is there, in words or in time', async () => {
    const wrong = async (id: string): Promise<Told> => postForm(daemon.url, '/oauth/token', grant, basic(id, 'kws_wrong'));
    const [known, unknown] = [await wrong(client.id), await wrong('client_unknown')];
    expect([known.status, known.text]).toEqual([unknown.status, unknown.text]);
    const spent: Readonly<Record<'known' | 'unknown', number[]>> = { known: [], unknown: [] };
    for (let round = 0; round < 150; round++) {
      for (const [name, id] of [['known', client.id], ['unknown', `client_${round}`]] as const) {
        const startedMs = performance.now();
        await wrong(id);
        spent[name].push(performance.now() - startedMs);
      }
    }
    const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
    // One digest and a few comparisons: far below what a network lets anybody see.
    expect(Math.abs(median(spent.known) - median(spent.unknown))).toBeLessThan(2);
  }, 20_000);

  it('is on record, with no word of the secret, under nobody’s name and in few letters', async () => {
    await postForm(daemon.url, '/oauth/token', { grant_type: `secret-of-somebody${'x'.repeat(40_000)}`, client_id: 'keyward-cli' });
    await postForm(daemon.url, '/oauth/token', grant, basic(client.id, 'kws_seen_nowhere'));
    await new Promise((next) => setTimeout(next, 1_200));
    expect(refusals()).toBeGreaterThan(0);
    expect(tables.count("SELECT coalesce(max(length(target)), 0) AS n FROM audit_event WHERE action = 'token.refused'")).toBeLessThanOrEqual(256);
    expect(tables.count(`SELECT count(*) AS n FROM audit_event WHERE code = 'invalid_client' AND actor <> 'anonymous'`)).toBe(0);
    expect(daemon.output()).not.toContain('kws_');
  });
});

describe('codes and logins that strangers ask for', () => {
  it('are so many for an address, and no more', async () => {
    const code = (address: string): Promise<Told> => postForm(daemon.url, '/oauth/device_authorization', { client_id: 'keyward-cli' }, from(address));
    const statuses: number[] = [];
    for (let each = 0; each < 35; each++) statuses.push((await code('198.51.100.7')).status);
    expect([statuses.filter((status) => status === 200).length, statuses.at(-1)]).toEqual([30, 403]);
    expect((await code('198.51.100.8')).status).toBe(200);
    // Of IPv6 the /64 is one address.
    const more: number[] = [];
    for (let each = 0; each < 35; each++) more.push((await code(`2001:db8::${each.toString(16)}`)).status);
    expect(more.at(-1)).toBe(403);

    const query = new URLSearchParams({ client_id: 'keyward-cli', response_type: 'code', redirect_uri: 'http://127.0.0.1:9/callback', code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' }).toString();
    const logins: number[] = [];
    for (let each = 0; each < 210; each++) {
      const answer = await fetch(`${daemon.url}/oauth/authorize?${query}`, { redirect: 'manual', headers: from('198.51.100.9') });
      await answer.body?.cancel();
      logins.push(answer.status);
    }
    expect([logins.filter((status) => status === 303).length, logins.at(-1)]).toEqual([200, 403]);
  }, 30_000);

  it('are so many over all, and what has ended makes room', async () => {
    const end = Date.now() + 300_000;
    tables.run(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) INSERT INTO oauth_object SELECT 'DeviceCode', 'flood' || i, '{}', '', '', '', ${end}, 0 FROM n`);
    const code = (): Promise<Told> => postForm(daemon.url, '/oauth/device_authorization', { client_id: 'keyward-cli' }, from('203.0.113.1'));
    const refused = await code();
    expect([refused.status, refused.json['error']]).toEqual([503, 'temporarily_unavailable']);
    tables.run(`UPDATE oauth_object SET expires_at_ms = ${Date.now() - 1} WHERE id LIKE 'flood%'`);
    expect((await code()).status).toBe(200);
    tables.run("DELETE FROM oauth_object WHERE id LIKE 'flood%'");
  });

  it('are stored by their digest alone', async () => {
    const { deviceCode } = await askForCode(daemon);
    const login = await logIn(daemon);
    for (const text of [deviceCode, login.refresh, login.access, client.secret]) {
      expect(tables.count(`SELECT count(*) AS n FROM oauth_object WHERE id = '${text}' OR instr(payload_json, '${text}') > 0`)).toBe(0);
      expect(tables.count(`SELECT count(*) AS n FROM oauth_client WHERE instr(secrets_json, '${text}') > 0`)).toBe(0);
    }
  });
});

describe('a store that cannot be read', () => {
  const broken = ['oauth_client', 'oauth_object', 'oauth_session', 'person', 'oauth_ended_token', 'oauth_signing_key'];
  let hidden: string | undefined;
  const hide = (table: string): void => {
    tables.run(`ALTER TABLE ${table} RENAME TO hidden_${table}`);
    hidden = table;
  };
  afterEach(() => {
    if (hidden !== undefined) tables.run(`ALTER TABLE hidden_${hidden} RENAME TO ${hidden}`);
    hidden = undefined;
  });

  it.each(broken)('without %s: what was seen goes on, what was not is 503 and never 401, in OAuth’s own form at its endpoints', async (table) => {
    const login = await logIn(daemon);
    const token = await tokenOf(daemon, client);
    expect([await standing(daemon, login.access), await standing(daemon, token)]).toEqual(['200', '200']);
    const [unseenLogin, unseenToken] = [await logIn(daemon, { name: 'bob' }), await tokenOf(daemon, client)];
    hide(table);
    // Longer than it takes to look for what others wrote.
    await new Promise((next) => setTimeout(next, 600));
    expect([await standing(daemon, login.access), await standing(daemon, token)]).toEqual(['200', '200']);
    for (const unseen of [unseenLogin.access, unseenToken]) expect(await standing(daemon, unseen)).toMatch(/^(?:200|503 auth_unavailable)$/);
    const answers = [
      await postForm(daemon.url, '/oauth/token', grant, basic(client.id, client.secret)),
      await postForm(daemon.url, '/oauth/token', refreshForm(unseenLogin.refresh)),
      await postForm(daemon.url, '/oauth/introspect', { token: unseenToken }, basic(client.id, client.secret)),
      await postForm(daemon.url, '/oauth/introspect', { token: 'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6InkifQ.e30.'.padEnd(150, 'A') }, basic(client.id, client.secret)),
      await postForm(daemon.url, '/oauth/revoke', { token: unseenLogin.refresh, client_id: 'keyward-cli' }),
      await postForm(daemon.url, '/oauth/revoke', { token: unseenToken }, basic(client.id, client.secret)),
    ];
    for (const { status, json, headers } of answers) {
      expect([200, 503]).toContain(status);
      if (status === 503) expect([json['error'], headers.get('retry-after'), headers.get('cache-control')]).toEqual(['temporarily_unavailable', '5', 'no-store']);
    }
    expect(daemon.output()).not.toMatch(/UnhandledPromiseRejection|\n\s+at async |kws_|eyJ/);
  });
});
