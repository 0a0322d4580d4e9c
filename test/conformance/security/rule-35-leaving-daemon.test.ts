import { mkdirSync, rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { makeFolder } from '../../support/daemon.ts';
import { startIdentityDaemon } from '../../support/identity-daemon.ts';
import { asked, logIn, makeClient, postForm, refreshForm, standing, tokenOf } from '../../support/oauth-calls.ts';

/* Security rules 34 and 35: who may not come in any more leaves nothing behind that can. */

const folder = makeFolder();
mkdirSync(folder, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a person who may sign in no longer', () => {
  it('is out at the next refresh, with every login, what was derived, and the clients that the person made', async () => {
    const before = await startIdentityDaemon({ folder });
    const scope = 'models:use models:read clients:write';
    const [login, other] = [await logIn(before, { scope }), await logIn(before, { scope })];
    const client = await makeClient(before, {}, login.access);
    const machine = await tokenOf(before, client);
    const { body } = await asked(before, '/oauth/run-keys', login.access, {});
    const derived = String(body['key']);
    const all = [login.access, other.access, machine, derived];
    expect(await Promise.all(all.map((key) => standing(before, key)))).toEqual(['200', '200', '200', '200']);
    await before.stop();

    // From now on people sign in at a provider; who was let in by the management secret is asked about, and is not there.
    const after = await startIdentityDaemon({ folder, port: before.port, identity: '  oidc: { issuer: "http://127.0.0.1:9", client-id: "keyward" }\n' });
    expect(await standing(after, machine)).toBe('200');
    expect((await postForm(after.url, '/oauth/token', refreshForm(login.refresh))).json['error']).toBe('invalid_grant');
    expect(await Promise.all(all.map((key) => standing(after, key)))).toEqual(['401 token_revoked', '401 token_revoked', '401 token_revoked', '401 token_revoked']);
    expect(await standing(after, await tokenOf(after, client))).toBe('401 token_revoked');
    expect((await postForm(after.url, '/oauth/token', refreshForm(other.refresh))).json['error']).toBe('invalid_grant');
    await after.stop();
  });
});
