import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { answerJson, chatCompletion, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { until } from '../../support/until.ts';

let upstream: ScriptedUpstream;

beforeAll(async () => {
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, chatCompletion));
});
afterAll(() => upstream.close());

const entry = (): string => `openai-compatibility:\n  - { name: up, base-url: "${upstream.url}/v1", models: [{ name: m }] }\n`;
const paths = [
  ['/v1/models', {}],
  ['/v1beta/models', {}],
  ['/v1/chat/completions', { json: { model: 'm', messages: [] } }],
] as const;

async function statuses(daemon: RunningDaemon, key?: string): Promise<readonly number[]> {
  return Promise.all(paths.map(async ([path, question]) => (await ask(daemon.url, path, { ...question, ...(key === undefined ? {} : { key }) })).status));
}

describe.each([
  ['api-keys: []', 'api-keys: []\n'],
  ['no api-keys section', ''],
])('no authentication mode: with %s', (_, keys) => {
  it('all requests pass without a key, and adding one asks for it without a restart', async () => {
    const daemon = await startDaemon({ config: `${keys}${entry()}` });
    try {
      expect(await statuses(daemon)).toEqual([200, 200, 200]);
      expect(await statuses(daemon, 'any-key-at-all')).toEqual([200, 200, 200]);

      const text = readFileSync(daemon.configPath, 'utf8');
      writeFileSync(daemon.configPath, `${text.replace(keys, '')}api-keys: ["sk-added-0123456789"]\n`);
      await until('the added key is asked for', async () => (await ask(daemon.url, '/v1/models')).status === 401, 2_000);
      expect(await statuses(daemon)).toEqual([401, 401, 401]);
      expect(await statuses(daemon, 'sk-added-0123456789')).toEqual([200, 200, 200]);
      expect(daemon.process.exitCode).toBeNull();
    } finally {
      await daemon.stop();
    }
  });
});
