import { describe, expect, it } from 'vitest';
import { createFakeAccounts } from '../../http/management/fake-accounts.ts';
import { openManagement } from '../../http/management/fixture.ts';

describe('rule 20: a file’s address that is none shows no password', () => {
  it.each([{ proxy_url: 'me:canary-0007@10.0.0.1:1080' }, { proxy_url: '::::canary-0007' }, { 'proxy-url': 'socks9://me:canary-0007@10.0.0.1' }, { base_url: 'me:canary-0007@llm.example.com/v1' }, { base_url: 'https://llm.example.com/v1?key=canary-0007' }])('%j', async (members) => {
    const fake = createFakeAccounts({ 'a.json': JSON.stringify({ type: 'claude', email: 'ann@example.com', access_token: 'at', refresh_token: 'rt', ...members }) });
    const management = openManagement('', { accounts: fake });
    const listed = await management.send('GET', '/auth-files');
    expect(listed.status).toBe(200);
    expect(listed.text).toContain('a.json');
    expect(listed.text).not.toContain('canary-0007');
    await management.send('PATCH', '/auth-files/fields', { json: { name: 'a.json', base_url: 'https://llm.example.com/v1', proxy_url: 'http://10.0.0.1:3128' } });
    expect(JSON.stringify(management.audited())).not.toContain('canary-0007');
  });
});
