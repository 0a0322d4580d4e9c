import { describe, expect, it } from 'vitest';
import { selectSubprotocol } from '../../../internal/http/carriers.ts';
import { createDoorBench, judgeConfig, remotePeer, rulesOf } from '../../support/door-fixtures.ts';

const key = 'sk-a-good-long-client-key';
const upgrade = { isUpgrade: true, method: 'GET', path: '/v1/responses' } as const;

describe('rule 8: `ws-auth: false` opens WebSockets to local callers only', () => {
  const off = rulesOf({ 'api-keys': [key], 'ws-auth': false, 'allowed-origins': ['https://app.example', '*'] });

  it('a local upgrade passes as anonymous, a remote one needs a key', async () => {
    const { ask } = createDoorBench();
    expect(await ask(off, upgrade)).toBe('ok anonymous');
    expect(await ask(off, { ...upgrade, headers: { authorization: 'Bearer wrong' } })).toBe('ok anonymous');
    expect(await ask(off, { ...upgrade, peer: remotePeer })).toBe('401 missing_api_key');
    expect(await ask(off, { ...upgrade, peer: remotePeer, headers: { authorization: `Bearer ${key}` } })).toMatch(/^ok key_/);
    expect(await ask(off, { ...upgrade, headers: { authorization: `Bearer ${key}` } })).toMatch(/^ok key_/);
  });

  it('requests that are no upgrades still need a key', async () => {
    const { ask } = createDoorBench();
    expect(await ask(off, { path: '/v1/responses' })).toBe('401 missing_api_key');
  });

  it('web pages get nothing of it: only exact origins count where no key is asked', async () => {
    const { ask } = createDoorBench();
    expect(await ask(off, { ...upgrade, headers: { origin: 'https://evil.test' } })).toBe('403 origin_not_allowed');
    expect(await ask(off, { ...upgrade, headers: { origin: 'https://app.example' } })).toBe('ok anonymous');
    expect(await ask(off, { ...upgrade, headers: { host: 'evil.test' } })).toBe('421 misdirected_request');
  });

  it('remote upgrades open with `insecure-open-websocket: true` alone', async () => {
    const { ask } = createDoorBench();
    const wide = rulesOf({ 'api-keys': [key], 'ws-auth': false, 'insecure-open-websocket': true });
    expect(await ask(wide, { ...upgrade, peer: remotePeer })).toBe('ok anonymous');
  });

  it('each start warns of it', () => {
    expect(judgeConfig({ 'api-keys': [key], 'ws-auth': false }).warnings).toEqual(['ws-auth']);
    expect(judgeConfig({ 'api-keys': [key], 'ws-auth': false, 'insecure-open-websocket': true }).warnings).toEqual(['insecure-open-websocket']);
  });

  it('by default an upgrade needs a key as a request does', async () => {
    const { ask } = createDoorBench();
    const rules = rulesOf({ 'api-keys': [key] });
    expect(await ask(rules, upgrade)).toBe('401 missing_api_key');
    expect(await ask(rules, { ...upgrade, query: `key=${key}` })).toMatch(/^ok key_/);
    expect(await ask(rules, { ...upgrade, headers: { 'sec-websocket-protocol': `realtime, openai-insecure-api-key.${key}` } })).toMatch(/^ok key_/);
  });

  it('the sub-protocol that carries the key is never selected', () => {
    expect(selectSubprotocol({ 'sec-websocket-protocol': `openai-insecure-api-key.${key}, realtime` })).toBe('realtime');
    expect(selectSubprotocol({ 'sec-websocket-protocol': `openai-insecure-api-key.${key}` })).toBeUndefined();
  });
});
