import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { responseEvents } from '../../support/responses-events.ts';
import { ann, startResponsesRig, user, type ResponsesRig } from '../../support/responses-rig.ts';
import { isEnd, openSocket, type SocketClient } from '../../support/socket-client.ts';
import { startSocketUpstream } from '../../support/socket-upstream.ts';
import { until } from '../../support/until.ts';

let rig: ResponsesRig;
afterEach(() => rig.stop());

const create = { type: 'response.create', model: 'm', store: false, input: [user('hello')] };
const events = responseEvents({ id: 'resp_long', text: 'one two three' });

/** A turn that has begun and waits for the test. */
async function beginTurn(client: SocketClient): Promise<ServerResponse> {
  const { promise, resolve } = Promise.withResolvers<ServerResponse>();
  rig.upstream.setScript((_seen, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write(events.slice(0, 6).join(''));
    resolve(res);
  });
  client.send(create);
  await client.next('response.output_text.delta');
  return promise;
}

async function exitCode(): Promise<number | null> {
  const { process } = rig.daemon;
  if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
  return process.exitCode;
}

describe('SIGTERM', () => {
  it('lets a running turn finish, refuses new ones, closes with 1001, and the exit code is 0', async () => {
    rig = await startResponsesRig();
    const busy = await rig.open();
    const idle = await rig.open();
    const answer = await beginTurn(busy);
    busy.send({ ...create, input: 'waits' });
    rig.daemon.process.kill('SIGTERM');
    expect(await idle.closed(1_000)).toEqual({ code: 1001, reason: 'stopping' });
    expect(await busy.next('error')).toMatchObject({ status: 503, error: { code: 'overloaded' }, headers: { 'retry-after': '1' } });
    busy.send({ ...create, stream_id: 'new' });
    expect(await busy.next('error')).toMatchObject({ status: 503, stream_id: 'new', error: { code: 'overloaded' } });
    answer.end(events.slice(6).join(''));
    expect(await busy.next(isEnd)).toMatchObject({ type: 'response.completed', response: { id: 'resp_long' } });
    expect(await busy.closed()).toEqual({ code: 1001, reason: 'stopping' });
    expect(await exitCode()).toBe(0);
    expect(rig.upstream.seen).toHaveLength(1);
  });

  it('does not wait for a turn beyond shutdown-timeout', async () => {
    rig = await startResponsesRig('shutdown-timeout: 1s\n');
    const client = await rig.open();
    await beginTurn(client);
    const startedMs = performance.now();
    rig.daemon.process.kill('SIGTERM');
    expect(await client.closed(4_000)).toMatchObject({ code: 1001 });
    expect(await exitCode()).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    expect(performance.now() - startedMs).toBeGreaterThan(900);
  });

  it('ends realtime sessions at once, which have no end of their own', async () => {
    const upstream = await startSocketUpstream();
    rig = await startResponsesRig(`openai-compatibility:\n  - { name: rt, base-url: "${upstream.url}/v1", models: [{ name: voice }] }\n`);
    const client = await openSocket(`${rig.daemon.url}/v1/realtime?model=voice`, { headers: { authorization: `Bearer ${ann}` } });
    rig.daemon.process.kill('SIGTERM');
    expect(await client.closed(1_000)).toEqual({ code: 1001, reason: 'stopping' });
    expect(await exitCode()).toBe(0);
    expect(upstream.sockets[0]?.closed()).toMatchObject({ code: 1001 });
    await upstream.close();
  });

  it('is not held up by a client that never answers the close', async () => {
    rig = await startResponsesRig();
    const client = await rig.open();
    client.ws.pause();
    const startedMs = performance.now();
    rig.daemon.process.kill('SIGTERM');
    expect(await exitCode()).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    client.ws.resume();
  });
});

it('an upstream that dies in the middle of a turn leaves the socket open for the next one', async () => {
  rig = await startResponsesRig();
  const client = await rig.open();
  const answer = await beginTurn(client);
  answer.destroy();
  expect(await client.next('error')).toMatchObject({ status: 502, error: { code: 'stream_truncated' } });
  rig.answerEach();
  await until('it is served again', async () => {
    client.send(create);
    return (await client.next(isEnd)).type === 'response.completed';
  });
});
