import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, memberOf, type Asked } from '../../support/ask.ts';
import { makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { openSocket } from '../../support/socket-client.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

/* Security rule 15 on the built daemon, with callers that are managed keys: who made it is the key, not its text of the day. */

const secret = 'management-secret-of-the-test';
const folder = makeFolder();
let upstream: ScriptedUpstream;
let daemon: RunningDaemon;
let made = 0;
const config = (): string => `client-auth: required\nremote-management: { secret-key: "${secret}" }\ncodex-api-key:\n  - { api-key: sk-acc-one-0123456789, base-url: "${upstream.url}/v1" }\n  - { api-key: sk-acc-two-0123456789, base-url: "${upstream.url}/v1" }\n`;

beforeAll(async () => {
  upstream = await startScriptedUpstream((seen, res) => answerJson(res, 200, { output: [], id: seen.method === 'POST' ? `resp_${++made}` : (seen.url.split(/[/?]/)[3] ?? ''), object: 'response' }));
  daemon = await startDaemon({ folder, config: config() });
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

const manage = (path: string, json: unknown): Promise<Asked> => ask(daemon.url, `/v0/management/client-keys${path}`, { method: 'POST', key: secret, json });
const textAt = (value: unknown, name: string): string => String(memberOf(value, name));
async function makeKey(name: string, more: object = {}): Promise<{ readonly id: string; readonly key: string }> {
  const { json } = await manage('', { name, ...more });
  return { id: textAt(json, 'id'), key: textAt(json, 'key') };
}
const told = ({ status, code }: Asked): string => `${status} ${code}`.trim();
const create = (key: string, more: object = {}): Promise<Asked> => ask(daemon.url, '/v1/responses', { key, json: { model: 'gpt-4o', input: 'x', ...more } });
const store = async (key: string): Promise<string> => textAt((await create(key)).json, 'id');

/** What a caller is told of a response by every way that leads to one. */
async function waysTo(key: string, id: string): Promise<readonly string[]> {
  const answers = [await ask(daemon.url, `/v1/responses/${id}`, { key }), await create(key, { previous_response_id: id })];
  return answers.map(told);
}
const hidden = ['404 response_not_found', '404 previous_response_not_found'];
const served = ['200', '200'];

describe('rule 15: a response belongs to the managed key that made it', () => {
  it('for another key it is not there, whoever its owner and its minter are, and no upstream is asked', async () => {
    const a = await makeKey('a', { owner: 'ann' });
    const others = [await makeKey('b'), await makeKey('a', { owner: 'ann' }), await makeKey('child', { minter: a.id })];
    const id = await store(a.key);
    const before = upstream.seen.length;
    for (const other of others) expect(await waysTo(other.key, id)).toEqual(hidden);
    expect(told(await ask(daemon.url, `/v1/responses/${id}/input_items`, { key: others[0]?.key ?? '' }))).toBe('404 response_not_found');
    expect(told(await ask(daemon.url, `/v1/responses/${id}`, { key: others[0]?.key ?? '', method: 'DELETE' }))).toBe('404 response_not_found');
    expect(upstream.seen.length).toBe(before);
    expect(await waysTo(a.key, id)).toEqual(served);
  });

  it('and a minter does not reach what its children have made', async () => {
    const minter = await makeKey('minter');
    const child = await makeKey('child', { minter: minter.id });
    const id = await store(child.key);
    expect(await waysTo(minter.key, id)).toEqual(hidden);
    expect(await waysTo(child.key, id)).toEqual(served);
  });

  it('after a rotation it is there for the new text, and for the old one as long as that is good', async () => {
    const a = await makeKey('a');
    const b = await makeKey('b');
    const id = await store(a.key);
    const newer = textAt((await manage(`/${a.id}/rotate`, { overlap: '1h' })).json, 'key');
    expect([await waysTo(newer, id), await waysTo(a.key, id), await waysTo(b.key, id)]).toEqual([served, served, hidden]);
    const late = await store(a.key);
    await manage(`/${a.id}/revoke`, { only: 'replaced' });
    expect(await waysTo(newer, late)).toEqual(served);
    expect(await waysTo(a.key, late)).toEqual(['401 invalid_api_key', '401 invalid_api_key']);
  });

  it('a key that is made after the first was deleted, by the same name, does not inherit it', async () => {
    const first = await makeKey('ci');
    const id = await store(first.key);
    await ask(daemon.url, `/v0/management/client-keys/${first.id}`, { method: 'DELETE', key: secret });
    expect(await waysTo((await makeKey('ci')).key, id)).toEqual(hidden);
  });

  it('nor on a socket: a turn cannot follow another key’s response', async () => {
    const [a, b] = [await makeKey('a'), await makeKey('b')];
    const id = await store(a.key);
    const client = await openSocket(`${daemon.url}/v1/responses`, { headers: { authorization: `Bearer ${b.key}` } });
    client.send({ type: 'response.create', model: 'gpt-4o', input: 'x', previous_response_id: id });
    expect(JSON.stringify(await client.next('error'))).toContain('previous_response_not_found');
    await client.close();
  });

  it('all of it stands over a restart', async () => {
    const [a, b] = [await makeKey('a'), await makeKey('b')];
    const id = await store(a.key);
    await daemon.stop();
    daemon = await startDaemon({ folder, config: config() });
    expect([await waysTo(a.key, id), await waysTo(b.key, id)]).toEqual([served, hidden]);
  });
});
