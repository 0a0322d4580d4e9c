import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../support/ask.ts';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

const candidates = { candidates: [{ content: { role: 'model', parts: [{ text: 'hi' }] }, finishReason: 'STOP' }] };
const clientKey = 'sk-client-0123456789abcdef';
let upstream: ScriptedUpstream;

beforeAll(async () => {
  upstream = await startScriptedUpstream((_, res) => answerJson(res, 200, candidates));
});
afterAll(() => upstream.close());

const start = (more: string): Promise<RunningDaemon> =>
  startDaemon({
    config: `api-keys: ["${clientKey}"]
gemini-api-key:
  - { api-key: "AIzaSy-of-team-a-0123456789", prefix: "team-a", base-url: "${upstream.url}" }
  - { api-key: "AIzaSy-of-team-b-0123456789", prefix: "team-b", base-url: "${upstream.url}" }
  - { api-key: "AIzaSy-of-everybody-01234567", base-url: "${upstream.url}" }
${more}`,
  });

/** The key and path that the upstream saw for one call of `model`; the status alone when it saw none. */
async function called(daemon: RunningDaemon, model: string): Promise<{ readonly status: number; readonly key?: unknown; readonly url?: string }> {
  const before = upstream.seen.length;
  const { status } = await ask(daemon.url, `/v1beta/models/${model}:generateContent`, { key: clientKey, json: { contents: [] } });
  const seen = upstream.seen[before];
  return seen === undefined ? { status } : { status, key: seen.headers['x-goog-api-key'], url: seen.url };
}

const times = Array.from({ length: 6 }, (_, index) => index);

describe('a prefix: "team-a" requires "team-a/model-name"', () => {
  it('team-a/m reaches only the key of team-a, with the prefix cut off upstream', async () => {
    const daemon = await start('');
    try {
      for (const _ of times) expect(await called(daemon, 'team-a/gemini-2.5-flash')).toEqual({ status: 200, key: 'AIzaSy-of-team-a-0123456789', url: '/v1beta/models/gemini-2.5-flash:generateContent' });
      expect(await called(daemon, 'team-b/gemini-2.5-flash')).toMatchObject({ key: 'AIzaSy-of-team-b-0123456789' });
      expect(await called(daemon, 'team-c/gemini-2.5-flash')).toEqual({ status: 404 });
    } finally {
      await daemon.stop();
    }
  });

  it('plain m goes to every key unless force-model-prefix, which keeps it to those without a prefix', async () => {
    for (const [force, expected] of [
      [false, 3],
      [true, 1],
    ] as const) {
      const daemon = await start(`force-model-prefix: ${force}\n`);
      try {
        const keys = new Set<unknown>();
        for (const _ of times) keys.add((await called(daemon, 'gemini-2.5-flash')).key);
        expect(keys.size).toBe(expected);
        expect(keys).toContain('AIzaSy-of-everybody-01234567');
      } finally {
        await daemon.stop();
      }
    }
  });

  it('the model lists show the prefixed names', async () => {
    const daemon = await start('force-model-prefix: true\n');
    try {
      const { text } = await ask(daemon.url, '/v1/models', { key: clientKey });
      expect(text).toContain('"team-a/gemini-2.5-flash"');
      expect(text).toContain('"gemini-2.5-flash"');
    } finally {
      await daemon.stop();
    }
  });
});
