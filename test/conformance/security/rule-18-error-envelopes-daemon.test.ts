import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startDaemon } from '../../support/daemon.ts';
import { accountsAt, answerPlainly, asClient, clientKey, dialectCases, startFourDialects, type FourDialects } from '../../support/four-dialects.ts';
import { send } from '../../support/raw-http.ts';
import { answerJson } from '../../support/scripted-upstream.ts';

let rig: FourDialects;
beforeAll(async () => {
  rig = await startFourDialects();
});
afterAll(() => rig.stop());
beforeEach(() => rig.upstream.setScript(answerPlainly));

/** What an error says in a dialect: status, code and the shape of its envelope. */
function read(dialect: string, body: Buffer): { readonly code: unknown; readonly shape: readonly string[]; readonly status: unknown; readonly number: unknown } {
  const whole = JSON.parse(body.toString());
  const { error } = whole;
  return { code: dialect === 'gemini' ? error.details[0].reason : error.code, shape: [Object.keys(whole).toSorted().join(), typeof error.message, typeof error.type], status: error.status, number: error.code };
}
const shapes = { 'openai-chat': 'error', 'openai-responses': 'error', 'anthropic-messages': 'error,request_id,type', gemini: 'error' } as const;

describe('rule 18: each dialect’s errors keep their envelope at the built daemon', () => {
  it.each(dialectCases)('$dialect: refusals at the door, of the body, of the router and of the upstream', async ({ dialect, path, body }) => {
    const post = (headers: Record<string, string>, text: string, script?: number) => {
      if (script !== undefined) rig.upstream.setScript((_, res) => answerJson(res, script, { error: 'no' }));
      return send(rig.daemon.url, { method: 'POST', path, headers, body: text });
    };
    const json = JSON.stringify(body);
    for (const [answer, status, code, name] of [
      [await post({ 'content-type': 'application/json' }, json), 401, 'missing_api_key', 'UNAUTHENTICATED'],
      [await post({ ...asClient, authorization: 'Bearer wrong' }, json), 401, 'invalid_api_key', 'UNAUTHENTICATED'],
      [await post(asClient, 'nope'), 400, 'invalid_json', 'INVALID_ARGUMENT'],
      [await post({ ...asClient, 'content-encoding': 'x' }, json), 415, 'unsupported_media_type', 'INVALID_ARGUMENT'],
      [await post(asClient, json, 401), 503, 'account_unavailable', 'UNAVAILABLE'],
      [await post(asClient, json, 500), 502, 'upstream_error', undefined],
    ] as const) {
      expect(answer.status).toBe(status);
      const told = read(dialect, answer.body);
      expect([told.code, told.shape[0], told.shape[1], told.shape[2]]).toEqual([code, shapes[dialect], 'string', 'string']);
      if (dialect === 'gemini') expect(told.number).toBe(status);
      if (dialect === 'gemini' && name !== undefined) expect(told.status).toBe(name);
      // SDKs are told not to hammer where another try is no use.
      expect(answer.headers['x-should-retry']).toBe(code === 'account_unavailable' ? 'false' : undefined);
      expect(answer.headers['x-request-id']).toBeDefined();
    }
  });

  it.each([
    [30, undefined],
    [120, 'false'],
  ])('a cooldown of %i s is told with Retry-After, and x-should-retry %s', async (seconds, shouldRetry) => {
    const daemon = await startDaemon({ config: `api-keys: ["${clientKey}"]\n${accountsAt(rig.upstream.url)}` });
    rig.upstream.setScript((_, res) => answerJson(res, 429, { error: { message: 'slow down' } }, { 'retry-after': String(seconds) }));
    for (const { dialect, path, body } of dialectCases) {
      const post = () => send(daemon.url, { method: 'POST', path, headers: asClient, body: JSON.stringify({ ...body, ...(dialect === 'openai-responses' ? { model: 'gpt-4o-mini' } : {}) }) });
      await post();
      const asked = rig.upstream.seen.length;
      const answer = await post();
      expect([answer.status, read(dialect, answer.body).code, answer.headers['x-should-retry']], dialect).toEqual([429, 'model_cooldown', shouldRetry]);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(seconds - 10);
      expect(rig.upstream.seen.length).toBe(asked);
    }
    await daemon.stop();
  });
});
