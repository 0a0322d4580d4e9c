import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { answerResponse, eventText, requestOf, responseEvents } from '../../support/responses-events.ts';
import { startResponsesRig, user, type ResponsesRig } from '../../support/responses-rig.ts';
import { answerEvents, answerJson } from '../../support/scripted-upstream.ts';
import { isEnd } from '../../support/socket-client.ts';
import { until } from '../../support/until.ts';

let rig: ResponsesRig;
beforeAll(async () => {
  rig = await startResponsesRig();
});
beforeEach(() => rig.answerEach());
afterEach(() => rig.closeClients());
afterAll(() => rig.stop());

const create = (more: object = {}): object => ({ type: 'response.create', model: 'm', store: false, input: [user('hello')], ...more });
const lastBody = (): string => rig.upstream.seen.at(-1)?.body.toString('utf8') ?? '';

describe('a response.create', () => {
  it('is an exchange of which each event is one text frame, as it came', async () => {
    const events = responseEvents({ id: 'resp_whole', text: 'Grüße, wie sie kamen. \u2028' });
    rig.upstream.setScript((_seen, res) => answerEvents(res, events));
    const client = await rig.open();
    const texts: { readonly text: string; readonly isBinary: boolean }[] = [];
    client.ws.on('message', (data: Buffer, isBinary) => texts.push({ text: data.toString('utf8'), isBinary }));
    client.send(create());
    await client.next('response.completed');
    expect(texts).toEqual(events.map((event) => ({ text: /\ndata: ([^\n]*)\n/.exec(event)?.[1], isBinary: false })));
  });

  it('of which one event is too long for a frame ends in an error, and the upstream is left', async () => {
    const leftBefore = rig.upstream.left.length;
    rig.upstream.setScript((_seen, res) => {
      answerEvents(res, responseEvents({ id: 'resp_long', text: 'One.' }).slice(0, 5), false);
      let isLeft = false;
      res.on('close', () => (isLeft = true));
      const write = (): void => void res.write(`data: ${'x'.repeat(1_048_576)}\n`, () => void (isLeft || setImmediate(write)));
      write();
    });
    const client = await rig.open();
    client.send(create());
    expect(await client.next(isEnd)).toMatchObject({ type: 'error', error: { code: 'upstream_error' } });
    await until('the upstream to be left', () => rig.upstream.left.length > leftBefore);
  });

  it.each(['error', 'response.failed'])('whose upstream repeats its key in a late %s does not show it', async (type) => {
    const told = { code: 'server_error', message: 'no such key: sk-up-0123456789' };
    const error = eventText(type === 'error' ? { type, sequence_number: 9, ...told } : { type, sequence_number: 9, response: { id: 'resp_bad', status: 'failed', error: told } });
    rig.upstream.setScript((_seen, res) => {
      answerEvents(res, [...responseEvents({ id: 'resp_bad', text: 'One two.' }).slice(0, 5), error.slice(0, -20)], false);
      setTimeout(() => res.end(error.slice(-20)), 50);
    });
    const client = await rig.open();
    const texts: string[] = [];
    client.ws.on('message', (data: Buffer) => texts.push(data.toString('utf8')));
    client.send(create());
    await client.next(isEnd);
    expect(texts.at(-1)).toContain('no such key: [redacted]');
    expect(texts.join('')).not.toContain('sk-up-');
  });

  it('reaches the upstream as a streamed POST with the account’s key; what belongs to the socket stays here', async () => {
    const client = await rig.open();
    client.send(create({ model: 'known-as', stream_id: 'main', stream: false, background: true, generate: true, tools: [], metadata: { a: 'b' } }));
    await client.next(isEnd);
    const seen = rig.upstream.seen.at(-1);
    expect([seen?.method, seen?.url, seen?.headers.authorization]).toEqual(['POST', '/v1/responses', 'Bearer sk-up-0123456789']);
    expect(requestOf(seen)).toEqual({ model: 'upstream-name', store: false, stream: true, input: [user('hello')], tools: [], metadata: { a: 'b' } });
    expect(JSON.stringify(seen?.headers)).not.toMatch(/sk-ann|sec-websocket|upgrade/i);
  });

  it('keeps every other byte: numbers, spaces and escapes as they were sent', async () => {
    const client = await rig.open();
    client.send('{ "type" : "response.create", "model":"m","temperature":1.0, "input":[ {"role":"user","content":"\\u00e9\\/"} ] ,"metadata":{"big":12345678901234567890}}');
    await client.next(isEnd);
    expect(lastBody()).toBe('{"model":"m","temperature":1.0,"input":[ {"role":"user","content":"\\u00e9\\/"} ],"metadata":{"big":12345678901234567890},"stream":true}');
  });

  it('may be a binary message, may have its input as text, and may have none', async () => {
    const client = await rig.open();
    client.send(Buffer.from(JSON.stringify(create({ input: 'as text' }))));
    await client.next(isEnd);
    expect(requestOf(rig.upstream.seen.at(-1))['input']).toBe('as text');
    client.send({ type: 'response.create', model: 'm' });
    await client.next(isEnd);
    expect(requestOf(rig.upstream.seen.at(-1))['input']).toEqual([]);
  });

  it('without a model takes the one before it, on its own stream only', async () => {
    const client = await rig.open();
    client.send(create());
    await client.next(isEnd);
    client.send({ type: 'response.create', input: 'again' });
    expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed' });
    expect(requestOf(rig.upstream.seen.at(-1))).toEqual({ input: 'again', stream: true, model: 'm' });
    client.send({ type: 'response.create', input: 'again', stream_id: 'new' });
    expect(await client.next(isEnd)).toMatchObject({ type: 'error', status: 400, error: { code: 'missing_model' }, stream_id: 'new' });
  });

  it('sends on what Codex’s handshake says of the session, and not that it wants a socket', async () => {
    const { openSocket } = await import('../../support/socket-client.ts');
    const client = await openSocket(`${rig.daemon.url}/v1/responses`, { headers: { authorization: 'Bearer sk-ann-0123456789abcdef', 'openai-beta': 'responses_websockets=2026-02-06', 'session-id': 's-1', 'x-codex-turn-state': 'turn-state' } });
    client.send(create());
    await client.next(isEnd);
    expect(rig.upstream.seen.at(-1)?.headers).toMatchObject({ 'session-id': 's-1', 'x-codex-turn-state': 'turn-state' });
    expect(rig.upstream.seen.at(-1)?.headers['openai-beta']).toBeUndefined();
    await client.close();
  });

  it('carries the token of a turn of Codex’s to the requests of that turn, and to no other', async () => {
    let answers = 0;
    rig.upstream.setScript((_seen, res) => {
      res.setHeader('x-codex-turn-state', `state-${++answers}`);
      answerResponse(res, { id: `resp_state_${answers}`, text: 'ok' });
    });
    const { openSocket } = await import('../../support/socket-client.ts');
    const client = await openSocket(`${rig.daemon.url}/v1/responses`, { headers: { authorization: 'Bearer sk-ann-0123456789abcdef' } });
    const sentOf = async (metadata: object | undefined, more: object = {}): Promise<unknown> => {
      client.send(create({ ...(metadata === undefined ? {} : { client_metadata: metadata }), ...more }));
      await client.next(isEnd);
      return rig.upstream.seen.at(-1)?.headers['x-codex-turn-state'];
    };
    expect(await sentOf({ turn_id: 't-1' })).toBeUndefined();
    expect(await sentOf({ turn_id: 't-1' })).toBe('state-1');
    expect(await sentOf({ turn_id: 't-1' })).toBe('state-1');
    expect(await sentOf({ turn_id: 't-1' }, { stream_id: 'other' })).toBeUndefined();
    expect(await sentOf({ turn_id: 't-2' })).toBeUndefined();
    expect(await sentOf({ turn_id: 't-2' })).toBe('state-5');
    expect(await sentOf({ turn_id: 't-3', 'x-codex-turn-state': 'its-own' })).toBe('its-own');
    expect(await sentOf(undefined)).toBeUndefined();
    await client.close();
  });

  it('takes the token of an upgrade for the first turn’s', async () => {
    const { openSocket } = await import('../../support/socket-client.ts');
    const client = await openSocket(`${rig.daemon.url}/v1/responses`, { headers: { authorization: 'Bearer sk-ann-0123456789abcdef', 'x-codex-turn-state': 'turn-state' } });
    for (const [turn, expected] of [['t-1', 'turn-state'], ['t-1', 'turn-state'], ['t-2', undefined]] as const) {
      client.send(create({ client_metadata: { turn_id: turn } }));
      await client.next(isEnd);
      expect(rig.upstream.seen.at(-1)?.headers['x-codex-turn-state']).toBe(expected);
    }
    await client.close();
  });

  it('is one row of usage and one of the metrics, named by its endpoint', async () => {
    const client = await rig.open();
    client.send(create());
    await client.next(isEnd);
    await until('the row is there', async () => (await (await rig.manage('/usage')).text()).includes('WS /v1/responses'));
    const metrics = await (await fetch(`${rig.daemon.url}/metrics`, { headers: { authorization: 'Bearer management-secret-0123456789' } })).text();
    expect(metrics).toMatch(/keyward_open_sockets\{endpoint="WS \/v1\/responses"\} 1\n/);
    expect(metrics).toMatch(/keyward_exchanges_total\{dialect="openai-responses",operation="responses",status="2xx",outcome="ok"\} \d/);
    await client.close();
    await until('the end of it is counted', async () => (await (await fetch(`${rig.daemon.url}/metrics`, { headers: { authorization: 'Bearer management-secret-0123456789' } })).text()).includes('keyward_sockets_closed_total{endpoint="WS /v1/responses",reason="client"}'));
  });
});

