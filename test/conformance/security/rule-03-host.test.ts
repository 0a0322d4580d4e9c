import { describe, expect, it } from 'vitest';
import { createDoorBench, rulesOf } from '../../support/door-fixtures.ts';

const key = 'sk-a-good-long-client-key';
const keyed = rulesOf({ 'api-keys': [key], 'public-url': 'https://kw.example', 'allowed-hosts': ['keyward', '*.corp.example'] });
const open = rulesOf({ 'public-url': 'https://kw.example', 'allowed-hosts': ['keyward', '*.corp.example'] });

const cells = ['GET', 'POST'].flatMap((method) => [false, true].map((isUpgrade) => ({ method, isUpgrade })));

describe('rule 3: a Host that is not ours is 421 unless a valid credential came in a header', () => {
  it.each(cells)('%j: known names pass, with and without keys', async (cell) => {
    const { ask } = createDoorBench();
    for (const host of ['localhost:1', '127.0.0.1:8317', '[::1]:8317', '10.1.2.3', 'kw.example', 'keyward:80', 'a.corp.example']) {
      expect(await ask(open, { ...cell, headers: { host } })).toBe('ok anonymous');
      expect(await ask(keyed, { ...cell, headers: { host } })).toBe('401 missing_api_key');
    }
  });

  it.each(cells)('%j: other names are 421, and only a right key in a header excuses them', async (cell) => {
    const { ask } = createDoorBench();
    const host = 'rebound.evil.test:8317';
    expect(await ask(open, { ...cell, headers: { host } })).toBe('421 misdirected_request');
    expect(await ask(open, { ...cell, headers: { host, authorization: 'Bearer anything' } })).toBe('421 misdirected_request');
    expect(await ask(keyed, { ...cell, headers: { host } })).toBe('421 misdirected_request');
    expect(await ask(keyed, { ...cell, headers: { host, authorization: 'Bearer wrong' } })).toBe('421 misdirected_request');
    expect(await ask(keyed, { ...cell, headers: { host }, query: `key=${key}` })).toBe('421 misdirected_request');
    expect(await ask(keyed, { ...cell, headers: { host, authorization: `Bearer ${key}` } })).toMatch(/^ok key_/);
  });

  it('the body names the Host seen and the line to add', async () => {
    const { error } = createDoorBench();
    const refusal = await error(keyed, { headers: { host: 'kw.home:8317' } });
    expect(refusal.message).toContain('kw.home:8317');
    expect(refusal.message).toContain('allowed-hosts: ["kw.home"]');
  });
});
