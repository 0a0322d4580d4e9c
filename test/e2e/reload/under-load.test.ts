import { renameSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, memberOf } from '../../support/ask.ts';
import { configHead, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { startLoad } from '../../support/load.ts';
import { answerEvents, answerJson, chatCompletion, chatEvents, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { until } from '../../support/until.ts';

const clientKey = 'sk-client-0123456789abcdef';
const secret = 'management-secret-for-tests';
let upstream: ScriptedUpstream;
let daemon: RunningDaemon;

/** Version `n` of the file: keys, aliases, retry rounds and a second endpoint come and go. */
const configOf = (n: number): string => `api-keys: ["${clientKey}", "sk-other-${n}-0123456789"]
remote-management:
  secret-key: "${secret}"
request-retry: ${n % 100}
openai-compatibility:
  - { name: up, base-url: "${upstream.url}/v1", models: [{ name: m, alias: steady }, { name: m, alias: "alias-${n}" }] }
${n % 2 === 0 ? `  - { name: second, base-url: "${upstream.url}/v1", models: [{ name: m, alias: steady }] }\n` : ''}`;

beforeAll(async () => {
  upstream = await startScriptedUpstream((seen, res) => {
    if (seen.body.includes('"stream":true')) answerEvents(res, chatEvents);
    else answerJson(res, 200, chatCompletion);
  });
  daemon = await startDaemon({ config: configOf(0) });
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
});

const liveRetry = async (): Promise<unknown> => memberOf((await ask(daemon.url, '/v0/management/request-retry', { key: secret })).json, 'request-retry');

describe('hot reload under load', () => {
  it('100 reloads, by rename and in place by turns, fail none of the requests of 32 concurrent clients, plain and streamed', async () => {
    const load = startLoad({ url: daemon.url, key: clientKey, model: 'steady', clientCount: 32, plainAnswer: JSON.stringify(chatCompletion), streamedAnswer: chatEvents.join('') });
    for (let n = 1; n <= 100; n++) {
      const text = `${configHead}${configOf(n)}`;
      if (n % 2 === 0) {
        writeFileSync(`${daemon.configPath}.new`, text, { mode: 0o600 });
        renameSync(`${daemon.configPath}.new`, daemon.configPath);
      } else writeFileSync(daemon.configPath, text);
      daemon.process.kill('SIGHUP');
      await until(`version ${n} is live`, async () => (await liveRetry()) === n % 100);
    }
    const answeredBefore = load.answeredAtMs.length;
    await until('the load goes on', () => load.answeredAtMs.length > answeredBefore + 64);
    await load.stop();

    expect(load.failures).toEqual([]);
    expect(load.answeredAtMs.length).toBeGreaterThan(1_000);
    expect((await ask(daemon.url, '/v1/models', { key: 'sk-other-100-0123456789' })).text).toContain('"alias-100"');
    expect((await ask(daemon.url, '/v1/models', { key: 'sk-other-99-0123456789' })).status).toBe(401);
  }, 60_000);

  it('a stream that runs while its endpoint is taken out of the file is delivered whole', async () => {
    let finish = (): void => undefined;
    upstream.setScript((_, res) => {
      answerEvents(res, chatEvents.slice(0, 1), false);
      finish = () => {
        for (const event of chatEvents.slice(1)) res.write(event);
        res.end();
      };
    });
    const seenBefore = upstream.seen.length;
    const running = ask(daemon.url, '/v1/chat/completions', { key: clientKey, json: { model: 'steady', stream: true } });
    await until('the stream runs', () => upstream.seen.length > seenBefore);
    writeFileSync(daemon.configPath, `${configHead}api-keys: ["${clientKey}"]\nremote-management:\n  secret-key: "${secret}"\nrequest-retry: 55\n`);
    daemon.process.kill('SIGHUP');
    await until('the change is live', async () => (await liveRetry()) === 55);
    expect((await ask(daemon.url, '/v1/chat/completions', { key: clientKey, json: { model: 'steady' } })).code).toBe('model_not_found');
    finish();
    expect((await running).text).toBe(chatEvents.join(''));
  });
});
