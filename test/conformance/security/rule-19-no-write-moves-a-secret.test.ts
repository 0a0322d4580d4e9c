import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageOf, openManagement, operator, type Management } from '../../http/management/fixture.ts';

const key = 'vendor-key-aaaa-1111';
const entry = `gemini-api-key:\n  - api-key: "${key}"\n    base-url: "https://one.example"\n    headers:\n      X-Team: "team-secret-00000001"\n`;
const provider = 'openai-compatibility:\n  - name: or\n    base-url: "https://or.example/v1"\n    api-key-entries:\n      - api-key: "or-key-000000000001"\n';

async function refusedPatch(yaml: string, section: string, value: unknown, as = {}): Promise<void> {
  const management = openManagement(yaml);
  const refused = await management.send('PATCH', `/${section}`, { json: { index: 0, value }, ...as });
  expect([refused.status, refused.code]).toEqual([409, 'secret_required']);
  expect(management.config.fileText()).toBe(yaml);
  expect(management.audited()).toMatchObject([{ action: 'management.refused', code: 'secret_required' }]);
}

describe('rule 19: no write moves a secret', () => {
  it.each([
    ['base-url', { 'base-url': 'https://evil.example' }],
    ['base-url taken away', { 'base-url': null }],
    ['proxy-url', { 'proxy-url': 'http://evil.example:3128' }],
    ['a header added', { headers: { 'X-Team': 'team…0001', Host: 'evil.example' } }],
    ['base-url along with the key’s mask', { 'base-url': 'https://evil.example', 'api-key': 'vend…1111' }],
  ])('a changed destination without the secret is refused: %s', async (_what, value) => {
    await refusedPatch(entry, 'gemini-api-key', value);
  });

  it.each([
    ['base-url', { 'base-url': 'https://evil.example' }],
    ['proxy of the entry', { 'proxy-url': 'socks5://evil.example' }],
    ['proxy of the key', { 'api-key-entries': [{ 'api-key': 'or-k…0001', 'proxy-url': 'socks5://evil.example' }] }],
    ['headers', { headers: { Host: 'evil.example' } }],
  ])('nor do the keys of a provider move: %s', async (_what, value) => {
    await refusedPatch(provider, 'openai-compatibility', value);
  });

  it('with every secret given again the move is done', async () => {
    const management = openManagement(entry);
    const value = { 'base-url': 'https://two.example', 'api-key': 'vendor-key-bbbb-2222', headers: { 'X-Team': 'team-secret-00000002' } };
    expect((await management.send('PATCH', '/gemini-api-key', { json: { index: 0, value } })).status).toBe(200);
    expect(management.config.current().config['gemini-api-key'][0]).toMatchObject({ 'base-url': 'https://two.example' });
  });

  it('one secret of several not given again holds the move back', async () => {
    await refusedPatch(entry, 'gemini-api-key', { 'base-url': 'https://two.example', 'api-key': 'vendor-key-bbbb-2222' });
  });

  it('a short header value cannot hide a change behind its mask', async () => {
    const short = entry.replace('X-Team: "team-secret-00000001"', 'Host: "one.example"');
    await refusedPatch(short, 'gemini-api-key', { headers: { Host: 'evil.test' } });
  });

  it('a whole list cannot swap destinations between the masks of its entries', async () => {
    const yaml = `${entry}  - api-key: "other-key-bbb-2222"\n    base-url: "https://two.example"\n`;
    const management = openManagement(yaml);
    const json = [{ 'api-key': 'vend…1111', 'base-url': 'https://two.example' }, { 'api-key': 'othe…2222', 'base-url': 'https://one.example' }];
    expect((await management.send('PUT', '/gemini-api-key', { json })).code).toBe('secret_required');
    expect(management.config.fileText()).toBe(yaml);
  });

  it('a mask resolves to the secret at its own destination, also when another looks the same', async () => {
    const yaml = 'codex-api-key:\n  - api-key: "same-secret-A-same"\n    base-url: "https://one.example"\n  - api-key: "same-secret-B-same"\n    base-url: "https://two.example"\n';
    const management = openManagement(yaml);
    const shown = (await management.send('GET', '/codex-api-key')).body['codex-api-key'];
    const reversed = Array.isArray(shown) ? shown.toReversed() : [];
    expect((await management.send('PUT', '/codex-api-key', { json: reversed })).status).toBe(200);
    expect(management.config.current().config['codex-api-key'].map((item) => [item['api-key'].reveal(), item['base-url']])).toEqual([['same-secret-B-same', 'https://two.example'], ['same-secret-A-same', 'https://one.example']]);
  });

  it('naming a stored reference again is not giving the secret', async () => {
    const referenced = entry.replace(`"${key}"`, 'env:UPSTREAM_KEY');
    await refusedPatch(referenced, 'gemini-api-key', { 'base-url': 'https://evil.example', 'api-key': 'env:UPSTREAM_KEY', headers: {} });
  });

  it('a list takes no reference for a new place: a variable or file could be led anywhere', async () => {
    const referenced = entry.replace(`"${key}"`, 'env:UPSTREAM_KEY');
    for (const reference of ['env:UPSTREAM_KEY', 'env:HOME', 'file:/etc/hostname']) {
      const management = openManagement(referenced);
      const shown = (await management.send('GET', '/gemini-api-key')).body['gemini-api-key'];
      const next = [...(Array.isArray(shown) ? shown : []), { 'api-key': reference, 'base-url': 'https://evil.example' }];
      expect((await management.send('PUT', '/gemini-api-key', { json: next })).code, reference).toBe('secret_required');
    }
  });

  it('a proxy’s user and password do not move to another proxy', async () => {
    const management = openManagement('proxy-url: http://me:hunter2@proxy.example:3128\n');
    const refused = await management.send('PUT', '/proxy-url', { json: { value: 'http://********@evil.example:3128' } });
    expect([refused.status, refused.code]).toEqual([409, 'secret_required']);
  });

  it('a new global proxy is refused while it would see a key in plain text', async () => {
    const plainHttp = entry.replace('https://one.example', 'http://10.0.0.7');
    const put = (management: Management) => management.send('PUT', '/proxy-url', { json: { value: 'http://proxy.example:3128' } });
    const refused = await put(openManagement(plainHttp));
    expect([refused.code, messageOf(refused)]).toEqual(['secret_required', expect.stringContaining('gemini-api-key.0')]);
    expect((await put(openManagement(entry))).status).toBe(200);
    expect((await put(openManagement(`${plainHttp}    proxy-url: direct\n`))).status).toBe(200);
  });

  it('a caller without the root secret sets no global proxy while keys go through it at all', async () => {
    const management = openManagement(entry);
    expect((await management.send('PUT', '/proxy-url', { json: { value: 'http://proxy.example:3128' }, as: operator })).code).toBe('secret_required');
    const whole = { body: `${entry}proxy-url: http://proxy.example:3128\n`, headers: { 'content-type': 'text/yaml' }, as: operator };
    expect((await management.send('PUT', '/config.yaml', whole)).code).toBe('secret_required');
  });

  it('what is no destination changes freely', async () => {
    const management = openManagement(entry);
    const value = { prefix: 'team', priority: 3, weight: 2, disabled: true, models: [{ name: 'm', alias: 'n' }], 'excluded-models': ['x*'] };
    expect((await management.send('PATCH', '/gemini-api-key', { json: { index: 0, value } })).status).toBe(200);
    expect(management.config.current().config['gemini-api-key'][0]?.['api-key'].reveal()).toBe(key);
  });

  it('whatever a list is replaced by, no stored key stands at a destination it was not given for', async () => {
    const stored = [['https://one.example', 'stored-key-one-0001'], ['https://two.example', 'stored-key-two-0002'], ['https://one.example', 'stored-key-3rd-0003']] as const;
    const yaml = `claude-api-key:\n${stored.map(([url, secret]) => `  - api-key: "${secret}"\n    base-url: "${url}"\n`).join('')}`;
    const given = new Set(stored.map((pair) => pair.join(' ')));
    const sentEntry = fc.record({
      'api-key': fc.constantFrom('stor…0001', 'stor…0002', 'stor…0003', 'fresh-key-000000001'),
      'base-url': fc.constantFrom('https://one.example', 'https://two.example', 'https://evil.example'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(sentEntry, { maxLength: 4 }), async (json) => {
        const management = openManagement(yaml);
        await management.send('PUT', '/claude-api-key', { json });
        for (const item of management.config.current().config['claude-api-key']) {
          const secret = item['api-key'].reveal();
          if (secret.startsWith('stored-')) expect(given).toContain(`${item['base-url']} ${secret}`);
          expect(secret).not.toContain('…');
        }
      }),
      { numRuns: 150 },
    );
  });
});
