import { describe, expect, it } from 'vitest';
import type { CredentialSource } from '../../../internal/clients/verify.ts';
import { callerOf, createDoorBench, remotePeer, rulesOf } from '../../support/door-fixtures.ts';

const key = 'sk-a-good-long-client-key';
const keyed = rulesOf({ 'api-keys': [key, 'sk-another-good-long-key'], 'allowed-origins': ['https://app.example'] });
const open = rulesOf({ 'allowed-origins': ['https://app.example', '*'] });
const bearer = { authorization: `Bearer ${key}` };

describe('the client door', () => {
  it('admits a right key in any carrier and names its principal', async () => {
    const { ask } = createDoorBench();
    const id = `ok ${keyed.staticKeys.find(key)?.id ?? ''}`;
    expect(await ask(keyed, { headers: bearer })).toBe(id);
    expect(await ask(keyed, { headers: { authorization: `DPoP ${key}` } })).toBe(id);
    expect(await ask(keyed, { headers: { authorization: key } })).toBe(id);
    expect(await ask(keyed, { headers: { 'x-api-key': key } })).toBe(id);
    expect(await ask(keyed, { headers: { 'x-goog-api-key': key } })).toBe(id);
    expect(await ask(keyed, { query: `key=${key}` })).toBe(id);
    expect(await ask(keyed, { query: `auth_token=${key}` })).toBe(id);
    expect(await ask(keyed, { isUpgrade: true, headers: { 'sec-websocket-protocol': `realtime, openai-insecure-api-key.${key}` } })).toBe(id);
  });

  it('answers synchronously', () => {
    const { door } = createDoorBench();
    expect(door.admit(callerOf(keyed, { headers: bearer }))).not.toBeInstanceOf(Promise);
    expect(door.admit(callerOf(keyed, {}))).not.toBeInstanceOf(Promise);
    expect(door.admitClient(callerOf(keyed, { access: 'open' })).ok).toBe(true);
  });

  it('tells a missing key from a wrong one', async () => {
    const { ask } = createDoorBench();
    expect(await ask(keyed, {})).toBe('401 missing_api_key');
    expect(await ask(keyed, { headers: { authorization: 'Bearer ' } })).toBe('401 missing_api_key');
    expect(await ask(keyed, { headers: { authorization: 'Bearer nope' } })).toBe('401 invalid_api_key');
    expect(await ask(keyed, { headers: { authorization: `Bearer ${'x'.repeat(5_000)}` } })).toBe('401 invalid_api_key');
  });

  it('answers 503 with Retry-After, never 401, while a store is broken', async () => {
    const broken: CredentialSource = { name: 'store', verify: () => { throw new Error('disk gone'); } };
    const { ask, error } = createDoorBench({ sources: [broken] });
    expect(await ask(keyed, { headers: { authorization: 'Bearer managed' } })).toBe('503 auth_unavailable');
    expect((await error(keyed, { headers: { authorization: 'Bearer managed' } })).headers['retry-after']).toBe('5');
    expect(await ask(keyed, { headers: bearer })).toMatch(/^ok/);
  });

  it('does not count a broken store against the caller', async () => {
    const broken: CredentialSource = { name: 'store', verify: () => { throw new Error('disk gone'); } };
    const { ask } = createDoorBench({ sources: [broken] });
    for (let round = 0; round < 20; round += 1) expect(await ask(keyed, { peer: remotePeer, headers: { authorization: 'Bearer managed' } })).toBe('503 auth_unavailable');
  });

  it('tells of a key that was taken back, also under the throttle of its address, when whoever is in is asked about again', async () => {
    const ended: CredentialSource = { name: 'store', verify: () => ({ kind: 'invalid', code: 'key_revoked' }) };
    const { ask, door } = createDoorBench({ sources: [ended] });
    const again = (authorization: string): unknown => door.admitClient({ ...callerOf(keyed, { peer: remotePeer, isUpgrade: true, headers: { authorization } }), isReadmission: true });
    for (let round = 0; round < 20; round += 1) expect(again('Bearer taken-back')).toMatchObject({ ok: false, error: { code: 'key_revoked' } });
    expect(await ask(keyed, { peer: remotePeer, headers: { authorization: 'Bearer taken-back' } })).toBe('401 key_revoked');
    for (let round = 0; round < 6; round += 1) await ask(keyed, { peer: remotePeer, headers: { authorization: 'Bearer taken-back' } });
    expect(await ask(keyed, { peer: remotePeer, headers: { authorization: 'Bearer taken-back' } })).toBe('403 too_many_failures');
    expect(again('Bearer taken-back')).toMatchObject({ ok: false, error: { code: 'key_revoked' } });
    expect(again(`Bearer ${key}`)).toMatchObject({ ok: true });
  });

  it('reports each refusal once, without the key', async () => {
    const { ask, refusals } = createDoorBench();
    await ask(keyed, { headers: { authorization: 'Bearer canary' }, query: 'key=canary', peer: remotePeer });
    await ask(keyed, { headers: bearer });
    expect(refusals).toEqual([{ access: 'client', code: 'invalid_api_key', status: 401, from: '203.0.113.9', requestId: 'req-1', method: 'POST', path: '/v1/chat/completions' }]);
    expect(JSON.stringify(refusals)).not.toContain('canary');
  });

  it('gives a listed page CORS headers on answers and on refusals', async () => {
    const { door, error } = createDoorBench();
    const headers = { origin: 'https://app.example', 'sec-fetch-site': 'cross-site' };
    const admitted = door.admitClient(callerOf(keyed, { headers: { ...headers, ...bearer } }));
    expect(admitted.ok && admitted.value.corsHeaders['access-control-allow-origin']).toBe('https://app.example');
    expect((await error(keyed, { headers })).headers['access-control-allow-origin']).toBe('https://app.example');
  });

  it('gives no CORS headers to a page that is let in by its key alone', () => {
    const { door } = createDoorBench();
    const admitted = door.admitClient(callerOf(keyed, { headers: { origin: 'https://other.test', ...bearer } }));
    expect(admitted.ok && admitted.value.corsHeaders).toEqual({});
  });
});

