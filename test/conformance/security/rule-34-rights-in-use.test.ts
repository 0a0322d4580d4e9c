import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../../../internal/clients/principal.ts';
import { openManagement } from '../../http/management/fixture.ts';
import { startGovernedRig, type GovernedRig } from '../../support/governed-rig.ts';
import { answerJson, chatCompletion, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { openSocket } from '../../support/socket-client.ts';

let upstream: ScriptedUpstream;
let rig: GovernedRig;
beforeEach(async () => {
  upstream = await startScriptedUpstream((_seen, res) => answerJson(res, 200, chatCompletion));
  rig = await startGovernedRig({ 'openai-compatibility': [{ name: 'a', 'base-url': upstream.url, models: [{ name: 'm' }, { name: 'n' }] }], 'claude-api-key': [{ 'api-key': 'sk-ant-0123456789', 'base-url': upstream.url, models: [{ name: 'c' }] }] });
});
afterEach(async () => {
  await rig.close();
  await upstream.close();
});

async function ask(key: string, model = 'm'): Promise<string> {
  const answer = await fetch(`${rig.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }) });
  const text = await answer.text();
  return answer.ok ? 'ok' : `${answer.status} ${/"code":"(\w+)"/.exec(text)?.[1] ?? ''}`;
}

async function listed(key: string): Promise<readonly string[]> {
  const answer = await fetch(`${rig.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  return [...(await answer.text()).matchAll(/"id":"(\w+)"/g)].map(([, id = '']) => id);
}

describe('rule 34: rights are those of key and minter at each use, over every dimension', () => {
  it('models: a child has those of both, in answers and in the list', async () => {
    rig.keys.mint('minter', { models: ['m', 'c'] });
    rig.keys.mint('child', { models: ['m', 'n'] }, 'minter');
    expect([await ask('child', 'm'), await ask('child', 'n'), await ask('child', 'c')]).toEqual(['ok', '403 model_not_allowed', '403 model_not_allowed']);
    expect(await listed('child')).toEqual(['m']);
  });

  it('accounts: a model that only others’ accounts serve is refused and not listed', async () => {
    rig.keys.mint('key', { accounts: ['provider:anthropic'] });
    expect(await ask('key')).toBe('403 account_not_allowed');
    expect(await listed('key')).toEqual(['c']);
    expect((await fetch(`${rig.url}/v1/models/m`, { headers: { authorization: 'Bearer key' } })).status).toBe(403);
    expect(upstream.seen).toHaveLength(0);
  });

  it('a stored response of an account that the key may use no longer is out of reach', async () => {
    const stored = await startScriptedUpstream((_seen, res) => answerJson(res, 200, { id: 'resp_kept', object: 'response', status: 'completed', model: 'r', output: [], usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 } }));
    const at = await startGovernedRig({ 'codex-api-key': [{ 'api-key': 'sk-up-0123456789', 'base-url': `${stored.url}/v1`, models: [{ name: 'r' }] }] });
    at.keys.mint('key', {});
    const headers = { authorization: 'Bearer key', 'content-type': 'application/json' };
    expect((await fetch(`${at.url}/v1/responses`, { method: 'POST', headers, body: JSON.stringify({ model: 'r', input: 'hi' }) })).status).toBe(200);
    expect((await fetch(`${at.url}/v1/responses/resp_kept`, { headers })).status).toBe(200);
    at.keys.mint('key', { accounts: ['provider:anthropic'] });
    const refused = await fetch(`${at.url}/v1/responses/resp_kept`, { headers });
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('account_not_allowed')]);
    expect(stored.seen).toHaveLength(2);
    await at.close();
    await stored.close();
  });

  it.each([
    ['models', { models: ['other'] }, '403 model_not_allowed'],
    ['accounts', { accounts: [] }, '403 account_not_allowed'],
    ['scopes', { scopes: ['models:read'] }, '403 scope_not_allowed'],
    ['addresses', { addresses: ['192.0.2.0/24'] }, '403 address_not_allowed'],
    ['rates', { requestsPerMinute: 1 }, '429 rate_limit_exceeded'],
    ['budgets', { dailyBudget: { requests: 1 } }, '429 budget_exhausted'],
  ] as const)('%s that the minter loses, the child has lost at its next request', async (_name, less, refusal) => {
    rig.keys.mint('minter', {});
    rig.keys.mint('child', {}, 'minter');
    expect(await ask('child')).toBe('ok');
    rig.keys.mint('minter', less);
    // A limit that is new counts from then on.
    if (refusal.startsWith('429')) expect(await ask('child')).toBe('ok');
    expect(await ask('child')).toBe(refusal);
    rig.keys.mint('minter', {});
    expect(await ask('child')).toBe('ok');
  });

  it('an open socket loses them too, and closes within a second', async () => {
    rig.keys.mint('minter', {});
    rig.keys.mint('child', {}, 'minter');
    const client = await openSocket(`${rig.url}/v1/responses`, { headers: { authorization: 'Bearer child' } });
    rig.keys.mint('minter', { scopes: ['models:read'] });
    expect(await client.closed(1_500)).toMatchObject({ code: 1008, reason: 'scope_not_allowed' });
  });

  it('an upgrade without the scope is refused before it is one', async () => {
    rig.keys.mint('lister', { scopes: ['models:read'] });
    await expect(openSocket(`${rig.url}/v1/responses`, { headers: { authorization: 'Bearer lister' } })).rejects.toThrow('403');
    expect(await listed('lister')).toEqual(['c', 'm', 'n']);
  });
});

describe('rules 20 and 21: what is root’s stays root’s, whatever a key may do', () => {
  const every: Principal = { id: 'ck_all', kind: 'managed-key', label: 'all', holders: [{ id: 'ck_all', grant: { scopes: ['keys:read', 'keys:write', 'config:read', 'config:write', 'accounts:read', 'accounts:login', 'accounts:write', 'usage:read', 'audit:read', 'logs:read', 'secrets:read'] } }] };
  const yaml = 'api-keys: ["sk-client-0123456789abcdef"]\ndebug: false\nremote-management: { secret-key: "a-management-secret-of-length" }\n';

  it('`config:write` changes what is not protected, and nothing that is', async () => {
    const { send } = openManagement(yaml);
    expect((await send('PUT', '/debug', { json: { value: true }, as: every })).status).toBe(200);
    expect((await send('PUT', '/api-keys', { json: ['sk-mine-0123456789abcdef'], as: every })).code).toBe('root_required');
    expect((await send('PUT', '/config.yaml', { body: yaml.replace('debug: false', 'insecure-open-access: true'), headers: { 'content-type': 'application/yaml' }, as: every })).code).toBe('root_required');
  });

  it('secrets are shown to nobody else', async () => {
    const { send } = openManagement(yaml);
    for (const path of ['/api-keys?reveal=true', '/config?reveal=true', '/config.yaml?reveal=true']) expect((await send('GET', path, { as: every })).code).toBe('root_required');
    expect((await send('GET', '/config.yaml', { as: every })).text).not.toContain('sk-client-0123456789abcdef');
  });

  it('logs are read with `logs:read`, and cleared by root alone', async () => {
    const { send } = openManagement(yaml);
    expect((await send('GET', '/request-error-logs', { as: every })).status).toBe(200);
    expect((await send('DELETE', '/logs', { as: every })).code).toBe('root_required');
    const other: Principal = { ...every, holders: [{ id: 'ck_all', grant: { scopes: ['config:read'] } }] };
    expect((await send('GET', '/request-error-logs', { as: other })).code).toBe('root_required');
  });
});
