import { describe, expect, it } from 'vitest';
import { createDoorBench, localPeer, remotePeer, rulesOf, settle, type Ask, type DoorBench } from '../../support/door-fixtures.ts';

const key = 'sk-a-good-long-client-key';
const secret = 'a-management-secret-of-length';
const rules = rulesOf({ 'api-keys': [key], 'remote-management': { 'secret-key': secret, 'allow-remote': true }, 'insecure-plaintext-management': true });
const manage = (value: string, peer = localPeer): Ask => ({ access: 'management', path: '/v0/management/config', peer, headers: { authorization: `Bearer ${value}` } });
const call = (value: string, peer = remotePeer): Ask => ({ peer, headers: { authorization: `Bearer ${value}` } });

async function guess(bench: DoorBench, times: number): Promise<readonly string[]> {
  const answers: string[] = [];
  for (let round = 0; round < times; round += 1) answers.push(await bench.ask(rules, manage(`wrong-${round}`)));
  return answers;
}

describe('rule 6: guessing is slowed by peer, and a correct key still passes', () => {
  it('the first five wrong management keys are 401, later ones 403 with Retry-After, at most one a second', async () => {
    const bench = createDoorBench();
    expect(new Set(await guess(bench, 5))).toEqual(new Set(['401 invalid_management_key']));
    const sixth = await bench.error(rules, manage('wrong'));
    expect([sixth.code, sixth.status, sixth.headers['retry-after']]).toEqual(['too_many_failures', 403, '1']);
    let isAnswered = false;
    const seventh = bench.ask(rules, manage('wrong')).then((answer) => { isAnswered = true; return answer; });
    await settle();
    expect(isAnswered).toBe(false);
    bench.clock.advance(1_000);
    expect(await seventh).toBe('403 too_many_failures');
  });

  it('a correct key waits at most 5 s behind a full queue and clears the peer', async () => {
    const bench = createDoorBench();
    await guess(bench, 6);
    const queue = [0, 1, 2, 3].map((index) => bench.ask(rules, manage(`wrong-again-${index}`)));
    const right = bench.ask(rules, manage(secret));
    expect(await bench.ask(rules, manage('one too many'))).toBe('403 too_many_failures');
    for (let second = 0; second < 5; second += 1) {
      bench.clock.advance(1_000);
      await settle();
    }
    expect(await right).toBe('ok root');
    await Promise.all(queue);
    expect(await bench.ask(rules, manage('wrong'))).toBe('401 invalid_management_key');
  });

  it('other peers go on undisturbed', async () => {
    const bench = createDoorBench();
    await guess(bench, 8 - 2);
    expect(await bench.ask(rules, manage(secret, remotePeer))).toBe('ok root');
  });

  it('hashes are computed at most ten times a second over all peers', async () => {
    let computed = 0;
    const bench = createDoorBench({ verifyBcrypt: async () => { computed += 1; return Promise.resolve(false); } });
    const hashed = rulesOf({ 'remote-management': { 'secret-key': `$2b$10$${'a'.repeat(53)}`, 'allow-remote': true }, 'insecure-plaintext-management': true });
    const answers = Array.from({ length: 200 }, (_, index) => {
      const address = `198.51.100.${index}`;
      return bench.ask(hashed, manage('wrong', { address, isLocal: false, isControlSocket: false, throttleKey: address }));
    });
    await settle();
    for (let tick = 0; tick < 10; tick += 1) {
      bench.clock.advance(100);
      await settle();
    }
    expect(computed).toBeLessThanOrEqual(11);
    expect(computed).toBeGreaterThanOrEqual(10);
    for (let tick = 0; tick < 60; tick += 1) {
      bench.clock.advance(100);
      await settle();
    }
    const settled = await Promise.all(answers);
    // Nobody waits longer than 5 s: the rest was told to come back.
    expect(settled.filter((answer) => answer === '503 overloaded').length).toBeGreaterThan(100);
    expect(computed).toBeLessThanOrEqual(52);
  });

  it('wrong client keys of remote peers are throttled likewise, at once and without waiting', async () => {
    const bench = createDoorBench();
    for (let round = 0; round < 5; round += 1) expect(await bench.ask(rules, call('wrong'))).toBe('401 invalid_api_key');
    expect(await bench.ask(rules, call('wrong'))).toBe('403 too_many_failures');
    const unjudged = await bench.error(rules, call(key));
    expect([unjudged.code, unjudged.headers['retry-after']]).toEqual(['too_many_failures', '1']);
    bench.clock.advance(1_000);
    expect(await bench.ask(rules, call(key))).toMatch(/^ok key_/);
    expect(await bench.ask(rules, call('wrong'))).toBe('401 invalid_api_key');
  });

  it('who was let in before is not kept out by a neighbour who guesses, until the key is no longer right', async () => {
    const bench = createDoorBench();
    expect(await bench.ask(rules, call(key))).toMatch(/^ok key_/);
    for (let round = 0; round < 50; round += 1) await bench.ask(rules, call(`wrong-${round}`));
    expect(await bench.ask(rules, call('wrong'))).toBe('403 too_many_failures');
    expect(await bench.ask(rules, call(key))).toMatch(/^ok key_/);
    const without = rulesOf({ 'api-keys': ['sk-another-client-key'] });
    expect(await bench.ask(without, call(key))).toMatch(/^40[13] /);
  });

  it('local clients and missing keys are never throttled', async () => {
    const bench = createDoorBench();
    for (let round = 0; round < 50; round += 1) {
      expect(await bench.ask(rules, call('wrong', localPeer))).toBe('401 invalid_api_key');
      expect(await bench.ask(rules, { peer: remotePeer })).toBe('401 missing_api_key');
    }
  });

  it('IPv6 peers are counted by their /64', async () => {
    const bench = createDoorBench();
    const peer = (address: string) => ({ address, isLocal: false, isControlSocket: false, throttleKey: '2001:db8:0:0::/64' });
    for (let round = 0; round < 5; round += 1) await bench.ask(rules, call('wrong', peer(`2001:db8::${round}`)));
    expect(await bench.ask(rules, call('wrong', peer('2001:db8::ffff')))).toBe('403 too_many_failures');
  });
});
