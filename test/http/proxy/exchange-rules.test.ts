import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { anonymous, type Principal } from '../../../internal/clients/principal.ts';
import { configOf } from '../../support/config.ts';
import { createFakeKeeper } from '../../support/fake-keeper.ts';
import { startProxyRig, type ProxyRig } from '../../support/proxy-rig.ts';
import { send } from '../../support/raw-http.ts';
import { answerEvents, answerJson, chatCompletion, chatEvents, startScriptedUpstream, type Script, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { until } from '../../support/until.ts';

let first: ScriptedUpstream;
let second: ScriptedUpstream;
let rig: ProxyRig | undefined;
beforeEach(async () => {
  const well: Script = (_, res) => answerJson(res, 200, chatCompletion);
  first = await startScriptedUpstream(well);
  second = await startScriptedUpstream(well);
});
afterEach(async () => {
  await rig?.close();
  await first.close();
  await second.close();
});

async function startRig(more: object, principal: Principal = anonymous): Promise<ProxyRig> {
  const config = { 'openai-compatibility': [first, second].map(({ url }, index) => ({ name: `e${index}`, 'base-url': url, models: [{ name: 'm' }], priority: -index })), ...more };
  rig = await startProxyRig({ accounts: accountsFromConfig(configOf(config)).accounts, tokens: createFakeKeeper(), config, principal });
  return rig;
}

const ask = (at: ProxyRig, body: object = {}, headers: Readonly<Record<string, string>> = {}): ReturnType<typeof send> =>
  send(at.url, { method: 'POST', path: '/v1/chat/completions', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...body }) });

const fail: Script = (_, res) => answerJson(res, 503, { error: { message: 'down' } });

describe('streaming.bootstrap-retries', () => {
  it('asks again, as often as it says and no more, once every account has failed', async () => {
    first.setScript(fail);
    second.setScript(fail);
    const answer = await ask(await startRig({ streaming: { 'bootstrap-retries': 3 } }), { stream: true });
    expect(answer.status).toBe(502);
    expect(first.seen.length + second.seen.length).toBe(5);
  });

  it('saves a stream whose upstream comes back', async () => {
    let calls = 0;
    first.setScript((seen, res, req) => (++calls < 3 ? fail(seen, res, req) : answerEvents(res, chatEvents)));
    second.setScript(fail);
    const answer = await ask(await startRig({ streaming: { 'bootstrap-retries': 3 } }), { stream: true });
    expect(answer.body.toString()).toBe(chatEvents.join(''));
  });

  it('is for streams alone', async () => {
    first.setScript(fail);
    second.setScript(fail);
    await ask(await startRig({ streaming: { 'bootstrap-retries': 3 } }));
    expect([first.seen.length, second.seen.length]).toEqual([1, 1]);
  });

  it('does not ask an account again that said when to', async () => {
    const limited: Script = (_, res) => answerJson(res, 429, { error: { message: 'slow down' } }, { 'retry-after': '60' });
    first.setScript(limited);
    second.setScript(limited);
    const answer = await ask(await startRig({ streaming: { 'bootstrap-retries': 3 } }), { stream: true });
    expect(answer.status).toBe(429);
    expect([first.seen.length, second.seen.length]).toEqual([1, 1]);
  });
});

describe('request-retry', () => {
  const limited: Script = (_, res) => answerJson(res, 429, { error: { message: 'slow down' } }, { 'retry-after': '1' });
  const entries = (...retries: readonly (number | undefined)[]): object => ({
    'openai-compatibility': [first, second].map(({ url }, index) => ({ name: `e${index}`, 'base-url': url, models: [{ name: 'm' }], priority: -index, ...(retries[index] === undefined ? {} : { 'request-retry': retries[index] }) })),
  });

  it.each([
    ['the global number', 2, [undefined, undefined], [3, 3]],
    ['an entry’s own that is lower', 2, [0, undefined], [1, 3]],
    ['an entry’s own that is higher', 0, [undefined, 2], [1, 3]],
    ['entries’ own alone', 5, [1, 0], [2, 1]],
    ['nothing below none', 0, [-3, undefined], [1, 1]],
  ])('rounds are as many as it says: %s', async (_, global, own, asked) => {
    first.setScript(limited);
    second.setScript(limited);
    const at = await startRig({ 'request-retry': global, 'max-retry-interval': 10, ...entries(...own) });
    let isOver = false;
    const answer = ask(at).finally(() => (isOver = true));
    await until('the answer', () => {
      at.clock.advance(500);
      return isOver;
    });
    expect((await answer).status).toBe(429);
    expect([first.seen.length, second.seen.length]).toEqual(asked);
  });
});

describe('a connection that is lost', () => {
  it('is made once more to the same account; a second loss counts against it', async () => {
    first.setScript((_, res) => res.socket?.resetAndDestroy());
    const at = await startRig({});
    const answer = await ask(at);
    expect(answer.status).toBe(200);
    expect([first.seen.length, second.seen.length]).toEqual([2, 1]);
    expect(at.router.states(at.table).map(({ state }) => state)).toEqual(['cooling', 'ready']);
  });
});

