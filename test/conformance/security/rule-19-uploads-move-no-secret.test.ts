import { describe, expect, it } from 'vitest';
import { createFakeAccounts } from '../../http/management/fake-accounts.ts';
import { openManagement, operator } from '../../http/management/fixture.ts';

describe('rule 19: an upload leads no known account’s tokens elsewhere', () => {
  const own = { type: 'qwen', email: 'ann@example.com', access_token: 'at', refresh_token: 'rt' };
  it.each([
    ['beside the tokens', { ...own, resource_url: 'https://evil.example/v1' }],
    ['in kebab-case', { ...own, 'resource-url': 'https://evil.example/v1' }],
    ['in the token object', { ...own, token: { resource_url: 'https://evil.example/v1' } }],
    ['in the token object, in kebab-case', { ...own, token: { 'resource-url': 'evil.example' } }],
    ['as an address of xAI', { type: 'xai', token: { access_token: 'at', base_url: 'https://evil.example/v1' } }],
  ])('a destination %s takes root', async (_where, file) => {
    const fake = createFakeAccounts({});
    const management = openManagement('', { accounts: fake });
    const body = JSON.stringify(file);
    const headers = { 'content-type': 'application/json' };
    const refused = await management.send('POST', '/auth-files?name=a.json', { body, headers, as: operator });
    expect([refused.status, refused.code, fake.texts.size]).toEqual([403, 'root_required', 0]);
    expect((await management.send('POST', '/auth-files?name=a.json', { body, headers })).status).toBe(200);
  });
});
