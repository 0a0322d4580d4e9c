import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { configOf } from '../../support/config.ts';
import { createFakeKeeper } from '../../support/fake-keeper.ts';
import { dialectCases, type DialectCase } from '../../support/four-dialects.ts';
import { startProxyRig, type ProxyRig } from '../../support/proxy-rig.ts';
import { send } from '../../support/raw-http.ts';
import { answerEvents, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { until } from '../../support/until.ts';

let bad: ScriptedUpstream;
let good: ScriptedUpstream;
let rig: ProxyRig | undefined;
beforeEach(async () => {
  bad = await startScriptedUpstream((_, res) => res.destroy());
  good = await startScriptedUpstream((_, res) => res.destroy());
});
afterEach(async () => {
  await rig?.close();
  await bad.close();
  await good.close();
});

const sse = (name: string, data: object): string => `event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`;

/** How each dialect's upstream begins a 200 stream that is an error. */
const openings: Readonly<Record<DialectCase['dialect'], { readonly events: readonly string[]; readonly status: number }>> = {
  'openai-chat': { events: ['data: {"error":{"message":"busy","type":"rate_limit_error","code":"rate_limit_exceeded"}}\n\n'], status: 429 },
  'openai-responses': { events: [sse('response.created', { response: { id: 'resp_0', status: 'in_progress' } }), sse('response.failed', { response: { id: 'resp_0', status: 'failed', error: { code: 'rate_limit_exceeded', message: 'busy' } } })], status: 429 },
  'anthropic-messages': { events: [sse('error', { error: { type: 'overloaded_error', message: 'Overloaded' } })], status: 502 },
  gemini: { events: ['data: {"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED"}}\r\n\r\n'], status: 429 },
};

const configFor = (urls: readonly string[]): object => ({
  'codex-api-key': urls.map((url, index) => ({ 'api-key': `sk-${index}`, 'base-url': `${url}/v1`, dialects: ['openai-chat', 'openai-responses'], priority: -index })),
  'claude-api-key': urls.map((url, index) => ({ 'api-key': `sk-${index}`, 'base-url': url, priority: -index })),
  'gemini-api-key': urls.map((url, index) => ({ 'api-key': `sk-${index}`, 'base-url': url, priority: -index })),
});

async function startRig(urls: readonly string[], more: object = {}): Promise<ProxyRig> {
  const config = { ...configFor(urls), ...more };
  rig = await startProxyRig({ accounts: accountsFromConfig(configOf(config)).accounts, tokens: createFakeKeeper(), config });
  return rig;
}

const ask = (at: ProxyRig, { streamPath, streamBody }: DialectCase): ReturnType<typeof send> => send(at.url, { method: 'POST', path: streamPath, headers: { 'content-type': 'application/json' }, body: JSON.stringify(streamBody) });

describe('a stream that begins with an error', () => {
  it.each(dialectCases)('is left for another account, byte for byte: $dialect', async (dialectCase) => {
    bad.setScript((_, res) => answerEvents(res, openings[dialectCase.dialect].events));
    good.setScript((_, res) => answerEvents(res, dialectCase.events));
    const answer = await ask(await startRig([bad.url, good.url]), dialectCase);
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toBe(dialectCase.events.join(''));
    expect(bad.seen).toHaveLength(1);
    expect(rig?.settled.map(({ outcome, attempts }) => ({ outcome, attempts }))).toEqual([{ outcome: 'ok', attempts: 2 }]);
  });

  it.each(dialectCases)('is answered with its status when there is no other: $dialect', async (dialectCase) => {
    const { events, status } = openings[dialectCase.dialect];
    bad.setScript((_, res) => answerEvents(res, events));
    const answer = await ask(await startRig([bad.url]), dialectCase);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body.toString())).toHaveProperty('error.message');
  });

  it.each([['openai-responses', false], ['anthropic-messages', false], ['openai-responses', true], ['anthropic-messages', true]] as const)('a moment after its beginning says nothing more, however the wait for it ends: %s, translated %s', async (dialect, isTranslated) => {
    const client = dialectCases.find((each) => each.dialect === dialect);
    const vendor = dialectCases.find((each) => each.dialect === (isTranslated === (dialect === 'openai-responses') ? 'anthropic-messages' : 'openai-responses'));
    if (client === undefined || vendor === undefined) throw new Error('no such dialect');
    const beginning = vendor.events[0] ?? '';
    const error = vendor.dialect === 'anthropic-messages' ? sse('error', { error: { type: 'overloaded_error', message: 'busy' } }) : sse('error', { code: 'rate_limit_exceeded', message: 'busy' });
    let fail = (): void => undefined;
    let finish = (): void => undefined;
    bad.setScript((_, res) => {
      answerEvents(res, [beginning.replaceAll('_1"', '_bad"')], false);
      fail = () => void res.write(error);
    });
    good.setScript((_, res) => {
      answerEvents(res, vendor.events.slice(0, -1), false);
      finish = () => res.end(vendor.events.at(-1));
    });
    const accounts = [bad.url, good.url].map((url, index) => ({ 'api-key': `sk-${index}`, 'base-url': vendor.dialect === 'anthropic-messages' ? url : `${url}/v1`, ...(vendor.dialect === 'anthropic-messages' ? {} : { dialects: ['openai-responses'] }), models: [{ name: 'm' }], priority: -index }));
    const config = { [vendor.dialect === 'anthropic-messages' ? 'claude-api-key' : 'codex-api-key']: accounts };
    rig = await startProxyRig({ accounts: accountsFromConfig(configOf(config)).accounts, tokens: createFakeKeeper(), config });
    const reading = read(rig, { ...client, streamBody: { ...client.streamBody, model: 'm' } });
    await until('the first upstream', () => bad.seen.length === 1);
    // Its beginning has to have arrived, so that the wait is on.
    await until('the wait for content', () => rig?.clock.sleeping() === 1);
    fail();
    await until('the content of the second', () => reading.text().includes('Hello.'));
    rig.clock.advance(260);
    finish();
    await reading.ended;
    expect(reading.text()).not.toMatch(/_bad|busy/);
    expect(reading.text().split(dialect === 'anthropic-messages' ? 'event: message_start' : 'event: response.created')).toHaveLength(2);
    expect(bad.seen).toHaveLength(1);
  });

  it('that comes after content is the client’s to see', async () => {
    const [chat] = dialectCases;
    if (chat === undefined) throw new Error('no chat');
    const events = [chat.events[0] ?? '', 'data: {"error":{"message":"broke","type":"server_error","code":null}}\n\n'];
    bad.setScript((_, res) => answerEvents(res, events));
    const answer = await ask(await startRig([bad.url, good.url]), chat);
    expect(answer.body.toString()).toBe(events.join(''));
    expect(good.seen).toHaveLength(0);
  });
});

