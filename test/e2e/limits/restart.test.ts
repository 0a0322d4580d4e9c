import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { answerAny, askStream, askWhole, mintKey, startLimited } from '../../support/limited-daemon.ts';
import { startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { openSocket } from '../../support/socket-client.ts';
import { startSocketUpstream, type SocketUpstream } from '../../support/socket-upstream.ts';

let upstream: ScriptedUpstream;
let voice: SocketUpstream;
let folder: string;
let daemon: RunningDaemon;
beforeEach(async () => {
  upstream = await startScriptedUpstream(answerAny);
  voice = await startSocketUpstream();
  folder = makeFolder();
  daemon = await startLimited(upstream.url, voice.url, folder);
});
afterEach(async () => {
  await daemon.stop();
  await upstream.close();
  await voice.close();
  rmSync(folder, { recursive: true });
});

/** SIGKILL, once what was spent before is older than a second. */
async function killAndRestart(): Promise<void> {
  await setTimeout(1_050);
  daemon.process.kill('SIGKILL');
  await once(daemon.process, 'exit');
  daemon = await startDaemon({ folder });
}

it('what was spent a second before a kill -9 is still spent after it: requests, tokens and money, by day and month', async () => {
  const keys = await Promise.all([{ daily_budget: { requests: 2 } }, { monthly_budget: { requests: 2 } }, { daily_budget: { tokens: 14 } }, { monthly_budget: { cost: 0.014 } }].map((limits) => mintKey(daemon, limits)));
  const ways = [askWhole, askStream];
  for (const { key } of keys) for (const way of ways) expect(await way(daemon, key)).toBe('ok');
  await killAndRestart();
  const outcomes: string[] = [];
  for (const { key } of keys) outcomes.push(await askWhole(daemon, key));
  expect(outcomes).toEqual(['budget_exhausted daily_requests', 'budget_exhausted monthly_requests', 'budget_exhausted daily_tokens', 'budget_exhausted monthly_cost']);
});

it('what a realtime session had used is spent, though it had not ended', async () => {
  const { key } = await mintKey(daemon, { daily_budget: { tokens: 10_000 } });
  const headers = { authorization: `Bearer ${key}` };
  const client = await openSocket(`${daemon.url}/v1/realtime?model=voice`, { headers });
  voice.sockets[0]?.ws.send(JSON.stringify({ type: 'response.done', response: { usage: { input_tokens: 9_000, output_tokens: 999 } } }));
  await client.next('response.done');
  await killAndRestart();
  expect(await askWhole(daemon, key)).toBe('ok');
  expect(await askWhole(daemon, key)).toBe('budget_exhausted daily_tokens');
});
