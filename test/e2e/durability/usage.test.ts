import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ask, memberOf } from '../../support/ask.ts';
import { makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { startLoad, type Load } from '../../support/load.ts';
import { answerEvents, answerJson, chatCompletion, chatEvents, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { until } from '../../support/until.ts';

const clientKey = 'sk-client-0123456789abcdef';
const secret = 'management-secret-for-tests';
/** Of each answer of the upstream. */
const tokensEach = chatCompletion.usage.total_tokens;
let upstream: ScriptedUpstream;
let folder: string;

beforeAll(async () => {
  upstream = await startScriptedUpstream((seen, res) => {
    if (seen.body.includes('"stream":true')) answerEvents(res, chatEvents);
    else answerJson(res, 200, chatCompletion);
  });
});
afterAll(() => upstream.close());
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => rmSync(folder, { recursive: true }));

const start = (): Promise<RunningDaemon> =>
  startDaemon({ folder, config: `api-keys: ["${clientKey}"]\nremote-management:\n  secret-key: "${secret}"\nopenai-compatibility:\n  - { name: up, base-url: "${upstream.url}/v1", models: [{ name: m }] }\n` });
const load = (daemon: RunningDaemon, clientCount: number): Load => startLoad({ url: daemon.url, key: clientKey, model: 'm', clientCount, plainAnswer: JSON.stringify(chatCompletion), streamedAnswer: chatEvents.join('') });

interface Totals {
  readonly requests: number;
  readonly tokens: number;
  /** Those requests that failed: clients that went away as the daemon was killed. */
  readonly failed: number;
}

async function totalsOf(daemon: RunningDaemon): Promise<Totals> {
  const usage = memberOf((await ask(daemon.url, '/v0/management/usage', { key: secret })).json, 'usage');
  return { requests: Number(memberOf(usage, 'total_requests')), tokens: Number(memberOf(usage, 'total_tokens')), failed: Number(memberOf(usage, 'failure_count')) };
}

describe('usage survives', () => {
  it('kill -9 under load: no more than the last second of answered requests is lost, nothing is counted twice, and the store opens again', async () => {
    const seenBefore = upstream.seen.length;
    const daemon = await start();
    const clients = load(daemon, 16);
    await until('the load has run for a while', () => (clients.answeredAtMs.at(-1) ?? 0) - (clients.answeredAtMs[0] ?? 0) > 2_500);
    const killedAtMs = performance.now();
    daemon.process.kill('SIGKILL');
    await once(daemon.process, 'exit');
    const answered = clients.answeredAtMs.length;
    await clients.stop();
    const seen = upstream.seen.length - seenBefore;

    const mustBeKept = clients.answeredAtMs.filter((atMs) => atMs <= killedAtMs - 1_000).length;
    expect(mustBeKept).toBeGreaterThan(200);
    expect(answered).toBeGreaterThan(mustBeKept);
    const next = await start();
    try {
      const totals = await totalsOf(next);
      expect(totals.requests).toBeGreaterThanOrEqual(mustBeKept);
      expect(totals.requests).toBeLessThanOrEqual(seen);
      expect(totals.tokens).toBe((totals.requests - totals.failed) * tokensEach);
      await ask(next.url, '/v1/chat/completions', { key: clientKey, json: { model: 'm' } });
      expect(await totalsOf(next)).toEqual({ ...totals, requests: totals.requests + 1, tokens: totals.tokens + tokensEach });
    } finally {
      await next.stop();
    }
  }, 40_000);

  it('SIGTERM and a new start: every single request is counted', async () => {
    const first = await start();
    const clients = load(first, 8);
    await until('some hundred answers', () => clients.answeredAtMs.length > 300);
    await clients.stop();
    expect(await first.stop()).toBe(0);

    const second = await start();
    try {
      const answered = clients.answeredAtMs.length;
      expect(clients.failures).toEqual([]);
      expect(await totalsOf(second)).toEqual({ requests: answered, tokens: answered * tokensEach, failed: 0 });
    } finally {
      await second.stop();
    }
  });
});
