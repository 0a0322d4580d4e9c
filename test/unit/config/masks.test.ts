import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeConfig } from '../../../internal/config/decode.ts';
import type { LoadedConfig } from '../../../internal/config/loaded.ts';
import { maskManagementSecret, maskYamlText } from '../../../internal/config/mask-text.ts';
import { formatDuration, maskedConfig, revealedConfig } from '../../../internal/config/masked.ts';
import { restoreMasks } from '../../../internal/config/restore-masks.ts';
import { ok } from '../../../internal/fault/result.ts';

const text = `# my file
api-keys:
  - "sk-client-0123456789"   # phone
  - short-1
  - 'short-2'
  - env:CLIENT
remote-management:
  secret-key: "management-secret-canary"
proxy-url: "socks5://user:proxy-canary@10.0.0.1:1080"
claude-api-key:
  - api-key: sk-ant-0123456789-aaaa
    base-url: "https://a.example"
    headers: {x-team: "header-secret-canary", host: h.example}
  - {api-key: "sk-ant-0123456789-bbbb", base-url: "https://b.example"}
openai-compatibility:
  - name: c
    base-url: "https://c.example/v1"
    api-key-entries:
      - api-key: "file:./c.key"
      - api-key: &k "sk-comp-0123456789-cccc"
xai-api-key:
  - api-key: "xai-canary-0123456789"
    base-url: https://x.example
oauth:
  corp: {client-id: "id", client-secret: "corp-canary-0123456789", authorize-url: "https://id.example/authorize", token-url: "https://id.example/token", base-url: "https://llm.example/v1"}
x-ref: *k
`;

function load(source: string): LoadedConfig {
  const decoded = decodeConfig({ path: '/c/config.yaml', text: source, env: { CLIENT: 'client-from-env-canary' }, home: '/h', readSecretFile: () => ok('from-file-canary-0123') });
  if (!decoded.ok) throw new Error(JSON.stringify(decoded.error));
  return decoded.value;
}

const secrets = ['sk-client-0123456789', 'short-1', 'short-2', 'management-secret-canary', 'proxy-canary', 'sk-ant-0123456789-aaaa', 'header-secret-canary', 'sk-ant-0123456789-bbbb', 'sk-comp-0123456789-cccc', 'xai-canary-0123456789', 'corp-canary-0123456789'];

describe('masked views', () => {
  it('the masked text holds no secret, and lines without one are byte for byte', () => {
    const masked = maskYamlText(text);
    for (const secret of secrets) expect(masked).not.toContain(secret);
    const before = text.split('\n');
    const after = masked.split('\n');
    expect(after).toHaveLength(before.length);
    expect(after.filter((line, index) => line === before[index])).toEqual(before.filter((line) => !secrets.some((secret) => line.includes(secret))));
    expect(masked).toContain('- "sk-c…6789"   # phone');
    expect(masked).toContain('proxy-url: "socks5://********@10.0.0.1:1080"');
    expect(masked).toContain('- env:CLIENT');
  });

  it('the revealed text hides the management secret alone', () => {
    expect(maskManagementSecret(text)).toBe(text.replace('management-secret-canary', '********'));
  });

  it('the masked JSON holds no secret, resolved or not, and shows references as written', () => {
    const shown = JSON.stringify(maskedConfig(load(text)));
    for (const secret of [...secrets, 'client-from-env-canary', 'from-file-canary']) expect(shown).not.toContain(secret);
    expect(maskedConfig(load(text))).toMatchObject({
      'api-keys': ['sk-c…6789', '********', '********', 'env:CLIENT'],
      'remote-management': { 'secret-key': '********' },
      'proxy-url': 'socks5://********@10.0.0.1:1080',
      'openai-compatibility': [{ 'api-key-entries': [{ 'api-key': 'file:./c.key' }, { 'api-key': 'sk-c…cccc' }] }],
      'shutdown-timeout': '30s',
    });
  });

  it('the revealed JSON shows plaintext, but never the management secret', () => {
    const shown = JSON.stringify(revealedConfig(load(text)));
    expect(shown).toContain('sk-ant-0123456789-aaaa');
    expect(shown).toContain('client-from-env-canary');
    expect(shown).not.toContain('management-secret-canary');
  });

  it('a text that is no YAML is not shown at all', () => {
    expect(maskYamlText('api-keys: ["sk-canary\n')).toBe('');
  });

  it('durations are shown in their longest whole unit', () => {
    expect([30_000, 900_000, 7_200_000, 86_400_000, 250, 0].map(formatDuration)).toEqual(['30s', '15m', '2h', '1d', '250ms', '0ms']);
  });
});

