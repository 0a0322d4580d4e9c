import { afterEach, describe, expect, it } from 'vitest';
import { localIssuer } from '../../../internal/clients/issued/person.ts';
import type { PageAnswer } from '../../../internal/upstreamauth/ports.ts';
import { localPeer, remotePeer } from '../../support/door-fixtures.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';
import { createPageClient, createPeopleWorld, fieldsOf, servePeople, type PageClient, type PeopleWorld } from '../../support/people-world.ts';
import { send } from '../../support/raw-http.ts';

let world: PeopleWorld;
let clock: ManualClock;

const code = 'BCDFGHJK';

function start(publicUrl = 'http://localhost:8317'): PageClient {
  clock = createManualClock();
  world = createPeopleWorld({ clock, publicUrl });
  world.devices.ask(code);
  return createPageClient(world);
}

afterEach(() => world.close());

/** Up to the page that asks. */
async function reachConfirm(client: PageClient, userCode = code, name = 'ann'): Promise<PageAnswer> {
  const asked = await client.post('/device', { ...fieldsOf(await client.get('/device'), 'enter'), user_code: userCode });
  await client.post('/device', { ...fieldsOf(asked, 'approval'), approval_code: world.people.approvalCodes.issue(name).code });
  return client.get('/device');
}
const enterAgain = async (client: PageClient, userCode: string): Promise<PageAnswer> => {
  const answer = await client.post('/device', { ...fieldsOf(await client.get('/device?user_code='), 'enter'), user_code: userCode });
  return answer.status === 303 ? client.get('/device') : answer;
};

const policy = (formAction: string): RegExp => new RegExp(`^default-src 'none'; style-src 'sha256-[\\w+/=]+'; base-uri 'none'; form-action ${formAction}; frame-ancestors 'none'$`);

