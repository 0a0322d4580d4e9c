import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answerResponse, requestOf, responseEvents } from '../../support/responses-events.ts';
import { startResponsesRig, type ResponsesRig } from '../../support/responses-rig.ts';
import { isEnd, type SocketClient } from '../../support/socket-client.ts';
import { until } from '../../support/until.ts';

let rig: ResponsesRig;
beforeAll(async () => {
  rig = await startResponsesRig('websocket: { max-parallel-turns: 3 }\nmax-body-mb: 1\n');
});
afterEach(() => rig.closeClients());
afterAll(() => rig.stop());

/** Requests that reached the upstream and wait for the test, by their input. */
interface Held {
  readonly names: () => readonly string[];
  readonly isOpen: (name: string) => boolean;
  readonly finish: (name: string) => void;
}

function holdAll(): Held {
  const held = new Map<string, ServerResponse>();
  rig.upstream.setScript((seen, res) => {
    const name = String(requestOf(seen)['input']);
    held.set(name, res);
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write(responseEvents({ id: `resp_${name}`, text: name }).slice(0, 6).join(''));
  });
  return {
    names: () => [...held.keys()],
    isOpen: (name) => held.get(name)?.destroyed === false,
    finish: (name) => held.get(name)?.end(responseEvents({ id: `resp_${name}`, text: name }).slice(6).join('')),
  };
}

const ask = (client: SocketClient, input: string, lane?: string): void => client.send({ type: 'response.create', model: 'm', store: false, input, ...(lane === undefined ? {} : { stream_id: lane }) });

describe('turns on one socket', () => {
  it('of one stream are served in order, one at a time', async () => {
    for (const lane of ['main', undefined]) {
      const held = holdAll();
      const client = await rig.open();
      for (const name of ['a', 'b', 'c']) ask(client, name, lane);
      await until('the first is there', () => held.names().length === 1);
      for (const name of ['a', 'b', 'c']) {
        await until(`${name} is asked for`, () => held.names().includes(name));
        expect(held.names().at(-1)).toBe(name);
        held.finish(name);
        expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed', response: { id: `resp_${name}` } });
      }
    }
  });

  it('of different streams are served at one time; every frame says which it is of', async () => {
    const held = holdAll();
    const client = await rig.open();
    ask(client, 'x', 'one');
    ask(client, 'y', 'two');
    ask(client, 'z');
    await until('all are there', () => held.names().length === 3);
    for (const name of ['z', 'y', 'x']) held.finish(name);
    for (let ends = 0; ends < 3; ends++) await client.next(isEnd);
    const lanes = new Map<unknown, Set<unknown>>();
    for (const frame of client.frames) {
      const id = /resp_(.)/.exec(JSON.stringify(frame))?.[1];
      if (id !== undefined) lanes.set(frame['stream_id'], (lanes.get(frame['stream_id']) ?? new Set()).add(id));
      else expect.fail(`a frame of nobody: ${JSON.stringify(frame)}`);
    }
    expect(lanes).toEqual(new Map([['one', new Set(['x'])], ['two', new Set(['y'])], [undefined, new Set(['z'])]]));
    expect(client.frames.filter((frame) => !('stream_id' in frame)).every((frame) => JSON.stringify(frame).includes('resp_z'))).toBe(true);
  });

  it('beyond what may run at one time wait, and none is passed over', async () => {
    const held = holdAll();
    const client = await rig.open();
    for (const name of ['a', 'b', 'c', 'd', 'e']) ask(client, name, name);
    await until('three are there', () => held.names().length === 3);
    await new Promise((next) => setTimeout(next, 100));
    expect(held.names().toSorted()).toEqual(['a', 'b', 'c']);
    held.finish('b');
    await until('the next is there', () => held.names().length === 4);
    expect(held.names().at(-1)).toBe('d');
    for (const name of ['a', 'c', 'd']) held.finish(name);
    await until('the last is there', () => held.names().includes('e'));
    held.finish('e');
    await until('all have ended', () => client.frames.filter(isEnd).length === 5);
    expect(held.names().at(-1)).toBe('e');
  });

  it('an error of one stream leaves the others alone', async () => {
    const held = holdAll();
    const client = await rig.open();
    ask(client, 'x', 'good');
    client.send({ type: 'response.create', model: 'nothing', stream_id: 'bad' });
    expect(await client.next('error')).toMatchObject({ stream_id: 'bad', error: { code: 'model_not_found' } });
    await until('it is there', () => held.names().includes('x'));
    held.finish('x');
    expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed', stream_id: 'good' });
  });

  it('a 33rd stream_id is refused, used ones are not', async () => {
    rig.upstream.setScript((seen, res) => answerResponse(res, { id: `resp_${String(requestOf(seen)['input'])}`, text: 'x' }));
    const client = await rig.open();
    ask(client, 'default');
    for (let lane = 1; lane <= 33; lane++) ask(client, `n${lane}`, `lane_${lane}`);
    expect(await client.next('error')).toEqual({ type: 'error', status: 400, stream_id: 'lane_33', error: { type: 'invalid_request_error', code: 'websocket_stream_limit_reached', message: expect.any(String), param: 'stream_id' } });
    await until('all others have ended', () => client.frames.filter(({ type }) => type === 'response.completed').length === 33);
    ask(client, 'again', 'lane_1');
    expect(await client.next((frame) => isEnd(frame) && JSON.stringify(frame).includes('resp_again'))).toMatchObject({ type: 'response.completed', stream_id: 'lane_1' });
  });

  it('more than can wait is refused, by number and by size', async () => {
    const held = holdAll();
    const client = await rig.open();
    for (let turn = 0; turn < 258; turn++) ask(client, `t${turn}`, 'busy');
    expect(await client.next('error')).toMatchObject({ status: 503, stream_id: 'busy', error: { code: 'overloaded' }, headers: { 'retry-after': '1' } });
    await until('one runs', () => held.names().length > 0);
    const other = await rig.open();
    ask(other, 'first', 'busy');
    const large = 'x'.repeat(700_000);
    ask(other, large, 'busy');
    ask(other, large, 'busy');
    expect(await other.next('error')).toMatchObject({ status: 503, error: { code: 'overloaded' } });
  });

  it('a conversation that outgrows what a body may be is refused, and the socket lives on', async () => {
    rig.upstream.setScript((_seen, res) => answerResponse(res, { id: 'resp_large', text: 'x' }));
    const client = await rig.open();
    ask(client, 'x'.repeat(700_000));
    await client.next('response.completed');
    client.send({ type: 'response.create', model: 'm', store: false, input: 'y'.repeat(700_000), previous_response_id: 'resp_large' });
    expect(await client.next(isEnd)).toMatchObject({ type: 'error', status: 413, error: { code: 'body_too_large' } });
    client.send({ type: 'response.create', model: 'm', store: false, input: 'short', previous_response_id: 'resp_large' });
    expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed' });
  });

  it('a client that leaves ends all of them within 250 ms, and what waited is never sent', async () => {
    for (const leave of ['close', 'terminate'] as const) {
      const held = holdAll();
      const client = await rig.open();
      for (const name of ['a', 'b', 'c', 'd']) ask(client, name, name);
      await until('three are there', () => held.names().length === 3);
      client.ws[leave]();
      expect(await until('all are let go', () => !['a', 'b', 'c'].some(held.isOpen))).toBeLessThan(250);
      await new Promise((next) => setTimeout(next, 50));
      expect(held.names().toSorted()).toEqual(['a', 'b', 'c']);
    }
  });
});
