import { renameSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onBusyMachine } from '../../support/busy-machine.ts';
import { ask } from '../../support/ask.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { send, type RawAnswer } from '../../support/raw-http.ts';
import { responseEvents } from '../../support/responses-events.ts';
import { answerEvents, chatEvents, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { openSocket } from '../../support/socket-client.ts';
import { until } from '../../support/until.ts';

/* Security rules 2 and 37 on the built daemon: when the door closes, what runs without a credential does not run on. */

const secret = 'management-secret-of-the-test';
let upstream: ScriptedUpstream;
let daemon: RunningDaemon | undefined;

beforeEach(async () => {
  upstream = await startScriptedUpstream((_, res) => answerEvents(res, chatEvents.slice(0, 1), false));
});
afterEach(async () => {
  await upstream.close();
  await daemon?.stop();
  daemon = undefined;
});

async function start(more = ''): Promise<RunningDaemon> {
  daemon = await startDaemon({ config: `${more}remote-management: { secret-key: "${secret}" }\nopenai-compatibility:\n  - { name: up, base-url: "${upstream.url}/v1", api-key-entries: [{ api-key: sk-up-0123456789abcdef }], models: [{ name: m }] }\n` });
  return daemon;
}
const chat = ({ url }: RunningDaemon): Promise<RawAnswer> => send(url, { method: 'POST', path: '/v1/chat/completions', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }) });
const begun = (count = 1): Promise<number> => until('the upstream was asked', () => upstream.seen.length >= count, 20_000);
const makeKey = async ({ url }: RunningDaemon): Promise<number> => (await ask(url, '/v0/management/client-keys', { method: 'POST', key: secret, json: { name: 'first' } })).status;
async function openTurn({ url }: RunningDaemon): Promise<Awaited<ReturnType<typeof openSocket>>> {
  upstream.setScript((_, res) => answerEvents(res, responseEvents({ id: 'resp_1', text: 'one two' }).slice(0, 6), false));
  const client = await openSocket(`${url}/v1/responses`, {});
  client.send({ type: 'response.create', model: 'm', store: false, input: 'hello' });
  return client;
}

describe('rule 2: exchanges that were begun without a credential', () => {
  it('end within 50 ms of the first managed key, and so do sockets with the turns on them', onBusyMachine, async () => {
    const running = await start();
    const answer = chat(running);
    await begun();
    const client = await openTurn(running);
    await begun(2);
    expect(await makeKey(running)).toBe(201);
    expect(await until('both upstreams are left', () => upstream.left.length === 2)).toBeLessThan(50);
    const { isComplete, body } = await answer;
    expect([isComplete, body.toString()]).toEqual([false, expect.stringContaining('"code":"missing_api_key"')]);
    expect(await client.closed()).toMatchObject({ code: 1008, reason: 'missing_api_key' });
  });

  it('end when the file gets a key', async () => {
    const running = await start();
    const answer = chat(running);
    await begun();
    writeFileSync(`${running.configPath}.new`, `${readFileSync(running.configPath, 'utf8')}api-keys: [sk-new-0123456789abcdef]\n`, { mode: 0o600 });
    renameSync(`${running.configPath}.new`, running.configPath);
    expect((await answer).body.toString()).toContain('missing_api_key');
  });

  it('on a socket go on where `ws-auth: false` says so', async () => {
    const running = await start('ws-auth: false\n');
    const answer = chat(running);
    await begun();
    const client = await openTurn(running);
    await begun(2);
    await makeKey(running);
    expect((await answer).body.toString()).toContain('missing_api_key');
    await makeKey(running);
    expect(upstream.left.length).toBe(1);
    await client.close();
  });
});
