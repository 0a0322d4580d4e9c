import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { send } from '../../support/raw-http.ts';
import { answerEvents, answerJson, chatCompletion, chatEvents, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

const key = 'sk-client-0123456789abcdef';
const upstreamKey = 'sk-upstream-0123456789abcdef';
const running: RunningDaemon[] = [];
let upstream: ScriptedUpstream;
beforeEach(async () => {
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, chatCompletion));
});
afterEach(async () => {
  for (const daemon of running.splice(0)) await daemon.stop();
  await upstream.close();
});

async function start(settings: string): Promise<RunningDaemon> {
  const daemon = await startDaemon({
    config: `api-keys: ["${key}"]
disable-cooling: true
openai-compatibility: [{ name: up, base-url: "${upstream.url}/v1", api-key-entries: [{ api-key: "${upstreamKey}" }], models: [{ name: m }] }]
${settings}`,
  });
  running.push(daemon);
  return daemon;
}

const ask = (daemon: RunningDaemon, body: object = {}, headers: Record<string, string> = {}) =>
  send(daemon.url, { method: 'POST', path: '/v1/chat/completions', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers }, body: JSON.stringify({ model: 'm', messages: [], ...body }) });
const codeOf = (text: Buffer): unknown => JSON.parse(text.toString()).error.code;

describe('upstream timeouts', () => {
  it('an upstream that does not begin its answer is 504 upstream_timeout', async () => {
    const daemon = await start('upstream-headers-timeout: 200ms\n');
    upstream.setScript(() => undefined);
    const answer = await ask(daemon);
    expect([answer.status, codeOf(answer.body)]).toEqual([504, 'upstream_timeout']);
    await expect.poll(() => upstream.abortCount()).toBeGreaterThan(0);
  });

  it('a stream that falls silent ends in an error event and a broken connection', async () => {
    const daemon = await start('upstream-idle-timeout: 200ms\n');
    upstream.setScript((_, res) => answerEvents(res, chatEvents.slice(0, 1), false));
    const answer = await ask(daemon, { stream: true });
    expect([answer.status, answer.isComplete]).toEqual([200, false]);
    expect(answer.body.toString()).toContain('"code":"');
    expect(answer.body.toString()).not.toContain('[DONE]');
  });
});

describe('max-open-exchanges', () => {
  it('one more than allowed is 503 overloaded with Retry-After, and passes once another has ended', async () => {
    const daemon = await start('max-open-exchanges: 1\n');
    let finishFirst = (): void => undefined;
    upstream.setScript((_, res) => {
      finishFirst = () => answerJson(res, 200, chatCompletion);
    });
    const first = ask(daemon);
    await expect.poll(() => upstream.seen.length).toBe(1);
    const second = await ask(daemon);
    expect([second.status, codeOf(second.body), second.headers['retry-after']]).toEqual([503, 'overloaded', '1']);
    finishFirst();
    expect((await first).status).toBe(200);
    upstream.setScript((_, res) => answerJson(res, 200, chatCompletion));
    expect((await ask(daemon)).status).toBe(200);
  });
});

describe('include-stream-usage', () => {
  it('asks for usage where the client did not, and changes nothing where it did or does not stream', async () => {
    const daemon = await start('include-stream-usage: true\n');
    upstream.setScript((seen, res) => (seen.body.includes('"stream":true') ? answerEvents(res, chatEvents) : answerJson(res, 200, chatCompletion)));
    const sent = async (body: object): Promise<unknown> => {
      await ask(daemon, body);
      return JSON.parse(upstream.seen.at(-1)?.body.toString() ?? '').stream_options;
    };
    expect(await sent({ stream: true })).toEqual({ include_usage: true });
    expect(await sent({ stream: true, stream_options: { include_usage: false } })).toEqual({ include_usage: false });
    expect(await sent({})).toBeUndefined();
  });
});

describe('what is written to data-dir/logs', () => {
  it('`logging-to-file` and `request-log` write files of mode 0600 that hold the exchange and no key', async () => {
    const daemon = await start('logging-to-file: true\nrequest-log: true\n');
    await ask(daemon, { messages: [{ role: 'user', content: 'a question' }] }, { 'x-request-id': 'asked-1' });
    const folder = join(daemon.folder, 'data/logs');
    const texts = (): readonly string[] => readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    await expect.poll(() => texts().filter((text) => text.includes('asked-1')).length).toBe(2);
    expect(texts().some((text) => text.includes('a question'))).toBe(true);
    expect(readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual(readdirSync(folder).map(() => 0o600));
    for (const secret of [key, upstreamKey]) expect(texts().join('\n')).not.toContain(secret);
  });

  it('by default nothing is written there', async () => {
    const daemon = await start('');
    await ask(daemon);
    expect(readdirSync(join(daemon.folder, 'data/logs'))).toEqual([]);
  });
});