describe('an approval', () => {
  it('is given by the form that showed what it is for, by whoever signed in: once', async () => {
    const client = start();
    const confirm = await reachConfirm(client);
    const done = await client.post('/device', { ...fieldsOf(confirm, 'decide'), decision: 'approve' });
    expect(done.status).toBe(200);
    const [person] = world.persons.all();
    expect(person).toMatchObject({ issuer: localIssuer, subject: 'ann', label: 'ann' });
    expect(world.devices.ends.get(code)).toEqual({ person: person?.id, scopes: ['models:use', 'models:read'] });
    expect(world.events.map(({ action, actor, target, code: why }) => [action, actor, target, why])).toEqual([
      ['person.entered', person?.id, 'keyward approve', undefined],
      ['approval.given', person?.id, 'client:keyward-cli', undefined],
    ]);
    const replayed = await client.post('/device', { ...fieldsOf(confirm, 'decide'), decision: 'approve' });
    expect([replayed.status, world.devices.ends.size]).toEqual([409, 1]);
    const denied = await client.post('/device', { ...fieldsOf(confirm, 'decide'), decision: 'deny' });
    expect([denied.status, world.devices.ends.get(code)]).toEqual([409, { person: person?.id, scopes: ['models:use', 'models:read'] }]);
  });

  it('two at one moment: one is done, the other is told that the code waits no more', async () => {
    const client = start();
    const twin = createPageClient(world);
    const [mine, other] = [await reachConfirm(client), await reachConfirm(twin, code, 'bob')];
    const answers = await Promise.all([client.post('/device', { ...fieldsOf(mine, 'decide'), decision: 'approve' }), twin.post('/device', { ...fieldsOf(other, 'decide'), decision: 'approve' })]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 410]);
    expect(world.events.filter(({ action }) => action === 'approval.given').length).toBe(1);
  });

  it('denied, the device gets nothing, and no later approval helps', async () => {
    const client = start();
    const confirm = await reachConfirm(client);
    expect((await client.post('/device', { ...fieldsOf(confirm, 'decide'), decision: 'deny' })).body).toContain('stays out');
    expect(world.devices.ends.get(code)).toBe('denied');
    expect((await client.post('/device', { ...fieldsOf(confirm, 'decide'), decision: 'approve' })).status).toBe(409);
    expect(world.devices.ends.get(code)).toBe('denied');
  });

  it('no GET gives it, whatever the address says; a code in the address is only shown', async () => {
    const client = start();
    const prefilled = await client.get(`/device?user_code=${code}&decision=approve&step=decide`);
    expect(prefilled.body).toContain(`value="${code}"`);
    expect(world.devices.looks()).toBe(0);
    await reachConfirm(client);
    expect((await client.get(`/device?user_code=${code}`)).body).toContain('Connect a device');
    for (const query of ['decision=approve', `user_code=${code}&step=decide&decision=approve`]) await client.get(`/device?${query}`);
    expect(world.devices.ends.size).toBe(0);
  });

  it('strangers try no codes: nothing is looked up before somebody has signed in', async () => {
    const client = start();
    for (let count = 0; count < 20; count++) {
      const answer = await client.post('/device', { ...fieldsOf(await client.get('/device'), 'enter'), user_code: count % 2 === 0 ? code : 'ZZZZZZZZ' });
      // The same question for right and wrong ones.
      expect(answer.body.replaceAll(/value="[^"]*"/g, '')).toBe((await client.post('/device', { ...fieldsOf(await client.get('/device'), 'enter'), user_code: code })).body.replaceAll(/value="[^"]*"/g, ''));
    }
    expect(world.devices.looks()).toBe(0);
  });

  it('warns of phishing on every page that asks, and names code, application, device, address, age and rights', async () => {
    start();
    world.devices.ask('CCCCCCCC', { clientName: 'Some CLI', userAgent: 'some-cli/2.0', requestedFrom: '127.0.0.1', scopes: ['models:use', 'keys:write'], requestedAtMs: clock.nowMs() - 23_000 });
    const { body } = await reachConfirm(createPageClient(world), 'CCCCCCCC');
    expect(body).toContain('Only go on if you started this login yourself, just now, on a device you hold.');
    for (const words of ['CCCC-CCCC', 'Some CLI', 'some-cli/2.0', 'the machine that Keyward runs on', '23 seconds ago', 'Use AI models as you', 'Make, change and revoke client keys', 'manages Keyward', 'Signed in as']) expect(body).toContain(words);
  });

  it('for a device in another network needs a tick that says it is one’s own, and is told as unusual', async () => {
    start();
    world.devices.ask('CCCCCCCC', { requestedFrom: '198.51.100.7' });
    const client = createPageClient(world);
    const confirm = await reachConfirm(client, 'CCCCCCCC');
    expect(confirm.body).toContain('The device is in another network than you.');
    const refused = await client.post('/device', { ...fieldsOf(confirm, 'decide'), decision: 'approve' });
    expect([refused.status, world.devices.ends.size, world.unusual]).toEqual([400, 0, []]);
    expect(refused.body).toContain('Tick this to approve, or deny.');
    expect((await client.post('/device', { ...fieldsOf(refused, 'decide'), decision: 'approve', mine: 'yes' })).status).toBe(200);
    expect(world.unusual).toEqual(['other_network']);
    expect(world.events.at(-1)).toMatchObject({ action: 'identity.unusual', after: { kind: 'other_network' }, target: 'client:keyward-cli' });
  });

  it('gives no right that was not asked for, none that is not there, and never `secrets:read`', async () => {
    start();
    world.devices.ask('CCCCCCCC', { scopes: ['models:use', 'secrets:read', 'everything'] });
    const client = createPageClient(world);
    const confirm = await reachConfirm(client, 'CCCCCCCC');
    expect(confirm.body).toContain('Asked for, but not yours to give');
    await client.post('/device', { ...fieldsOf(confirm, 'decide'), decision: 'approve', scopes: 'keys:write' });
    expect(world.devices.ends.get('CCCCCCCC')).toMatchObject({ scopes: ['models:use'] });
    world.devices.ask('DDDDDDDD', { scopes: ['secrets:read'] });
    const nothing = await enterAgain(client, 'DDDDDDDD');
    expect(nothing.body).not.toContain('value="approve"');
    expect((await client.post('/device', { ...fieldsOf(nothing, 'decide'), decision: 'approve' })).status).toBe(400);
    expect(world.devices.ends.has('DDDDDDDD')).toBe(false);
  });
});

