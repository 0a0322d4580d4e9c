import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { send } from '../../support/raw-http.ts';
import { answerJson } from '../../support/scripted-upstream.ts';
import { asClient, clientKey, dialectCases, startFourDialects, upstreamKey, type FourDialects } from '../../support/four-dialects.ts';

let rig: FourDialects;
beforeAll(async () => {
  rig = await startFourDialects();
});
afterAll(() => rig.stop());

const openai = ['openai-beta'];
const passesUp = {
  'openai-chat': openai,
  'openai-responses': [...openai, 'session_id', 'conversation_id', 'x-codex-turn-state'],
  'anthropic-messages': ['anthropic-version', 'anthropic-beta'],
  gemini: ['x-goog-api-client'],
} as const;
/** Everything a client might send, each with a value of its own. */
const offered = [...new Set(Object.values(passesUp).flat()), 'accept', 'idempotency-key'];
const staysHere = [
  'cookie', 'x-api-key', 'x-goog-api-key', 'proxy-authorization', 'x-management-key', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via', 'forwarded', 'cf-connecting-ip', 'openai-organization',
  'openai-project', 'x-goog-user-project', 'anthropic-organization-id', 'chatgpt-account-id', 'x-stainless-os', 'x-keyward-dropped', 'x-request-id', 'user-agent', 'origin', 'referer', 'accept-language',
  'te', 'expect-ct', 'x-anything', 'sec-fetch-mode', 'traceparent', 'x-goog-request-params', 'x-http-method-override',
] as const;
const ours = ['host', 'connection', 'content-length', 'content-type', 'accept-encoding', 'user-agent', 'authorization', 'x-api-key', 'x-goog-api-key'];

const passesDown = ['content-language', 'retry-after', 'x-should-retry', 'request-id', 'openai-processing-ms', 'openai-version', 'x-ratelimit-remaining-requests', 'anthropic-ratelimit-tokens-limit', 'cache-control'];
const staysThere = ['set-cookie', 'access-control-allow-origin', 'access-control-allow-credentials', 'access-control-expose-headers', 'openai-organization', 'openai-project', 'anthropic-organization-id', 'x-goog-user-project', 'server', 'via', 'alt-svc', 'strict-transport-security', 'x-request-id', 'cf-ray', 'location', 'refresh', 'link', 'www-authenticate', 'clear-site-data', 'content-security-policy', 'x-anything'];

describe('rule 11: what passes goes by a list of names, in both directions and in every dialect', () => {
  it.each(dialectCases)('$dialect: up go the listed headers and nothing else the client sent', async ({ dialect, path, body }) => {
    const headers: Record<string, string> = { ...asClient };
    for (const name of [...offered, ...staysHere]) headers[name] = `client-${name}`;
    // More carriers of the same key are fine; none of them may leave.
    headers['x-api-key'] = clientKey;
    headers['x-goog-api-key'] = clientKey;
    headers['anthropic-version'] = '2023-06-01';
    const answer = await send(rig.daemon.url, { method: 'POST', path, headers, body: JSON.stringify(body) });
    expect(answer.status).toBe(200);
    const seen = rig.upstream.seen.at(-1)?.headers ?? {};
    const fromClient = Object.entries(seen).filter(([, value]) => String(value).startsWith('client-')).map(([name]) => name);
    const wanted = ['accept', 'idempotency-key', ...passesUp[dialect]].filter((name) => name !== 'anthropic-version');
    expect(fromClient.toSorted()).toEqual(wanted.toSorted());
    const known = new Set<string>([...ours, ...wanted, 'anthropic-version']);
    expect(Object.keys(seen).filter((name) => !known.has(name))).toEqual([]);
    expect(JSON.stringify(seen)).not.toContain(clientKey);
    expect(JSON.stringify(seen)).toContain(upstreamKey);
    expect(seen['user-agent']).toMatch(/^keyward\//);
  });

  it.each(dialectCases)('$dialect: down come the listed headers and nothing else the upstream sent', async ({ path, body, answer }) => {
    const headers: Record<string, string> = {};
    for (const name of [...passesDown, ...staysThere]) headers[name] = `upstream-${name}`;
    for (const status of [200, 400]) {
      rig.upstream.setScript((_, res) => answerJson(res, status, answer, headers));
      const got = await send(rig.daemon.url, { method: 'POST', path, headers: asClient, body: JSON.stringify(body) });
      const passed = Object.entries(got.headers).filter(([, value]) => String(value).startsWith('upstream-')).map(([name]) => name);
      expect(passed.toSorted(), `status ${status}`).toEqual((status === 200 ? passesDown : ['request-id', 'retry-after', 'x-should-retry']).toSorted());
      const known = new Set([...passed, 'content-type', 'content-length', 'date', 'connection', 'x-request-id', 'keep-alive']);
      expect(Object.keys(got.headers).filter((name) => !known.has(name))).toEqual([]);
    }
  });

  it.each([
    ['openai-chat', '/v1/chat/completions', ''],
    ['openai-responses', '/v1/responses', '?include=x&stream=1'],
    ['anthropic-messages', '/v1/messages', '?beta=true'],
    ['gemini', '/v1beta/models/gemini-2.5-flash:generateContent', '?alt=json'],
  ])('%s: of the query only listed names go up, whatever their spelling, and no key', async (dialect, path, kept) => {
    const body = dialectCases.find((each) => each.dialect === dialect)?.body;
    const query = `?key=${clientKey}&auth_token=${clientKey}&k%65y=${clientKey}&api_key=x&base_url=http://evil.test&include=x&stream=1&beta=true&alt=json&alt=json;key=other&$userProject=p&prettyPrint=1`;
    await send(rig.daemon.url, { method: 'POST', path: `${path}${query}`, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    expect(rig.upstream.seen.at(-1)?.url.replace(/^[^?]*/, '')).toBe(kept);
  });

  it('a stored response is read with listed headers and query alone', async () => {
    rig.upstream.setScript((_, res) => answerJson(res, 200, { id: 'resp_lists', object: 'response' }));
    await send(rig.daemon.url, { method: 'POST', path: '/v1/responses', headers: asClient, body: '{"model":"gpt-4o","input":"x"}' });
    await send(rig.daemon.url, { path: '/v1/responses/resp_lists?include=a&key=b&starting_after=3', headers: { ...asClient, cookie: 'a=b' } });
    const seen = rig.upstream.seen.at(-1);
    expect([seen?.method, seen?.url, seen?.headers.cookie]).toEqual(['GET', '/v1/responses/resp_lists?include=a&starting_after=3', undefined]);
  });

  it('framing of answers is our own: an upstream cannot name hop-by-hop headers of ours', async () => {
    rig.upstream.setScript((_, res) => {
      res.writeHead(200, { 'content-type': 'application/json', connection: 'x-ratelimit-a, close', 'keep-alive': 'timeout=1', 'x-ratelimit-a': 'b' });
      res.end('{"id":"c"}');
    });
    const { headers } = await send(rig.daemon.url, { method: 'POST', path: '/v1/chat/completions', headers: asClient, body: '{"model":"gpt-4o"}' });
    expect(headers['keep-alive']).not.toBe('timeout=1');
    expect(headers['transfer-encoding']).toBeUndefined();
    expect(headers['content-length']).toBe('10');
  });
});
