import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ok } from '../../../internal/fault/result.ts';
import type { PageAnswer, StartedLogin } from '../../../internal/upstreamauth/ports.ts';
import { parseMembers, parsePasted, parseQuery } from '../../../internal/upstreamauth/parse-return.ts';
import { authFile } from '../../support/auth-files.ts';
import { createLoginWorld, type LoginWorld } from '../../support/login-world.ts';
import { createManualClock } from '../../support/manual-clock.ts';
import { send } from '../../support/raw-http.ts';
import { freePort } from '../../support/free-port.ts';
import { startAnthropic, type SimulatedAnthropic } from '../../support/simulated-logins/anthropic.ts';
import { startCodex, type SimulatedCodex } from '../../support/simulated-logins/codex.ts';
import { startIflow } from '../../support/simulated-logins/iflow.ts';
import { until } from '../../support/until.ts';

let anthropic: SimulatedAnthropic;
let codex: SimulatedCodex;
let world: LoginWorld;
let port: number;

beforeEach(async () => {
  anthropic = await startAnthropic();
  codex = await startCodex();
  port = await freePort();
  world = createLoginWorld({ oauth: { anthropic: anthropic.entry({ 'redirect-port': port }), codex: codex.entry() } });
});

afterEach(async () => {
  await world.close();
  await anthropic.close();
  await codex.close();
});

const queryOf = (url: string): string => new URL(url).search.slice(1);
const callback = (provider: string, url: string): Promise<PageAnswer> => world.logins.pages.callback(provider, queryOf(url));
const strictPolicy = /^default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/;

function expectPage(answer: PageAnswer, status: number, code: string): void {
  expect(answer.status).toBe(status);
  expect(answer.body).toContain(`<code>${code}</code>`);
  expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'content-security-policy': expect.stringMatching(strictPolicy) });
  expect(answer.body).not.toMatch(/<script|http-equiv|src=|href=/);
}

