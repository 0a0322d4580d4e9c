import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { answerResponse, requestOf } from '../../support/responses-events.ts';
import { startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { isEnd, openSocket, type SocketClient } from '../../support/socket-client.ts';

const key = 'sk-client-0123456789abcdef';
let upstream: ScriptedUpstream;
let daemon: RunningDaemon;
const clients: SocketClient[] = [];
beforeAll(async () => {
  upstream = await startScriptedUpstream(() => undefined);
  daemon = await startDaemon({ config: `api-keys: ["${key}"]\ncodex-api-key:\n  - { api-key: "sk-up-0123456789", base-url: "${upstream.url}/v1", models: [{ name: m }] }\n` });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
});

async function open(): Promise<SocketClient> {
  const client = await openSocket(`${daemon.url}/v1/responses`, { headers: { authorization: `Bearer ${key}` } });
  clients.push(client);
  return client;
}
function answerEach(): void {
  let count = 0;
  upstream.setScript((_seen, res) => answerResponse(res, { id: `resp_${++count}`, text: `answer ${count}` }));
}
const user = (text: string): unknown => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });

describe('a turn', () => {
  it('each event of the upstream is one text frame, as it came', async () => {
    answerEach();
    const client = await open();
    client.send({ type: 'response.create', model: 'm', input: [user('hello')] });
    await client.next('response.completed');
    expect(client.frames.map(({ type }) => type)).toEqual(['response.created', 'response.in_progress', 'response.output_item.added', 'response.content_part.added', 'response.output_text.delta', 'response.output_text.delta', 'response.output_text.done', 'response.content_part.done', 'response.output_item.done', 'response.completed']);
    expect(client.frames.at(-1)).toMatchObject({ response: { id: 'resp_1', status: 'completed' } });
    expect(requestOf(upstream.seen.at(-1))).toEqual({ model: 'm', input: [user('hello')], stream: true });
  });

  it('goes on from a response of the same socket', async () => {
    answerEach();
    const client = await open();
    client.send({ type: 'response.create', model: 'm', store: false, input: 'one' });
    const { response } = await client.next(isEnd);
    expect(response).toMatchObject({ id: 'resp_1' });
    client.send({ type: 'response.create', model: 'm', store: false, input: [user('two')], previous_response_id: 'resp_1' });
    await client.next(isEnd);
    expect(requestOf(upstream.seen.at(-1))).toEqual({
      model: 'm', store: false, stream: true,
      input: [{ type: 'message', role: 'user', content: 'one' }, { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'answer 1', annotations: [] }] }, user('two')],
    });
  });
});