describe('a caller with a list of models', () => {
  it('is refused what is not on it, without a word to any upstream', async () => {
    const at = await startRig({}, { ...anonymous, holders: [{ id: 'key_a', grant: { models: ['other-*'] } }] });
    const answer = await ask(at);
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code: 'model_not_allowed', param: 'model' } });
    expect(first.seen).toHaveLength(0);
    expect(at.settled.map(({ outcome }) => outcome)).toEqual(['model_not_allowed']);
  });

  const limited = { ...anonymous, holders: [{ id: 'key_a', grant: { models: ['m'] } }] };
  const post = (url: string, body: string) => send(url, { method: 'POST', path: '/v1/chat/completions', headers: { 'content-type': 'application/json' }, body });

  it.each([
    { models: ['m', 'dear'] },
    { fallbacks: [{ model: 'dear' }] },
    { fallback_models: ['dear'] },
    { tools: [{ type: 'function', name: 'f', parameters: {} }, { type: 'image_generation', model: 'dear' }] },
    { tools: [{ type: 'advisor_20260301', name: 'advisor', model: 'dear' }] },
    { tools: [{ type: 'namespace', name: 'n', tools: [{ type: 'image_generation', model: 'dear' }] }] },
    { tools: [{ type: 'openrouter:image_generation', parameters: { model: 'dear' } }] },
    { plugins: [{ id: 'fusion', model: 'm', models: ['dear'] }] },
  ])('is refused a body that names others beside it: %j', async (more) => {
    const at = await startRig({}, limited);
    const answer = await post(at.url, JSON.stringify({ model: 'm', messages: [], ...more }));
    expect([answer.status, JSON.parse(answer.body.toString())]).toMatchObject([403, { error: { code: 'model_not_allowed' } }]);
    expect(first.seen).toHaveLength(0);
  });

  it.each([
    '"fallbacks":["m"],"fallbacks":["dear"]',
    '"fallbacks":["m"],"Fallbacks":["dear"]',
    '"tools":[{"type":"image_generation","model":"m","model":"dear"}]',
    '"tools":[ {"type":"image_generation","mod\\u0065l":"m","Model":"dear"} ]',
    '"tools":[],"tools":[{"type":"image_generation","model":"dear"}]',
  ])('is refused a body that can be read in two ways: %s', async (more) => {
    const at = await startRig({}, limited);
    const answer = await post(at.url, `{"model":"m","messages":[],${more}}`);
    expect([answer.status, JSON.parse(answer.body.toString())]).toMatchObject([400, { error: { code: 'duplicate_member' } }]);
    expect(first.seen).toHaveLength(0);
  });

  it('may describe functions as it likes, and name the models that it has', async () => {
    const at = await startRig({}, limited);
    const properties = { model: { type: 'string', default: 'dear' } };
    const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties, model: 'dear' } } }, { type: 'function', name: 'g', parameters: { properties, model: 'dear' } }, { name: 'h', input_schema: { properties } }, { type: 'image_generation', model: 'm' }, null, 'x', [[]]];
    expect((await post(at.url, JSON.stringify({ model: 'm', messages: [], tools, plugins: {}, fallbacks: null }))).status).toBe(200);
  });

  it('is served what is', async () => {
    expect((await ask(await startRig({}, { ...anonymous, holders: [{ id: 'key_a', grant: { models: ['m*'] } }] }))).status).toBe(200);
  });
});

describe('session affinity', () => {
  it('keeps a session on the account that served it, though another one’s turn it is', async () => {
    const at = await startRig({ routing: { 'session-affinity': true }, 'openai-compatibility': [first, second].map(({ url }, index) => ({ name: `e${index}`, 'base-url': url, models: [{ name: 'm' }] })) });
    for (let turn = 0; turn < 4; turn++) await ask(at, {}, { 'session-id': 'conversation-1' });
    expect([first.seen.length, second.seen.length].toSorted((a, b) => a - b)).toEqual([0, 4]);
    await ask(at, {}, { 'session-id': 'conversation-2' });
    expect([first.seen.length, second.seen.length].toSorted((a, b) => a - b)).toEqual([1, 4]);
  });
});

describe('payload rules', () => {
  it('change the body that goes upstream, and nothing where they do not apply', async () => {
    const at = await startRig({ payload: { override: [{ models: [{ name: 'm', protocol: 'openai' }], params: { temperature: 0.5 } }], filter: [{ models: [{ name: 'm' }], params: ['user'] }] } });
    await ask(at, { user: 'ann', temperature: 1 });
    expect(JSON.parse(first.seen[0]?.body.toString() ?? '')).toEqual({ model: 'm', messages: [{ role: 'user', content: 'hi' }], temperature: 0.5 });
    expect(Number(first.seen[0]?.headers['content-length'])).toBe(first.seen[0]?.body.length);
  });
});
