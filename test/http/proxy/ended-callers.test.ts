import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onBusyMachine } from '../../support/busy-machine.ts';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import type { Principal } from '../../../internal/clients/principal.ts';
import { AppError } from '../../../internal/fault/app-error.ts';
import { configOf } from '../../support/config.ts';
import { createFakeKeeper } from '../../support/fake-keeper.ts';
import { startProxyRig, type ProxyRig } from '../../support/proxy-rig.ts';
import { send, type RawAnswer } from '../../support/raw-http.ts';
import { answerEvents, chatEvents, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { until } from '../../support/until.ts';

/* A caller who loses his right while he is served: nothing more reaches him but why, and the upstream is left at once. */

const principal: Principal = { id: 'ck_a', kind: 'managed-key', label: 'a', holders: [{ id: 'ck_a', grant: {} }, { id: 'ck_minter', grant: {} }] };
let upstream: ScriptedUpstream;
let rig: ProxyRig;

beforeEach(async () => {
  upstream = await startScriptedUpstream((_, res) => answerEvents(res, chatEvents.slice(0, 1), false));
  const config = { 'openai-compatibility': [{ name: 'up', 'base-url': `${upstream.url}/v1`, 'api-key-entries': [{ 'api-key': 'sk-upstream-0123456789' }], models: [{ name: 'm' }] }] };
  rig = await startProxyRig({ accounts: accountsFromConfig(configOf(config)).accounts, tokens: createFakeKeeper(), config, principal });
});
afterEach(async () => {
  await rig.close();
  await upstream.close();
});

const revoke = (id = 'ck_a'): number => rig.running.review(({ holders = [] }) => (holders.some((holder) => holder.id === id) ? new AppError('key_revoked') : undefined));
const ask = (path: string, body: object): Promise<RawAnswer> => send(rig.url, { method: 'POST', path, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const message = { model: 'm', stream: true, max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };
const settledOnce = (): Promise<number> => until('the exchange is settled', () => rig.settled.length === 1);

describe('a caller whose right ends while it is served', () => {
  it.each([
    ['as it comes', '/v1/chat/completions', message, /data: \{"error":\{"message":"This key was revoked\.","type":"authentication_error","code":"key_revoked"/],
    ['translated for Anthropic’s client', '/v1/messages', message, /event: error\ndata: \{"type":"error","error":\{"type":"authentication_error","message":"This key was revoked\."/],
    ['translated for a Responses client', '/v1/responses', { model: 'm', stream: true, input: 'hi' }, /"code":"key_revoked"|This key was revoked/],
    ['translated for Gemini’s client', '/v1beta/models/m:streamGenerateContent?alt=sse', { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }, /This key was revoked/],
  ])('a stream %s ends in the dialect’s error event and a cut, and the upstream is left within 50 ms', onBusyMachine, async (_, path, body, expected) => {
    const answer = ask(path, body);
    await until('the stream has begun', () => upstream.seen.length === 1);
    await until('bytes are on their way', async () => {
      rig.clock.advance(300);
      await new Promise((next) => setTimeout(next, 20));
      return true;
    });
    expect(revoke()).toBe(1);
    expect(await until('the upstream is left', () => upstream.left.length === 1)).toBeLessThan(50);
    const { status, body: text, isComplete } = await answer;
    expect([status, isComplete]).toEqual([200, false]);
    expect(text.toString()).toMatch(expected);
    await settledOnce();
    expect(rig.settled).toMatchObject([{ outcome: 'key_revoked', failed: true, clientId: 'ck_a' }]);
    expect(rig.settled[0]?.tokens.output).toBeGreaterThan(0);
  });

  it('an answer that has not begun is a 401 in its place', async () => {
    upstream.setScript(() => undefined);
    const answer = ask('/v1/chat/completions', { ...message, stream: false });
    await until('the upstream was asked', () => upstream.seen.length === 1);
    revoke();
    expect(await answer).toMatchObject({ status: 401, isComplete: true });
    expect(JSON.parse((await answer).body.toString())).toMatchObject({ error: { code: 'key_revoked' } });
    await until('the upstream is left', () => upstream.left.length === 1);
    await settledOnce();
    expect(rig.settled).toMatchObject([{ outcome: 'key_revoked', status: 401 }]);
  });

  it('no other account is tried after it, and none is blamed for it', async () => {
    upstream.setScript(() => undefined);
    const answer = ask('/v1/chat/completions', message);
    await until('the upstream was asked', () => upstream.seen.length === 1);
    revoke();
    await answer;
    await settledOnce();
    expect(upstream.seen.length).toBe(1);
    expect(rig.router.states(rig.table).every(({ models }) => models.length === 0)).toBe(true);
  });

  it('one who is still sending is answered without waiting for the rest, and nothing goes upstream', async () => {
    const socket = connect(Number(new URL(rig.url).port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"model":');
    await until('the exchange has begun', () => revoke() === 1);
    await until('it is answered', () => text.includes('key_revoked'));
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    socket.destroy();
    await settledOnce();
    expect(upstream.seen.length).toBe(0);
  });

  it('the end of its minter is its own, and other callers go on', async () => {
    const answer = ask('/v1/chat/completions', message);
    await until('the stream has begun', () => upstream.seen.length === 1);
    expect([revoke('ck_other'), revoke('ck_minter')]).toEqual([0, 1]);
    expect((await answer).body.toString()).toContain('key_revoked');
  });

  it('of 1,000 in flight every one is ended, once, and none is left behind', async () => {
    upstream.setScript((_, res) => answerEvents(res, chatEvents.slice(0, 1), false));
    const answers = Array.from({ length: 1_000 }, (_, index) => ask('/v1/chat/completions', { ...message, stream: index % 2 === 0 }));
    await until('all are in flight', () => upstream.seen.length === 1_000, 20_000);
    const startedMs = performance.now();
    expect(revoke()).toBe(1_000);
    // Ended, as far as it lies with the daemon: what the kernel still has to carry is not counted.
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(revoke()).toBe(0);
    for (const { status, isComplete, body } of await Promise.all(answers)) {
      expect(body.toString()).toContain('key_revoked');
      expect([[200, false], [401, true]]).toContainEqual([status, isComplete]);
    }
    await until('all are settled', () => rig.settled.length === 1_000);
    expect(new Set(rig.settled.map(({ outcome }) => outcome))).toEqual(new Set(['key_revoked']));
  }, 60_000);
});
