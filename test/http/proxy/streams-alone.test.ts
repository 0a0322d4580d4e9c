import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountsOf, authFile } from '../../support/auth-files.ts';
import { createFakeKeeper } from '../../support/fake-keeper.ts';
import { spentAt, startProxyRig, type ProxyRig } from '../../support/proxy-rig.ts';
import { send } from '../../support/raw-http.ts';
import { eventText, responseEvents } from '../../support/responses-events.ts';
import { answerEvents, answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

/*
 * ChatGPT's backend answers in streams alone. A client that wants its response in one piece gets what the stream ended with.
 */

let upstream: ScriptedUpstream;
let rig: ProxyRig;
beforeEach(async () => {
  upstream = await startScriptedUpstream((_, res) => res.destroy());
  const { accounts, logins } = accountsOf([authFile('codex', { facts: { account_id: 'acc-1' } })], {});
  const keeper = createFakeKeeper();
  keeper.good.set(logins[0]?.key ?? '', 'access-token-0123456789');
  rig = await startProxyRig({ accounts: accounts.map((account) => spentAt(account, upstream.url)), tokens: keeper });
});
afterEach(async () => {
  await rig.close();
  await upstream.close();
});

const ask = (body: object, headers: Readonly<Record<string, string>> = {}): ReturnType<typeof send> =>
  send(rig.url, { method: 'POST', path: '/v1/responses', headers: { 'content-type': 'application/json', accept: 'application/json', ...headers }, body: JSON.stringify({ model: 'gpt-5.6', input: 'hi', ...body }) });

const items = [{ id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: 'gAAA' }, { id: 'x_1', type: 'item_of_tomorrow', detail: { kept: true } }];
const events = responseEvents({ id: 'resp_1', text: 'Hello there', output: items });
/** As that backend ends its streams: the items stood in the events before alone. */
const bare = [...events.slice(0, -1), eventText({ type: 'response.completed', response: { id: 'resp_1', object: 'response', status: 'completed', output: [], usage: { input_tokens: 7, output_tokens: 3 } } })];
const answerWith = (list: readonly string[]) => (_: unknown, res: ServerResponse): void => answerEvents(res, list);

describe('a response in one piece from a backend that only streams', () => {
  it('is asked for as a stream that is not kept; all else of the request and its headers stays', async () => {
    upstream.setScript(answerWith(events));
    const answer = await ask({ stream: false, extra: [1] }, { 'session-id': 's-1' });
    expect(answer.status).toBe(200);
    const [seen] = upstream.seen;
    expect(seen?.body.toString()).toBe('{"model":"gpt-5.6","input":"hi","stream":true,"extra":[1],"store":false}');
    expect(seen?.headers).toMatchObject({ 'session-id': 's-1' });
    expect(seen?.headers.accept).toBeUndefined();
    expect(answer.headers['x-keyward-dropped']).toBeUndefined();
  });

  it.each([['with its items', events], ['without them', bare]])('is the response that the stream ends with, told %s', async (_, list) => {
    upstream.setScript(answerWith(list));
    const answer = await ask({});
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json']);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ id: 'resp_1', object: 'response', status: 'completed', output: items });
    expect(rig.settled.map(({ outcome, tokens }) => [outcome, tokens.input, tokens.output])).toEqual([['ok', 7, 3]]);
  });

  it('a wish to have it kept is listed', async () => {
    upstream.setScript(answerWith(events));
    const answer = await ask({ store: true });
    expect(upstream.seen[0]?.body.toString()).toContain('"store":false');
    expect(answer.headers['x-keyward-dropped']).toBe('store');
  });

  it('a stream that fails is an error with a status', async () => {
    upstream.setScript(answerWith([...events.slice(0, 3), eventText({ type: 'response.failed', response: { id: 'resp_1', status: 'failed', error: { code: 'invalid_prompt', message: 'no' } } })]));
    const answer = await ask({});
    expect([answer.status, JSON.parse(answer.body.toString())]).toMatchObject([400, { error: { code: 'invalid_prompt', message: 'no' } }]);
  });

  it('a stream that is cut is no answer', async () => {
    upstream.setScript(answerWith(events.slice(0, -1)));
    const answer = await ask({});
    expect(answer.status).toBe(502);
  });

  it('a refusal passes as it came', async () => {
    upstream.setScript((_, res) => answerJson(res, 400, { detail: 'Unsupported parameter: temperature' }));
    const answer = await ask({ temperature: 1 });
    expect([answer.status, answer.body.toString()]).toEqual([400, '{"detail":"Unsupported parameter: temperature"}']);
  });

  it('a stream that was asked for passes byte for byte', async () => {
    upstream.setScript(answerWith(bare));
    const answer = await ask({ stream: true });
    expect(upstream.seen[0]?.body.toString()).toBe('{"model":"gpt-5.6","input":"hi","stream":true}');
    expect(answer.body.toString()).toBe(bare.join(''));
  });
});
