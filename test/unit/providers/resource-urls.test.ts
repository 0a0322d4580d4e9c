import { expect, it } from 'vitest';
import { accountsOf, authFile } from '../../support/auth-files.ts';

it.each([
  ['http://10.0.0.5/v1', 'https://portal.qwen.ai/v1'],
  ['http://portal.qwen.ai', 'https://portal.qwen.ai/v1'],
  ['http://localhost.evil.example', 'https://portal.qwen.ai/v1'],
  ['chat.qwen.ai', 'https://chat.qwen.ai/v1'],
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080/v1'],
])('tokens never go in plain text where a resource_url of %s says', (stated, baseUrl) => {
  expect(accountsOf([authFile('qwen', { facts: { resource_url: stated } })]).accounts.map((account) => account.baseUrl)).toEqual([baseUrl]);
});
