import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, memberOf, type Asked } from '../../support/ask.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { findFarAddress } from '../../support/far-address.ts';
import { freePort } from '../../support/free-port.ts';
import { startAnthropic, type SimulatedAnthropic } from '../../support/simulated-logins/anthropic.ts';
import { startCodex, type SimulatedCodex } from '../../support/simulated-logins/codex.ts';
import { until } from '../../support/until.ts';
import { startIflow, type SimulatedIflow } from '../../support/simulated-logins/iflow.ts';

/* How logins are finished, and refused, at the built daemon's own doors: each case its own clear answer. */

const secret = 'management-secret-0123456789';
let anthropic: SimulatedAnthropic;
let codex: SimulatedCodex;
let daemon: RunningDaemon;
let iflow: SimulatedIflow;
let port: number;
let heldPort: number;

beforeAll(async () => {
  [anthropic, codex, iflow, port, heldPort] = await Promise.all([startAnthropic(), startCodex(), startIflow(), freePort(), freePort()]);
  daemon = await startDaemon({
    config: `api-keys: ["sk-client-0123456789abcdef"]
remote-management: { secret-key: "${secret}" }
oauth: ${JSON.stringify({ anthropic: anthropic.entry(), codex: codex.entry({ 'redirect-port': port }), iflow: iflow.entry({ 'redirect-port': heldPort }), away: { issuer: 'https://id.invalid', 'client-id': 'c', 'base-url': 'https://llm.invalid' } })}
`,
  });
});
afterAll(async () => {
  await daemon.stop();
  await anthropic.close();
  await codex.close();
  await iflow.close();
});

const management = (path: string, question: Parameters<typeof ask>[2] = {}): Promise<Asked> => ask(daemon.url, `/v0/management${path}`, { ...question, key: secret });
const paste = (json: object): Promise<Asked> => management('/oauth-callback', { json });
const files = (): readonly string[] => readdirSync(join(daemon.folder, 'auth')).filter((name) => name.endsWith('.json'));

interface Started {
  readonly url: string;
  readonly state: string;
  readonly answer: unknown;
}
async function start(name: string): Promise<Started> {
  const { json } = await management(`/${name}-auth-url`);
  return { url: String(memberOf(json, 'url')), state: String(memberOf(json, 'state')), answer: json };
}
async function page(url: string): Promise<{ readonly status: number; readonly code: string; readonly text: string; readonly headers: Headers }> {
  const answer = await fetch(url, { redirect: 'manual' });
  const text = await answer.text();
  return { status: answer.status, code: /<code>(login_\w+)<\/code>/.exec(text)?.[1] ?? '', text, headers: answer.headers };
}
/** Logins that still wait. */
async function sessions(): Promise<readonly unknown[]> {
  const list = memberOf((await management('/oauth-sessions')).json, 'sessions');
  return Array.isArray(list) ? list.filter((session) => memberOf(session, 'status') === 'wait') : [];
}

describe('a callback at the main port', () => {
  it('of a state that nobody gave out, of a used one, and of another provider’s: three different 400 pages', async () => {
    const one = await start('anthropic');
    const granted = anthropic.book.grant(one.url);
    const unknown = await page(`${daemon.url}/anthropic/callback?code=c-1&state=${'0'.repeat(32)}`);
    const crossed = await page(granted.url.replace('/anthropic/callback', '/codex/callback'));
    expect([crossed.status, crossed.code, anthropic.seen.length]).toEqual([400, 'login_provider_mismatch', 0]);
    // Still good at its own door.
    expect((await page(granted.url)).status).toBe(303);
    const replayed = await page(granted.url);
    expect([unknown, replayed].map(({ status, code }) => [status, code])).toEqual([[400, 'login_state_unknown'], [400, 'login_state_used']]);
    expect(anthropic.seen.length).toBe(1);
    for (const { text, headers } of [unknown, crossed, replayed]) {
      expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect([headers.get('cache-control'), headers.get('referrer-policy')]).toEqual(['no-store', 'no-referrer']);
      for (const hidden of [granted.code, granted.state]) expect(text).not.toContain(hidden);
    }
  });

  it('with a parameter twice is refused and the state stays good; needs no key; is for GET alone', async () => {
    const { url } = await start('anthropic');
    const granted = anthropic.book.grant(url);
    expect((await page(`${granted.url}&state=x`)).status).toBe(400);
    for (const method of ['HEAD', 'POST']) expect((await fetch(granted.url, { method, redirect: 'manual' })).status).toBe(405);
    expect((await page(granted.url)).status).toBe(303);
  });

  it('what the provider says instead of a code is shown as text', async () => {
    const { state } = await start('anthropic');
    const answer = await fetch(`${daemon.url}/anthropic/callback?error=access_denied&error_description=${encodeURIComponent('<script>alert(1)</script>\u202e no')}&state=${state}`);
    const text = await answer.text();
    expect([answer.status, text.includes('<script'), text.includes('\u202e'), text.includes('&lt;script&gt;')]).toEqual([400, false, false, true]);
    expect((await management(`/get-auth-status?state=${state}`)).json).toMatchObject({ status: 'error', code: 'login_denied' });
  });
});

