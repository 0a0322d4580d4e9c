import { describe, expect, it } from 'vitest';
import { createFakeAccounts } from '../../http/management/fake-accounts.ts';
import { messageOf, openManagement, operator, type Management } from '../../http/management/fixture.ts';

const secret = 'corp-client-secret-0001';
const yaml = `proxy-url: ""
oauth:
  anthropic: { client-id: "public-client" }
  corp:
    issuer: "https://id.example.com"
    client-id: "keyward"
    client-secret: "${secret}"
    token-url: "https://id.example.com/token"
    revocation-url: "https://id.example.com/revoke"
    base-url: "https://llm.example.com/v1"
    headers: { X-Team: "team-header-secret-0001" }
    token-parameters: { audience: "https://llm.example.com" }
    prefix: "corp"
`;
const put = (body: string) => ({ body, headers: { 'content-type': 'text/yaml' } });
const masked = async (management: Management): Promise<string> => (await management.send('GET', '/config.yaml')).text;

/** Changes that lead codes, the client secret or tokens elsewhere. */
const moves: readonly (readonly [string, (text: string) => string])[] = [
  ['issuer', (text) => text.replace('issuer: "https://id.example.com"', 'issuer: "https://evil.example"')],
  ['token-url', (text) => text.replace('https://id.example.com/token', 'https://evil.example/token')],
  ['token-url taken away', (text) => text.replace('    token-url: "https://id.example.com/token"\n', '')],
  ['revocation-url', (text) => text.replace('https://id.example.com/revoke', 'https://evil.example/revoke')],
  ['authorize-url', (text) => text.replace('    prefix: "corp"', '    authorize-url: "https://evil.example/a"')],
  ['userinfo-url', (text) => text.replace('    prefix: "corp"', '    userinfo-url: "https://evil.example/u"')],
  ['device-authorization-url', (text) => text.replace('    prefix: "corp"', '    device-authorization-url: "https://evil.example/d"')],
  ['base-url', (text) => text.replace('https://llm.example.com/v1', 'https://evil.example/v1')],
  ['proxy-url', (text) => text.replace('    prefix: "corp"', '    proxy-url: "http://evil.example:3128"')],
  ['the global proxy', (text) => text.replace('proxy-url: ""', 'proxy-url: "http://evil.example:3128"')],
  ['a header', (text) => text.replace('headers: {', 'headers: { Host: "evil.example",')],
  ['token-parameters', (text) => text.replace('audience: "https://llm.example.com"', 'audience: "https://evil.example"')],
  ['the login’s name', (text) => text.replace('  corp:\n', '  other:\n')],
];

describe('rule 19: no write moves what a login holds', () => {
  it.each(moves)('a changed %s without the client secret is refused', async (_what, change) => {
    const management = openManagement(yaml);
    const refused = await management.send('PUT', '/config.yaml', put(change(await masked(management))));
    expect([refused.status, refused.code]).toEqual([409, 'secret_required']);
    expect(refused.text).not.toContain(secret);
    expect(management.config.fileText()).toBe(yaml);
    expect(management.audited()).toMatchObject([{ action: 'management.refused', code: 'secret_required' }]);
  });

  it.each(moves)('with the secrets given again root moves it: %s', async (_what, change) => {
    const management = openManagement(yaml);
    expect((await management.send('PUT', '/config.yaml', put(change(yaml)))).status).toBe(200);
  });

  it('what moves nothing keeps the masks, and the file its secrets', async () => {
    const management = openManagement(yaml);
    const change = (text: string): string => text.replace('prefix: "corp"', 'prefix: "c"\n    scopes: [a]\n    weight: 3\n    models: [{ name: m }]').replace('client-id: "keyward"', 'client-id: "keyward-2"');
    expect((await management.send('PUT', '/config.yaml', put(change(await masked(management))))).status).toBe(200);
    expect(management.config.fileText()).toBe(change(yaml));
  });

  it.each([
    ...moves.filter(([what]) => what !== 'the global proxy'),
    ['where a public client’s tokens are spent', (text: string) => text.replace('client-id: "public-client"', 'client-id: "public-client", base-url: "https://evil.example"')],
    ['a preset that the file did not mention', (text: string) => text.replace('oauth:\n', 'oauth:\n  codex: { base-url: "https://evil.example" }\n')],
    ['a login of a new name', (text: string) => text.replace('oauth:\n', 'oauth:\n  mine: { issuer: "https://evil.example", base-url: "https://evil.example" }\n')],
    ['a variable for the client secret', (text: string) => text.replace(`"${secret}"`, 'env:AWS_SECRET_ACCESS_KEY')],
  ] satisfies typeof moves)('nobody but root moves it, given or not, since tokens stand in files and secrets in the environment: %s', async (_what, change) => {
    const management = openManagement(yaml);
    const refused = await management.send('PUT', '/config.yaml', { ...put(change(yaml)), as: operator });
    expect([refused.status, refused.code, messageOf(refused)]).toEqual([403, 'root_required', expect.stringMatching(/oauth\.\w+/)]);
    expect(management.config.fileText()).toBe(yaml);
  });

  it('others may change what moves nothing', async () => {
    const management = openManagement(yaml);
    const body = yaml.replace('prefix: "corp"', 'prefix: "c"').replace('"public-client"', '"public-client", disabled: true');
    expect((await management.send('PUT', '/config.yaml', { ...put(body), as: operator })).status).toBe(200);
  });

  it('nobody but root sets a global proxy while account files exist, or logins that rely on it', async () => {
    const withFiles = openManagement('', { accounts: createFakeAccounts({ 'x.json': '{"type":"codex","refresh_token":"rt"}' }) });
    await withFiles.send('GET', '/auth-files');
    for (const management of [withFiles, openManagement(yaml)]) {
      const refused = await management.send('PUT', '/proxy-url', { json: { value: 'http://proxy.example:3128' }, as: operator });
      expect(['root_required', 'secret_required']).toContain(refused.code);
      expect((await management.send('PUT', '/proxy-url', { json: { value: 'http://proxy.example:3128' } })).status).toBe(200);
    }
  });

  it('a global proxy that would see a client secret in plain text is refused to root too', async () => {
    const plain = 'oauth:\n  corp: { issuer: "http://10.0.0.7", client-id: x, client-secret: "corp-client-secret-0001", base-url: "https://llm.example.com" }\n';
    const refused = await openManagement(plain).send('PUT', '/proxy-url', { json: { value: 'http://proxy.example:3128' } });
    expect([refused.code, messageOf(refused)]).toEqual(['secret_required', expect.stringContaining('oauth.corp')]);
  });
});
