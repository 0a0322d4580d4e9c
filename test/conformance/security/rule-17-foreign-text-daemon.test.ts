import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { asClient, asManager, startFourDialects, type FourDialects } from '../../support/four-dialects.ts';
import { send, sendBytes } from '../../support/raw-http.ts';
import { answerJson } from '../../support/scripted-upstream.ts';
import { filesBelow } from '../canary/canaries.ts';

let rig: FourDialects;
beforeAll(async () => {
  rig = await startFourDialects('debug: true\nlogging-to-file: true\nrequest-log: false\n');
});
afterAll(() => rig.stop());

const escape = '\u001b]0;evil\u0007\u001b[2J';
const bidi = '\u202e\u2066\u200f';
const hostile = `${escape}${bidi}\u0085\u009b31m`;
// Line ends are the one control character left.
const isClean = (text: string): boolean => !/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(text.replaceAll(/\r?\n/g, ''));

describe('rule 17: foreign text at the built daemon', () => {
  it.each([
    ['good_ID-1', true],
    ['x'.repeat(64), true],
    ['x'.repeat(65), false],
    ['a b', false],
    ['a;b', false],
    ['../../etc/passwd', false],
    ['é', false],
    ['', false],
  ])('x-request-id %j is kept: %s', async (id, isKept) => {
    const { headers } = await send(rig.daemon.url, { path: '/healthz', headers: { 'x-request-id': id } });
    if (isKept) expect(headers['x-request-id']).toBe(id);
    else expect(headers['x-request-id']).toMatch(/^req_[\w-]+$/);
    const proxied = await send(rig.daemon.url, { method: 'POST', path: '/v1/chat/completions', headers: { ...asClient, 'x-request-id': id }, body: '{"model":"gpt-4o"}' });
    expect(proxied.headers['x-request-id'] === id).toBe(isKept);
    expect(rig.upstream.seen.at(-1)?.headers['x-request-id']).toBeUndefined();
  });

  it('control and bidi characters of clients and upstreams reach no log line, no log file and no page unescaped', async () => {
    rig.upstream.setScript((_, res) => answerJson(res, 400, { error: { message: hostile } }));
    for (const model of [hostile, `gpt-4o${hostile}`, 'gpt-4o']) await send(rig.daemon.url, { method: 'POST', path: '/v1/chat/completions', headers: asClient, body: JSON.stringify({ model, [hostile]: 1 }) });
    const coded = encodeURIComponent(`${bidi}\u0085\u009b31m`);
    for (const path of [`/v1/${coded}`, `/v1/models/${coded}`, `/v1/responses/${coded}`, `/v0/management/${coded}`, `/?${coded}=${coded}`]) await send(rig.daemon.url, { path, headers: asClient });
    await sendBytes(rig.daemon.port, `POST /v1/chat/completions HTTP/1.1\r\nHost: x\u009b31m\u00ad\r\nUser-Agent: \u009b2J\u0085\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    await vi.waitFor(() => expect(filesBelow(join(rig.daemon.folder, 'data/logs')).length).toBeGreaterThan(1));
    expect(isClean(rig.daemon.output())).toBe(true);
    for (const { path, bytes } of filesBelow(join(rig.daemon.folder, 'data/logs'))) expect(isClean(bytes.toString('utf8')), path).toBe(true);
    for (const path of ['/v0/management/audit', '/v0/management/usage', '/v0/management/logs', '/metrics', '/v0/management/explain?model=' + coded]) {
      const answer = await send(rig.daemon.url, { path, headers: asManager });
      // JSON and Prometheus text hold text as it is but for ASCII controls; who shows it escapes the rest.
      expect(Array.from(answer.body.toString('utf8').replaceAll(/\r?\n/g, '')).filter((letter) => letter < ' ' || letter === '\u007f'), path).toEqual([]);
    }
  });
});
