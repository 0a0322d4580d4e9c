import { describe, expect, it } from 'vitest';
import type { Account } from '../../../internal/accounts/account.ts';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { configOf } from '../../support/config.ts';

const key = (at: number): string => `sk-test-0123456789-${at}`;
const from = (given: object) => accountsFromConfig(configOf(given));

function keyOf({ credential }: Account): unknown {
  return credential.kind === 'key' ? credential.key : 'a login';
}

describe('accounts of the config', () => {
  it('go to their vendor where no base-url is given', () => {
    const { accounts } = from({ 'gemini-api-key': [{ 'api-key': key(1) }], 'claude-api-key': [{ 'api-key': key(2) }], 'codex-api-key': [{ 'api-key': key(3) }] });
    expect(accounts.map(({ baseUrl, dialects }) => [baseUrl, dialects])).toEqual([
      ['https://generativelanguage.googleapis.com', ['gemini']],
      ['https://api.anthropic.com', ['anthropic-messages']],
      ['https://api.openai.com/v1', ['openai-responses', 'openai-chat']],
    ]);
  });

  it('are one for each key of an OpenAI-compatible endpoint, one for an endpoint without keys', () => {
    const { accounts } = from({
      'openai-compatibility': [
        { name: 'OpenRouter', 'base-url': 'https://openrouter.ai/api/v1/', 'api-key-entries': [{ 'api-key': key(1) }, { 'api-key': key(2), 'proxy-url': 'socks5://p:1' }] },
        { name: 'local', 'base-url': 'http://127.0.0.1:11434/v1' },
      ],
    });
    expect(accounts.map((account) => [account.label, account.baseUrl, account.proxyUrl, keyOf(account) === undefined])).toEqual([
      ['openrouter (sk-t…89-1)', 'https://openrouter.ai/api/v1', '', false],
      ['openrouter (sk-t…89-2)', 'https://openrouter.ai/api/v1', 'socks5://p:1', false],
      ['local', 'http://127.0.0.1:11434/v1', '', true],
    ]);
  });

  it('know what the operator says of their models', () => {
    const [account] = from({ 'codex-api-key': [{ 'api-key': key(1), models: [{ name: 'a', alias: 'b', 'max-output-tokens': 8_192 }, { name: 'c', 'max-output-tokens': 0 }] }] }).accounts;
    expect(account?.models).toEqual([{ name: 'a', alias: 'b', maxOutputTokens: 8_192 }, { name: 'c', alias: 'c' }]);
  });

  it('send no header that frames messages', () => {
    const [account] = from({ 'codex-api-key': [{ 'api-key': key(1), headers: { Connection: 'close', 'content-length': '1', host: 'a.example' } }] }).accounts;
    expect([...(account?.headers.keys() ?? [])]).toEqual(['host']);
  });

  it('keep their id when their place in the list changes, and hold no secret in it', () => {
    const [first] = from({ 'codex-api-key': [{ 'api-key': key(1) }, { 'api-key': key(2) }] }).accounts;
    const [, second] = from({ 'codex-api-key': [{ 'api-key': key(2) }, { 'api-key': key(1) }] }).accounts;
    expect(first?.id).toBe(second?.id);
    expect(JSON.stringify(first)).not.toContain(key(1));
  });

  it('collapse where endpoint and key are the same, with a warning that names both places', () => {
    const { accounts, warnings } = from({ 'codex-api-key': [{ 'api-key': key(1) }, { 'api-key': key(1), prefix: 'x' }] });
    expect(accounts.length).toBe(1);
    expect(warnings).toMatchObject([{ path: 'codex-api-key.1', message: expect.stringContaining('codex-api-key.0') }]);
  });

  it('lose a prefix with a slash inside, with a warning; slashes at its ends are cut', () => {
    const { accounts, warnings } = from({ 'codex-api-key': [{ 'api-key': key(1), prefix: '/a/' }, { 'api-key': key(2), prefix: 'a/b' }] });
    expect(accounts.map(({ prefix }) => prefix)).toEqual(['a', '']);
    expect(warnings.map(({ path }) => path)).toEqual(['codex-api-key.1.prefix']);
  });

  it('speak the dialects the entry names', () => {
    expect(from({ 'claude-api-key': [{ 'api-key': key(1), dialects: ['openai-chat'] }] }).accounts[0]?.dialects).toEqual(['openai-chat']);
  });

  it('keep their dialects where the entry names some that it cannot speak, with a warning', () => {
    const { accounts, warnings } = from({ 'gemini-api-key': [{ 'api-key': key(1), dialects: ['openai-chat'] }], 'codex-api-key': [{ 'api-key': key(2), dialects: ['gemini', 'openai-chat'] }, { 'api-key': key(3), dialects: [] }] });
    expect(accounts.map(({ dialects }) => dialects)).toEqual([['gemini'], ['openai-chat'], ['openai-responses', 'openai-chat']]);
    expect(warnings.map(({ path, severity }) => [path, severity])).toEqual([['gemini-api-key.0.dialects', 'warning'], ['codex-api-key.0.dialects', 'warning'], ['codex-api-key.1.dialects', 'warning']]);
  });

  it('with an empty key are left out at the vendor’s own endpoint, and keyless elsewhere', () => {
    const { accounts, warnings } = from({ 'claude-api-key': [{ 'api-key': '' }, { 'api-key': '', 'base-url': 'http://127.0.0.1:9/anthropic' }], 'openai-compatibility': [{ name: 'x', 'base-url': 'https://x.example/v1', 'api-key-entries': [{ 'api-key': '' }] }] });
    expect(accounts.map((account) => [account.origin, keyOf(account)])).toEqual([['claude-api-key.1', undefined], ['openai-compatibility.0.api-key-entries.0', undefined]]);
    expect(warnings.map(({ path }) => path)).toEqual(['claude-api-key.0.api-key']);
  });

  it('of two alike the one that is not disabled counts', () => {
    const { accounts } = from({ 'codex-api-key': [{ 'api-key': key(1), disabled: true }, { 'api-key': key(1) }] });
    expect(accounts.map(({ origin, disabled }) => [origin, disabled])).toEqual([['codex-api-key.1', false]]);
  });

  it('are two where one endpoint is named twice on purpose', () => {
    const endpoint = { 'base-url': 'http://127.0.0.1:11434/v1' };
    expect(from({ 'openai-compatibility': [{ name: 'fast', prefix: 'f', ...endpoint }, { name: 'big', prefix: 'b', ...endpoint }] }).accounts.length).toBe(2);
  });

  it('warn once for an entry, however many keys it has', () => {
    const entry = { name: 'x', prefix: 'a/b', 'base-url': 'https://x.example/v1', 'api-key-entries': [{ 'api-key': key(1) }, { 'api-key': key(2) }] };
    expect(from({ 'openai-compatibility': [entry] }).warnings.map(({ path }) => path)).toEqual(['openai-compatibility.0.prefix']);
  });
});
