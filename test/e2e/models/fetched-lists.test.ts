import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, memberOf } from '../../support/ask.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { until } from '../../support/until.ts';

const key = 'sk-client-0123456789abcdef';
let upstream: ScriptedUpstream;
let daemon: RunningDaemon | undefined;

beforeEach(async () => {
  upstream = await startScriptedUpstream((_seen, res) => answerJson(res, 200, { object: 'list', data: [{ id: 'llama3:8b' }, { id: 'qwen3:4b' }] }));
});
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
  await upstream.close();
});

async function start(more = ''): Promise<RunningDaemon> {
  daemon = await startDaemon({ config: `api-keys: ["${key}"]\nopenai-compatibility:\n  - name: local\n    base-url: "${upstream.url}/v1"\n${more}` });
  return daemon;
}

async function idsAt({ url }: RunningDaemon, path = '/v1/models', headers: Readonly<Record<string, string>> = {}): Promise<readonly unknown[]> {
  const { json } = await ask(url, path, { key, headers });
  const list = memberOf(json, 'data') ?? memberOf(json, 'models');
  return Array.isArray(list) ? list.map((model: unknown) => memberOf(model, 'id') ?? memberOf(model, 'name')) : [];
}

describe('the models of an endpoint that names none in the config', () => {
  it('are in the first list, in every form, and nobody asks before that', async () => {
    const running = await start();
    expect(upstream.seen).toEqual([]);
    expect(await idsAt(running)).toEqual(['llama3:8b', 'qwen3:4b']);
    expect(await idsAt(running, '/v1/models', { 'anthropic-version': '2023-06-01' })).toEqual(['llama3:8b', 'qwen3:4b']);
    expect(await idsAt(running, '/v1beta/models')).toEqual(['models/llama3:8b', 'models/qwen3:4b']);
    expect(upstream.seen.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /v1/models']);
  });

  it('delay neither the start nor requests while their upstream hangs, and the list by two seconds at most', async () => {
    upstream.setScript((seen, res) => {
      if (seen.method === 'POST') answerJson(res, 200, { id: 'chatcmpl-1', object: 'chat.completion', choices: [] });
    });
    const running = await start();
    const startedMs = performance.now();
    const listed = idsAt(running);
    await until('the upstream is asked', () => upstream.seen.length === 1);
    const chat = await ask(running.url, '/v1/chat/completions', { key, json: { model: 'm', messages: [] } });
    expect([chat.status, performance.now() - startedMs < 1_500]).toEqual([200, true]);
    expect(await listed).toEqual([]);
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThan(1_500);
    expect(tookMs).toBeLessThan(4_000);
    const againMs = performance.now();
    await idsAt(running);
    expect(performance.now() - againMs).toBeLessThan(1_000);
    expect(upstream.seen.filter(({ method }) => method === 'GET')).toHaveLength(1);
  });

  it('stay known over a reload, and are gone when it says that nothing is to be fetched', async () => {
    const running = await start();
    await idsAt(running);
    upstream.setScript(() => undefined);
    const text = readFileSync(running.configPath, 'utf8');
    writeFileSync(running.configPath, `${text}    prefix: "here"\nforce-model-prefix: true\n`);
    await until('the prefix counts', async () => (await idsAt(running)).includes('here/llama3:8b'));
    expect(await idsAt(running)).toEqual(['here/llama3:8b', 'here/qwen3:4b']);
    expect(upstream.seen).toHaveLength(1);
    writeFileSync(running.configPath, `${text}    prefix: "here"\nmodel-list-refresh: 0\n`);
    await until('nothing is listed', async () => (await idsAt(running)).length === 0);
    expect(upstream.seen).toHaveLength(1);
  });

  it('do not hold up a stop', async () => {
    upstream.setScript(() => undefined);
    const running = await start();
    const listed = idsAt(running);
    await until('the upstream is asked', () => upstream.seen.length === 1);
    const startedMs = performance.now();
    expect(await Promise.all([running.stop(), listed])).toEqual([0, []]);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});