describe('a login is finished once, by the answer that was asked for', () => {
  it('state: 128 random bits, another for each login', async () => {
    const states = new Set<string>();
    for (let count = 0; count < 20; count++) states.add((await world.logins.start('codex', {})).state);
    expect(states.size).toBe(20);
    for (const state of states) expect(state).toMatch(/^[\da-f]{32}$/);
  });

  it('a state that nobody gave out is a 400 page that says so', async () => {
    expectPage(await world.logins.pages.callback('codex', `code=x&state=${'0'.repeat(32)}`), 400, 'login_state_unknown');
    await expect(world.logins.finish('codex', { code: 'x', state: 'x', error: '', errorDescription: '', iss: '' })).rejects.toMatchObject({ code: 'login_state_unknown' });
  });

  it('a replayed state is a 400 page that says so, and the vendor is not asked again', async () => {
    const started = await world.logins.start('codex', {});
    const { url } = codex.book.grant(started.url);
    expect((await callback('codex', url)).status).toBe(303);
    const asked = codex.seen.length;
    expectPage(await callback('codex', url), 400, 'login_state_used');
    expect(codex.seen.length).toBe(asked);
    expect(world.stored.length).toBe(1);
  });

  it('of two answers at the same moment, one counts', async () => {
    const started = await world.logins.start('codex', {});
    const { url } = codex.book.grant(started.url);
    const answers = await Promise.all([callback('codex', url), callback('codex', url), callback('codex', url)]);
    expect(answers.map(({ status }) => status).sort((left, right) => left - right)).toEqual([303, 400, 400]);
    expect(world.stored.length).toBe(1);
  });

  it('a state brought to another provider is a 400 page, and still good at its own', async () => {
    const started = await world.logins.start('codex', {});
    const { url } = codex.book.grant(started.url);
    expectPage(await callback('anthropic', url), 400, 'login_provider_mismatch');
    expect(anthropic.seen.length).toBe(0);
    expect((await callback('codex', url)).status).toBe(303);
  });

  it('a state of ten minutes ago is a 400 page that says so', async () => {
    const clock = createManualClock();
    const old = createLoginWorld({ oauth: { codex: codex.entry() }, clock });
    const started = await old.logins.start('codex', {});
    clock.advance(9 * 60_000);
    expect(old.logins.statusOf(started.state)).toEqual({ kind: 'waiting' });
    clock.advance(60_000);
    const { url } = codex.book.grant(started.url);
    expectPage(await old.logins.pages.callback('codex', queryOf(url)), 400, 'login_state_expired');
    expect(old.logins.statusOf(started.state)).toMatchObject({ kind: 'failed', code: 'login_state_expired' });
    expect(codex.seen.length).toBe(0);
    clock.advance(10 * 60_000);
    expect(old.logins.statusOf(started.state)).toBeUndefined();
    expect(old.logins.sessions()).toEqual([]);
    await old.close();
  });

  it('an `iss` of somebody else is refused, pasted or by redirect, and ends the login', async () => {
    for (const bring of ['paste', 'redirect'] as const) {
      const started = await world.logins.start('codex', {});
      const { url } = codex.book.grant(started.url);
      const forged = `${url}&iss=${encodeURIComponent('https://evil.example')}`;
      if (bring === 'paste') {
        const returned = parsePasted(forged);
        if (!returned.ok) throw returned.error;
        await expect(world.logins.finish('codex', returned.value)).rejects.toMatchObject({ code: 'login_issuer_mismatch' });
      } else {
        const answer = await callback('codex', forged);
        expect(answer.status).toBe(303);
        expectPage(world.logins.pages.result(answer.headers['location']?.slice('/login/'.length) ?? ''), 400, 'login_issuer_mismatch');
      }
      expectPage(await callback('codex', url), 400, 'login_state_used');
    }
    expect(codex.seen.length).toBe(0);
    const started = await world.logins.start('codex', {});
    const { url } = codex.book.grant(started.url);
    expect((await callback('codex', `${url}&iss=${encodeURIComponent(codex.url)}`)).status).toBe(303);
    expect(world.stored.length).toBe(1);
  });

  it('a parameter that stands twice is refused, and the state stays good', async () => {
    const started = await world.logins.start('codex', {});
    const { url, code, state } = codex.book.grant(started.url);
    for (const more of [`&state=${state}`, '&code=other', '&iss=a&iss=b', '&error=a&error=b']) expectPage(await callback('codex', `${url}${more}`), 400, 'invalid_request');
    expect(parsePasted(`${url}&code=other`)).toMatchObject({ ok: false, error: { code: 'invalid_request' } });
    expect(parsePasted(`${url}#code=other&state=${state}`)).toMatchObject({ ok: false, error: { code: 'invalid_request' } });
    expect(parseMembers({ redirect_url: url, code: 'other' })).toMatchObject({ ok: false, error: { code: 'invalid_request' } });
    expect(parseMembers({ redirect_url: url, code, state })).toMatchObject({ ok: true });
    expect(parseQuery(`code=${'x'.repeat(20_000)}&state=${state}`)).toMatchObject({ ok: false });
    expect((await callback('codex', url)).status).toBe(303);
  });

  it('two logins at once never cross: each code goes with its own verifier and state', async () => {
    const [first, second] = [await world.logins.start('codex', {}), await world.logins.start('codex', {})] as const;
    codex.setAccount('acc-one', 'one@example.com', 'plus');
    const one = codex.book.grant(first.url);
    const two = codex.book.grant(second.url);
    // The code of one with the state of the other: the verifier does not fit.
    const crossed = await world.logins.pages.callback('codex', `code=${two.code}&state=${one.state}`);
    expect(crossed.status).toBe(303);
    expect(world.logins.statusOf(first.state)).toMatchObject({ kind: 'failed', code: 'login_failed' });
    expect(world.logins.statusOf(second.state)).toEqual({ kind: 'waiting' });
    const third = await world.logins.start('codex', {});
    const three = codex.book.grant(third.url);
    expect((await callback('codex', three.url)).status).toBe(303);
    expect(world.logins.statusOf(third.state)).toMatchObject({ kind: 'done' });
    expect(world.logins.statusOf(second.state)).toEqual({ kind: 'waiting' });
  });

  it('the 33rd pending login of a provider is told to wait; another provider’s is not', async () => {
    for (let count = 0; count < 32; count++) await world.logins.start('codex', {});
    await expect(world.logins.start('codex', {})).rejects.toMatchObject({ code: 'too_many_logins', headers: { 'retry-after': expect.stringMatching(/^\d+$/) } });
    await expect(world.logins.start('anthropic', {})).resolves.toMatchObject({ provider: 'anthropic' });
    const [oldest] = world.logins.sessions();
    expect(world.logins.cancel(oldest?.state ?? '')).toBe(true);
    await expect(world.logins.start('codex', {})).resolves.toMatchObject({ provider: 'codex' });
  });

  it('the 33rd device login is told so before the vendor is asked', async () => {
    const grant = { grant: 'codex-device' } as const;
    for (let count = 0; count < 32; count++) await world.logins.start('codex', grant);
    const asked = codex.seen.length;
    await expect(world.logins.start('codex', grant)).rejects.toMatchObject({ code: 'too_many_logins' });
    expect(codex.seen.length).toBe(asked);
  });

  it('a login whose tokens are being stored is not cancelled, and ends as that does', async () => {
    const storing = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const other = createLoginWorld({
      oauth: { codex: codex.entry() },
      storeLogin: async (login) => {
        begun.resolve();
        await storing.promise;
        return ok(authFile(login.type, { name: login.suggestedName }));
      },
    });
    const started = await other.logins.start('codex', {});
    const answer = other.logins.pages.callback('codex', queryOf(codex.book.grant(started.url).url));
    await begun.promise;
    expect(other.logins.cancel(started.state)).toBe(false);
    const closed = other.close();
    expect(other.logins.statusOf(started.state)).toEqual({ kind: 'waiting' });
    storing.resolve();
    expect((await answer).status).toBe(303);
    expect(other.logins.statusOf(started.state)).toMatchObject({ kind: 'done' });
    await closed;
  });

  it('an account never seen, by a way without PKCE, stays off until it is confirmed', async () => {
    const iflow = await startIflow();
    const other = createLoginWorld({ oauth: { iflow: iflow.entry() } });
    const started = await other.logins.start('iflow', {});
    const answer = await other.logins.pages.callback('iflow', queryOf(iflow.book.grant(started.url, 'redirect').url));
    expect(other.stored).toMatchObject([{ isDisabled: true }]);
    expect(other.logins.pages.result(answer.headers['location']?.slice('/login/'.length) ?? '').body).toContain('Switched off until you confirm it');
    await other.close();
    await iflow.close();
  });
});

