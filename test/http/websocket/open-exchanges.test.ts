import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { send } from '../../support/raw-http.ts';
import { answerResponse, responseEvents } from '../../support/responses-events.ts';
import { ann, bob, startResponsesRig, type ResponsesRig } from '../../support/responses-rig.ts';
import { isEnd } from '../../support/socket-client.ts';
import { until } from '../../support/until.ts';

let rig: ResponsesRig;
beforeAll(async () => {
  rig = await startResponsesRig('max-open-exchanges-per-client: 2\n');
});
afterEach(() => rig.closeClients());
afterAll(() => rig.stop());

const ask = async (key: string, signal?: AbortSignal) => {
  const answer = await fetch(`${rig.daemon.url}/v1/responses`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: '{"model":"m","input":"x"}', ...(signal === undefined ? {} : { signal }) });
  const body: unknown = await answer.json();
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body };
};

describe('max-open-exchanges-per-client', () => {
  it('counts a client’s turns on sockets and its requests together, until each has ended, and nobody else’s', async () => {
    const held: ServerResponse[] = [];
    rig.upstream.setScript((_seen, res) => void held.push(res));
    const client = await rig.open();
    const create = { type: 'response.create', model: 'm', store: false, input: 'x' };
    client.send({ ...create, stream_id: 'one' });
    await until('the turn is asked for', () => held.length === 1);
    const leaving = new AbortController();
    const left = ask(ann, leaving.signal).catch(() => 'left');
    await until('the request is asked for', () => held.length === 2);

    expect(await ask(ann)).toMatchObject({ status: 429, retryAfter: '1', body: { error: { code: 'too_many_exchanges', type: 'rate_limit_error' } } });
    client.send({ ...create, stream_id: 'two' });
    expect(await client.next(isEnd)).toMatchObject({ type: 'error', status: 429, stream_id: 'two', error: { code: 'too_many_exchanges' }, headers: { 'retry-after': '1' } });
    const others = ask(bob);
    await until('another client is served', () => held.length === 3);

    const [turn, , other] = held;
    turn?.writeHead(200, { 'content-type': 'text/event-stream' }).end(responseEvents({ id: 'resp_1', text: 'x' }).join(''));
    expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed', stream_id: 'one' });
    leaving.abort();
    expect(await left).toBe('left');
    await until('what was left has ended', () => rig.upstream.abortCount() === 1);
    rig.upstream.setScript((_seen, res) => answerResponse(res, { id: 'resp_2', text: 'y' }));
    await expect.poll(async () => (await send(rig.daemon.url, { method: 'POST', path: '/v1/responses', headers: { authorization: `Bearer ${ann}`, 'content-type': 'application/json' }, body: '{"model":"m","input":"x","stream":true}' })).status).toBe(200);
    client.send({ ...create, stream_id: 'two' });
    expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed', stream_id: 'two' });
    other?.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"resp_3","object":"response","output":[]}');
    expect((await others).status).toBe(200);
  });
});
