import { describe, expect, it } from 'vitest';
import { createDoorBench, judgeConfig, remotePeer, rulesOf } from '../../support/door-fixtures.ts';

describe('rule 2 and contract §3: open mode comes from the config alone', () => {
  it('no keys on a loopback bind let local callers in, with any key or none', async () => {
    const { ask } = createDoorBench();
    for (const host of ['127.0.0.1', 'localhost', '::1']) {
      expect(judgeConfig({ host }).errors).toEqual([]);
      expect(await ask(rulesOf({ host }), {})).toBe('ok anonymous');
      expect(await ask(rulesOf({ host }), { headers: { authorization: 'Bearer dummy' } })).toBe('ok anonymous');
    }
  });

  it('no keys on any other bind refuse the config, unless consent is written', async () => {
    for (const host of ['', '0.0.0.0', '192.168.1.5', 'box.example']) {
      expect(judgeConfig({ host }).errors).toEqual(['api-keys']);
      expect(judgeConfig({ host, 'insecure-open-access': true })).toMatchObject({ errors: [], warnings: ['insecure-open-access'] });
    }
    const { ask } = createDoorBench();
    expect(await ask(rulesOf({ host: '', 'insecure-open-access': true }), { peer: remotePeer })).toBe('ok anonymous');
  });

  it('`client-auth: required`, identity, or the latch in the data directory keep the door closed without keys', async () => {
    const { ask } = createDoorBench();
    expect(await ask(rulesOf({ 'client-auth': 'required' }), {})).toBe('401 missing_api_key');
    expect(await ask(rulesOf({ identity: { enabled: true } }), {})).toBe('401 missing_api_key');
    expect(await ask(rulesOf({}, { isClientAuthLatched: true }), {})).toBe('401 missing_api_key');
    expect(judgeConfig({ host: '', 'client-auth': 'required' }).errors).toEqual([]);
  });

  it('a non-empty list with no usable key refuses the config', () => {
    expect(judgeConfig({ 'api-keys': ['', '  '] }).errors).toEqual(['api-keys']);
  });

  it.each(['your-api-key-1', 'your-api-key-2', 'your-api-key-3'])('the published sample %s works on loopback with a warning and refuses any other bind', async (sample) => {
    const { ask } = createDoorBench();
    expect(judgeConfig({ 'api-keys': ['sk-a-good-long-client-key', sample] })).toMatchObject({ errors: [], warnings: ['api-keys.1'] });
    expect(await ask(rulesOf({ 'api-keys': [sample] }), { headers: { authorization: `Bearer ${sample}` } })).toMatch(/^ok key_/);
    expect(judgeConfig({ host: '', 'api-keys': ['sk-a-good-long-client-key', sample] }).errors).toEqual(['api-keys.1']);
  });
});