describe('the redirect port', () => {
  const open = async (started: StartedLogin): Promise<{ readonly path: string; readonly url: string }> => {
    const { url } = anthropic.book.grant(started.url);
    expect(started.redirect).toMatchObject({ uri: `http://localhost:${port}/callback`, isListening: true });
    return { path: `/callback?${queryOf(url)}`, url };
  };

  it('answers 303 to a clean address on itself, which says what was stored, then closes', async () => {
    const started = await world.logins.start('anthropic', {});
    const { path } = await open(started);
    const answer = await send(`http://127.0.0.1:${port}`, { path });
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toMatch(/^\/login\/[\da-f]{32}$/);
    expect(answer.headers.location).not.toContain(started.state);
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'content-security-policy': expect.stringMatching(strictPolicy) });
    const page = await send(`http://127.0.0.1:${port}`, { path: answer.headers.location ?? '' });
    expect(page.status).toBe(200);
    expect(page.body.toString()).toContain('claude (ann@example.com)');
    expect(page.body.toString()).toContain('/home/ann/.keyward/auth');
    await until('the port is closed', () => send(`http://127.0.0.1:${port}`, { path: '/' }).then(() => false, () => true));
  });

  it('is open on both loopback addresses, for GET and loopback names only', async () => {
    await world.logins.start('anthropic', {});
    const ask = async (host: string, wanted: Parameters<typeof send>[1]): Promise<number> => (await send(`http://127.0.0.1:${port}`, { ...wanted, headers: { host } })).status;
    expect((await fetch(`http://[::1]:${port}/callback?state=x`)).status).toBe(400);
    expect(await ask(`localhost:${port}`, { path: '/callback?state=x&code=x' })).toBe(400);
    expect(await ask(`localhost:${port}`, { path: '/callback', method: 'POST' })).toBe(405);
    expect(await ask(`localhost:${port}`, { path: '/elsewhere' })).toBe(404);
    expect(await ask('evil.example', { path: '/callback?state=x&code=x' })).toBe(421);
  });

  it.each(['127.0.0.1', '::1'])('taken on %s: the login says by whom, holds neither address, and is finished by pasting', async (host) => {
    const squatter = createServer().listen(port, host);
    await once(squatter, 'listening');
    const started = await world.logins.start('anthropic', {});
    expect(started.redirect?.isListening).toBe(false);
    if (process.platform === 'linux') expect(started.redirect?.obstacle).toMatch(new RegExp(`^port ${port} is in use by .+ \\(pid ${process.pid}\\)$`));
    const other = createServer().listen(port, host === '::1' ? '127.0.0.1' : '::1');
    await once(other, 'listening');
    other.close();
    const returned = parsePasted(anthropic.book.grant(started.url).url);
    if (!returned.ok) throw returned.error;
    await expect(world.logins.finish('anthropic', returned.value)).resolves.toMatchObject({ kind: 'done' });
    squatter.close();
    await once(squatter, 'close');
  });

  it('is shared by logins under way, and each browser gets its own', async () => {
    const first = await world.logins.start('anthropic', {});
    const second = await world.logins.start('anthropic', {});
    const [one, two] = [await open(first), await open(second)];
    expect((await send(`http://127.0.0.1:${port}`, { path: two.path })).status).toBe(303);
    expect(world.logins.statusOf(first.state)).toEqual({ kind: 'waiting' });
    expect((await send(`http://127.0.0.1:${port}`, { path: one.path })).status).toBe(303);
    expect(world.stored.length).toBe(2);
  });

  it('serves the callback of a login without a fixed port where no daemon does', async () => {
    const alone = createLoginWorld({ oauth: { codex: codex.entry() }, callbackBase: () => ({ url: `http://localhost:${port}`, isServed: false }) });
    const started = await alone.logins.start('codex', {});
    expect(started.redirect).toMatchObject({ uri: `http://localhost:${port}/codex/callback`, isListening: true });
    expect((await send(`http://127.0.0.1:${port}`, { path: `/codex/callback?${queryOf(codex.book.grant(started.url).url)}` })).status).toBe(303);
    await alone.close();
    const remote = createLoginWorld({ oauth: { codex: codex.entry() }, callbackBase: () => ({ url: 'https://keyward.example', isServed: false }) });
    expect((await remote.logins.start('codex', {})).redirect).toMatchObject({ isListening: false, obstacle: expect.stringContaining('https://keyward.example') });
    await remote.close();
  });
});