describe('masks that come back', () => {
  const restore = (change: (masked: string) => string): ReturnType<typeof restoreMasks> => restoreMasks(change(maskYamlText(text)), load(text));
  const codeOf = (change: (masked: string) => string): string => {
    const restored = restore(change);
    return restored.ok ? 'ok' : restored.error.code;
  };

  it('a masked text sent back unchanged is the stored text, byte for byte', () => {
    expect(restore((masked) => masked)).toEqual({ ok: true, value: text });
  });

  it('other changes keep the secrets where they were', () => {
    const restored = restore((masked) => masked.replace('# my file', '# ours').replace('  - "sk-c…6789"   # phone\n', '').concat('debug: true\n'));
    expect(restored).toEqual({ ok: true, value: text.replace('# my file', '# ours').replace('  - "sk-client-0123456789"   # phone\n', '').concat('debug: true\n') });
  });

  it.each<[string, (masked: string) => string]>([
    ['a base-url', (masked) => masked.replace('https://a.example', 'https://evil.example')],
    ['a base-url added to an entry without one', (masked) => masked.replace('    base-url: https://x.example\n', '    base-url: https://evil.example\n')],
    ['a proxy of the entry', (masked) => masked.replace('    base-url: "https://a.example"\n', '    base-url: "https://a.example"\n    proxy-url: "http://evil.example"\n')],
    ['the proxy of all', (masked) => masked.replace('socks5://********@10.0.0.1', 'socks5://********@10.6.6.6')],
    ['a header beside the key', (masked) => masked.replace('host: "********"', 'host: evil.example').replace('host: h.example', 'host: evil.example')],
    ['a header of the same mask', (masked) => masked.replace(/x-team: "[^"]*"/, 'x-team: "headXXXXXXXXXXXXnary"')],
    ['a token endpoint', (masked) => masked.replace('https://id.example/token', 'https://evil.example/token')],
    ['the list it stands in', (masked) => masked.replace('claude-api-key:', 'gemini-api-key:')],
    ['an entry swapped with another', (masked) => masked.replace('https://a.example', '§').replace('https://b.example', 'https://a.example').replace('§', 'https://b.example')],
  ])('changing %s needs the secret again', (_what, change) => {
    expect(codeOf(change)).toBe('secret_required');
  });

  it('a mask of nothing stored is refused', () => {
    expect(codeOf((masked) => masked.replace('sk-c…6789', 'sk-z…9999'))).toBe('secret_required');
  });

  it('masks that several secrets share go by their order, or are ambiguous when one was taken away', () => {
    expect(codeOf((masked) => masked.replace("  - '********'\n", ''))).toBe('ambiguous_match');
    expect(codeOf((masked) => masked.replace('  - "********"\n', ''))).toBe('ambiguous_match');
  });

  it('a restored secret cannot be led into a setting that is shown', () => {
    const stored = 'gemini-api-key:\n  - api-key: "AIzaSy-0123456789-canary"\n';
    const sent = 'gemini-api-key:\n  - api-key: &k "AIza…nary"\n    prefix: *k\n';
    expect(restoreMasks(sent, load(stored))).toMatchObject({ ok: false, error: { code: 'secret_required' } });
  });

  it('a text without masks is taken as it is, and one that is no YAML is refused', () => {
    expect(restoreMasks('port: 1\n', load(text))).toEqual({ ok: true, value: 'port: 1\n' });
    expect(restoreMasks('port: [\n', load(text))).toMatchObject({ ok: false, error: { code: 'invalid_yaml' } });
  });

  it('masking and restoring is the identity for any keys in any quotes', () => {
    const key = fc.stringMatching(/^[A-Za-z][\w-]{0,30}$/);
    const entries = fc.uniqueArray(fc.record({ key, quote: fc.constantFrom('', '"', "'"), host: fc.constantFrom('a', 'b') }), { selector: (entry) => entry.key, minLength: 1, maxLength: 6 });
    fc.assert(fc.property(entries, fc.boolean(), (list, isFlow) => {
      const keys = list.map(({ key: value, quote }) => `${quote === '' && /^(?:true|false|null)$/i.test(value) ? '"' : quote}${value}${quote === '' && /^(?:true|false|null)$/i.test(value) ? '"' : quote}`);
      const source = `api-keys:${isFlow ? ` [${keys.join(', ')}]` : keys.map((value) => `\n  - ${value}`).join('')}\ngemini-api-key:\n${list.map(({ host }, index) => `  - {api-key: ${keys[index] ?? ''}, base-url: "https://${host}.example"}\n`).join('')}`;
      expect(restoreMasks(maskYamlText(source), load(source))).toEqual({ ok: true, value: source });
    }), { numRuns: 300 });
  });
});