describe('open routes', () => {
  it('need no key, and are still closed to foreign hosts and pages', async () => {
    const { ask } = createDoorBench();
    const health = { access: 'open', path: '/healthz', method: 'GET' } as const;
    expect(await ask(keyed, health)).toBe('ok anonymous');
    expect(await ask(keyed, { ...health, headers: { authorization: 'Bearer wrong' } })).toBe('ok anonymous');
    expect(await ask(keyed, { ...health, headers: { host: 'evil.test' } })).toBe('421 misdirected_request');
    expect(await ask(keyed, { ...health, headers: { host: 'evil.test', ...bearer } })).toBe('ok anonymous');
    expect(await ask(keyed, { ...health, headers: { origin: 'https://evil.test' } })).toBe('403 origin_not_allowed');
    expect(await ask(keyed, { ...health, headers: { origin: 'https://app.example' } })).toBe('403 origin_not_allowed');
    expect(await ask(keyed, { ...health, peer: remotePeer })).toBe('ok anonymous');
  });
});

describe('the metrics route', () => {
  const metrics = { access: 'metrics', path: '/metrics', method: 'GET' } as const;

  it('needs the management secret', async () => {
    const { ask } = createDoorBench();
    const rules = rulesOf({ 'remote-management': { 'secret-key': 'a-management-secret' } });
    expect(await ask(rules, metrics)).toBe('401 missing_management_key');
    expect(await ask(rules, { ...metrics, headers: { authorization: 'Bearer a-management-secret' } })).toBe('ok root');
    expect(await ask(rulesOf({}), metrics)).toBe('404 not_found');
  });

  it('opens to local callers alone with metrics-open', async () => {
    const { ask } = createDoorBench();
    const rules = rulesOf({ 'metrics-open': true, 'remote-management': { 'secret-key': 'a-management-secret' } });
    expect(await ask(rules, metrics)).toBe('ok anonymous');
    expect(await ask(rules, { ...metrics, headers: { origin: 'https://evil.test' } })).toBe('403 origin_not_allowed');
    expect(await ask(rules, { ...metrics, peer: remotePeer })).toBe('403 remote_management_disabled');
  });
});

describe('OPTIONS', () => {
  const preflight = { method: 'OPTIONS', headers: { origin: 'https://app.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' } } as const;

  it('is answered without a key for listed origins', () => {
    const { door } = createDoorBench();
    const answer = door.answerOptions(callerOf(keyed, preflight), 'OPTIONS, POST');
    expect(answer.ok && answer.value).toMatchObject({ allow: 'OPTIONS, POST', 'access-control-allow-origin': 'https://app.example', 'access-control-allow-methods': 'OPTIONS, POST', 'access-control-allow-headers': 'authorization' });
  });

  it('gives other origins nothing', () => {
    const { door, refusals } = createDoorBench();
    const answer = door.answerOptions(callerOf(keyed, { ...preflight, headers: { origin: 'https://evil.test' } }), 'POST');
    expect(!answer.ok && answer.error.code).toBe('origin_not_allowed');
    expect(refusals.length).toBe(1);
  });

  it('gives `*` nothing in open mode', () => {
    const { door } = createDoorBench();
    expect(door.answerOptions(callerOf(open, { ...preflight, headers: { origin: 'https://evil.test' } }), 'POST').ok).toBe(false);
    expect(door.answerOptions(callerOf(open, preflight), 'POST').ok).toBe(true);
  });

  it('never carries CORS headers for management, and does not tell that it exists', () => {
    const { door } = createDoorBench();
    const management = rulesOf({ 'allowed-origins': ['https://app.example'], 'remote-management': { 'secret-key': 'a-management-secret' } });
    const ask = { ...preflight, access: 'management', path: '/v0/management/config' } as const;
    expect(door.answerOptions(callerOf(management, ask), 'GET').ok).toBe(false);
    const plain = door.answerOptions(callerOf(management, { ...ask, headers: {} }), 'GET');
    expect(plain.ok && plain.value).toEqual({ allow: 'GET' });
    const hidden = door.answerOptions(callerOf(keyed, { ...ask, headers: {} }), 'GET');
    expect(!hidden.ok && hidden.error.code).toBe('not_found');
  });

  it('without an Origin lists the methods', () => {
    const { door } = createDoorBench();
    const answer = door.answerOptions(callerOf(keyed, { method: 'OPTIONS' }), 'GET, HEAD, OPTIONS');
    expect(answer.ok && answer.value).toEqual({ allow: 'GET, HEAD, OPTIONS' });
  });
});
