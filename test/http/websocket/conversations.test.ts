import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requestOf, responseEvents } from '../../support/responses-events.ts';
import { ann, assistant, bob, startResponsesRig, user, type ResponsesRig } from '../../support/responses-rig.ts';
import { answerEvents } from '../../support/scripted-upstream.ts';
import { isEnd, type Frame, type SocketClient } from '../../support/socket-client.ts';

let rig: ResponsesRig;
beforeAll(async () => {
  rig = await startResponsesRig();
});
beforeEach(() => rig.answerEach());
afterEach(() => rig.closeClients());
afterAll(() => rig.stop());

const lastRequest = (): Record<string, unknown> => requestOf(rig.upstream.seen.at(-1));
const idOf = (frame: Frame): string => String(Reflect.get(Object(frame['response']), 'id'));
const textOf = (frame: Frame): string => /"text":"(answer \d+)"/.exec(JSON.stringify(frame))?.[1] ?? '';

/** One turn that keeps nothing upstream. */
async function turn(client: SocketClient, more: object): Promise<Frame> {
  client.send({ type: 'response.create', model: 'm', store: false, ...more });
  return client.next(isEnd);
}

describe('previous_response_id', () => {
  it('goes on from the turn before, and from the one before that', async () => {
    const client = await rig.open();
    const first = await turn(client, { input: 'one' });
    const second = await turn(client, { input: [user('two')], previous_response_id: idOf(first) });
    await turn(client, { input: [user('three')], previous_response_id: idOf(second), instructions: 'be short' });
    expect(lastRequest()).toEqual({
      model: 'm',
      store: false,
      stream: true,
      instructions: 'be short',
      input: [{ type: 'message', role: 'user', content: 'one' }, assistant(textOf(first)), user('two'), assistant(textOf(second)), user('three')],
    });
  });

  it('goes on from an earlier turn twice', async () => {
    const client = await rig.open();
    const first = await turn(client, { input: [user('one')] });
    const left = await turn(client, { input: [user('left')], previous_response_id: idOf(first) });
    await turn(client, { input: [user('right')], previous_response_id: idOf(first), stream_id: 'fork' });
    expect(lastRequest()['input']).toEqual([user('one'), assistant(textOf(first)), user('right')]);
    await turn(client, { input: [user('on')], previous_response_id: idOf(left) });
    expect(lastRequest()['input']).toEqual([user('one'), assistant(textOf(first)), user('left'), assistant(textOf(left)), user('on')]);
  });

  it('takes tool calls and sealed reasoning along, without the ids that no upstream kept', async () => {
    const output = [
      { id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: 'sealed' },
      { id: 'rs_2', type: 'reasoning', summary: [{ type: 'summary_text', text: 'not sealed' }] },
      { id: 'fc_1', type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{"at":1.0}', status: 'completed' },
    ];
    rig.upstream.setScript((_seen, res) => answerEvents(res, responseEvents({ id: 'resp_tools', text: '', output })));
    const client = await rig.open();
    await turn(client, { input: [user('look')] });
    rig.answerEach();
    await turn(client, { input: [{ type: 'function_call_output', call_id: 'call_1', output: 'seen' }], previous_response_id: 'resp_tools' });
    expect(lastRequest()['input']).toEqual([
      user('look'),
      { type: 'reasoning', summary: [], encrypted_content: 'sealed' },
      { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{"at":1.0}' },
      { type: 'function_call_output', call_id: 'call_1', output: 'seen' },
    ]);
  });

  it('knows what was said where the last event leaves it out', async () => {
    const events = responseEvents({ id: 'resp_sparse', text: 'said once' });
    const sparse = events.map((event) => (event.includes('response.completed') ? `data: ${JSON.stringify({ type: 'response.completed', response: { id: 'resp_sparse', status: 'completed' } })}\n\n` : event));
    rig.upstream.setScript((_seen, res) => answerEvents(res, sparse));
    const client = await rig.open();
    await turn(client, { input: [user('say')] });
    rig.answerEach();
    await turn(client, { input: [user('again')], previous_response_id: 'resp_sparse' });
    expect(lastRequest()['input']).toEqual([user('say'), assistant('said once'), user('again')]);
  });

  it('of a response that an upstream keeps for this caller is left to it, from any socket', async () => {
    const client = await rig.open();
    client.send({ type: 'response.create', model: 'm', input: 'keep me' });
    const kept = idOf(await client.next(isEnd));
    for (const socket of [client, await rig.open()]) {
      await turn(socket, { input: [user('more')], previous_response_id: kept });
      expect(lastRequest()).toMatchObject({ previous_response_id: kept, input: [user('more')] });
    }
  });

  it('of a response that follows a kept one names the kept one', async () => {
    const client = await rig.open();
    client.send({ type: 'response.create', model: 'm', input: 'keep me' });
    const kept = idOf(await client.next(isEnd));
    const next = await turn(client, { input: [user('not this')], previous_response_id: kept });
    await turn(client, { input: [user('on')], previous_response_id: idOf(next) });
    expect(lastRequest()).toMatchObject({ previous_response_id: kept, input: [user('not this'), assistant(textOf(next)), user('on')] });
  });

  it.each([
    ['made up', () => Promise.resolve('resp_nobody_knows')],
    ['of another socket of the same caller', async () => idOf(await turn(await rig.open(), { input: 'elsewhere' }))],
    ['of another caller', async () => idOf(await turn(await rig.open(bob), { input: 'secret' }))],
    [
      'that an upstream keeps for another caller',
      async () => {
        const other = await rig.open(bob);
        other.send({ type: 'response.create', model: 'm', input: 'kept' });
        return idOf(await other.next(isEnd));
      },
    ],
  ])('%s is previous_response_not_found, and nothing is sent', async (_what, makeId) => {
    const id = await makeId();
    const before = rig.upstream.seen.length;
    const client = await rig.open(ann);
    expect(await turn(client, { input: 'go on', previous_response_id: id, stream_id: 's' })).toMatchObject({ type: 'error', status: 400, stream_id: 's', error: { type: 'invalid_request_error', code: 'previous_response_not_found', param: 'previous_response_id' } });
    expect(rig.upstream.seen.length).toBe(before);
    expect(await turn(client, { input: 'from the start' })).toMatchObject({ type: 'response.completed' });
  });

  it('of a turn that failed or was cut short is not found', async () => {
    const events = responseEvents({ id: 'resp_lost', text: 'one two' });
    const failed = `data: ${JSON.stringify({ type: 'response.failed', response: { id: 'resp_lost', status: 'failed', error: { code: 'server_error', message: 'no' } } })}\n\n`;
    for (const shown of [[...events.slice(0, 5), failed], events.slice(0, 6)]) {
      rig.upstream.setScript((_seen, res) => answerEvents(res, shown));
      const client = await rig.open();
      await turn(client, { input: 'one' });
      rig.answerEach();
      expect(await turn(client, { input: 'two', previous_response_id: 'resp_lost' })).toMatchObject({ error: { code: 'previous_response_not_found' } });
      await rig.manage('/reset-quota', { method: 'POST' });
    }
  });

  it('null is none', async () => {
    const client = await rig.open();
    await turn(client, { input: [user('x')], previous_response_id: null });
    expect(lastRequest()).toEqual({ model: 'm', store: false, stream: true, input: [user('x')] });
  });
});

describe('generate: false', () => {
  it('gives an id without asking any upstream, and the next turn goes on from it', async () => {
    const client = await rig.open();
    const before = rig.upstream.seen.length;
    const warm = await turn(client, { input: [user('base')], instructions: 'i', tools: [{ type: 'function', name: 'f' }], generate: false });
    expect(client.frames.map(({ type }) => type)).toEqual(['response.created', 'response.completed']);
    expect(warm).toMatchObject({ response: { id: expect.stringMatching(/^resp_\w{20,}$/), object: 'response', status: 'completed', model: 'm', output: [], usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0 } } });
    expect(rig.upstream.seen.length).toBe(before);
    await turn(client, { input: [user('go')], instructions: 'i', previous_response_id: idOf(warm) });
    expect(lastRequest()).toEqual({ model: 'm', store: false, stream: true, instructions: 'i', input: [user('base'), user('go')] });
  });

  it('with no input leaves nothing in front, as Codex does it', async () => {
    const client = await rig.open();
    const warm = await turn(client, { input: [], generate: false });
    await turn(client, { input: [user('go')], previous_response_id: idOf(warm) });
    expect(lastRequest()['input']).toEqual([user('go')]);
  });

  it('may itself go on from a turn, and from one that an upstream keeps', async () => {
    const client = await rig.open();
    const first = await turn(client, { input: [user('one')] });
    const warm = await turn(client, { input: [user('two')], previous_response_id: idOf(first), generate: false });
    expect(warm).toMatchObject({ response: { previous_response_id: idOf(first) } });
    await turn(client, { input: [user('three')], previous_response_id: idOf(warm) });
    expect(lastRequest()['input']).toEqual([user('one'), assistant(textOf(first)), user('two'), user('three')]);

    client.send({ type: 'response.create', model: 'm', input: 'keep me' });
    const kept = idOf(await client.next(isEnd));
    const onKept = await turn(client, { input: [user('four')], previous_response_id: kept, generate: false });
    await turn(client, { input: [user('five')], previous_response_id: idOf(onKept) });
    expect(lastRequest()).toMatchObject({ previous_response_id: kept, input: [user('four'), user('five')] });
  });

  it('for a model that is not there is refused as the turn would be', async () => {
    const client = await rig.open();
    expect(await turn(client, { model: 'nothing', generate: false })).toMatchObject({ type: 'error', status: 404, error: { code: 'model_not_found' } });
    client.send({ type: 'response.create', generate: false, stream_id: 'new' });
    expect(await client.next('error')).toMatchObject({ error: { code: 'missing_model' } });
  });

  it('answers on its stream', async () => {
    const client = await rig.open();
    await turn(client, { generate: false, stream_id: 'warm' });
    expect(client.frames.map(({ stream_id: id }) => id)).toEqual(['warm', 'warm']);
  });
});

describe('response.append', () => {
  it('goes on from the last response of its stream, with the model and the instructions of the request before', async () => {
    const client = await rig.open();
    const first = await turn(client, { input: [user('one')], instructions: 'be kind', tools: [{ type: 'function', name: 'f' }] });
    client.send({ type: 'response.append', store: false, input: [user('two')] });
    const second = await client.next(isEnd);
    expect(lastRequest()).toEqual({ store: false, stream: true, model: 'm', instructions: 'be kind', input: [user('one'), assistant(textOf(first)), user('two')] });
    client.send({ type: 'response.append', store: false, instructions: 'be short', input: [user('three')] });
    await client.next(isEnd);
    expect(lastRequest()).toEqual({ store: false, stream: true, model: 'm', instructions: 'be short', input: [user('one'), assistant(textOf(first)), user('two'), assistant(textOf(second)), user('three')] });
  });

  it('goes on from a kept response by its id', async () => {
    const client = await rig.open();
    client.send({ type: 'response.create', model: 'm', input: 'keep me' });
    const kept = idOf(await client.next(isEnd));
    client.send({ type: 'response.append', input: [user('two')] });
    await client.next(isEnd);
    expect(lastRequest()).toEqual({ model: 'm', stream: true, previous_response_id: kept, input: [user('two')] });
  });

  it.each([undefined, 'text', { a: 1 }, null])('with input %j is refused', async (input) => {
    const client = await rig.open();
    await turn(client, { input: 'one' });
    client.send({ type: 'response.append', input });
    expect(await client.next('error')).toMatchObject({ status: 400, error: { code: 'invalid_request', param: 'input' } });
  });

  it('knows the streams apart', async () => {
    const client = await rig.open();
    const a = await turn(client, { input: [user('a')], stream_id: 'a' });
    await turn(client, { input: [user('b')], stream_id: 'b' });
    client.send({ type: 'response.append', store: false, input: [user('more')], stream_id: 'a' });
    await client.next(isEnd);
    expect(lastRequest()['input']).toEqual([user('a'), assistant(textOf(a)), user('more')]);
    client.send({ type: 'response.append', store: false, input: [user('more')] });
    expect(await client.next('error')).toMatchObject({ error: { code: 'invalid_request', param: 'type' } });
  });
});