describe('forms', () => {
  it('without a token, with another browser’s, with that of another step or code: 403, and nothing is done', async () => {
    const client = start();
    world.devices.ask('CCCCCCCC');
    const confirm = await reachConfirm(client);
    const other = createPageClient(world);
    const others = await reachConfirm(other, 'CCCCCCCC', 'bob');
    const own = fieldsOf(confirm, 'decide');
    const tokens = ['', 'x', fieldsOf(others, 'decide')['csrf'] ?? '', fieldsOf(confirm, 'sign-out')['csrf'] ?? '', fieldsOf(await client.get('/device?user_code='), 'enter')['csrf'] ?? ''];
    for (const csrf of tokens) expect((await client.post('/device', { ...own, csrf, decision: 'approve' })).status).toBe(403);
    expect((await client.post('/device', { step: 'decide', user_code: code, decision: 'approve' })).status).toBe(403);
    // The token is for the code that was shown.
    expect((await client.post('/device', { ...own, user_code: 'CCCCCCCC', decision: 'approve' })).status).toBe(403);
    for (const step of ['enter', 'approval', 'sign-out']) expect((await client.post('/device', { step, csrf: 'x', user_code: code })).status).toBe(403);
    client.setCookie(undefined);
    expect((await client.post('/device', { ...own, decision: 'approve' })).status).toBe(403);
    client.setCookie(other.cookie());
    expect((await client.post('/device', { ...own, decision: 'approve' })).status).toBe(403);
    expect(world.devices.ends.size).toBe(0);
  });

  it('a member that comes twice is refused', async () => {
    const client = start();
    const confirm = await reachConfirm(client);
    const body = `${new URLSearchParams({ ...fieldsOf(confirm, 'decide'), decision: 'deny' }).toString()}&decision=approve`;
    expect((await client.post('/device', {}, { body })).status).toBe(400);
    expect((await client.get('/device?user_code=A&user_code=B')).status).toBe(400);
    expect(world.devices.ends.size).toBe(0);
  });

  it('a sign-in that ended meanwhile is asked for again before anything is approved', async () => {
    const client = start();
    const confirm = await reachConfirm(client);
    // Nearly over: the cookie is renewed by looking, the sign-in is not.
    clock.advance(9 * 60_000);
    await client.get('/device');
    clock.advance(6 * 60_000);
    world.devices.ask(code);
    const answer = await client.post('/device', { ...fieldsOf(confirm, 'decide'), decision: 'approve' });
    expect(answer.body).toContain('Who approves?');
    expect(world.devices.ends.size).toBe(0);
  });
});

describe('the sign-in of the browser', () => {
  it('session fixation: whoever planted the cookie from before is not signed in by the victim', async () => {
    const attacker = start();
    await attacker.get('/device');
    const planted = attacker.cookie();
    const victim = createPageClient(world);
    victim.setCookie(planted);
    await reachConfirm(victim);
    expect(victim.cookie()).not.toBe(planted);
    attacker.setCookie(planted);
    expect((await attacker.get('/device')).body).toContain('Connect a device');
  });

  it('“Not you?” ends it', async () => {
    const client = start();
    const confirm = await reachConfirm(client);
    const before = client.cookie();
    await client.post('/device', fieldsOf(confirm, 'sign-out'));
    expect(client.cookie()).not.toBe(before);
    client.setCookie(before);
    expect((await client.get('/device')).body).toContain('Connect a device');
    expect((await client.post('/device', { ...fieldsOf(confirm, 'decide'), decision: 'approve' })).body).toContain('Who approves?');
    expect(world.devices.ends.size).toBe(0);
  });

  it('over https the cookie is Secure and bound to the host', async () => {
    const client = start('https://keyward.example.com');
    const answer = await client.get('/device');
    expect(answer.headers['set-cookie']).toMatch(/^__Host-keyward_session=[^;]+; Path=\/; Max-Age=900; HttpOnly; SameSite=Lax; Secure$/);
  });
});