describe('what goes wrong', () => {
  it.each([
    ['no JSON', '{"type":', 'invalid_json'],
    ['a list', '[]', 'invalid_json'],
    ['nothing', '', 'invalid_json'],
    ['bytes that are no text', Buffer.from([0x7b, 0xff, 0x7d]), 'invalid_json'],
    ['deep nesting', `{"type":"response.create","model":"m","input":${'['.repeat(300)}${']'.repeat(300)}}`, 'invalid_json'],
    ['a model twice', '{"type":"response.create","model":"m","model":"x","input":"a"}', 'duplicate_member'],
    ['a type twice', '{"type":"response.create","type":"x","model":"m"}', 'duplicate_member'],
    ['another spelling of model', '{"type":"response.create","Model":"m"}', 'duplicate_member'],
    ['no type', { model: 'm' }, 'invalid_request'],
    ['an unknown type', { type: 'response.cancel' }, 'invalid_request'],
    ['a type that is no text', { type: 7 }, 'invalid_request'],
    ['no model', { type: 'response.create', input: 'a' }, 'missing_model'],
    ['a model that is no text', { type: 'response.create', model: 7 }, 'invalid_request'],
    ['an unknown model', { type: 'response.create', model: 'nothing' }, 'model_not_found'],
    ['an empty stream_id', { type: 'response.create', model: 'm', stream_id: '' }, 'invalid_stream_id'],
    ['a stream_id with spaces', { type: 'response.create', model: 'm', stream_id: 'a b' }, 'invalid_stream_id'],
    ['a stream_id that is no text', { type: 'response.create', model: 'm', stream_id: 1 }, 'invalid_stream_id'],
    ['a long stream_id', { type: 'response.create', model: 'm', stream_id: 'x'.repeat(257) }, 'invalid_stream_id'],
    ['a previous response that is no text', { type: 'response.create', model: 'm', previous_response_id: 5 }, 'invalid_request'],
    ['a conversation', { type: 'response.create', model: 'm', conversation: 'conv_1' }, 'response_not_found'],
    ['response.append before any create', { type: 'response.append', input: [] }, 'invalid_request'],
  ])('%s is an error event with a status, and the socket lives on', async (_what, message, code) => {
    const client = await rig.open();
    const before = rig.upstream.seen.length;
    client.send(message);
    const frame = await client.next('error');
    expect(frame).toMatchObject({ type: 'error', status: expect.any(Number), error: { code, type: expect.any(String), message: expect.any(String) } });
    expect(Object.keys(Object(frame['error']))).toContain('param');
    expect(rig.upstream.seen.length).toBe(before);
    client.send(create());
    expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed' });
  });

  it('what the upstream refuses is said with its status, words and advice', async () => {
    rig.upstream.setScript((_seen, res) => answerJson(res, 400, { error: { message: 'too long', type: 'invalid_request_error', code: 'context_length_exceeded', param: 'input', more: 1 } }));
    const client = await rig.open();
    client.send(create());
    expect(await client.next('error')).toEqual({ type: 'error', status: 400, error: { message: 'too long', type: 'invalid_request_error', code: 'context_length_exceeded', param: 'input', more: 1 }, headers: { 'x-request-id': expect.stringMatching(/^req_/) } });
    rig.upstream.setScript((_seen, res) => answerJson(res, 429, { error: { message: 'slow', type: 'rate_limit_error', code: 'rate_limit_exceeded' } }, { 'retry-after': '7' }));
    client.send(create({ stream_id: 'lane' }));
    expect(await client.next('error')).toMatchObject({ status: 429, stream_id: 'lane', headers: { 'retry-after': '7' }, error: { code: 'rate_limit_exceeded' } });
    await rig.manage('/reset-quota', { method: 'POST' });
  });

  it('a stream that ends early is an error event and no made-up end; the socket lives on', async () => {
    const events = responseEvents({ id: 'resp_cut', text: 'one two three' });
    for (const isBroken of [false, true]) {
      rig.upstream.setScript((_seen, res) => {
        answerEvents(res, events.slice(0, 6), false);
        setTimeout(() => (isBroken ? res.destroy() : res.end()), 30);
      });
      const client = await rig.open();
      const before = rig.upstream.seen.length;
      client.send(create({ stream_id: 's' }));
      expect(await client.next(isEnd)).toEqual({ type: 'error', status: 502, error: expect.objectContaining({ code: 'stream_truncated', param: null }), sequence_number: expect.any(Number), stream_id: 's' });
      expect(client.frames.filter(({ type }) => type === 'response.completed')).toEqual([]);
      // What was begun upstream is not asked for again.
      expect(rig.upstream.seen.length).toBe(before + 1);
      rig.answerEach();
      client.send(create({ stream_id: 's' }));
      expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed', stream_id: 's' });
      await rig.manage('/reset-quota', { method: 'POST' });
    }
  });

  it('a stream’s own error event gets the form that sockets have', async () => {
    const events = responseEvents({ id: 'resp_err', text: 'one two' });
    rig.upstream.setScript((_seen, res) => answerEvents(res, [...events.slice(0, 5), 'event: error\ndata: {"type":"error","code":"rate_limit_exceeded","message":"slow down","param":null,"sequence_number":5}\n\n']));
    const client = await rig.open();
    client.send(create());
    expect(await client.next('error')).toEqual({ type: 'error', status: 429, error: { type: 'api_error', code: 'rate_limit_exceeded', message: 'slow down', param: null }, sequence_number: 5 });
  });

  it('response.failed and response.incomplete are ends like any other', async () => {
    for (const type of ['response.failed', 'response.incomplete']) {
      rig.upstream.setScript((_seen, res) => answerEvents(res, [...responseEvents({ id: 'resp_x', text: 'a b' }).slice(0, 5), `data: ${JSON.stringify({ type, response: { id: 'resp_x', status: type.slice(9), output: [] } })}\n\n`]));
      const client = await rig.open();
      client.send(create());
      expect(await client.next(isEnd)).toMatchObject({ type });
      expect(client.frames.filter(isEnd)).toHaveLength(1);
      await rig.manage('/reset-quota', { method: 'POST' });
    }
  });

  it('an upstream that answers in one piece is told of in events', async () => {
    rig.upstream.setScript((_seen, res) => answerJson(res, 200, { id: 'resp_piece', object: 'response', status: 'completed', model: 'm', output: [{ id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'hi', annotations: [] }] }], usage: null }));
    const client = await rig.open();
    client.send(create());
    await client.next('response.completed');
    expect(client.frames.map(({ type, sequence_number: at }) => [type, at])).toEqual([['response.created', 0], ['response.output_item.done', 1], ['response.completed', 2]]);
  });

  it('another account is asked while nothing has been sent on, and only then', async () => {
    const spare = await startResponsesRig('', undefined);
    try {
      let asked = 0;
      spare.upstream.setScript((_seen, res) => {
        if (++asked === 1) answerJson(res, 500, { error: { message: 'boom' } });
        else answerResponse(res, { id: 'resp_second', text: 'from the second' });
      });
      await spare.manage('/codex-api-key', { method: 'PUT', body: JSON.stringify([1, 2].map((number) => ({ 'api-key': `sk-up-${number}-0123456789`, 'base-url': `${spare.upstream.url}/v1`, models: [{ name: 'm' }] }))) });
      const client = await spare.open();
      client.send(create());
      expect(await client.next(isEnd)).toMatchObject({ type: 'response.completed', response: { id: 'resp_second' } });
      expect(client.frames.filter(({ type }) => type === 'error')).toEqual([]);
      expect(asked).toBe(2);
    } finally {
      await spare.stop();
    }
  });
});

describe('what clients say beside requests', () => {
  it('steering is answered as the API answers it where there is none', async () => {
    const client = await rig.open();
    client.send({ type: 'response.steer', previous_response_id: 'resp_1', input: 'more' });
    expect(await client.next('response.steer.failed')).toEqual({ type: 'response.steer.failed', sequence_number: 0, steer: { previous_response_id: 'resp_1', input: 'more' }, error: { type: 'invalid_request_error', code: 'steering_not_supported', message: expect.any(String) } });
  });

  it('Codex’s word that it has taken in an answer has none', async () => {
    const client = await rig.open();
    client.send({ type: 'response.processed', response_id: 'resp_1' });
    client.send(create());
    await client.next('response.completed');
    expect(client.frames.filter(({ type }) => type === 'error')).toEqual([]);
  });
});
