import { describe, expect, it } from 'vitest';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { configOf } from '../../support/config.ts';

const key = (at: number): string => `sk-test-0123456789-${at}`;
const from = (given: object) => accountsFromConfig(configOf(given));

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
    expect(accounts.map(({ label, baseUrl, proxyUrl, apiKey }) => [label, baseUrl, proxyUrl, apiKey === undefined])).toEqual([
      ['openrouter (sk-t…89-1)', 'https://openrouter.ai/api/v1', '', false],
      ['openrouter (sk-t…89-2)', 'https://openrouter.ai/api/v1', 'socks5://p:1', false],
      ['local', 'http://127.0.0.1:11434/v1', '', true],
    ]);
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
});