describe('codes of `keyward approve`', () => {
  const approvalForm = async (client: PageClient): Promise<PageAnswer> => client.post('/device', { ...fieldsOf(await client.get('/device'), 'enter'), user_code: code });

  it('count once', async () => {
    const client = start();
    const { code: approval } = world.people.approvalCodes.issue('ann');
    await client.post('/device', { ...fieldsOf(await approvalForm(client), 'approval'), approval_code: approval });
    const other = createPageClient(world);
    const replayed = await other.post('/device', { ...fieldsOf(await approvalForm(other), 'approval'), approval_code: approval });
    expect(replayed.status).toBe(400);
    expect(replayed.body).toContain('That is no approval code that counts.');
    expect(world.events.at(-1)).toMatchObject({ action: 'approval.refused', code: 'approval_code_wrong' });
  });

  it('guessing ends with 429, from then on for the right one too', async () => {
    const client = start();
    const { code: approval } = world.people.approvalCodes.issue('ann');
    const form = fieldsOf(await approvalForm(client), 'approval');
    for (let count = 0; count < 8; count++) expect((await client.post('/device', { ...form, approval_code: 'ABC-DEF-GHJ' })).status).toBe(400);
    const limited = await client.post('/device', { ...form, approval_code: approval });
    expect([limited.status, limited.headers['retry-after']]).toEqual([429, '900']);
    expect(world.persons.all()).toEqual([]);
    expect(world.unusual).toEqual(['wrong_approval_codes']);
  });

  it('from another machine, or through a proxy, none is asked for and none is taken', async () => {
    const client = start();
    const form = fieldsOf(await approvalForm(client), 'approval');
    const { code: approval } = world.people.approvalCodes.issue('ann');
    for (const answer of [await client.get('/device', { peer: remotePeer }), await client.post('/device', { ...form, approval_code: approval }, { peer: remotePeer }), await client.post('/device', { ...form, approval_code: approval }, { peer: { ...localPeer, isLocal: false } })]) {
      expect(answer.status).toBe(403);
      expect(answer.body).toContain('Not from another machine');
    }
    expect(world.persons.all()).toEqual([]);
    expect((await client.post('/device', { ...form, approval_code: approval })).status).toBe(303);
  });

  it('neither they nor user codes nor the cookie stand in what the audit is told', async () => {
    const client = start();
    const { code: approval } = world.people.approvalCodes.issue('ann');
    await client.post('/device', { ...fieldsOf(await approvalForm(client), 'approval'), approval_code: approval });
    await client.post('/device', { ...fieldsOf(await client.get('/device'), 'decide'), decision: 'approve' });
    await enterAgain(client, 'ZZZZZZZZ');
    const told = JSON.stringify(world.events);
    expect(world.events.length).toBe(3);
    for (const secret of [approval, approval.replaceAll('-', ''), code, 'BCDF-GHJK', 'ZZZZ', client.cookie()?.split('=')[1] ?? '']) expect(told).not.toContain(secret);
  });
});

describe('wrong user codes', () => {
  it('end with 429 after six, the right one then too', async () => {
    const client = start();
    await reachConfirm(client);
    for (let count = 0; count < 6; count++) {
      const answer = await enterAgain(client, 'ZZZZZZZZ');
      expect([answer.status, answer.body.includes('No login waits under this code.')]).toEqual([400, true]);
    }
    const limited = await enterAgain(client, code);
    expect([limited.status, limited.headers['retry-after']]).toEqual([429, '900']);
    expect(world.unusual).toEqual(['wrong_codes']);
    expect(world.events.filter(({ action }) => action === 'approval.refused').map(({ code: why }) => why)).toEqual([...Array.from({ length: 6 }, () => 'user_code_wrong'), 'user_code_limited']);
  });

  it.each(['\u202eBCDFGHJK', 'BCDFGHJ\u212a', 'ＢＣＤＦＧＨＪＫ', 'BCDFGHJK\0', 'B'.repeat(4_000), '<script>alert(1)</script>', '', 'BCDF GHJ\u0301K'])('%j is no code: not looked up, shown as text', async (typed) => {
    const client = start();
    await reachConfirm(client);
    const looks = world.devices.looks();
    const answer = await enterAgain(client, typed);
    expect(answer.status).toBe(400);
    expect(answer.body).not.toMatch(/<script|\u202e|\0/);
    expect(answer.body.length).toBeLessThan(12_000);
    expect(world.devices.looks()).toBe(looks);
  });

  it('an expired one is told as such', async () => {
    const client = start();
    await reachConfirm(client);
    world.devices.ask('CCCCCCCC', { expiresAtMs: clock.nowMs() });
    expect((await enterAgain(client, 'CCCCCCCC')).body).toContain('This code is too old');
  });

  it('one that ends while the page is open is told as such', async () => {
    const client = start();
    const confirm = await reachConfirm(client);
    world.devices.ask(code, { expiresAtMs: clock.nowMs() });
    const answer = await client.post('/device', { ...fieldsOf(confirm, 'decide'), decision: 'approve' });
    expect([answer.status, world.devices.ends.size]).toEqual([410, 0]);
  });
});

