import { describe, expect, it } from 'vitest';
import { createDoorBench, localPeer, remotePeer, rulesOf, type Ask } from '../../support/door-fixtures.ts';
import { createFakeCredentials } from '../../support/fake-credentials.ts';

const own = 'sk-a-good-long-client-key';
const theirs = 'sk-another-good-long-key';
const secret = 'a-management-secret-of-length';
const rules = rulesOf({ 'api-keys': [own, theirs], 'client-auth': 'required', 'remote-management': { 'secret-key': secret, 'allow-remote': true }, 'insecure-plaintext-management': true });
const call = (...values: readonly [string, string?]): Ask => ({ peer: remotePeer, headers: { authorization: `Bearer ${values[0]}`, ...(values[1] === undefined ? {} : { 'x-api-key': values[1] }) } });
const manage = (value: string, beside?: string, peer = remotePeer): Ask => ({ access: 'management', scope: 'config:read', path: '/v0/management/config', peer, headers: { authorization: `Bearer ${value}`, ...(beside === undefined ? {} : { 'x-management-key': beside }) } });

describe('rule 6: who has a right key may not guess at others beside it', () => {
  it('a guess beside a right client key counts, and after five none is judged but one a second', async () => {
    const { ask, clock } = createDoorBench();
    expect(await ask(rules, call(own))).toMatch(/^ok key_/);
    for (let round = 0; round < 5; round += 1) expect(await ask(rules, call(own, `guess-${round}`))).toMatch(/^ok key_/);
    const answers: string[] = [];
    for (let round = 5; round < 50; round += 1) answers.push(await ask(rules, call(own, `guess-${round}`)));
    expect(answers.filter((answer) => answer.startsWith('ok')).length).toBeLessThanOrEqual(1);
    expect(await ask(rules, call(own, theirs))).toBe('403 too_many_failures');
    clock.advance(1_000);
    expect(await ask(rules, call(own, theirs))).toBe('400 conflicting_credentials');
    expect(await ask(rules, call(own))).toMatch(/^ok key_/);
  });

  it('each guess of a request counts, in whatever carrier', async () => {
    const { ask } = createDoorBench();
    const several: Ask = { peer: remotePeer, headers: { authorization: `Bearer ${own}`, 'x-api-key': 'guess-1', 'x-goog-api-key': 'guess-2' }, query: 'key=guess-3&auth_token=guess-4' };
    expect(await ask(rules, several)).toMatch(/^ok key_/);
    expect(await ask(rules, call('wrong'))).toBe('401 invalid_api_key');
    expect(await ask(rules, call('wrong'))).toBe('403 too_many_failures');
  });

  it('two right keys of different callers count as a guess that hit, each time, and keep being right by themselves', async () => {
    const { ask } = createDoorBench();
    expect([await ask(rules, call(own)), await ask(rules, call(theirs))]).toEqual([expect.stringMatching(/^ok /), expect.stringMatching(/^ok /)]);
    for (let round = 0; round < 6; round += 1) expect(await ask(rules, call(own, theirs))).toBe('400 conflicting_credentials');
    expect(await ask(rules, call(own, theirs))).toBe('403 too_many_failures');
    expect([await ask(rules, call(own)), await ask(rules, call(theirs))]).toEqual([expect.stringMatching(/^ok /), expect.stringMatching(/^ok /)]);
  });

  it('a wrong value that stood beside a right one is not let past the throttle by it', async () => {
    const { ask } = createDoorBench();
    for (let round = 0; round < 5; round += 1) await ask(rules, call(own, `guess-${round}`));
    await ask(rules, call('wrong'));
    expect(await ask(rules, call('guess-1'))).toBe('403 too_many_failures');
    expect(await ask(rules, call('guess-1', 'guess-2'))).toBe('403 too_many_failures');
  });

  it('a right key beside one that is over clears no throttle', async () => {
    const keys = createFakeCredentials();
    keys.mint('past', {});
    keys.end('past', 'key_expired');
    const { ask } = createDoorBench({ sources: [keys] });
    for (let round = 0; round < 5; round += 1) {
      await ask(rules, call(`guess-${round}`));
      await ask(rules, call(own, 'past'));
    }
    expect(await ask(rules, call('guess'))).toBe('403 too_many_failures');
  });

  it('a client that sends one right key in several carriers, or the same stale one beside it, is unaffected', async () => {
    const { ask } = createDoorBench();
    for (let round = 0; round < 50; round += 1) {
      expect(await ask(rules, call(own, own))).toMatch(/^ok key_/);
      expect(await ask(rules, call(own, 'sk-of-another-vendor'))).toMatch(/^ok key_/);
      expect(await ask(rules, call(own))).toMatch(/^ok key_/);
    }
  });

  it.each([['from afar', remotePeer], ['from this machine', localPeer]])('so it is at the management door, %s, with the secret and with other keys', async (_, peer) => {
    const keys = createFakeCredentials();
    keys.mint('reader', { scopes: ['config:read'] });
    keys.mint('writer', { scopes: ['config:read', 'config:write'] });
    const { ask, clock } = createDoorBench({ sources: [keys] });
    expect(await ask(rules, manage('reader', undefined, peer))).toBe('ok ck_reader');
    for (let round = 0; round < 5; round += 1) expect(await ask(rules, manage('reader', `guess-${round}`, peer))).toBe('ok ck_reader');
    const more = Array.from({ length: 20 }, (_, index) => ask(rules, manage('reader', index === 19 ? 'writer' : `more-${index}`, peer)));
    const settled: string[] = [];
    for (const answer of more) void answer.then((told) => settled.push(told));
    await ask(rules, manage('reader', undefined, peer));
    await new Promise((next) => setImmediate(next));
    expect(settled.filter((told) => told === 'ok ck_reader').length).toBeLessThanOrEqual(1);
    expect(settled).not.toContain('400 conflicting_credentials');
    expect(await ask(rules, manage('reader', undefined, peer))).toBe('ok ck_reader');
    clock.advance(60_000);
    await Promise.all(more);
  });

  it('two keys that manage, of different callers, count as a guess too', async () => {
    const keys = createFakeCredentials();
    keys.mint('reader', { scopes: ['config:read'] });
    keys.mint('writer', { scopes: ['config:read', 'config:write'] });
    const { ask } = createDoorBench({ sources: [keys] });
    for (const name of ['reader', 'writer']) expect(await ask(rules, manage(name))).toBe(`ok ck_${name}`);
    for (let round = 0; round < 5; round += 1) expect(await ask(rules, manage('reader', 'writer'))).toBe('400 conflicting_credentials');
    expect(await ask(rules, manage('wrong'))).toBe('403 too_many_failures');
  });
});
