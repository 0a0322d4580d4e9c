import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { responseEvents } from '../../support/responses-events.ts';
import { ann, bob, startResponsesRig, user, type ResponsesRig } from '../../support/responses-rig.ts';
import { answerEvents } from '../../support/scripted-upstream.ts';
import { isEnd, openSocket } from '../../support/socket-client.ts';
import { startSocketUpstream } from '../../support/socket-upstream.ts';
import { until } from '../../support/until.ts';

let rig: ResponsesRig;
afterEach(() => rig.stop());

const create = { type: 'response.create', model: 'm', store: false, input: [user('hello')] };

/** Takes a key out of the file, as an editor that renames over it would. */
function editOut(key: string): void {
  const path = rig.daemon.configPath;
  writeFileSync(`${path}.new`, readFileSync(path, 'utf8').replace(`"${key}", `, ''), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

describe('a key that is taken back', () => {
  it('in the file closes its sockets with 1008 within 2 s, and their turns; others live on', async () => {
    rig = await startResponsesRig();
    rig.upstream.setScript((_seen, res) => answerEvents(res, responseEvents({ id: 'resp_long', text: 'one two' }).slice(0, 6), false));
    const idle = await rig.open(ann);
    const busy = await rig.open(ann);
    const other = await rig.open(bob);
    busy.send(create);
    await busy.next('response.output_text.delta');
    const startedMs = performance.now();
    editOut(ann);
    expect(await idle.closed(3_000)).toEqual({ code: 1008, reason: 'invalid_api_key' });
    expect(await busy.closed(3_000)).toMatchObject({ code: 1008 });
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    await until('the turn is ended upstream', () => rig.upstream.abortCount() === 1, 500);
    rig.answerEach();
    other.send(create);
    expect(await other.next(isEnd)).toMatchObject({ type: 'response.completed' });
    await expect(rig.open(ann)).rejects.toThrow(/^401 /);
  });

  it('by the management API closes its sockets with 1008 within 1 s', async () => {
    rig = await startResponsesRig();
    const gone = await rig.open(ann);
    const kept = await rig.open(bob);
    const startedMs = performance.now();
    const removed = await rig.manage('/api-keys?index=0', { method: 'DELETE' });
    expect(removed.status).toBe(200);
    expect(await gone.closed(2_000)).toEqual({ code: 1008, reason: 'invalid_api_key' });
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    rig.answerEach();
    kept.send(create);
    expect(await kept.next(isEnd)).toMatchObject({ type: 'response.completed' });
  });

  it('closes realtime sessions too, and their upstreams', async () => {
    const upstream = await startSocketUpstream();
    rig = await startResponsesRig(`openai-compatibility:\n  - { name: rt, base-url: "${upstream.url}/v1", models: [{ name: voice }] }\n`);
    const client = await openSocket(`${rig.daemon.url}/v1/realtime?model=voice`, { headers: { authorization: `Bearer ${ann}` } });
    await rig.manage('/api-keys?index=0', { method: 'DELETE' });
    expect(await client.closed(1_000)).toEqual({ code: 1008, reason: 'invalid_api_key' });
    await until('the upstream is let go', () => upstream.sockets[0]?.closed() !== undefined);
    await upstream.close();
  });

  it('is no matter of a reload that leaves it there', async () => {
    rig = await startResponsesRig();
    rig.answerEach();
    const client = await rig.open(ann);
    await rig.manage('/request-retry', { method: 'PUT', body: '{"value":1}' });
    await rig.manage('/api-keys?index=1', { method: 'DELETE' });
    await new Promise((next) => setTimeout(next, 1_200));
    client.send(create);
    expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed' });
  });
});