describe('foreign text and foreign addresses', () => {
  const hostile = `"><img src=x onerror=alert(1)> \u202egnp.exe\u0007 '\` &amp;`;

  it('stays text in names, agents and addresses', async () => {
    start();
    world.devices.ask('CCCCCCCC', { clientName: hostile, userAgent: hostile, requestedFrom: hostile });
    world.logins.ask('uid-1', { clientName: hostile, redirectHost: hostile });
    const client = createPageClient(world);
    const confirm = await reachConfirm(client, 'CCCCCCCC');
    const pages = [confirm, await client.get('/oauth/interaction/uid-1'), await client.post('/device', { ...fieldsOf(confirm, 'decide'), decision: 'deny' })];
    for (const { body } of pages) {
      expect(body).not.toMatch(/<img|\u202e|\p{Cc}(?<!\n)/u);
      expect(body).toContain(String.raw`&lt;img src=x onerror=alert(1)&gt; \u202egnp.exe\x07`);
    }
  });

  it('no page frames, loads or runs anything; each is its own browser’s alone', async () => {
    const client = start();
    world.logins.ask('uid-1');
    const confirm = await reachConfirm(client);
    const consent = await client.get('/oauth/interaction/uid-1');
    const pages = [confirm, consent, await client.get('/device?user_code=x'), await client.post('/device', {}), await client.post('/device', { step: 'enter' }), await client.get('/oauth/signin/callback?state=x'), await client.get('/oauth/interaction/other'), await client.get('/device', { peer: remotePeer }), await client.post('/device', { ...fieldsOf(confirm, 'decide'), decision: 'approve' })];
    for (const { headers, body } of pages) {
      expect(headers['content-security-policy']).toMatch(policy(body.includes('<form') ? "'self'" : "'none'"));
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff', 'referrer-policy': body.includes('<form') ? 'same-origin' : 'no-referrer' });
      expect(body).not.toMatch(/<script|<img|<link|<iframe|src=|javascript:|style="/);
      for (const [, address = ''] of body.matchAll(/(?:href|action)="([^"]+)"/g)) expect(address).toMatch(/^(?:\/device|\/oauth\/interaction\/uid-1)$/);
    }
  });

  it('open redirects are not possible: a sign-in leads back to a page of ours, and a login below the authorization server', async () => {
    const client = start();
    for (const query of ['next=https://evil.test', 'return_to=//evil.test', 'user_code=https://evil.test']) expect((await client.get(`/device?${query}`)).headers['location']).toBeUndefined();
    world.logins.ask('uid-1');
    await reachConfirm(client);
    const consent = await client.get('/oauth/interaction/uid-1');
    const done = await client.post('/oauth/interaction/uid-1', { ...fieldsOf(consent, 'decide'), decision: 'approve', location: 'https://evil.test' });
    expect(/content="0;url=([^"]+)"/.exec(done.body)?.[1]).toBe('http://localhost:8317/oauth/authorize/uid-1');
  });

  it.each(['https://evil.test/oauth/x', 'http://localhost:8317.evil.test/oauth/x', 'http://localhost:8317@evil.test/oauth/x', '//evil.test/oauth/x', 'http://localhost:8317/oauth/../v0', 'javascript:alert(1)', 'http://localhost:83170/oauth/x'])('a login that would go on at %s is stopped', async (location) => {
    const client = start();
    world.logins.ask('uid-1');
    await reachConfirm(client);
    const confirm = await client.get('/oauth/interaction/uid-1');
    const logins = { ...world.logins, finish: () => Promise.resolve({ kind: 'done' as const, location }) };
    Object.assign(world.logins, logins);
    await expect(client.post('/oauth/interaction/uid-1', { ...fieldsOf(confirm, 'decide'), decision: 'approve' })).rejects.toThrow(TypeError);
  });

  it('the Host of a request stands on no page, and decides nothing', async () => {
    const client = start();
    const headers = { host: 'evil.test', 'x-forwarded-host': 'evil.test', forwarded: 'host=evil.test' };
    const [given, plain] = [await client.get('/device', { headers }), await createPageClient(world).get('/device')];
    expect(given.body.replaceAll(/value="[\w-]{43}"/g, '')).toBe(plain.body.replaceAll(/value="[\w-]{43}"/g, ''));
    expect(JSON.stringify(given)).not.toContain('evil.test');
  });
});

