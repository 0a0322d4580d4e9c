import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { configOf } from '../../support/config.ts';
import { createFakeKeeper } from '../../support/fake-keeper.ts';
import { dialectCases } from '../../support/four-dialects.ts';
import { startProxyRig, type ProxyRig } from '../../support/proxy-rig.ts';
import { send } from '../../support/raw-http.ts';
import { answerEvents, answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

let upstream: ScriptedUpstream;
let rig: ProxyRig;
beforeEach(async () => {
  upstream = await startScriptedUpstream((_, res) => res.destroy());
});
afterEach(async () => {
  await rig.close();
  await upstream.close();
});

const accounts = {
  'openai-chat': (url: string) => ({ 'openai-compatibility': [{ name: 'e', 'base-url': `${url}/v1`, models: [{ name: 'm' }] }] }),
  'openai-responses': (url: string) => ({ 'codex-api-key': [{ 'api-key': 'sk-upstream-0123456789', 'base-url': `${url}/v1`, models: [{ name: 'm' }], dialects: ['openai-responses'] }] }),
  'anthropic-messages': (url: string) => ({ 'claude-api-key': [{ 'api-key': 'sk-upstream-0123456789', 'base-url': url, models: [{ name: 'm' }] }] }),
  gemini: (url: string) => ({ 'gemini-api-key': [{ 'api-key': 'sk-upstream-0123456789', 'base-url': url, models: [{ name: 'm' }] }] }),
} as const;

async function ask(dialect: keyof typeof accounts, body: object): ReturnType<typeof send> {
  const config = accounts[dialect](upstream.url);
  rig = await startProxyRig({ accounts: accountsFromConfig(configOf(config)).accounts, tokens: createFakeKeeper(), config });
  return send(rig.url, { method: 'POST', path: '/v1/chat/completions', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'm', ...body }) });
}

/** As Cursor's agents send it. */
const agentBody = {
  input: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: [{ type: 'input_text', text: 'Hello!' }] }],
  tools: [{ type: 'function', name: 'look', description: 'Looks.', parameters: { type: 'object', properties: {} } }],
  reasoning: { effort: 'low' },
};

describe.each(dialectCases.map((vendor) => [vendor.dialect, vendor] as const))('a Responses request at /v1/chat/completions, for an upstream of %s', (dialect, vendor) => {
  it('is read as what it is, and answered as Chat Completions', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, vendor.answer));
    const answer = await ask(dialect, agentBody);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body.toString())).toMatchObject({ object: 'chat.completion', choices: [{ message: { role: 'assistant', content: 'Hello.' } }] });
    const sent = upstream.seen[0]?.body.toString() ?? '';
    expect(sent).toMatch(/Hello!/);
    expect(sent).toMatch(/"look"/);
  });

  it('streams chunks, with usage where it asked for that', async () => {
    upstream.setScript((_, res) => answerEvents(res, vendor.events));
    const answer = await ask(dialect, { ...agentBody, stream: true, stream_options: { include_usage: true } });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(answer.body.toString()).toMatch(/"object":"chat\.completion\.chunk"[^]*"usage":\{"prompt_tokens":5[^]*data: \[DONE\]/);
    expect(answer.headers['x-keyward-dropped'] ?? '').not.toContain('stream_options');
  });
});

describe('what else may come there', () => {
  it('a body with messages passes byte for byte, whatever else it holds', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, { ok: true }));
    const body = { messages: [{ role: 'user', content: 'the "input"' }], input: 'x' };
    await ask('openai-chat', body);
    expect(upstream.seen[0]?.body.toString()).toBe(JSON.stringify({ model: 'm', ...body }));
  });

  it('functions in the form of Responses among those of Chat Completions reach other dialects', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, dialectCases.find(({ dialect }) => dialect === 'anthropic-messages')?.answer ?? {}));
    const answer = await ask('anthropic-messages', { messages: [{ role: 'user', content: 'Hi' }], tools: [...agentBody.tools, { type: 'custom', name: 'patch' }] });
    expect(answer.status).toBe(200);
    expect(JSON.parse(upstream.seen[0]?.body.toString() ?? '')).toMatchObject({ tools: [{ name: 'look' }, { name: 'patch' }] });
  });

  it('what it refers to is refused by name, since nobody keeps these answers', async () => {
    const answer = await ask('openai-chat', { ...agentBody, previous_response_id: 'resp_1' });
    expect([answer.status, JSON.parse(answer.body.toString())]).toMatchObject([400, { error: { code: 'unsupported_parameter', param: 'previous_response_id' } }]);
    expect(upstream.seen).toEqual([]);
  });

  it('what cannot be read is named by its place in the input', async () => {
    const answer = await ask('openai-chat', { input: [{ role: 'user', content: [{ type: 'input_smell' }] }] });
    expect([answer.status, JSON.parse(answer.body.toString())]).toMatchObject([400, { error: { param: 'input[0].content[0].type' } }]);
  });
});