describe('nothing secret comes out', () => {
  it('no code, token, secret, verifier or state is in any log line, error, status or page', async () => {
    const canaries: string[] = [];
    const shown: string[] = [];
    const note = (answer: PageAnswer): void => void shown.push(answer.body, JSON.stringify(answer.headers));
    const states: string[] = [];
    const begin = async (provider: string): Promise<StartedLogin> => {
      const started = await world.logins.start(provider, {});
      states.push(started.state);
      return started;
    };
    // Done, by redirect.
    const done = await callback('codex', codex.book.grant((await begin('codex')).url).url);
    note(done);
    note(world.logins.pages.result(done.headers['location']?.slice('/login/'.length) ?? ''));
    // Refused by a vendor that echoes all it was sent.
    const started = await begin('anthropic');
    const { state } = anthropic.book.grant(started.url);
    canaries.push('a-code-that-is-wrong');
    const failed = await world.logins.pages.callback('anthropic', `code=a-code-that-is-wrong&state=${state}`);
    note(failed);
    note(world.logins.pages.result(failed.headers['location']?.slice('/login/'.length) ?? ''));
    // Denied, with the state in the description.
    const denied = await begin('codex');
    note(await world.logins.pages.callback('codex', `error=access_denied&error_description=${encodeURIComponent(`no ${denied.state} <b>`)}&state=${denied.state}`));
    // Replayed, foreign, unknown, incomplete.
    for (const query of [`code=a-code-that-is-wrong&state=${state}`, `code=a-code-that-is-wrong&state=${denied.state}`, 'code=a-code-that-is-wrong&state=nobodys', 'code=a-code-that-is-wrong', `code=a-code-that-is-wrong&code=b&state=${state}`]) {
      note(await world.logins.pages.callback('codex', query));
      note(await world.logins.pages.callback('anthropic', query));
    }
    canaries.push(...codex.book.secrets(), ...anthropic.book.secrets(), ...states);
    const pages = shown.join('\n');
    shown.push(world.logText(), JSON.stringify(world.logins.sessions().map(({ status }) => status)));
    const text = shown.join('\n');
    expect(canaries.length).toBeGreaterThanOrEqual(8);
    expect(canaries.filter((canary) => text.includes(canary))).toEqual([]);
    expect(pages).toContain('<code>login_failed</code>');
    expect(pages).not.toContain('<b>');
  });
});