describe('logins in the browser', () => {
  it('are consented to once, and denied with a way back', async () => {
    const client = start();
    world.logins.ask('uid-1', { scopes: ['models:use', 'keys:read'] });
    world.logins.ask('uid-2');
    await reachConfirm(client);
    const consent = await client.get('/oauth/interaction/uid-1');
    expect(consent.body).toContain('A program on this computer');
    expect(consent.body).toContain('Only go on if you started this login yourself');
    const wrong = await client.post('/oauth/interaction/uid-2', { ...fieldsOf(consent, 'decide'), decision: 'approve' });
    expect([wrong.status, world.logins.ends.size]).toEqual([403, 0]);
    expect((await client.post('/oauth/interaction/uid-1', { ...fieldsOf(consent, 'decide'), decision: 'approve' })).status).toBe(200);
    expect(world.logins.ends.get('uid-1')).toMatchObject({ scopes: ['models:use', 'keys:read'], person: { subject: 'ann' } });
    expect((await client.post('/oauth/interaction/uid-1', { ...fieldsOf(consent, 'decide'), decision: 'approve' })).status).toBe(410);
    const denied = await client.post('/oauth/interaction/uid-2', { ...fieldsOf(await client.get('/oauth/interaction/uid-2'), 'decide'), decision: 'deny' });
    expect([denied.status, world.logins.ends.get('uid-2')]).toEqual([200, 'denied']);
  });

  it('ask for the sign-in first, and come back to themselves', async () => {
    const client = start();
    world.logins.ask('uid-1');
    const asked = await client.get('/oauth/interaction/uid-1');
    expect(asked.body).toContain('Who approves?');
    const answer = await client.post('/oauth/interaction/uid-1', { ...fieldsOf(asked, 'approval'), approval_code: world.people.approvalCodes.issue('ann').code });
    expect([answer.status, answer.headers['location']]).toEqual([303, '/oauth/interaction/uid-1']);
    expect((await client.get('/oauth/interaction/uid-1')).body).toContain('Let this application in?');
  });
});

describe('behind the door', () => {
  it('forms of other pages are 403, large ones 413, other types 415; windows from elsewhere may look', async () => {
    const served = await servePeople((publicUrl) => {
      world = createPeopleWorld({ publicUrl });
      return Promise.resolve(world);
    });
    try {
      const ask = (method: string, path: string, headers: Readonly<Record<string, string>>, body?: string) => send(served.url, { method, path, headers: { host: new URL(served.url).host, ...headers }, ...(body === undefined ? {} : { body }) });
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      const answers = [
        await ask('POST', '/device', { ...form, origin: 'https://evil.test' }, 'step=enter'),
        await ask('POST', '/device', { ...form, origin: 'null' }, 'step=enter'),
        await ask('POST', '/device', { ...form, 'sec-fetch-site': 'cross-site' }, 'step=enter'),
        await ask('POST', '/device', { ...form, origin: served.url }, `step=${'x'.repeat(9_000)}`),
        await ask('POST', '/device', { 'content-type': 'text/plain', origin: served.url }, 'step=enter'),
        await ask('POST', '/device', { ...form, origin: served.url }, 'step=enter'),
        await ask('GET', '/device?user_code=BCDF-GHJK', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }),
        await ask('GET', '/device', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }),
        await ask('HEAD', '/oauth/signin/callback?state=x', {}),
        await ask('GET', '/device', { host: 'evil.test' }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 413, 415, 403, 200, 403, 405, 421]);
    } finally {
      await served.close();
    }
  });
});
