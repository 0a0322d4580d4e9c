import { describe, expect, it } from 'vitest';
import { createDoorBench, rulesOf } from '../../support/door-fixtures.ts';

const key = 'sk-a-good-long-client-key';
const secret = 'a-management-secret-of-length';
const file = { 'allowed-origins': ['https://app.example', 'vscode-webview://*', 'null', '*'], 'remote-management': { 'secret-key': secret } };
const keyed = rulesOf({ ...file, 'api-keys': [key] });
const strict = rulesOf({ 'api-keys': [key] });
const open = rulesOf(file);

const cells = ['GET', 'POST'].flatMap((method) => [false, true].map((isUpgrade) => ({ method, isUpgrade })));

describe('rule 4: web pages drive nothing they were not given', () => {
  it.each(cells)('%j: an unlisted Origin needs a valid credential in a header', async (cell) => {
    const { ask } = createDoorBench();
    for (const origin of ['https://evil.test', 'null', 'http://localhost:3000', 'http://127.0.0.1:8317']) {
      expect(await ask(strict, { ...cell, headers: { origin } })).toBe('403 origin_not_allowed');
      expect(await ask(strict, { ...cell, headers: { origin, 'x-api-key': 'wrong' } })).toBe('403 origin_not_allowed');
      expect(await ask(strict, { ...cell, headers: { origin }, query: `key=${key}` })).toBe('403 origin_not_allowed');
      expect(await ask(strict, { ...cell, headers: { origin, 'x-api-key': key } })).toMatch(/^ok key_/);
    }
  });

  it.each(cells)('%j: in open mode exact origins pass, `*` and `null` do not', async (cell) => {
    const { ask } = createDoorBench();
    expect(await ask(open, { ...cell, headers: { origin: 'https://app.example' } })).toBe('ok anonymous');
    expect(await ask(open, { ...cell, headers: { origin: 'vscode-webview://abc' } })).toBe('ok anonymous');
    expect(await ask(open, { ...cell, headers: { origin: 'null' } })).toBe('403 origin_not_allowed');
    expect(await ask(open, { ...cell, headers: { origin: 'https://evil.test' } })).toBe('403 origin_not_allowed');
  });

  it.each(cells)('%j: while keys are required `*` and `null` let pages ask, with their key', async (cell) => {
    const { ask } = createDoorBench();
    for (const origin of ['null', 'https://evil.test']) {
      expect(await ask(keyed, { ...cell, headers: { origin } })).toBe('401 missing_api_key');
      expect(await ask(keyed, { ...cell, headers: { origin }, query: `key=${key}` })).toMatch(/^ok key_/);
    }
  });

  it.each(['cross-site', 'same-site'])('Sec-Fetch-Site: %s without an Origin needs a valid credential in a header', async (site) => {
    const { ask } = createDoorBench();
    expect(await ask(open, { headers: { 'sec-fetch-site': site } })).toBe('403 origin_not_allowed');
    expect(await ask(strict, { headers: { 'sec-fetch-site': site } })).toBe('403 origin_not_allowed');
    expect(await ask(strict, { headers: { 'sec-fetch-site': site, authorization: `Bearer ${key}` } })).toMatch(/^ok key_/);
  });

  it('a WebSocket client that sends the daemon’s own address as Origin passes', async () => {
    const { ask } = createDoorBench();
    for (const host of ['localhost:8317', '127.0.0.1:8317', '[::1]:8317']) {
      expect(await ask(strict, { isUpgrade: true, headers: { host, origin: `http://${host}`, authorization: `Bearer ${key}` } })).toMatch(/^ok key_/);
      expect(await ask(open, { isUpgrade: true, headers: { host, origin: `http://${host}` } })).toBe('ok anonymous');
    }
  });

  it('management answers 403 to every Origin but its own, whatever the key or the list', async () => {
    const { ask } = createDoorBench();
    const management = { access: 'management', path: '/v0/management/config', method: 'GET' } as const;
    for (const origin of ['https://app.example', 'null', 'https://evil.test', 'vscode-webview://abc']) {
      expect(await ask(keyed, { ...management, headers: { origin, authorization: `Bearer ${secret}` } })).toBe('403 origin_not_allowed');
    }
    expect(await ask(keyed, { ...management, headers: { origin: 'http://localhost:8317', authorization: `Bearer ${secret}` } })).toBe('ok root');
  });

  it('an Origin equal to a Host that is not ours is not our own, even with the management secret', async () => {
    const { ask } = createDoorBench();
    const headers = { host: 'rebound.evil.test', origin: 'http://rebound.evil.test', authorization: `Bearer ${secret}` };
    expect(await ask(keyed, { access: 'management', path: '/v0/management/config', headers })).toBe('421 misdirected_request');
  });

  it('Host and Origin are checked before the key is asked for', async () => {
    const { ask } = createDoorBench();
    expect(await ask(strict, { headers: { host: 'evil.test', origin: 'http://evil.test' } })).toBe('421 misdirected_request');
    expect(await ask(strict, { headers: { origin: 'https://evil.test' } })).toBe('403 origin_not_allowed');
  });
});