/** A streamed answer, read as it comes. */
interface Reading {
  readonly status: Promise<number>;
  readonly text: () => string;
  readonly ended: Promise<void>;
}

function read(at: ProxyRig, { streamPath, streamBody }: DialectCase): Reading {
  let text = '';
  const answer = fetch(`${at.url}${streamPath}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(streamBody), signal: AbortSignal.timeout(10_000) });
  const drain = async (): Promise<void> => {
    const { body } = await answer;
    if (body === null) return;
    const decoder = new TextDecoder();
    for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  };
  return { status: answer.then(({ status }) => status), text: () => text, ended: drain() };
}

/** Lets time pass in small steps until it is so: what hangs on the clock may be armed only once bytes have arrived. */
async function passTime(at: ProxyRig, stepMs: number, what: string, check: () => boolean): Promise<void> {
  await until(what, () => {
    if (check()) return true;
    at.clock.advance(stepMs);
    return false;
  });
}

describe('a stream that only begins', () => {
  it('is shown after a moment, content or not', async () => {
    const responses = dialectCases[1];
    if (responses === undefined) throw new Error('no responses');
    let finish = (): void => undefined;
    good.setScript((_, res) => {
      answerEvents(res, responses.events.slice(0, 1), false);
      finish = () => res.end(responses.events.slice(1).join(''));
    });
    const at = await startRig([good.url]);
    const reading = read(at, responses);
    await passTime(at, 50, 'the first event', () => reading.text() === responses.events[0]);
    finish();
    await reading.ended;
    expect(reading.text()).toBe(responses.events.join(''));
  });
});

describe('a quiet stream', () => {
  it.each(dialectCases)('gets a sign of life that the dialect’s clients read over, before the first event and between two: $dialect', async (dialectCase) => {
    const sign = dialectCase.dialect === 'anthropic-messages' ? 'event: ping\ndata: {"type":"ping"}\n\n' : ': keep-alive\n\n';
    const [first = '', ...rest] = dialectCase.events;
    let begin = (): void => undefined;
    let finish = (): void => undefined;
    good.setScript((_, res) => {
      begin = () => answerEvents(res, [first, ...rest.slice(0, 1)], false);
      finish = () => res.end(rest.slice(1).join(''));
    });
    const at = await startRig([good.url]);
    const reading = read(at, dialectCase);
    await until('the request upstream', () => good.seen.length === 1);
    await passTime(at, 1_000, 'a sign before the first event', () => reading.text() === sign);
    expect(await reading.status).toBe(200);
    begin();
    await until('the events', () => reading.text() === `${sign}${first}${rest[0] ?? ''}`);
    await passTime(at, 1_000, 'a sign between events', () => reading.text() === `${sign}${first}${rest[0] ?? ''}${sign}`);
    finish();
    await reading.ended;
    expect(reading.text().replaceAll(sign, '')).toBe(dialectCase.events.join(''));
    expect(at.settled.map(({ outcome }) => outcome)).toEqual(['ok']);
  });

  it('is not spoken into before fifteen seconds have passed, and never within an event', async () => {
    const [chat] = dialectCases;
    if (chat === undefined) throw new Error('no chat');
    let finish = (): void => undefined;
    good.setScript((_, res) => {
      answerEvents(res, ['data: {"choices":[{"index":0,"del'], false);
      finish = () => res.end(`ta":{"content":"x"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`);
    });
    const at = await startRig([good.url]);
    const reading = read(at, chat);
    await until('the request upstream', () => good.seen.length === 1);
    at.clock.advance(14_900);
    expect(reading.text()).not.toContain('keep-alive');
    await passTime(at, 300, 'the beginning', () => reading.text().includes('del'));
    const signs = reading.text().split(': keep-alive').length;
    at.clock.advance(120_000);
    finish();
    await reading.ended;
    expect(reading.text().split(': keep-alive').length).toBe(signs);
    expect(reading.text()).toContain('"delta":{"content":"x"}');
  });

  it('whose upstream then refuses ends in the dialect’s error event, after the other accounts were tried', async () => {
    const [chat] = dialectCases;
    if (chat === undefined) throw new Error('no chat');
    let refuse = (): void => undefined;
    bad.setScript((_, res) => {
      refuse = () => res.writeHead(429, { 'content-type': 'application/json' }).end('{"error":{"message":"slow down","type":"rate_limit_error","code":"rate_limit_exceeded"}}');
    });
    good.setScript((_, res) => void res.writeHead(503).end());
    const at = await startRig([bad.url, good.url]);
    const reading = read(at, chat);
    await until('the request upstream', () => bad.seen.length === 1);
    await passTime(at, 1_000, 'a sign of life', () => reading.text() !== '');
    refuse();
    await reading.ended;
    expect(good.seen).toHaveLength(1);
    expect(reading.text()).toMatch(/^: keep-alive\n\n(?:: keep-alive\n\n)*data: \{"error":\{"message":.+\}\}\n\n$/);
    expect(reading.text()).not.toContain('[DONE]');
  });

  it('stays quiet with keepalive-seconds: 0', async () => {
    const [chat] = dialectCases;
    if (chat === undefined) throw new Error('no chat');
    let finish = (): void => undefined;
    good.setScript((_, res) => {
      finish = () => answerEvents(res, chat.events);
    });
    const at = await startRig([good.url], { streaming: { 'keepalive-seconds': 0 } });
    const reading = read(at, chat);
    await until('the request upstream', () => good.seen.length === 1);
    at.clock.advance(3_600_000);
    finish();
    await reading.ended;
    expect(reading.text()).toBe(chat.events.join(''));
  });
});
