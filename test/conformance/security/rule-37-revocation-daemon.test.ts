import { renameSync, readFileSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onBusyMachine } from '../../support/busy-machine.ts';
import { createManagedKeyStoreOn, type OtherProcess } from '../../support/other-process.ts';
import { ask, memberOf, type Asked } from '../../support/ask.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { send, type RawAnswer } from '../../support/raw-http.ts';
import { responseEvents } from '../../support/responses-events.ts';
import { answerEvents, chatEvents, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { openSocket } from '../../support/socket-client.ts';
import { until } from '../../support/until.ts';

/* Security rule 37 on the built daemon: ≤ 50 ms here, ≤ 1 s by another process, ≤ 2 s for file edits; streams and sockets too. */

const secret = 'management-secret-of-the-test';
const staticKey = 'sk-static-0123456789abcdef';
let upstream: ScriptedUpstream;
let daemon: RunningDaemon;
let other: OtherProcess | undefined;

beforeEach(async () => {
  upstream = await startScriptedUpstream((_, res) => answerEvents(res, chatEvents.slice(0, 1), false));
  daemon = await startDaemon({ config: `api-keys: ["${staticKey}", "sk-stays-0123456789abcdef"]\nremote-management: { secret-key: "${secret}" }\nopenai-compatibility:\n  - { name: up, base-url: "${upstream.url}/v1", api-key-entries: [{ api-key: sk-up-0123456789abcdef }], models: [{ name: m }] }\n` });
});
afterEach(async () => {
  other?.close();
  other = undefined;
  // What still runs would keep the daemon from stopping.
  await upstream.close();
  await daemon.stop();
});

const manage = (method: string, path: string, json?: unknown): Promise<Asked> => ask(daemon.url, `/v0/management/client-keys${path}`, { method, key: secret, ...(json === undefined ? {} : { json }) });
const textAt = (value: unknown, name: string): string => String(memberOf(value, name));
async function makeKey(more: object = {}): Promise<{ readonly id: string; readonly key: string }> {
  const { status, json } = await manage('POST', '', { name: 'test', ...more });
  expect(status).toBe(201);
  return { id: textAt(json, 'id'), key: textAt(json, 'key') };
}
const chat = (key: string, stream = true): Promise<RawAnswer> =>
  send(daemon.url, { method: 'POST', path: '/v1/chat/completions', headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` }, body: JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: 'hi' }] }) });
const begun = (count = 1): Promise<number> => until('the upstream was asked', () => upstream.seen.length >= count, 20_000);
const models = async (key: string): Promise<string> => {
  const { status, code } = await ask(daemon.url, '/v1/models', { key });
  return `${status} ${code}`.trim();
};

describe('a managed key that is revoked', () => {
  it('is refused on the next request, and its stream and its upstream end within 50 ms', onBusyMachine, async () => {
    const { id, key } = await makeKey();
    const answer = chat(key);
    await begun();
    expect((await manage('POST', `/${id}/revoke`)).status).toBe(200);
    expect(await until('the upstream is left', () => upstream.left.length === 1)).toBeLessThan(50);
    expect(await models(key)).toBe('401 key_revoked');
    const { isComplete, body } = await answer;
    expect(isComplete).toBe(false);
    expect(body.toString()).toContain('"code":"key_revoked"');
  });

  it('closes its sockets with 1008 within 50 ms, and the turn on them', onBusyMachine, async () => {
    upstream.setScript((_, res) => answerEvents(res, responseEvents({ id: 'resp_1', text: 'one two' }).slice(0, 6), false));
    const { id, key } = await makeKey();
    const client = await openSocket(`${daemon.url}/v1/responses`, { headers: { authorization: `Bearer ${key}` } });
    client.send({ type: 'response.create', model: 'm', store: false, input: 'hello' });
    await begun();
    await manage('POST', `/${id}/revoke`);
    const startedMs = performance.now();
    expect(await client.closed()).toMatchObject({ code: 1008, reason: 'key_revoked' });
    expect(performance.now() - startedMs).toBeLessThan(50);
    await until('the turn is ended upstream', () => upstream.abortCount() === 1, 1_000);
  });

  it('takes what it has minted along, streams too', async () => {
    const minter = await makeKey();
    const child = await makeKey({ minter: minter.id });
    const answer = chat(child.key);
    await begun();
    await manage('POST', `/${minter.id}/revoke`);
    expect((await answer).body.toString()).toContain('key_revoked');
    expect(await models(child.key)).toBe('401 key_revoked');
  });

  it('1,000 in flight at T: none admitted after T, all ended, nothing resurrected', async () => {
    const { id, key } = await makeKey();
    const stays = await makeKey();
    const answers = Array.from({ length: 1_000 }, (_, index) => chat(key, index % 2 === 0));
    await begun(1_000);
    let revokedAtMs = Infinity;
    // Asking goes on without a pause before, at and after T.
    const askedLate: Promise<{ readonly startedMs: number; readonly told: string }>[] = [];
    const asking = setInterval(() => {
      const startedMs = performance.now();
      askedLate.push(models(key).then((told) => ({ startedMs, told })));
    }, 2);
    await new Promise((next) => setTimeout(next, 50));
    await manage('POST', `/${id}/revoke`);
    revokedAtMs = performance.now();
    const seenAtT = upstream.seen.length;
    for (const { body } of await Promise.all(answers)) expect(body.toString()).toContain('key_revoked');
    await new Promise((next) => setTimeout(next, 700));
    clearInterval(asking);
    const late = (await Promise.all(askedLate)).filter(({ startedMs }) => startedMs > revokedAtMs);
    expect(late.length).toBeGreaterThan(5);
    expect(new Set(late.map(({ told }) => told))).toEqual(new Set(['401 key_revoked']));
    expect(upstream.seen.length).toBe(seenAtT);
    await until('every upstream is left', () => upstream.left.length === 1_000);
    expect(await models(stays.key)).toBe('200');
  }, 60_000);

  it('by another process on the same data is refused within 1 s, its stream with it', async () => {
    const { id, key } = await makeKey();
    const answer = chat(key);
    await begun();
    other = createManagedKeyStoreOn(join(daemon.folder, 'data', 'state', 'keyward.db'));
    other.revoke(id);
    expect(await until('it is refused', async () => (await models(key)) === '401 key_revoked')).toBeLessThan(1_000);
    expect((await answer).body.toString()).toContain('key_revoked');
  });
});

describe('a managed key that expires', () => {
  it('is refused from that instant on; an answer that is on its way is not cut, whatever else is written', async () => {
    const { key } = await makeKey({ expires_in: '1s' });
    const answer = chat(key);
    await begun();
    await until('it has expired', async () => (await models(key)) === '401 key_expired');
    await makeKey();
    await manage('GET', '');
    expect(upstream.left.length).toBe(0);
    void answer.catch(() => undefined);
  });
});

describe('a static key that is taken out of the file', () => {
  it('ends its streams within 2 s, and others go on', async () => {
    const gone = chat(staticKey);
    const stays = chat('sk-stays-0123456789abcdef');
    await begun(2);
    const startedMs = performance.now();
    writeFileSync(`${daemon.configPath}.new`, readFileSync(daemon.configPath, 'utf8').replace(`"${staticKey}", `, ''), { mode: 0o600 });
    renameSync(`${daemon.configPath}.new`, daemon.configPath);
    expect((await gone).body.toString()).toContain('key_revoked');
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    await until('one upstream is left', () => upstream.left.length === 1);
    expect(await models(staticKey)).toBe('401 invalid_api_key');
    await manage('GET', '');
    expect(upstream.left.length).toBe(1);
    void stays.catch(() => undefined);
  });

  it('goes on under the same name, and without a break, when it was imported first', async () => {
    const running = chat(staticKey);
    await begun();
    const imported = await manage('POST', '/import', { from: 'api-keys' });
    expect(imported.status).toBe(201);
    expect(readFileSync(daemon.configPath, 'utf8')).toContain('api-keys: []');
    expect(readFileSync(daemon.configPath, 'utf8')).toMatch(/^client-auth: "?required"?$/m);
    expect(await models(staticKey)).toBe('200');
    expect(await models('sk-other-0123456789abcdef')).toBe('401 invalid_api_key');
    await manage('GET', '');
    expect(upstream.left.length).toBe(0);
    const keys = memberOf(imported.json, 'imported');
    const [first] = Array.isArray(keys) ? keys : [];
    await manage('POST', `/${textAt(first, 'id')}/revoke`);
    expect((await running).body.toString()).toContain('key_revoked');
    expect(existsSync(join(daemon.folder, 'data', 'state', 'client-auth-required'))).toBe(true);
  });
});
