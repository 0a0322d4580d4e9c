import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountsOf, authFile } from '../../support/auth-files.ts';
import { createFakeKeeper } from '../../support/fake-keeper.ts';
import { dialectCases } from '../../support/four-dialects.ts';
import { spentAt, startProxyRig, type ProxyRig } from '../../support/proxy-rig.ts';
import { send, type RawAnswer } from '../../support/raw-http.ts';
import { answerEvents, answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

const gemini = dialectCases.find(({ dialect }) => dialect === 'gemini') ?? expect.fail('no gemini case');
/** What was inside the events, and the events as the vendor sends them. */
const contents = gemini.events.map((event) => event.replace(/^data: /, '').trimEnd());
const wrap = (content: string): string => `data: {"response": ${content},"traceId":"t"}\r\n\r\n`;
const base = '/v1beta/models/gemini-2.5-pro';

let upstream: ScriptedUpstream;
let rig: ProxyRig;
beforeEach(async () => {
  upstream = await startScriptedUpstream((_, res) => answerEvents(res, contents.map(wrap)));
  const keeper = createFakeKeeper();
  const { accounts, logins } = accountsOf([authFile('antigravity', { facts: { project_id: 'proj-1' } })]);
  keeper.good.set(logins[0]?.key ?? '', 'access-token-0123456789');
  rig = await startProxyRig({ accounts: accounts.map((account) => spentAt(account, upstream.url)), tokens: keeper });
});
afterEach(async () => {
  await rig.close();
  await upstream.close();
});
const call = (verb: string, body: object = gemini.body): Promise<RawAnswer> => send(rig.url, { method: 'POST', path: `${base}:${verb}`, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

describe('behind the envelope of Code Assist', () => {
  it('an answer is what a client of the Gemini API gets, byte for byte, usage read and length right', async () => {
    const inner = `{ "candidates": [], "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3}, "n": 1.0 }`;
    upstream.setScript((_, res) => {
      res.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' });
      res.end(`{"traceId":"t","response":${inner}}`);
    });
    const answer = await call('generateContent');
    expect([answer.body.toString(), answer.headers['content-length'], answer.headers['content-type']]).toEqual([inner, String(inner.length), 'application/json; charset=UTF-8']);
    expect(rig.settled).toMatchObject([{ outcome: 'ok', tokens: { input: 7, output: 3, estimated: false } }]);
  });

  it('a large answer flows without its envelope too', async () => {
    const data = 'A'.repeat(300_000);
    upstream.setScript((_, res) => answerJson(res, 200, { response: { inlineData: data } }));
    const answer = await call('generateContent');
    expect([answer.isComplete, answer.body.toString()]).toEqual([true, JSON.stringify({ inlineData: data })]);
  });

  it('an answer that was cut is broken, not passed on', async () => {
    upstream.setScript((_, res) => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      res.write('{"response":{"candidates":[');
      res.socket?.destroySoon();
    });
    expect((await call('generateContent')).status).toBe(502);
  });

  it('a stream of events is the same stream', async () => {
    const answer = await call('streamGenerateContent?alt=sse');
    expect(answer.headers['content-type']).toBe('text/event-stream');
    expect(answer.body.toString()).toBe(gemini.events.join(''));
    expect(upstream.seen[0]?.url).toBe('/v1internal:streamGenerateContent?alt=sse');
    expect(upstream.seen[0]?.body.toString()).toBe(`{"model":"gemini-2.5-pro","project":"proj-1","request":${JSON.stringify(gemini.body)}}`);
    expect(rig.settled).toMatchObject([{ outcome: 'ok', tokens: { input: 5, output: 2, estimated: false } }]);
  });

  it('whoever asked for the streamed array gets it', async () => {
    const answer = await call('streamGenerateContent');
    expect(answer.headers['content-type']).toBe('application/json; charset=UTF-8');
    expect(JSON.parse(answer.body.toString())).toEqual(contents.map((content): unknown => JSON.parse(content)));
    expect(upstream.seen[0]?.url).toBe('/v1internal:streamGenerateContent?alt=sse');
    expect(rig.settled).toMatchObject([{ outcome: 'ok', tokens: { input: 5, output: 2 } }]);
  });

  it.each(['streamGenerateContent?alt=sse', 'streamGenerateContent'])('%s cut short never looks complete', async (verb) => {
    upstream.setScript((_, res) => answerEvents(res, [wrap(contents[0] ?? '')]));
    const answer = await call(verb);
    expect(answer.isComplete).toBe(false);
    expect(answer.body.toString().endsWith(']')).toBe(false);
    expect(rig.settled).toMatchObject([{ outcome: 'stream_truncated' }]);
  });

  it('a coded stream is decoded on its way', async () => {
    upstream.setScript((_, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      res.end(gzipSync(contents.map(wrap).join('')));
    });
    expect((await call('streamGenerateContent?alt=sse')).body.toString()).toBe(gemini.events.join(''));
  });

  it('an answer coded in an unknown way is broken, as its envelope cannot be taken off', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, { response: {} }, { 'content-encoding': 'x-unknown' }));
    expect((await call('generateContent')).status).toBe(502);
  });

  it('tokens are counted in that call\'s own envelope', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, { totalTokens: 31 }));
    expect((await call('countTokens')).body.toString()).toBe('{"totalTokens":31}');
    expect([upstream.seen[0]?.url, upstream.seen[0]?.body.toString()]).toEqual(['/v1internal:countTokens', `{"request":{"model":"models/gemini-2.5-pro",${JSON.stringify(gemini.body).slice(1)}}`]);
  });

  it('a refusal is passed on as it came', async () => {
    const refusal = { error: { code: 400, status: 'INVALID_ARGUMENT', message: 'no' } };
    upstream.setScript((_, res) => answerJson(res, 400, refusal));
    const answer = await call('generateContent');
    expect([answer.status, JSON.parse(answer.body.toString())]).toEqual([400, refusal]);
  });

  it('an error within the stream reaches the client as the vendor wrote it', async () => {
    const error = 'data: {"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}\r\n\r\n';
    upstream.setScript((_, res) => answerEvents(res, [wrap(contents[0] ?? ''), error]));
    const answer = await call('streamGenerateContent?alt=sse');
    expect(answer.body.toString()).toBe(`${gemini.events[0]}${error}`);
    expect(rig.settled).toMatchObject([{ outcome: 'upstream_stream_error' }]);
  });

  it('a vendor that answers a stream request in one piece is broken', async () => {
    upstream.setScript((_, res) => answerJson(res, 200, [{ response: {} }]));
    expect((await call('streamGenerateContent?alt=sse')).status).toBe(502);
  });

  it('embeddings are not offered', async () => {
    const answer = await call('embedContent', { content: {} });
    expect([answer.status, upstream.seen.length]).toEqual([501, 0]);
  });
});
