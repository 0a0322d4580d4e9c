import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGovernedRig, type GovernedRig } from '../../support/governed-rig.ts';
import { answerJson, chatCompletion, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

let upstream: ScriptedUpstream;
let rig: GovernedRig;
let id = '';
beforeEach(async () => {
  upstream = await startScriptedUpstream((_seen, res) => answerJson(res, 200, chatCompletion));
  rig = await startGovernedRig({
    'stored-responses': { enabled: true },
    'openai-compatibility': [{ name: 'chat', 'base-url': upstream.url, models: [{ name: 'm' }], dialects: ['openai-chat'] }],
  });
  // It keeps no responses, so Keyward does.
  rig.keys.mint('key', {});
  const { json } = await ask('POST', '/v1/responses', { model: 'm', input: 'hi' });
  id = String(json['id']);
});
afterEach(async () => {
  await rig.close();
  await upstream.close();
});

async function ask(method: string, path: string, body?: object): Promise<{ readonly status: number; readonly code: string; readonly limit: string; readonly headers: Headers; readonly json: Readonly<Record<string, unknown>> }> {
  const answer = await fetch(`${rig.url}${path}`, { method, headers: { authorization: 'Bearer key', 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await answer.text();
  const json: Readonly<Record<string, unknown>> = JSON.parse(text);
  return { status: answer.status, code: /"code": ?"(\w+)"/.exec(text)?.[1] ?? '', limit: /"limit": ?"(\w+)"/.exec(text)?.[1] ?? '', headers: answer.headers, json };
}

const ways: readonly (readonly [string, string])[] = [
  ['GET', ''],
  ['GET', '/input_items'],
  ['DELETE', ''],
];

describe.each(ways)('%s of a response that is kept here%s', (method, part) => {
  const again = (): ReturnType<typeof ask> => ask(method, `/v1/responses/${id}${part}`);

  it('is given', async () => {
    expect((await again()).status).toBe(200);
  });

  it('is not given while exchanges are refused, and nothing is changed', async () => {
    rig.setObstacle('audit_unavailable');
    expect(await again()).toMatchObject({ status: 503, code: 'audit_unavailable' });
    rig.setObstacle(undefined);
    expect((await again()).status).toBe(200);
  });

  it('counts as a request of its caller’s rate', async () => {
    rig.keys.mint('key', { requestsPerMinute: 1 });
    expect((await ask('POST', '/v1/responses', { model: 'm', input: 'hi' })).status).toBe(200);
    expect(await again()).toMatchObject({ status: 429, code: 'rate_limit_exceeded', limit: 'requests_per_minute' });
    rig.clock.advance(60_000);
    const given = await again();
    expect([given.status, given.headers.get('x-ratelimit-remaining-requests')]).toEqual([200, '0']);
    expect((await ask('POST', '/v1/responses', { model: 'm', input: 'hi' })).status).toBe(429);
  });

  it('needs a place, and gives it back', async () => {
    let release = (): void => undefined;
    rig.keys.mint('key', { maxConcurrent: 1 });
    const isSeen = new Promise<void>((seen) => {
      upstream.setScript((_seen, res) => {
        release = () => answerJson(res, 200, chatCompletion);
        seen();
      });
    });
    const running = ask('POST', '/v1/responses', { model: 'm', input: 'hi' });
    await isSeen;
    expect(await again()).toMatchObject({ status: 429, limit: 'max_concurrent' });
    release();
    await running;
    expect((await again()).status).toBe(200);
  });

  it('costs no budget, and needs none', async () => {
    rig.keys.mint('key', { dailyBudget: { tokens: 1, requests: 2 } });
    expect((await ask('POST', '/v1/responses', { model: 'm', input: 'hi' })).status).toBe(200);
    expect((await ask('POST', '/v1/responses', { model: 'm', input: 'hi' })).code).toBe('budget_exhausted');
    expect((await again()).status).toBe(200);
    rig.keys.mint('key', { dailyBudget: { requests: 1 } });
    expect((await ask('POST', '/v1/responses', { model: 'm', input: 'hi' })).code).toBe('budget_exhausted');
    if (method === 'GET') expect((await again()).status).toBe(200);
  });
});

it('a response that is not there costs a request of the rate too', async () => {
  rig.keys.mint('key', { requestsPerMinute: 1 });
  expect((await ask('GET', '/v1/responses/resp_none')).status).toBe(404);
  expect((await ask('GET', '/v1/responses/resp_none')).status).toBe(429);
});
