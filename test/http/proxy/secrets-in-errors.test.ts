import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { configOf } from '../../support/config.ts';
import { createFakeKeeper } from '../../support/fake-keeper.ts';
import { dialectCases, geminiArrayPath, type DialectCase } from '../../support/four-dialects.ts';
import { startProxyRig, type ProxyRig } from '../../support/proxy-rig.ts';
import { send } from '../../support/raw-http.ts';
import { answerEvents, answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

const key = 'sk-upstream-0123456789abcdef';
const header = 'team-token-0123456789';
let upstream: ScriptedUpstream;
let rig: ProxyRig | undefined;
beforeEach(async () => {
  upstream = await startScriptedUpstream((_, res) => res.destroy());
});
afterEach(async () => {
  await rig?.close();
  await upstream.close();
});

const configOfVendor = (dialect: DialectCase['dialect'], url: string): object => {
  const entry = { 'api-key': key, headers: { 'x-team': `Token ${header}` }, 'base-url': dialect.startsWith('openai') ? `${url}/v1` : url, models: [{ name: 'm' }] };
  return { [{ 'openai-chat': 'codex-api-key', 'openai-responses': 'codex-api-key', 'anthropic-messages': 'claude-api-key', gemini: 'gemini-api-key' }[dialect]]: [dialect.startsWith('openai') ? { ...entry, dialects: [dialect] } : entry] };
};

async function ask(client: DialectCase, vendor: DialectCase, isStream: boolean, path?: string): ReturnType<typeof send> {
  const config = configOfVendor(vendor.dialect, upstream.url);
  rig = await startProxyRig({ accounts: accountsFromConfig(configOf(config)).accounts, tokens: createFakeKeeper(), config });
  const body = client.dialect === 'gemini' ? client.body : { ...client.body, model: 'm', ...(isStream ? { stream: true } : {}) };
  return send(rig.url, { method: 'POST', path: (path ?? (isStream ? client.streamPath : client.path)).replace('gemini-2.5-flash', 'm'), headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

const message = `Incorrect API key provided: ${key} (team ${header})`;
const errors: Readonly<Record<DialectCase['dialect'], string>> = {
  'openai-chat': `data: ${JSON.stringify({ error: { message, type: 'server_error', code: null } })}\n\n`,
  'openai-responses': `event: error\ndata: ${JSON.stringify({ type: 'error', code: 'server_error', message, param: null, sequence_number: 9 })}\n\n`,
  'anthropic-messages': `event: error\ndata: ${JSON.stringify({ type: 'error', error: { type: 'api_error', message } })}\n\n`,
  gemini: `data: ${JSON.stringify({ error: { code: 500, message, status: 'INTERNAL' } })}\r\n\r\n`,
};
/** Up to the first text. */
const begun = ({ dialect, events }: DialectCase): readonly string[] => events.slice(0, { 'openai-chat': 1, 'openai-responses': 4, 'anthropic-messages': 3, gemini: 1 }[dialect]);
const cleared = (text: string): string => text.replaceAll(key, '[redacted]').replaceAll(header, '[redacted]');

const pairs = dialectCases.flatMap((client) => dialectCases.map((vendor) => [client.dialect, vendor.dialect, client, vendor] as const));

describe('an upstream that repeats its key', () => {
  it.each(pairs)('in an error amid a stream does not show it: %s on %s', async (_, __, client, vendor) => {
    upstream.setScript((_seen, res) => answerEvents(res, [...begun(vendor), errors[vendor.dialect]]));
    const answer = await ask(client, vendor, true);
    expect(answer.body.toString()).toContain('Hel');
    expect(answer.body.toString()).toContain('Incorrect API key provided: [redacted] (team [redacted])');
    expect(answer.body.toString()).not.toMatch(/0123456789/);
    if (client === vendor) expect(answer.body.toString()).toBe(`${begun(vendor).join('')}${cleared(errors[vendor.dialect])}`);
  });

  it.each(dialectCases)('in an error that comes in two parts does not show it: $dialect', async (vendor) => {
    const error = errors[vendor.dialect];
    const at = error.indexOf(key) + 12;
    upstream.setScript((_seen, res) => {
      answerEvents(res, [...begun(vendor), error.slice(0, at)], false);
      setTimeout(() => res.end(error.slice(at)), 50);
    });
    const answer = await ask(vendor, vendor, true);
    expect(answer.body.toString()).toBe(`${begun(vendor).join('')}${cleared(error)}`);
  });

  it('in an error amid Gemini’s array does not show it', async () => {
    const gemini = dialectCases[3];
    if (gemini === undefined) throw new Error('no gemini');
    const error = `,\r\n${JSON.stringify([{ error: { code: 500, message, status: 'INTERNAL' } }], undefined, 2).slice(1)}`;
    const first = `[${JSON.stringify(gemini.answer)}\n`;
    upstream.setScript((_seen, res) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      res.write(first);
      setTimeout(() => {
        res.write(error.slice(0, error.indexOf(key) + 12));
        setTimeout(() => res.end(error.slice(error.indexOf(key) + 12)), 50);
      }, 50);
    });
    const answer = await ask(gemini, gemini, true, geminiArrayPath);
    expect(answer.body.toString()).toBe(`${first}${cleared(error)}`);
  });

  it.each(pairs.filter(([client, vendor]) => client !== vendor))('in an error amid a stream that is collected does not show it: %s on %s', async (_, __, client, vendor) => {
    upstream.setScript((_seen, res) => answerEvents(res, [...begun(vendor), errors[vendor.dialect]]));
    const answer = await ask(client, vendor, false);
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect(answer.body.toString()).not.toMatch(/0123456789/);
  });

  it.each(pairs)('in a good answer that is an error does not show it: %s on %s', async (_, __, client, vendor) => {
    upstream.setScript((_seen, res) => answerJson(res, 200, { type: 'error', error: { type: 'invalid_request_error', code: 400, message, status: 'INVALID_ARGUMENT' } }));
    const answer = await ask(client, vendor, false);
    expect(answer.body.toString()).toContain('Incorrect API key provided: [redacted] (team [redacted])');
    expect(answer.body.toString()).not.toMatch(/0123456789/);
    expect(answer.isComplete).toBe(true);
  });
});