describe('pasting', () => {
  it.each([
    ['the whole address', (url: string) => ({ provider: 'anthropic', redirect_url: url })],
    ['its parts', (_url: string, code: string, state: string) => ({ provider: 'anthropic', code, state })],
    ['`code#state`', (_url: string, code: string, state: string) => ({ provider: 'anthropic', code: `${code}#${state}` })],
    ['no provider', (url: string) => ({ redirect_url: url })],
  ])('%s finishes a login, and its redirect comes too late', async (_what, form) => {
    const { url } = await start('anthropic');
    const granted = anthropic.book.grant(url);
    const done = await paste(form(granted.url, granted.code, granted.state));
    expect([done.status, done.json]).toMatchObject([200, { status: 'ok', name: expect.stringMatching(/^claude-.*\.json$/) }]);
    expect((await page(granted.url)).code).toBe('login_state_used');
    expect(files()).toContain(String(memberOf(done.json, 'name')));
  });

  it('each mistake has its own code', async () => {
    const { url } = await start('anthropic');
    const granted = anthropic.book.grant(url);
    expect((await paste({ provider: 'codex', redirect_url: granted.url })).code).toBe('login_provider_mismatch');
    expect((await paste({ provider: 'anthropic', code: 'c', state: 'f'.repeat(32) })).code).toBe('login_state_unknown');
    expect((await paste({ provider: 'anthropic', redirect_url: 'not an address' })).status).toBe(400);
    expect((await paste({ provider: 'anthropic', redirect_url: granted.url })).status).toBe(200);
    expect((await paste({ provider: 'anthropic', redirect_url: granted.url })).code).toBe('login_state_used');
  });
});

describe('logins at once', () => {
  it('two people log in at the same moment, each ends in an own file; a cancelled third ends in none', async () => {
    const [one, two, three] = await Promise.all([start('anthropic'), start('anthropic'), start('anthropic')]);
    expect((await sessions()).length).toBeGreaterThanOrEqual(3);
    expect(JSON.stringify(await sessions())).not.toContain(one.state);
    const grants = [one, two, three].map(({ url }) => anthropic.book.grant(url).url);
    await management(`/oauth-sessions?state=${three.state}`, { method: 'DELETE' });
    anthropic.setOrganization('aaaaaaaa-0000-4000-8000-000000000001');
    expect((await page(grants[1] ?? '')).status).toBe(303);
    anthropic.setOrganization('bbbbbbbb-0000-4000-8000-000000000002');
    expect((await page(grants[0] ?? '')).status).toBe(303);
    expect((await page(grants[2] ?? '')).status).toBe(400);
    const names = await Promise.all([one, two].map(async ({ state }) => String(memberOf((await management(`/get-auth-status?state=${state}`)).json, 'name'))));
    expect([new Set(names).size, names.every((name) => files().includes(name))]).toEqual([2, true]);
  });
});

describe('a provider’s fixed redirect port', () => {
  it('is open on loopback alone, and finishes the login at a clean address', async () => {
    const { url, answer } = await start('codex');
    expect(answer).toMatchObject({ redirect_uri: `http://localhost:${port}/auth/callback`, listening: true });
    const far = findFarAddress();
    if (far !== undefined) await expect(fetch(`http://${far}:${port}/auth/callback`)).rejects.toThrow();
    const done = await page(codex.book.grant(url).url);
    expect([done.status, done.headers.get('location')?.includes('code=')]).toEqual([303, false]);
    const end = await fetch(new URL(done.headers.get('location') ?? '', `http://localhost:${port}`));
    expect([end.status, await end.text()]).toEqual([200, expect.stringContaining('ann@example.com')]);
  });

  it('that another program holds is told with its name, and pasting finishes the login', async () => {
    const squatter = createServer().listen(heldPort, '127.0.0.1');
    await once(squatter, 'listening');
    try {
      const { url, answer } = await start('iflow');
      expect(answer).toMatchObject({ listening: false, obstacle: expect.stringContaining(`port ${heldPort}`) });
      if (process.platform === 'linux') expect(JSON.stringify(answer)).toContain(`pid ${process.pid}`);
      expect((await paste({ provider: 'iflow', redirect_url: iflow.book.grant(url, 'redirect').url })).status).toBe(200);
    } finally {
      squatter.close();
    }
  });
});

describe('an issuer that cannot be reached', () => {
  it('is named to who starts the login, and in the log, where it is no failure of Keyward’s', async () => {
    const answer = await management('/away-auth-url');
    expect([answer.status, memberOf(memberOf(answer.json, 'error'), 'code')]).toEqual([502, 'login_failed']);
    expect(answer.text).toContain('the metadata of the issuer cannot be read');
    await until('it is in the log', () => daemon.output().includes('the metadata of the issuer cannot be read'), 2_000);
    expect(daemon.output()).not.toContain('failed inside Keyward');
  });
});
